"""Tells by the statements of a step which tables it changed, where they explain all that the server has counted.

The server counts what anybody runs; we see what goes through SQLAlchemy on one connection.  Only where the two agree,
kind by kind, and every statement is plain, are the tables known that need to be read again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import Connection

__all__ = ["Statements", "changed_tables", "statements_on"]

_NAME = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:`(?P<quoted>[^`]+)`|(?P<plain>\w+))(?![\w.`])"
_INDEX = r"(?:`[^`]+`|\w+)"
_PLAIN = {
    "create_table": re.compile(rf"\s*CREATE\s+TABLE\s+{_NAME}", re.IGNORECASE),
    "alter_table": re.compile(rf"\s*ALTER\s+TABLE\s+{_NAME}", re.IGNORECASE),
    "drop_table": re.compile(rf"\s*DROP\s+TABLE\s+{_NAME}\s*;?\s*\Z", re.IGNORECASE),
    "create_index": re.compile(
        rf"\s*CREATE\s+(?:UNIQUE\s+|FULLTEXT\s+)?INDEX\s+{_INDEX}\s+ON\s+{_NAME}", re.IGNORECASE
    ),
    "drop_index": re.compile(rf"\s*DROP\s+INDEX\s+{_INDEX}\s+ON\s+{_NAME}", re.IGNORECASE),
}
"""By what the server calls it, a statement that changes one table; foreign keys to it aside."""
_OF_OTHERS = re.compile(r"\b(?:RENAME|EXCHANGE|CONVERT)\b|/\*|--|#", re.IGNORECASE)
"""What may concern another table, or hide anything."""


class Statements:
    """Notes the statements on a connection, from the beginning of a step to its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.seen: list[str] = []
        event.listen(connection, "before_cursor_execute", self._note)

    def close(self) -> None:
        """Note no more."""
        event.remove(self._connection, "before_cursor_execute", self._note)

    def _note(self, _connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.seen.append(statement)


def changed_tables(
    statements: Iterable[str], before: Mapping[str, str] | None, after: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the tables that statements changed, in lower case; None where something else may have changed, too.

    Args:
        statements: what was seen.
        before: how many statements the server had counted of each kind that may change a schema.
        after: the same now.
    """
    if before is None:
        return None
    counted = Counter({kind: int(number) - int(before.get(kind, 0)) for kind, number in after.items()})
    tables: set[str] = set()
    for statement, kind, match in _plain(statements):
        if _OF_OTHERS.search(statement):
            return None
        counted[kind] -= 1
        tables.add((match["quoted"] or match["plain"]).lower())
    return frozenset(tables) if not any(counted.values()) else None


def _plain(statements: Iterable[str]) -> Iterator[tuple[str, str, re.Match[str]]]:
    """Give the statements that change one table, with the server's word for their kind."""
    for statement in statements:
        for kind, pattern in _PLAIN.items():
            if (match := pattern.match(statement)) is not None:
                yield statement, kind, match


def statements_on(statements: Iterable[str], tables: Collection[str]) -> int:
    """Return how many of the statements write rows into one of these tables: Alembic's own."""
    names = "|".join(map(re.escape, tables))
    pattern = re.compile(
        rf"\s*(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM)\s+(?:`?\w+`?\.)?(?:`(?:{names})`|(?:{names}))\s", re.IGNORECASE
    )
    return sum(pattern.match(statement) is not None for statement in statements) if tables else 0
