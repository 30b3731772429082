"""Folders and files that are kept between runs, complete from the moment they have their names.

Each is made under another name beside its own and renamed into place, so any number of runs may read and make it at
once, and one that dies on the way leaves nothing that could be taken for whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["beside", "copy_entry", "keep_entry", "mark_used", "one_at_a_time", "remove_entry", "remove_old"]

LOCK_SECONDS = 20
ABANDONED_SECONDS = LOCK_SECONDS * 10
"""How long something may take to get its name."""


def copy_entry(entry: Path, folder: Path) -> bool:
    """Copy an entry's folder, and say whether that succeeded; what somebody removed meanwhile is no entry."""
    try:
        mark_used(entry)
        shutil.copytree(entry, folder, copy_function=shutil.copyfile)
        folder.chmod(0o700)
    except (OSError, shutil.Error):
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def mark_used(entry: Path) -> None:
    """Note that an entry is in use, so that it is not the first to go."""
    with contextlib.suppress(OSError):  # a cache that is read-only is read all the same
        os.utime(entry)


def keep_entry(
    folder: Path, entry: Path, *, ignore: Callable[[str, list[str]], list[str]] | None = None, note: str | None = None
) -> None:
    """Keep a copy of a folder as an entry.

    Args:
        folder: the folder.
        entry: where it is kept.
        ignore: what of it is left out, as `shutil.copytree` asks for it.
        note: the text of a file ``stairway.json`` in it.

    Raises:
        OSError: it could not be copied; nothing of it is left.
    """
    unfinished = beside(entry)
    try:
        try:
            shutil.copytree(folder, unfinished, copy_function=shutil.copyfile, ignore=ignore)
        except shutil.Error as error:  # one for each file: the first says it all
            raise OSError(error.args[0][0][2]) from error
        if note is not None:
            (unfinished / "stairway.json").write_text(note)
        unfinished.rename(entry)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def beside(entry: Path) -> Path:
    """Return a name that nobody takes for an entry's."""
    return entry.with_name(f".{entry.name}.{os.getpid()}.{time.monotonic_ns()}")


def remove_entry(entry: Path) -> None:
    """Remove an entry, a folder or a file: its name goes first, so that nobody finds half of it."""
    going = beside(entry)
    with contextlib.suppress(OSError):
        entry.rename(going)
        if going.is_dir():
            shutil.rmtree(going, ignore_errors=True)
        else:
            going.unlink()


def remove_old(folder: Path, kind: str, *, unused_seconds: float) -> None:
    """Remove what was left unfinished, and entries of a kind that nobody has used for a while."""
    for unfinished in folder.glob(f".{kind}-*.*"):
        if _age(unfinished) > ABANDONED_SECONDS:
            remove_entry(unfinished)
    for entry in folder.glob(f"{kind}-*"):
        if entry.suffix != ".lock" and _age(entry) > unused_seconds:
            remove_entry(entry)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # somebody was quicker
        return 0


@contextlib.contextmanager
def one_at_a_time(entry: Path) -> Iterator[None]:
    """Wait for whoever makes this entry; where locks do not work or somebody hangs, go on without."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file = stack.enter_context(entry.with_name(f"{entry.name}.lock").open("w"))
            deadline = time.monotonic() + LOCK_SECONDS
            while not _locked(file.fileno()) and time.monotonic() < deadline:
                time.sleep(0.02)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
