"""Where in a file something stands, so that a finding can point there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.paths import shown
from pytest_stairway.sources import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["line_of_name", "line_of_option", "read_text", "shown"]


def read_text(path: str | Path) -> str:
    """Read a text file for looking things up in it: nothing in it can fail, and one that is not there is empty."""
    try:
        return read_source(path)
    except OSError:
        return ""


def line_of_option(path: str | Path, section: str, option: str | None = None) -> int | None:
    """Find the line of an option, or of the section's header, in an ini or TOML file."""
    current = None
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if header := re.match(r"\s*\[+([^]]+)\]", line):
            current = header[1].strip()
            if option is None and current == section:
                return number
        elif option and current == section and re.match(rf"\s*{re.escape(option)}\s*[=:]", line, re.IGNORECASE):
            return number
    return None


def line_of_name(path: str | Path, name: str) -> int | None:
    """Find the line on which a module gives `name` its value: an assignment, a function or an import."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):  # gone, not Python, null bytes
        return None
    lines = [statement.lineno for statement in _statements(tree.body) if name in _names(statement)]
    return lines[-1] if lines else None


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Walk the statements of a module, not those inside its functions and classes."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, ()))
        for handler in getattr(statement, "handlers", ()):
            yield from _statements(handler.body)


def _names(statement: ast.stmt) -> set[str]:
    """Collect the names to which a statement gives a value."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in statement.names}
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        targets = [statement.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
