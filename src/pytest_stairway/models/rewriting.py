"""Creates two expressions side by side, so that both have gone through the server's parser the same number of times.

PostgreSQL keeps an expression as it understood it, and writes it in words of its own.  Those it would not write again:
``status IN ('a', 'b')`` becomes ``ANY ((ARRAY['a'::character varying, …])::text[])``, and created from that (by a
migration that ``pg_dump`` wrote, or by the server itself when a column's type is changed) the casts move inwards.  What
is the same after some rounds means the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from pytest_stairway.models.constants import are_equal_constants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from pytest_stairway.schema import Difference, Key

__all__ = ["without_rewritten"]

DIALECTS = frozenset({"postgresql"})
"""Where what the server writes need not be what it would write again, and where a table can be made and taken back."""
ROUNDS = 3
"""After so many no expression was seen to change any more."""

_SCRATCH = "stairway_scratch"
_FACTS = frozenset({("check constraint", "definition"), ("index", "definition"), ("column", "default")})
_FACTS |= {("column", "generated")}
_KEPT = re.compile(r" (?:STORED|VIRTUAL)$")
"""What follows a generated column's expression."""
_DEFINED = f"""
    SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint
    WHERE conrelid = 'pg_temp.{_SCRATCH}'::regclass AND conname = '{_SCRATCH}'"""
_INDEXED = f"SELECT pg_catalog.pg_get_indexdef('pg_temp.{_SCRATCH}_index'::regclass)"


def without_rewritten(connection: Connection, differences: Iterable[Difference]) -> Iterator[Difference]:
    """Leave out the differences of expressions which the server writes the same once it has read both as often.

    Args:
        connection: to the migrated database; nothing stays there.
        differences: from that to the models'.
    """
    for each in differences:
        if not _is_of_expressions(each) or not _are_the_same(connection, each):
            yield each


def _is_of_expressions(difference: Difference) -> bool:
    both = difference.before is not None and difference.after is not None
    return both and (difference.key.kind, difference.attribute) in _FACTS


def _are_the_same(connection: Connection, difference: Difference) -> bool:
    if connection.dialect.name not in DIALECTS:
        return False
    texts = [difference.before or "", difference.after or ""]
    if _KEPT.findall(texts[0]) != _KEPT.findall(texts[1]):
        return False
    try:
        with connection.begin_nested() as nested:
            try:
                _make_scratch(connection, difference.key)
                same = any(_rewrite(connection, difference.key.kind, texts) for _ in range(ROUNDS))
                return same or _are_equal_defaults(connection, difference)
            finally:
                nested.rollback()
    except SQLAlchemyError:  # a column that the other side does not have: it is told anyway
        return False


def _are_equal_defaults(connection: Connection, difference: Difference) -> bool:
    if difference.attribute != "default":
        return False
    texts = difference.before or "", difference.after or ""
    return are_equal_constants(connection, f"pg_temp.{_SCRATCH}", difference.key.name, texts)


def _make_scratch(connection: Connection, key: Key) -> None:
    """Make a table with the columns of an object's table."""
    quote = connection.dialect.identifier_preparer.quote
    table = ".".join(quote(part) for part in (key.schema, key.parent or key.name) if part)
    _run(connection, f"CREATE TEMPORARY TABLE {_SCRATCH} (LIKE {table})")


def _rewrite(connection: Connection, kind: str, texts: list[str]) -> bool:
    """Let the server read both texts and write them once more, in place; tell whether they are the same now."""
    texts[:] = [_written(connection, kind, text) for text in texts]
    return texts[0] == texts[1]


def _written(connection: Connection, kind: str, text: str) -> str:
    if kind == "index":
        return _written_index(connection, text)
    definition = text if kind == "check constraint" else f"CHECK (({_KEPT.sub('', text)}) IS NOT NULL)"
    _run(connection, f"ALTER TABLE pg_temp.{_SCRATCH} ADD CONSTRAINT {_SCRATCH} {definition}")
    written = str(connection.exec_driver_sql(_DEFINED).scalar_one())
    _run(connection, f"ALTER TABLE pg_temp.{_SCRATCH} DROP CONSTRAINT {_SCRATCH}")
    if kind == "check constraint":
        return written
    return written.removeprefix("CHECK ((").removesuffix(" IS NOT NULL))")


def _written_index(connection: Connection, text: str) -> str:
    unique, method = ("UNIQUE ", text.removeprefix("UNIQUE ")) if text.startswith("UNIQUE ") else ("", text)
    _run(connection, f"CREATE {unique}INDEX {_SCRATCH}_index ON pg_temp.{_SCRATCH} USING {method}")
    written = str(connection.exec_driver_sql(_INDEXED).scalar_one())
    _run(connection, f"DROP INDEX pg_temp.{_SCRATCH}_index")
    return unique + written.partition(" USING ")[2]


def _run(connection: Connection, statement: str) -> None:
    """Execute a statement as it stands: a percent sign in it is no parameter."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
