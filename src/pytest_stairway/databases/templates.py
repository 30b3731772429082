"""The store of templates: databases at a revision that outlive the run that made them.

A template's name stands for its key, so it is never taken for another one, and it gets that name when it is whole.  A
server of our own goes with the run, so its templates are kept with all of its data directory: a *cluster*, from a copy
of which the next run's server starts.  SQLite's templates are files.  On a server that somebody named they are sealed
databases there (see `kept`).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.databases.datadir import fill, forget
from pytest_stairway.databases.entries import (
    beside,
    copy_entry,
    keep_entry,
    one_at_a_time,
    remove_entry,
    remove_old,
)
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_stairway.databases.cache import Cache, HeadStart

__all__ = ["Cluster", "Clusters", "Filling", "TemplateFiles", "kept_name"]

FORMAT = 1
"""Of templates: raise it when what one of this key holds changes."""
MOST_CLUSTERS = 8
MOST_FILES = 32
MOST_BYTES = 2 << 30
UNUSED_SECONDS = 30 * 24 * 3600
MANIFEST = "stairway.json"


def kept_name(key: str, version: str) -> str:
    """Return the name of the template for a key on a server of this version."""
    return f"stairway_kept_{hashlib.sha256(f'{FORMAT} {version} {key}'.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory with templates in it."""

    entry: Path
    project: str
    templates: tuple[str, ...]
    """Their names."""
    files: int
    size: int
    """In bytes."""
    used: float
    """When it was last used, as the file system says it."""

    @classmethod
    def read(cls, entry: Path) -> Cluster | None:
        """Read what an entry says of itself; None where it cannot be used."""
        try:
            told = json.loads((entry / MANIFEST).read_text())
            used = entry.stat().st_mtime
            return cls(entry, told["project"], tuple(told["templates"]), told["files"], told["size"], used)
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def copy_to(self, data: Path) -> bool:
        """Copy the data directory, and say whether all of it was there."""
        if not copy_entry(self.entry, data):
            return False
        if self.is_whole(data):
            return True
        shutil.rmtree(data, ignore_errors=True)  # somebody has cleaned up in the cache, file by file
        remove_entry(self.entry)
        return False

    def is_whole(self, copy: Path) -> bool:
        """Say whether a copy of the entry has all that was in it, and make it a data directory."""
        with contextlib.suppress(OSError):
            (copy / MANIFEST).unlink()
            copy.chmod(0o700)
        return _measure(copy) == (self.files, self.size)


@dataclass(frozen=True, slots=True)
class Filling:
    """What a data directory was filled from."""

    cluster: Cluster | None
    forget: Callable[[], None] | None
    """Removes it from the cache, where it came from there."""


