"""Resolves PostgreSQL's types: domains to what they stand on, arrays, ranges and composites to their members."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.rows.backend import Refused, refusable, run
from pytest_stairway.rows.kinds import is_known
from pytest_stairway.rows.shape import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy import Connection

__all__ = ["TypeCatalog"]

_TYPES = """
WITH RECURSIVE needed(oid) AS (
 SELECT unnest('{{{oids}}}'::oid[])
 UNION
 SELECT r.oid FROM needed n JOIN pg_type t ON t.oid = n.oid CROSS JOIN LATERAL (
  SELECT unnest(ARRAY[CASE WHEN t.typcategory = 'A' THEN t.typelem END, t.typbasetype]) AS oid
  UNION ALL SELECT g.rngsubtype FROM pg_range g WHERE g.rngtypid = t.oid OR (to_json(g)->>'rngmultitypid')::oid = t.oid
  UNION ALL SELECT a.atttypid FROM pg_attribute a
   WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
 ) r WHERE r.oid <> 0
)
SELECT json_build_array(t.oid::int8, t.typname, t.typtype, format_type(t.oid, -1),
 CASE WHEN t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0 AND t.typname NOT IN ('int2vector', 'oidvector')
  THEN t.typelem::int8 END, t.typbasetype::int8, t.typtypmod, t.typnotnull,
 (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
 (SELECT g.rngsubtype::int8 FROM pg_range g WHERE g.rngtypid = t.oid OR (to_json(g)->>'rngmultitypid')::oid = t.oid),
 (SELECT json_agg(json_build_array(a.atttypid::int8, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute a
  WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
 (SELECT json_agg(pg_get_expr(k.conbin, 0) ORDER BY k.conname) FROM pg_constraint k
  WHERE k.contypid = t.oid AND k.conbin IS NOT NULL)
)::text
FROM pg_type t WHERE t.oid IN (SELECT oid FROM needed)
"""
_TRIED = (
    "1", "a", "0", "{}", "(1,2)", "[1,2]", "{1}", "1.0", "2024-01-15", "true", "a.b", "1.2.3", "00:00:00", "()", "[]",
    '"a"=>"1"', "<a/>", "POINT(1 2)", "192.0.2.1", "(1)", "1/1", "1 m", "(1,a)", "978-0-393-04002-9", "",
)  # fmt: skip
"""Texts for a type of which nothing is known: perhaps it reads one of them."""
_VARIABLE_HEADER = 4


class _Type(NamedTuple):
    """What `_TYPES` gives for one type."""

    oid: int
    name: str
    kind: str
    sql: str
    element: int | None
    base: int
    modifier: int
    not_null: bool
    labels: list[str] | None
    subtype: int | None
    fields: list[list[int]] | None
    checks: list[str] | None

    @property
    def parts(self) -> list[int]:
        """The types of an array's, a range's or a composite's members."""
        members = [self.element, self.subtype, *(oid for oid, _ in self.fields or ())]
        return [oid for oid in members if oid is not None]


_FIRST_OF_USERS = 16384
"""The first oid of what is not PostgreSQL's own: those below never change."""


class TypeCatalog:
    """The types of a database.

    Args:
        settle: finds values of a domain that satisfy it.  Asked for domains that are part of something else, where
            their conditions cannot be tried on their own.
    """

    def __init__(self, settle: Callable[[Connection, ColumnType], tuple[str, ...]]) -> None:
        self._settle = settle
        self._types: dict[int, _Type] = {}
        self._resolved: dict[tuple[int, int], ColumnType] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        """Values of types of which nothing is known, by their names."""
        self._settled: dict[int, tuple[str, ...]] = {}
        """Values of domains that are part of other types."""

    def learn(self, connection: Connection, oids: Collection[int]) -> None:
        """Read types and all that they are made of; those of users every time, because they change."""
        self._types = {oid: found for oid, found in self._types.items() if oid < _FIRST_OF_USERS}
        self._resolved = {key: found for key, found in self._resolved.items() if key[0] < _FIRST_OF_USERS}
        missing = sorted(set(oids) - self._types.keys())
        if not missing:
            return
        for (text,) in run(connection, _TYPES.format(oids=",".join(map(str, missing)))):
            found = _Type(*json.loads(text))
            self._types[found.oid] = found
        for found in self._types.values():
            if (
                found.kind == "b"
                and found.element is None
                and not is_known(found.name)
                and found.name not in self._known
            ):
                self._known[found.name] = tuple(tried for tried in _TRIED if _reads(connection, tried, found.sql))
        parts = {part for found in self._types.values() for part in found.parts}
        self._settled = {
            oid: self._settle(connection, self.column_type(oid, -1))
            for oid in sorted(parts)
            if self._types[oid].kind == "d" and self._types[oid].checks
        }

    def column_type(self, oid: int, modifier: int) -> ColumnType:
        """Resolve one type."""
        if (oid, modifier) not in self._resolved:
            self._resolved[oid, modifier] = self._resolve(self._types[oid], modifier)
        return self._resolved[oid, modifier]

    def _resolve(self, found: _Type, modifier: int) -> ColumnType:
        if found.kind == "d":
            return self._domain(found)
        if found.element is not None:
            element = self._part(found.element, modifier)
            return ColumnType(name=found.name, sql=found.sql, kind="array", element=element)
        if found.kind == "e":
            return ColumnType(name=found.name, sql=found.sql, kind="enum", labels=tuple(found.labels or ()))
        if found.kind in {"r", "m"} and found.subtype is not None:
            element = self._part(found.subtype, -1)
            kind = "range" if found.kind == "r" else "multirange"
            return ColumnType(name=found.name, sql=found.sql, kind=kind, element=element)  # type: ignore[arg-type]
        if found.kind == "c":
            members = tuple(self._part(*field) for field in found.fields or ())
            return ColumnType(name=found.name, sql=found.sql, kind="composite", fields=members)
        type_ = ColumnType(name=found.name, sql=found.sql, modifiers=_modifiers(found.name, modifier))
        return replace(type_, known=self._known.get(found.name, ()))

    def _part(self, oid: int, modifier: int) -> ColumnType:
        type_ = self.column_type(oid, modifier)
        return replace(type_, known=self._settled[oid]) if oid in self._settled else type_

    def _domain(self, found: _Type) -> ColumnType:
        base = self.column_type(found.base, found.modifier)
        checks = (*base.checks, *(found.checks or ()))
        return replace(base, checks=checks, not_null=base.not_null or found.not_null)


def _reads(connection: Connection, text: str, sql: str) -> bool:
    try:
        with refusable(connection):
            run(connection, f"SELECT '{text}'::{sql}")
    except Refused:
        return False
    return True


def _modifiers(name: str, modifier: int) -> tuple[int, ...]:
    """Read a type modifier, as the type's own output function would.

    Source: the ``typmodout`` functions in PostgreSQL's ``src/backend/utils/adt``.
    """
    if modifier < 0:
        return (1,) if name == "bit" else ()
    if name in {"varchar", "bpchar"}:
        return (modifier - _VARIABLE_HEADER,)
    if name == "numeric":
        scale = (modifier - _VARIABLE_HEADER) & 0x7FF
        return ((modifier - _VARIABLE_HEADER) >> 16 & 0xFFFF, (scale ^ 1024) - 1024)
    return (modifier,)
