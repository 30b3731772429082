"""A server of our own starts as anybody, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases
from pytest_stairway.databases import binaries, cache, private, workplace
from pytest_stairway.databases.janitor import Account, Janitor
from pytest_stairway.databases.sweeping import ALIVE
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import AS_ROOT, NOBODY, eventually, is_running, kill

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from pytest_stairway.databases.postgresql import PostgresqlServer

    Spawn = Callable[..., subprocess.Popen[str]]

START = """
import os, sys, time
from pathlib import Path
from pytest_stairway import databases
from pytest_stairway.databases import workplace
workplace.SHARED_MEMORY = Path(sys.argv[1])
workplace._has_room = lambda _: True
server = databases.choose("postgresql", named=sys.argv[2]).start()
print(server._administrator.value("SHOW data_directory"), server.create().name, flush=True)
"""
WAIT = START + "input()\nserver.close()\n"


def started(process: subprocess.Popen[str]) -> Path:
    """Return the data directory of the server that a process started."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return Path(line.split()[0])


def server_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


def start(installation: binaries.Installation | None = None) -> PostgresqlServer:
    return private.start(installation or binaries.newest(binaries.embedded())[0], provider="embedded")


def test_closing_leaves_no_process_and_no_folder(base: Path) -> None:
    server = start()
    (folder,) = base.iterdir()
    pid = server_pid(folder / "data")
    assert is_running(pid)
    server.close()
    assert not is_running(pid)
    assert not list(base.iterdir())
    server.close()  # again, to no effect


@pytest.mark.parametrize("named", ["embedded", "binaries"])
@pytest.mark.parametrize("uid", [None, NOBODY, 1], ids=["self", "nobody", "daemon"])
def test_after_kill_9_nothing_is_left(base: Path, spawn: Spawn, named: str, uid: int | None) -> None:
    if named == "binaries" and not binaries.on_this_machine():
        pytest.skip("no PostgreSQL server programs on this machine")
    process = spawn(WAIT, str(base), named, uid=uid)
    data = started(process)
    pid = server_pid(data)
    assert is_running(pid)
    kill(process)
    assert eventually(lambda: not is_running(pid) and not list(base.iterdir()))


@pytest.fixture
def daemons_cache() -> Iterator[Path]:
    """Return a folder of another ordinary user's, where that user can reach it."""
    cache = Path(tempfile.mkdtemp(prefix="sc", dir="/tmp"))
    if AS_ROOT:
        os.chown(cache, 1, 1)
    yield cache
    shutil.rmtree(cache)


def test_an_ordinary_user_has_a_cache_of_their_own(base: Path, spawn: Spawn, daemons_cache: Path) -> None:
    for _ in range(2):
        process = spawn(WAIT, str(base), "embedded", uid=1, STAIRWAY_CACHE_DIR=str(daemons_cache))
        assert started(process).stat().st_uid == 1
        process.communicate("\n")
        assert process.returncode == 0
        assert len([path for path in daemons_cache.iterdir() if path.is_dir()]) == 1


def test_after_kill_9_during_initdb_nothing_is_left(base: Path, spawn: Spawn, tmp_path: Path) -> None:
    process = spawn(WAIT, str(base), "embedded", STAIRWAY_CACHE_DIR=str(tmp_path / "empty"))
    assert eventually(lambda: any(base.glob("*/data/base")))
    kill(process)
    assert eventually(lambda: not list(base.iterdir()))


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "os._exit(4)", "os.kill(os.getpid(), 15); time.sleep(9)"])
def test_however_the_process_ends_nothing_is_left(base: Path, spawn: Spawn, end: str) -> None:
    process = spawn(START + end, str(base), "embedded")
    pid = server_pid_or_none(started(process))
    process.wait()
    assert eventually(lambda: not list(base.iterdir()) and (pid is None or not is_running(pid)))


def server_pid_or_none(data: Path) -> int | None:
    try:
        return server_pid(data)
    except OSError:
        return None


