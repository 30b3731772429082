"""Describes what a database of MariaDB or MySQL does by itself: triggers, routines, events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_stairway.schema.model import Facts, Key, Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["describe_events", "describe_routines", "describe_triggers"]

_NAME = "`(?:[^`]|``)*`"
_HEAD = re.compile(rf"CREATE (?:DEFINER=\S+ )?(?:AGGREGATE )?[A-Z ]+? (?:{_NAME}\.)?{_NAME}")
"""What stands in SHOW CREATE before a routine's parameters."""


def describe_triggers(rows: Iterable[Sequence[Any]], tables: Collection[str]) -> Part:
    """Describe the triggers of some tables; their order counts only among those of one moment."""
    rows = [row for row in rows if row[1] in tables]
    moments = [row[1:4] for row in rows]
    part: Part = {}
    for name, table, timing, event, order, statement, definer, mode in rows:
        facts = {
            "firing": f"{timing} {event}",
            "definition": statement,
            "order": str(order) if moments.count((table, timing, event)) > 1 else "",
            "definer": definer,
            "sql mode": mode,
        }
        part[Key("trigger", name, table)] = _without_nothing(facts)
    return part


def describe_routines(rows: Iterable[Sequence[Any]]) -> Part:
    """Describe procedures and functions, each with the statement that creates it."""
    part: Part = {}
    for name, kind, mode, definer, text in rows:
        facts = {"definition": _HEAD.sub("", text, count=1).strip(), "definer": definer, "sql mode": mode}
        part[Key(kind.lower(), name)] = _without_nothing(facts)
    return part


def describe_events(rows: Iterable[Sequence[Any]]) -> Part:
    """Describe events; an event that does not say when it starts begins when it is made."""
    part: Part = {}
    for name, definition, value, unit, at, starts, ends, status, completion, comment, definer, mode, zone in rows:
        facts = {
            "schedule": f"EVERY {value} {unit}" if unit else "once",
            "execute at": _shown(at),
            "starts": _shown(starts),
            "ends": _shown(ends),
            "definition": definition,
            "status": status,
            "on completion": completion,
            "comment": comment,
            "definer": definer,
            "sql mode": mode,
            "time zone": zone,
        }
        part[Key("event", name)] = _without_nothing(facts)
    return part


def _shown(moment: Any) -> str:
    return "" if moment is None else str(moment)


def _without_nothing(facts: dict[str, str]) -> Facts:
    return {attribute: value for attribute, value in facts.items() if value}
