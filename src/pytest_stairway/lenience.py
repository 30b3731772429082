"""Lets warnings be warnings while migrations run, whatever the test run makes of them."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lenient"]


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    """Show warnings that would be raised: a deployment does not fail where a test run is told to.

    What the run is told to ignore stays ignored.
    """
    with warnings.catch_warnings():
        calmed = [("default" if action == "error" else action, *rest) for action, *rest in warnings.filters]
        warnings.filters[:] = calmed  # type: ignore[index]  # a list, though its type says sequence
        yield