def test_a_forked_process_does_not_stop_its_parents_server(base: Path) -> None:
    server = start()
    child = os.fork()
    if child == 0:
        server.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert server.create().name
    server.close()
    assert not list(base.iterdir())


def test_two_runs_side_by_side_do_not_meet(base: Path) -> None:
    with start() as first, start() as second:
        assert len(list(base.iterdir())) == 2
        assert first.session != second.session
        name = first.create().name
        rows = second._administrator.rows("SELECT datname::text FROM pg_database")
        assert name not in {found for (found,) in rows}
        first.close()
        assert second.create().name


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_root_lets_nobody_run_the_server_and_changes_no_other_folder(base: Path) -> None:
    programs = binaries.newest(binaries.embedded())[0].bin
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in (programs, *programs.parents)]
    with start() as server:
        (folder,) = base.iterdir()
        assert Path(f"/proc/{server_pid(folder / 'data')}").stat().st_uid == NOBODY
        assert {path.stat().st_uid for path in folder.rglob("*") if path.name != ALIVE} == {NOBODY}
        assert folder.stat().st_mode & 0o077 == 0
        assert server.create().name
    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in (programs, *programs.parents)]


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_programs_that_nobody_can_reach_are_copied(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment in root's own home, and memory that nothing can be executed from."""
    hidden = tmp_path / "home"
    original = binaries.newest(binaries.embedded())[0]
    copy = original.copy_to(hidden)
    hidden.chmod(0o700)
    unreachable = binaries.Installation(
        copy.bin, "embedded", hidden, tuple(hidden / part.relative_to(original.root) for part in original.parts)
    )
    version = binaries.Installation.version

    def no_execution(self: binaries.Installation, account: Account | None = None) -> str:
        if base in self.bin.parents and account is not None and base == workplace.SHARED_MEMORY:
            raise DatabaseUnavailable("permission denied")
        return version(self, account)

    other = Path(tempfile.mkdtemp(prefix="so", dir="/tmp"))
    other.chmod(0o1777)
    monkeypatch.setattr(binaries.Installation, "version", no_execution)
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    with start(unreachable) as server:
        assert server.create().name
        assert list(other.glob("*/*/*/bin/postgres"))
    assert hidden.stat().st_mode & 0o777 == 0o700
    assert not list(other.iterdir())
    other.rmdir()


def test_a_user_without_a_name_is_told_so(spawn: Spawn, base: Path) -> None:
    process = spawn(WAIT, str(base), "embedded", uid=54321)
    said = process.communicate()[1]
    assert "DatabaseUnavailable" in said
    assert "we are uid 54321" in said
    assert "/etc/passwd" in said


@pytest.mark.parametrize("right", ["chown", "dac_override", "setuid", "setgid"])
def test_a_root_without_the_usual_rights_is_told_so(spawn: Spawn, base: Path, right: str) -> None:
    """As containers have it that drop capabilities."""
    process = spawn(WAIT, str(base), "embedded", without=right)
    said = process.communicate()[1]
    assert "DatabaseUnavailable" in said
    assert "run as an ordinary user" in said


def test_a_temporary_folder_with_a_strange_name_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = Path(tempfile.mkdtemp(prefix='it\'s a, "strange" $name;é ', dir="/tmp"))
    strange.chmod(0o1777)
    monkeypatch.setattr(workplace, "_has_room", lambda _: False)
    monkeypatch.setattr(tempfile, "tempdir", str(strange))
    with start() as server:
        assert [path.name.startswith("stairway-") for path in strange.iterdir()] == [True]
        socket = Path(server._administrator.value("SHOW unix_socket_directories"))
        assert server.create().name
    assert not list(strange.iterdir())
    assert not socket.exists()
    strange.rmdir()


def test_a_folder_too_long_for_a_socket_will_do(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = base / ("d" * 120)
    long.mkdir()
    long.chmod(0o1777)
    monkeypatch.setattr(workplace, "SHARED_MEMORY", long)
    with start() as server:
        socket = Path(server._administrator.value("SHOW unix_socket_directories"))
        assert long not in socket.parents
        assert socket.stat().st_mode & 0o077 == 0
        assert server.create().name
    assert not socket.exists()
    long.rmdir()


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_a_temporary_folder_that_nobody_can_reach_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplace, "_has_room", lambda _: False)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with start() as server:
        assert server._administrator.value("SHOW data_directory").startswith("/tmp/stairway-")
    assert not list(tmp_path.iterdir())


def test_variables_meant_for_clients_do_not_lead_it_elsewhere(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"PGHOST": "nowhere.example", "PGPORT": "1", "PGDATABASE": "x", "PGUSER": "y", "PGDATA": "/nowhere"}
    for name, value in {**wrong, "LC_ALL": "tlh_QX", "TZ": "Mars/Olympus"}.items():
        monkeypatch.setenv(name, value)
    with start() as server:
        assert server.create().name
    assert base


def test_a_server_that_does_not_start_says_why(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(private._SETTINGS, "shared_buffers", "nonsense")
    with pytest.raises(DatabaseUnavailable, match=r'(?s)does not start.*invalid value for parameter "shared_buffers"'):
        start()
    assert not list(base.iterdir())


def test_initdb_that_fails_says_why(base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(private, "_initdb_options", lambda _: ["--nonsense"])
    with pytest.raises(DatabaseUnavailable, match=r"(?s)initdb failed.*unrecognized option"):
        start()
    assert not list(base.iterdir())


def test_a_second_start_copies_the_first_ones_directory(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start().close()

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(private._Start, "_initialise", refuse)
    start().close()
    assert base


def test_a_cached_directory_of_no_use_is_made_again(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path))
    start().close()
    (entry,) = (path for path in tmp_path.glob("data-*") if path.is_dir())
    shutil.rmtree(entry / "global")
    start().close()
    assert (entry / "global").is_dir()
    assert base


def test_without_a_cache_it_starts_all_the_same(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", "/proc/nowhere")
    assert cache.cache_folder() is None
    start().close()
    assert base


def test_the_cache_lies_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAIRWAY_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "pytest-stairway"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".cache" / "pytest-stairway"


def test_runs_that_start_at_once_on_an_empty_cache_all_get_a_server(base: Path, spawn: Spawn, tmp_path: Path) -> None:
    cache = tmp_path / "shared"
    processes = [spawn(WAIT, str(base), "embedded", STAIRWAY_CACHE_DIR=str(cache)) for _ in range(4)]
    assert len({started(process) for process in processes}) == 4
    for process in processes:
        process.communicate("\n")
        assert process.returncode == 0
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_the_janitor_killed_leaves_no_folder(base: Path) -> None:
    server = start()
    (folder,) = base.iterdir()
    data = folder / "data"
    pid = server_pid(data)
    parent = re.search(r"PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert parent
    os.kill(int(parent[1]), 9)
    server.close()
    assert not list(base.iterdir())
    os.kill(pid, 3)  # it would notice within a minute


def test_the_janitor_removes_what_was_added(base: Path) -> None:
    first, second = base / "a b", base / "it's"
    for folder in (first, second):
        (folder / "deep").mkdir(parents=True)
    janitor = Janitor([first])
    janitor.add(second)
    assert janitor.run(["true"], base / "log")
    assert not janitor.run(["sh", "-c", "echo oops; exit 3"], base / "log")
    assert (base / "log").read_text() == "oops\n"
    (base / "log").unlink()
    janitor.close()
    assert not list(base.iterdir())


def test_joining_a_server_that_is_gone_says_so(base: Path) -> None:
    server = start()
    address = server.address
    server.close()
    with pytest.raises(DatabaseUnavailable, match=r"cannot connect to"):
        databases.join(address)
    assert base
