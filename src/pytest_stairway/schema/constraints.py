"""Names for constraints that have none: an unnamed one is known by what it says, in parentheses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_stairway.schema.model import Facts, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Constraint", "in_parentheses", "is_unnamed", "keyed"]


class Constraint(NamedTuple):
    """A constraint of a table."""

    kind: str
    name: str
    """Its own, or what `in_parentheses` makes of what it says."""
    facts: Facts


def in_parentheses(*columns: str) -> str:
    """Write a list of columns, or an expression."""
    return f"({', '.join(columns)})"


def is_unnamed(key: Key) -> bool:
    """Tell whether a constraint is known by what it says."""
    return key.name.startswith("(")


def keyed(table: str, constraints: Iterable[Constraint], *, schema: str = "") -> Iterator[tuple[Key, Facts]]:
    """Give each constraint of a table a key of its own, whatever their order.

    What is said twice is told once; what says something else under the same name is numbered.
    """
    taken: dict[tuple[str, str], list[Facts]] = {}
    for kind, name, facts in sorted(constraints, key=lambda each: (each.kind, each.name, sorted(each.facts.items()))):
        others = taken.setdefault((kind, name), [])
        if facts not in others:
            others.append(facts)
            number = f" {len(others)}" if len(others) > 1 else ""
            yield Key(kind, name + number, table, schema), facts
