"""What a test asks for by ``@pytest.mark.stairway(at="14bc8e509acf")``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    import pytest

__all__ = ["MARKER", "Wanted", "wanted_by"]

MARKER = (
    "stairway(at='heads', *, scope='function'): give the test, by the fixture `stairway`, a throwaway database at a "
    "revision, of its own or shared by its class (pytest-stairway)"
)
"""The marker's line in ``pytest --markers``."""

SCOPES = ("function", "class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one test asks for."""

    at: str
    scope: str


def wanted_by(node: pytest.Item | pytest.Collector, *, at: str = "heads") -> Wanted:
    """Read the marker that is nearest to a test.

    Args:
        node: the test, or its class.
        at: the revision, where there is no marker.

    Raises:
        UsageError: the marker's arguments cannot be used.
    """
    mark = node.get_closest_marker("stairway")
    if mark is None:
        return stairway(at)
    try:
        return stairway(*mark.args, **mark.kwargs)
    except (TypeError, UsageError) as error:
        written = ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
        raise UsageError(f"@pytest.mark.stairway({written}): {error}") from error


def stairway(at: str = "heads", *, scope: str = "function") -> Wanted:
    """Take the marker's arguments; the name is what Python's own complaints begin with."""
    if not isinstance(at, str) or not at.strip():
        raise UsageError(f"at takes a revision, such as '14bc8e509acf' or 'head', not {at!r}")
    if scope not in SCOPES:
        raise UsageError(f"scope takes {' or '.join(map(repr, SCOPES))}, not {scope!r}")
    return Wanted(at=at.strip(), scope=scope)
