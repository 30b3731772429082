"""Finds what dead runs have left on this machine, and what is kept in the cache, and removes it.

A run holds a lock in its own folder for as long as it lives.  Its janitor removes the folder after it, whatever it died
of; only where somebody killed the janitor, too, or the machine went down, there is something to sweep up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pytest_stairway.databases.entries import remove_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "clean_cache",
    "describe_cache",
    "hold",
    "mark_retained",
    "remove_retained",
    "retained_folders",
    "sweep_folders",
]

ALIVE = "alive"
"""The file in a run's folder that the run keeps locked."""
MARK = "pytest-stairway"
"""What is in that file."""
RETAINED = "retained"
"""The file that says which databases a folder is kept for, when its run is over."""
PREFIX = "stairway-"
_YOUNG_SECONDS = 60
_STOP_SECONDS = 10
_KINDS = {
    "data": "an initialised data directory",
    "cluster": "a server's data directory with templates",
    "sqlite": "a template of SQLite",
}


def hold(folder: Path) -> IO[str] | None:
    """Lock a run's folder; the run is alive until what this returns is closed.  None where that cannot be done."""
    try:
        file = (folder / ALIVE).open("w")
    except OSError:
        return None
    with contextlib.suppress(OSError):  # where locks do not work, nothing is swept
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.write(MARK)
    file.flush()
    return file


def mark_retained(folder: Path, names: Iterable[str]) -> None:
    """Let a folder outlive its run, for databases of these names."""
    with contextlib.suppress(OSError):  # it is gone, and with it what it was kept for
        (folder / RETAINED).write_text("\n".join(names))


def sweep_folders(bases: Iterable[Path]) -> tuple[str, ...]:
    """Stop the servers and remove the folders of dead runs; give the folders."""
    return tuple(str(folder) for folder in _dead_folders(bases) if not (folder / RETAINED).exists() and _remove(folder))


def retained_folders(bases: Iterable[Path]) -> dict[str, list[str]]:
    """Find the folders that are kept for databases of items that failed; give the databases' names."""
    told = ((folder, folder / RETAINED) for folder in _dead_folders(bases))
    return {str(folder): file.read_text().split() for folder, file in told if file.exists()}


def remove_retained(bases: Iterable[Path]) -> dict[str, list[str]]:
    """Stop the servers and remove the folders that are kept for databases; give both."""
    found = retained_folders(bases)
    return {folder: names for folder, names in found.items() if _remove(Path(folder))}


def _dead_folders(bases: Iterable[Path]) -> Iterator[Path]:
    for base in dict.fromkeys((*bases, Path(tempfile.gettempdir()))):
        with contextlib.suppress(OSError):
            named = sorted(base.glob(f"{PREFIX}????????*"))  # as `new_folder` does
            yield from (each for each in named if each.is_dir() and not each.is_symlink() and _is_dead(each))


def _remove(folder: Path) -> bool:
    _stop_server(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _is_dead(folder: Path) -> bool:
    if os.geteuid() not in (0, folder.stat().st_uid):
        return False
    try:
        with (folder / ALIVE).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            said = file.read()
            return said == MARK or (not said and _died_young(folder))  # else it is somebody else's
    except FileNotFoundError:
        return _died_young(folder)
    except OSError:
        return False


def _died_young(folder: Path) -> bool:
    """Tell of a folder that nobody keeps locked whether its run died while it was being made, or removed."""
    try:
        os.kill(int(folder.suffix[1:]), 0)  # who makes a folder stands in its name
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        pass
    left = {path.name for path in folder.iterdir()}
    return left <= {"log", ALIVE} and time.time() - folder.stat().st_mtime > _YOUNG_SECONDS


def _stop_server(folder: Path) -> None:
    """Stop a server that runs in a folder, and in no other."""
    for file in folder.rglob("*.pid"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(file.read_text().split()[0])
            if _runs_in(pid, folder):
                os.kill(pid, signal.SIGQUIT)
                _wait_for_end(pid)


def _runs_in(pid: int, folder: Path) -> bool:
    if Path("/proc/self").exists():
        return Path(f"/proc/{pid}/cwd").resolve().is_relative_to(folder.resolve())
    command = ["ps", "-o", "args=", "-p", str(pid)]
    return str(folder) in subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        time.sleep(0.02)


def describe_cache(folder: Path) -> list[str]:
    """Tell what is in the cache, an entry a line."""
    return [f"{entry.name}: {what}, {_size(entry) >> 20} MB" for entry, what in _entries(folder)]


def clean_cache(folder: Path) -> list[str]:
    """Remove what is in the cache, and tell what that was; anything that is not ours stays."""
    told = []
    for entry, what in _entries(folder):
        size = _size(entry)
        remove_entry(entry)
        told.append(f"{entry}: {what}, {size >> 20} MB")
    for lock in folder.glob("*.lock"):
        if lock.name.startswith((*(f"{kind}-" for kind in _KINDS), "clusters.")):
            lock.unlink(missing_ok=True)
    return told


def _entries(folder: Path) -> Iterator[tuple[Path, str]]:
    for kind, what in _KINDS.items():
        for entry in sorted(folder.glob(f"{kind}-*")):
            if entry.suffix != ".lock":
                yield entry, what
        for entry in sorted(folder.glob(f".{kind}-*")):
            yield entry, f"what is left of {what} that was never finished"


def _size(entry: Path) -> int:
    paths = [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
    with contextlib.suppress(OSError):  # somebody else cleans up, too
        return sum(path.lstat().st_size for path in paths)
    return 0
