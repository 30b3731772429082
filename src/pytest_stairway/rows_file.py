"""Reads the user's own rows and values from a Python file.

```python
from decimal import Decimal

ROWS = {
    "author": [{"name": "Ada"}, {"name": "Grace"}],  # rows; columns that are left out get generated values
    "author.ref_code": ["a1b2c3", None],  # values of a column
    "invoice.total": lambda number: Decimal(number),  # or a function of the row's number
}
ROWS_BEFORE = {"a5390146783a": {"author.ref_code": [None, "c0ffee"]}}  # for one revision
```
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows import builtin_words
from pytest_stairway.walk.carried_rows import RowSettings

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.revisions import History
    from pytest_stairway.rows import Supply

__all__ = ["read_rows_file"]

_NAMES = ("ROWS", "ROWS_BEFORE", "WORDS", "SEED")


def read_rows_file(path: Path, history: History, *, rows: int, source: str) -> RowSettings:
    """Run a file and take from it what it says about rows.

    Args:
        path: the file.
        history: the revisions, which `ROWS_BEFORE` names.
        rows: how many rows each table gets.
        source: the option that names the file.

    Raises:
        UsageError: the file cannot be run, or does not say what it should.
    """
    if not path.is_file():
        raise UsageError(f"{source} names {path}, which is not a file")
    try:
        found = runpy.run_path(str(path), run_name="stairway_rows")
    except Exception as error:
        raise UsageError(f"{path} ({source}) cannot be run: {type(error).__name__}: {error}") from error
    if not any(name in found for name in _NAMES):
        raise UsageError(f"{path} ({source}) defines none of {', '.join(_NAMES)}")
    if not isinstance(found.get("SEED", 0), int) or not callable(found.get("WORDS", builtin_words)):
        raise UsageError(f"{path} ({source}): SEED must be a whole number, and WORDS a function that gives texts")
    before = _mapping(found.get("ROWS_BEFORE", {}), f"{path}: ROWS_BEFORE")
    return RowSettings(
        rows=rows,
        seed=found.get("SEED", 0),
        supply=_supply(found.get("ROWS", {}), f"{path}: ROWS"),
        supply_for={
            _revision(history, name, path): _supply(supply, f"{path}: ROWS_BEFORE[{name!r}]")
            for name, supply in before.items()
        },
        words=found.get("WORDS", builtin_words),
        path=path,
    )


def _revision(history: History, name: str, path: Path) -> str:
    try:
        return history.get(name).revision
    except UsageError as error:
        raise UsageError(f"{path}: ROWS_BEFORE[{name!r}]: {error}") from error


def _supply(supply: Any, place: str) -> Supply:
    for name, given in _mapping(supply, place).items():
        if not isinstance(given, (Sequence, Callable)) or isinstance(given, (str, bytes)):  # type: ignore[arg-type]
            raise UsageError(
                f"{place}[{name!r}] is {given!r}; write a list of rows or values, or a function of the row's number"
            )
        if "." not in name and not callable(given) and not all(isinstance(row, Mapping) for row in given):
            raise UsageError(f"{place}[{name!r}] names a table, so its rows must be mappings from column to value")
    return {name: _told(given, f"{place}[{name!r}]") if callable(given) else given for name, given in supply.items()}


def _told(given: Callable[[int], Any], place: str) -> Callable[[int], Any]:
    """Let a function's error say whose it is."""

    def call(number: int) -> Any:
        try:
            return given(number)
        except Exception as error:
            raise UsageError(f"{place}({number}) raised {type(error).__name__}: {error}") from error

    return call


def _mapping(found: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise UsageError(f"{place} must be a mapping from names to what they get")
    return found
