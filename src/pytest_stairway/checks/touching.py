"""What triggers do whenever a row is written, such as noting the time: no migration is to blame for that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.schema import Key, Schema

__all__ = ["is_filled_by_trigger", "is_set_by_trigger"]

_CLOCKS = (
    "now|(?:current|clock|statement|transaction|utc)_timestamp|localtimestamp|sysdate"
    "|datetime|strftime|unixepoch|julianday"  # SQLite's
)
_QUOTED = r"[\"`\[]?\b{}\b[\"`\]]?"


def is_set_by_trigger(schema: Schema, table: str, column: str) -> bool:
    """Tell whether an update of any row sets a column by the clock, or counts it up.

    A trigger of its table does so, or a function that this one calls.  One that makes something of what is in the row
    is another matter: who sets it off changes what users have entered.

    Args:
        schema: in which the table is.
        table: its name, qualified outside of the default schema.
        column: of the table.
    """
    of_schema, _, name = table.rpartition(".")
    column = _QUOTED.format(re.escape(column))
    target = rf"(?:\bNEW\s*\.\s*{column}\s*:?=(?!=)|\bSET\b[^;]*?(?<![.\w]){column}\s*=)"
    value = rf"(?:[^;,]*?\b(?:{_CLOCKS})\b|\s*timezone\s*\([^;]*?\b(?:{_CLOCKS})\b|\s*OLD\s*\.\s*{column}\s*\+)"
    sets = re.compile(target + value, re.IGNORECASE)
    triggers = [text for key, text in _of_kind(schema, "trigger") if (key.schema, key.parent) == (of_schema, name)]
    updating = [text for text in triggers if re.search(r"\bUPDATE\b", text)]
    return any(sets.search(text) is not None for text in _with_functions(schema, updating))


def is_filled_by_trigger(schema: Schema, table: str) -> bool:
    """Tell whether a trigger of any table inserts rows into this one, as those do that keep a log."""
    name = _QUOTED.format(re.escape(table.rpartition(".")[2]))
    inserts = re.compile(rf"\bINSERT\s+INTO\s+(?:[\"`]?\w+[\"`]?\s*\.\s*)?{name}", re.IGNORECASE)
    triggers = [text for _, text in _of_kind(schema, "trigger")]
    return any(inserts.search(text) is not None for text in _with_functions(schema, triggers))


def _with_functions(schema: Schema, triggers: list[str]) -> Iterator[str]:
    """Give the triggers' texts, and those of the functions that they name."""
    yield from triggers
    for key, text in _of_kind(schema, "function") if triggers else ():
        if any(f"{key.name.partition('(')[0]}(" in trigger for trigger in triggers):
            yield text


def _of_kind(schema: Schema, kind: str) -> Iterator[tuple[Key, str]]:
    for part in schema.parts.values():
        yield from ((key, " ".join(facts.values())) for key, facts in part.items() if key.kind == kind)
