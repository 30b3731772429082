"""Columns that a trigger sets whenever a row is written, such as ``updated_at``: no migration is to blame for those."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.schema import Key, Schema

__all__ = ["is_set_by_trigger"]


def is_set_by_trigger(schema: Schema, table: str, column: str) -> bool:
    """Tell whether an update of any row sets a column, by a trigger of its table or a function that this one calls.

    Args:
        schema: in which the table is.
        table: its name, qualified outside of the default schema.
        column: of the table.
    """
    name = rf"[\"`\[]?\b{re.escape(column)}\b[\"`\]]?"
    sets = re.compile(rf"\bNEW\s*\.\s*{name}\s*:?=(?!=)|\bSET\b[^;]*?(?<![.\w]){name}\s*=", re.IGNORECASE)
    return any(sets.search(text) is not None for text in _texts(schema, table))


def _texts(schema: Schema, table: str) -> Iterator[str]:
    """Give what the table's triggers on updates do: their own texts, and those of the functions that they name."""
    of_schema, _, name = table.rpartition(".")
    triggers = [text for key, text in _of_kind(schema, "trigger") if (key.schema, key.parent) == (of_schema, name)]
    triggers = [text for text in triggers if re.search(r"\bUPDATE\b", text)]
    yield from triggers
    for key, text in _of_kind(schema, "function") if triggers else ():
        if any(f"{key.name.partition('(')[0]}(" in trigger for trigger in triggers):
            yield text


def _of_kind(schema: Schema, kind: str) -> Iterator[tuple[Key, str]]:
    for part in schema.parts.values():
        yield from ((key, " ".join(facts.values())) for key, facts in part.items() if key.kind == kind)
