"""Tells what of the user's rows file is never used: it would be ignored without a word.

A name may be one that no revision has; a table may be there at some revisions only, so nothing is told of names before
every revision was walked.  A row or a value may be one that the database does not take.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.checks.lookalikes import closest
from pytest_stairway.findings import Finding
from pytest_stairway.revisions.source import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_stairway.revisions import Revision
    from pytest_stairway.rows import Refusal, Supply
    from pytest_stairway.rows.supply import Supplied
    from pytest_stairway.schema.model import Key, Part
    from pytest_stairway.walk.carried_rows import RowSettings
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["RowNames"]

_LONGEST = 200
"""So many characters of a row are told."""
_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view"})


class _Named(NamedTuple):
    """A name in the file."""

    place: str
    """``ROWS['author']``."""
    name: str
    table: str
    column: str | None = None


class RowNames:
    """Collects the tables and columns that a walk meets.

    Args:
        settings: what the user says about rows.
    """

    def __init__(self, settings: RowSettings) -> None:
        self._settings = settings
        self._tables: dict[str, set[str]] = {}
        self._met: dict[tuple[str, str], Part] = {}

    def meet(self, *snapshots: Snapshot | None) -> None:
        """Take note of what is there at a revision."""
        if self._settings.path is None:
            return
        for database, schema in ((name, each) for snapshot in snapshots for name, each in (snapshot or {}).items()):
            for name, part in schema.parts.items():
                if self._met.get((database, name)) is not part:
                    self._met[database, name] = part
                    self._take(part)

    def _take(self, part: Part) -> None:
        for key in part:
            if key.kind in _RELATIONS:
                self._tables.setdefault(_full(key, key.name), set())
            elif key.kind == "column":
                self._tables.setdefault(_full(key, key.parent), set()).add(key.name)

    def unknown(self) -> tuple[Finding, ...]:
        """Tell of the names that were never met; every revision must have been."""
        path = self._settings.path
        if path is None or not self._settings.rows:
            return ()
        lines = _lines_of(path)
        return tuple(
            self._finding(named, path, lines.get(named.name) or lines.get(named.column or ""))
            for named in self._names()
            if not self._is_known(named)
        )

    def refused(self, refused: Iterable[Refusal], revision: Revision, *, dialect: str) -> tuple[Finding, ...]:
        """Tell what the database did not take.

        Args:
            refused: that.
            revision: the one that was walked when it was tried.
            dialect: SQLAlchemy's name of the dialect.
        """
        before = self._settings.supply_for.get(revision.revision, {})
        return tuple(self._refusal(each, revision, dialect, here=each.supplied.name in before) for each in refused)

    def _refusal(self, refused: Refusal, revision: Revision, dialect: str, *, here: bool) -> Finding:
        supplied, path = refused.supplied, self._settings.path
        place = f"ROWS_BEFORE[{revision.revision!r}]" if here else "ROWS"
        return Finding(
            code="refused-rows",
            revision=revision.revision,
            dialect=dialect,
            object=f"table {supplied.table}" + (f", column {supplied.column}" if supplied.column else ""),
            message=f"{place}[{supplied.name!r}]: the database does not take {_cut(supplied.text)}: {refused.reason}",
            hint="Correct it; where only later revisions take it, write it into ROWS_BEFORE of the first that does",
            path=None if path is None else shown(str(path)),
            line=None if path is None else _line_of(path, supplied),
        )

    def _is_known(self, named: _Named) -> bool:
        columns = self._tables.get(named.table)
        return columns is not None and (named.column is None or named.column in columns)

    def _names(self) -> Iterator[_Named]:
        yield from self._names_in(self._settings.supply, "ROWS")
        for revision, supply in self._settings.supply_for.items():
            yield from self._names_in(supply, f"ROWS_BEFORE[{revision!r}]")

    def _names_in(self, supply: Supply, place: str) -> Iterator[_Named]:
        for name, given in supply.items():
            rows = [] if callable(given) else [row for row in given if isinstance(row, Mapping)]
            table, _, column = name.rpartition(".")
            here = f"{place}[{name!r}]"
            if name in self._tables or rows or not table:
                yield _Named(here, name, name)
                columns = dict.fromkeys(column for row in rows for column in row)
                yield from (_Named(here, column, name, column) for column in columns if name in self._tables)
            else:
                yield _Named(here, name, table, column)

    def _finding(self, named: _Named, path: Path, line: int | None) -> Finding:
        if named.table in self._tables:
            what = f"the table {named.table} has no column {named.column} at any revision"
            close = closest(named.column or "", self._tables[named.table])
        else:
            what = f"no revision has a table {named.table}"
            close = closest(named.table, self._tables)
        return Finding(
            code="unused-rows",
            message=f"{named.place} is never used: {what}",
            hint=f"Did you mean {close}?" if close else "Correct the name, or take it out",
            path=shown(str(path)),
            line=line,
        )


def _full(key: Key, table: str) -> str:
    return f"{key.schema}.{table}" if key.schema else table


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _line_of(path: Path, supplied: Supplied) -> int | None:
    """Find the line of a row or a value where it stands in a list, or else that of its table's or column's name."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
                items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else []
                if isinstance(key, ast.Constant) and key.value == supplied.name and len(items) > supplied.place:
                    return items[supplied.place].lineno
    return _lines_of(path).get(supplied.name)


def _lines_of(path: Path) -> dict[str, int]:
    """Find the lines in which texts stand in a Python file, each one's first."""
    found: dict[str, int] = {}
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found[node.value] = min(node.lineno, found.get(node.value, node.lineno))
    return found
