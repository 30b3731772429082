"""A data directory for a server of our own, copied from a cache: `initdb` takes ten times as long as the copy.

The lock only spares runs the work of making it twice.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_stairway.databases.cache import cache_folder
from pytest_stairway.databases.entries import (
    copy_entry,
    keep_entry,
    one_at_a_time,
    remove_entry,
    remove_old,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stairway.databases.cache import Cache

__all__ = ["fill", "forget"]

_UNUSED_SECONDS = 30 * 24 * 3600  # servers come and go


def fill(data: Path, key: str, make: Callable[[], None], *, cache: Cache | None = None) -> bool:
    """Fill a data directory from the cache, else by `make`, and say whether it came from the cache.

    Args:
        data: the directory, not there yet.
        key: stands for everything that shapes it; part of a file's name.
        make: creates it.
        cache: where things are kept; None for the usual folder.
    """
    folder = _folder(cache)
    if folder is None:
        make()
        return False
    entry = folder / f"data-{key}"
    if copy_entry(entry, data):
        return True
    with one_at_a_time(entry):
        if copy_entry(entry, data):
            return True
        make()
        with contextlib.suppress(OSError):  # a full or read-only disk: the next run makes it again
            remove_old(folder, "data", unused_seconds=_UNUSED_SECONDS)
            keep_entry(data, entry)
    return False


def forget(key: str, *, cache: Cache | None = None) -> None:
    """Remove an entry that turned out to be of no use."""
    folder = _folder(cache)
    if folder is not None:
        remove_entry(folder / f"data-{key}")


def _folder(cache: Cache | None) -> Path | None:
    return cache_folder() if cache is None else cache.folder
