"""Fifty runs, half of them killed at a random moment: the next run leaves nothing of theirs, and live ones alone."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway import databases
from pytest_stairway.databases import Cache, binaries, kept, workplace
from pytest_stairway.databases.drivers import Administrator

from .conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Database, Server

    from .conftest import Foreign

RUNS = 50
AT_ONCE = 5
LONGEST = 0.8
"""Seconds until the latest kill: about as long as a run takes."""


def fill(database: Database) -> None:
    session = Administrator(make_url(database.url), "psycopg")
    session.execute("CREATE TABLE thing ()")
    session.close()


def begin(named: str, base: str, cache: str) -> Server:
    workplace.SHARED_MEMORY = Path(base)
    workplace._has_room = lambda _: True  # type: ignore[assignment]
    return databases.choose("postgresql", named=named, cache=Cache(folder=Path(cache))).start()


def run(named: str, base: str, cache: str, key: str) -> None:
    """Do what a run does."""
    with begin(named, base, cache) as server:
        template = server.template(key, fill)
        server.clone(template)
        server.create()


def survivors(base: Path) -> set[int]:
    """Find the processes that have to do with a folder."""
    found = set()
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            inside = (process / "cwd").readlink().is_relative_to(base) or str(base) in command
        except (OSError, ValueError):
            continue
        if process.name.isdigit() and inside and int(process.name) != os.getpid():
            found.add(int(process.name))
    return found


@pytest.fixture
def memory() -> Iterator[Path]:
    """Return a folder in memory, where there is such: fifty data directories are copied here."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="sc", dir=shared if shared.is_dir() else "/tmp"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # janitors may be at it, too


@pytest.fixture
def guest(foreign: Foreign) -> Iterator[Foreign]:
    """Return somebody's server; templates that stay on it go in the end."""
    yield foreign
    kept.prune(foreign.administrator, kept.kept_templates(foreign.administrator))
    names = [name for name in foreign.databases() if name.startswith("stairway_kept_")]
    kept.prune(foreign.administrator, [kept.Kept(name) for name in names])


@pytest.fixture
def processes() -> Any:
    """Return what starts processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "psycopg", "sqlalchemy.dialects.postgresql"])
    return context


def test_after_fifty_runs_of_which_half_are_killed_nothing_is_left(
    memory: Path, monkeypatch: pytest.MonkeyPatch, guest: Foreign, processes: Any
) -> None:
    base, cache = memory / "base", memory / "cache"
    for folder in (base, cache):
        folder.mkdir()
        folder.chmod(0o1777)
    monkeypatch.setattr(workplace, "SHARED_MEMORY", base)
    monkeypatch.setattr(workplace, "_has_room", lambda _: True)
    ways = ["embedded", guest.url(), *(["binaries"] if binaries.on_this_machine() else [])]
    with ExitStack() as stack:
        live = [stack.enter_context(begin(named, str(base), str(cache))) for named in ways]
        mine = [server.create() for server in live]
        folders, ours = set(base.iterdir()), survivors(base)
        present = guest.databases()
        crash(ways, processes, base, cache)
        for named in ways:
            run(named, str(base), str(cache), "the next run")

        assert eventually(lambda: set(base.iterdir()) == folders), set(base.iterdir()) - folders
        assert eventually(lambda: {pid for pid in survivors(base) - ours if not is_child_of(pid, ours)} == set())
        left = {name for name in guest.databases() - present if not name.startswith("stairway_kept_")}
        assert left == set()
        for database in mine:
            fill(database)


def crash(ways: list[str], processes: Any, base: Path, cache: Path) -> None:
    """Run fifty times, a few at once, and kill every other one."""
    chance = random.Random(7)
    waiting = [(ways[number % len(ways)], number % 2 == 0) for number in range(RUNS)]
    chance.shuffle(waiting)
    for start in range(0, RUNS, AT_ONCE):
        running = []
        for place, (named, killed) in enumerate(waiting[start : start + AT_ONCE]):
            process = processes.Process(target=run, args=(named, str(base), str(cache), f"key {(start + place) % 3}"))
            process.start()
            running.append((process, chance.uniform(0, LONGEST) if killed else None))
        began = time.monotonic()
        for process, moment in sorted(running, key=lambda pair: pair[1] or LONGEST):
            if moment is not None:
                time.sleep(max(0.0, began + moment - time.monotonic()))
                process.kill()  # unless it was done before its time
        for process, moment in running:
            process.join(60)
            assert process.exitcode == 0 or moment is not None


def is_child_of(pid: int, parents: set[int]) -> bool:
    """Say whether a process is one of a live server's own, which come and go."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) in parents
    except OSError:
        return True