class Clusters:
    """The clusters that a server of our own can start from.

    Args:
        cache: what is kept, and where.
        key: stands for the server's programs and options.
        version: the server's.
    """

    def __init__(self, cache: Cache | None, key: str, version: str) -> None:
        self._cache = cache
        self._key = key
        self._prefix = f"cluster-{key}"
        self._version = version

    @property
    def usable(self) -> bool:
        """Whether anything can be kept."""
        return self._cache is not None and self._cache.folder is not None

    def fill(self, data: Path, make: Callable[[], None], *, begun: HeadStart | None = None) -> Filling:
        """Fill a data directory from the best cluster, else from an initialised one, else by `make`.

        Args:
            data: the directory, not there yet.
            make: creates it.
            begun: has begun to fill it, by a guess.
        """
        best = self.best()
        copied = begun is not None and begun.has_copied(None if best is None else best.entry)
        if best is not None and ((copied and best.is_whole(data)) or best.copy_to(data)):
            return Filling(best, functools.partial(remove_entry, best.entry))
        if fill(data, self._key, make, cache=self._cache):
            return Filling(None, functools.partial(forget, self._key, cache=self._cache))
        return Filling(None, None)

    def best(self) -> Cluster | None:
        """Find the cluster with the best of the wanted templates, else the project's latest."""
        cache = self._cache
        if cache is None or cache.folder is None:
            return None
        names = {kept_name(key, self._version): place for place, key in enumerate(cache.wanted())}
        clusters = [found for path in cache.folder.glob(f"{self._prefix}-*") if (found := Cluster.read(path))]
        ranked = [(min((names.get(name, len(names)) for name in each.templates), default=0), each) for each in clusters]
        fit = [(rank, each) for rank, each in ranked if rank < len(names) or each.project == cache.project]
        return min(fit, key=lambda pair: (pair[0], -pair[1].used))[1] if fit else None

    def keep(
        self, data: Path, templates: Sequence[str], *, instead_of: Cluster | None, without: Sequence[str] = ()
    ) -> None:
        """Keep a data directory as `save` does.

        Raises:
            DatabaseUnavailable: it could not be kept; the run itself is over and done.
        """
        try:
            self.save(data, templates, instead_of=instead_of, without=without)
        except OSError as err:
            msg = f"the templates of this run cannot be kept for the next one: {err}"
            raise DatabaseUnavailable(msg) from err

    def save(self, data: Path, templates: Sequence[str], *, instead_of: Cluster | None, without: Sequence[str]) -> None:
        """Keep a data directory whose server has been stopped.

        Args:
            data: the directory.
            templates: the names of the templates in it.
            instead_of: the cluster from which it came.
            without: files in it, by their names, that are not needed.

        Raises:
            OSError: it could not be kept; nothing of it is left.
        """
        assert self._cache is not None
        assert self._cache.folder is not None
        folder = self._cache.folder
        digest = hashlib.sha256(" ".join(sorted(templates)).encode()).hexdigest()[:12]
        entry = folder / f"{self._prefix}-{digest}"
        with one_at_a_time(folder / "clusters"):
            if not entry.exists():
                files, size = _measure(data, without)
                note = {"project": self._cache.project, "templates": list(templates), "files": files, "size": size}
                keep_entry(data, entry, ignore=_leave_out(without), note=json.dumps(note))
            if instead_of is not None and instead_of.entry != entry and set(instead_of.templates) <= set(templates):
                remove_entry(instead_of.entry)
            tidy(folder)


def tidy(folder: Path) -> None:
    """Remove what is unfinished or has not been used for long, and the least recently used of too many."""
    remove_old(folder, "cluster", unused_seconds=UNUSED_SECONDS)
    entries = [path for path in folder.glob("cluster-*") if path.is_dir()]
    room, known = MOST_BYTES, sorted(filter(None, map(Cluster.read, entries)), key=lambda each: -each.used)
    for place, cluster in enumerate(known):
        room -= cluster.size
        if place >= MOST_CLUSTERS or (room < 0 and place):
            remove_entry(cluster.entry)


class TemplateFiles:
    """SQLite's templates.

    Args:
        folder: where they are kept; None where nothing is.
        version: SQLite's.
    """

    def __init__(self, folder: Path | None, version: str) -> None:
        self._folder = folder
        self._version = version

    def find(self, key: str) -> Path | None:
        """Find the file for a key."""
        path = self._path(key)
        return path if path is not None and path.is_file() else None

    def save(self, file: Path, key: str) -> None:
        """Keep a copy of a file that nobody writes to.

        Raises:
            OSError: it could not be kept; nothing of it is left.
        """
        path = self._path(key)
        if path is None or path.exists():
            return
        unfinished = beside(path)
        try:
            shutil.copyfile(file, unfinished)
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        self._tidy(path.parent)

    def _path(self, key: str) -> Path | None:
        return None if self._folder is None else self._folder / f"sqlite-{kept_name(key, self._version)}.db"

    def _tidy(self, folder: Path) -> None:
        remove_old(folder, "sqlite", unused_seconds=UNUSED_SECONDS)
        with contextlib.suppress(OSError):  # somebody else tidies up
            files = sorted(folder.glob("sqlite-*.db"), key=lambda path: -path.stat().st_mtime)
            room = MOST_BYTES
            for place, path in enumerate(files):
                room -= path.stat().st_size
                if place >= MOST_FILES or (room < 0 and place):
                    remove_entry(path)


def _measure(folder: Path, without: Sequence[str] = ()) -> tuple[int, int]:
    """Count the files and their bytes."""
    sizes = []
    for here, _folders, names in os.walk(folder):
        sizes += [os.stat(f"{here}/{name}").st_size for name in names if name not in without]  # noqa: PTH116 - thousands
    return len(sizes), sum(sizes)


def _leave_out(names: Sequence[str]) -> Callable[[str, list[str]], list[str]]:
    return lambda _folder, there: [name for name in there if name in names]
