"""A data directory for a server of our own, copied from a cache: `initdb` takes ten times as long as the copy.

An entry of the cache is complete from the moment it has its name (it is renamed into place), so any number of runs may
read and make it at once.  The lock only spares them the work of making it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["cache_folder", "fill", "forget"]

_LOCK_SECONDS = 20
_UNUSED_SECONDS = 30 * 24 * 3600


def cache_folder() -> Path | None:
    """Return where things are kept between runs (``STAIRWAY_CACHE_DIR``, else below XDG's), None where nowhere."""
    named = os.environ.get("STAIRWAY_CACHE_DIR")
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(named).expanduser() if named else Path(base, "pytest-stairway")
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or not ours to write
        return None
    return folder.resolve()


def fill(data: Path, key: str, make: Callable[[], None]) -> bool:
    """Fill a data directory from the cache, else by `make`, and say whether it came from the cache.

    Args:
        data: the directory, not there yet.
        key: stands for everything that shapes it; part of a file's name.
        make: creates it.
    """
    cache = cache_folder()
    if cache is None:
        make()
        return False
    entry = cache / f"data-{key}"
    if _copied(entry, data):
        return True
    with _one_at_a_time(entry):
        if _copied(entry, data):
            return True
        make()
        with contextlib.suppress(OSError):  # a full or read-only disk: the next run makes it again
            _remove_old(entry)
            _keep(data, entry)
    return False


def forget(key: str) -> None:
    """Remove an entry that turned out to be of no use."""
    cache = cache_folder()
    if cache is not None:
        _remove(cache / f"data-{key}")


def _copied(entry: Path, data: Path) -> bool:
    """Copy an entry; what somebody removed meanwhile is no entry."""
    try:
        os.utime(entry)  # in use
        shutil.copytree(entry, data, copy_function=shutil.copyfile)
        data.chmod(0o700)
    except (OSError, shutil.Error):
        shutil.rmtree(data, ignore_errors=True)
        return False
    return True


def _keep(data: Path, entry: Path) -> None:
    unfinished = _beside(entry)
    try:
        shutil.copytree(data, unfinished, copy_function=shutil.copyfile)
        unfinished.rename(entry)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _beside(entry: Path) -> Path:
    return entry.with_name(f".{entry.name}.{os.getpid()}.{time.monotonic_ns()}")


def _remove(entry: Path) -> None:
    """Take its name first, so that nobody finds half of it."""
    going = _beside(entry)
    with contextlib.suppress(OSError):
        entry.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def _remove_old(entry: Path) -> None:
    """Remove what was left unfinished, and entries that nobody used for a month (servers come and go)."""
    for unfinished in entry.parent.glob(".data-*.*"):
        if time.time() - unfinished.stat().st_mtime > _LOCK_SECONDS * 10:
            shutil.rmtree(unfinished, ignore_errors=True)
    for other in entry.parent.glob("data-*"):
        if time.time() - other.stat().st_mtime > _UNUSED_SECONDS:
            _remove(other)


@contextlib.contextmanager
def _one_at_a_time(entry: Path) -> Iterator[None]:
    """Wait for whoever makes this entry; where locks do not work or somebody hangs, go on without."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file = stack.enter_context(entry.with_name(f"{entry.name}.lock").open("w"))
            deadline = time.monotonic() + _LOCK_SECONDS
            while not _locked(file.fileno()) and time.monotonic() < deadline:
                time.sleep(0.02)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
