"""Recognises among pytest's arguments those that are ours, before anything heavy is imported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

__all__ = ["asks_for_us", "is_revision"]

NAMES = {"revision", "down_revision"}
"""What every revision file defines at its top level."""

ASSIGNED = re.compile(r"^(revision|down_revision)[ \t]*(?::[^=\n]*)?=", re.MULTILINE)

HISTORY_ITEM = re.compile(r"(?:history|leftovers|models|release(?:\[.*\])?)$")
"""The items on Alembic's configuration."""


def asks_for_us(argument: str, folder: Path) -> bool:
    """Tell whether an argument names a revision file, or an item on Alembic's configuration.

    Args:
        argument: a path or a node id.
        folder: where pytest was started.
    """
    name, _, item = argument.partition("::")
    path = Path(folder, name)
    if path.suffix == ".py":
        return is_revision(path)
    return bool(HISTORY_ITEM.match(item)) and path.is_file()


def is_revision(path: Path) -> bool:
    """Tell whether a file defines a revision at its top level, not in some text that it holds.

    One that cannot be parsed counts: somebody wants to know what is wrong with it.
    """
    try:
        source = path.read_bytes()
    except OSError:
        return False
    if not set(ASSIGNED.findall(source.decode("utf-8", "replace"))) >= NAMES:
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return True
    return {name.id for statement in tree.body for name in ast.walk(statement) if isinstance(name, ast.Name)} >= NAMES
