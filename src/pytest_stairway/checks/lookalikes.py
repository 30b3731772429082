"""Finds what a migration may have meant by a name that is not there, or did not say, in the schema that it met."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pytest_stairway.checks.operations import CONSTRAINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.schema import Key, Schema

__all__ = ["closest", "meant_by"]

NOT_THERE = re.compile(
    r"(?P<kind>constraint|column|index|relation|table|view|sequence|type) \"(?P<name>[^\"]+)\""
    r"(?: of relation \"(?P<table>[^\"]+)\")? does not exist"
)
NO_SUCH = re.compile(r"no such (?P<kind>table|index|view): (?:main\.)?(?P<name>\w+)(?P<table>)")
"""The same in the words of SQLite."""
NO_TABLE = re.compile(r"(?:Table|Unknown table) '[^'.]+\.(?P<name>[^']+)'")
IN_TABLE = re.compile(
    r"(?:Can't DROP (?:[A-Z ]+ )?[`'](?P<dropped>[^`']+)[`'];|(?:Unknown|Key) column '(?P<column>[^']+)'"
    r"|Constraint '(?P<constraint>[^']+)' does not exist)"
    r".*\[SQL: (?:(?P<index>(?:CREATE (?:UNIQUE |FULLTEXT )?|DROP )INDEX) \S+ ON|ALTER TABLE) `?(?P<table>\w+)`?"
    r"(?: DROP (?P<kind>COLUMN|INDEX|KEY|FOREIGN KEY|CONSTRAINT|CHECK)\b)?",
    re.DOTALL,
)
"""The same in the words of MariaDB and MySQL, which say little, with the statement."""
UNNAMED = re.compile(r"Can't emit DROP CONSTRAINT for constraint (?P<kind>\w+)\(.*it has no name", re.DOTALL)
CLASSES = {
    "PrimaryKeyConstraint": "primary key",
    "UniqueConstraint": "unique constraint",
    "CheckConstraint": "check constraint",
    "ForeignKeyConstraint": "foreign key",
}
KINDS = {
    "constraint": frozenset(CONSTRAINTS),
    "column": frozenset({"column"}),
    "index": frozenset({"index"}),
    "type": frozenset({"enum type", "domain", "composite type", "range type"}),
    "key": frozenset({"index"}),
    "foreign key": frozenset({"foreign key"}),
    "check": frozenset({"check constraint"}),
}
RELATIONS = frozenset({"table", "view", "materialized view", "sequence", "index", "foreign table"})
LIKENESS_ON_A_TABLE, LIKENESS = 0.6, 0.8
"""How much a name must be like the one that is not there: of all tables' names, one is a little like any other."""
MOST = 5
"""How many names are listed."""


def meant_by(error: BaseException, there: Schema, before: Schema | None = None) -> str | None:
    """Guess what a failed migration meant, as a hint; None where its error names nothing.

    Args:
        error: what was raised.
        there: the schema that the migration met.
        before: where a downgrade failed, the schema before its upgrade.
    """
    text = str(error)
    if unnamed := UNNAMED.search(text):
        return _made(CLASSES.get(unnamed["kind"], ""), before, there) if before is not None else None
    if found := NOT_THERE.search(text) or NO_SUCH.search(text):
        return _close(found["name"], _candidates(found["kind"], found["table"], there), found["table"])
    if found := NO_TABLE.search(text):
        return _close(found["name"], _candidates("table", None, there), None)
    return _close_in_table(found, there) if (found := IN_TABLE.search(text)) else None


def _close_in_table(found: re.Match[str], there: Schema) -> str | None:
    """Give the name in a table that is most like what MariaDB or MySQL did not find there."""
    name = found["dropped"] or found["column"] or found["constraint"]
    kind = "column" if found["column"] else (found["kind"] or ("index" if found["index"] else "")).lower()
    return _close(name, _candidates(kind, found["table"], there), found["table"]) if kind else None


def closest(name: str, names: Iterable[str], *, likeness: float = LIKENESS_ON_A_TABLE) -> str | None:
    """Give the name that is most like one that is not there.

    Args:
        name: what was written.
        names: those that are there.
        likeness: how much the two must be alike, from 0 to 1.
    """
    close = get_close_matches(name, sorted(names), n=1, cutoff=likeness)
    return close[0] if close and close[0] != name else None


def _made(kind: str, before: Schema, upgraded: Schema) -> str | None:
    """Name the constraints of a kind that the upgrade made, or made otherwise."""
    old, new = before.objects(), upgraded.objects()
    made = sorted(str(key) for key, facts in new.items() if key.kind == kind and old.get(key) != facts)
    if not made or len(made) > MOST:
        return None
    return f"Write its name into op.drop_constraint(): upgrade() makes {', '.join(made)}"


def _candidates(kind: str, table: str | None, there: Schema) -> list[Key]:
    kinds = KINDS.get(kind, RELATIONS)
    return [key for key in there if key.kind in kinds and (not table or key.parent == table)]


def _close(name: str, candidates: Iterable[Key], table: str | None) -> str | None:
    names = sorted({key.name for key in candidates if not key.name.startswith("(")})
    close = closest(name, names, likeness=LIKENESS_ON_A_TABLE if table else LIKENESS)
    if close:
        return f"Did you mean {close}?"
    if table and names and len(names) <= MOST:
        return f"Write one that is there: {table} has {', '.join(names)}"
    return None
