"""A MariaDB server of our own starts as anybody, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases
from pytest_stairway.databases import datadir, mysql_binaries, mysql_private, workplace
from pytest_stairway.databases.sweeping import ALIVE
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import AS_ROOT, NOBODY, eventually, is_running, kill

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from pytest_stairway.databases.mysql import MysqlServer

    Spawn = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.usefixtures("mariadb_programs")

START = """
import os, sys, time
from pathlib import Path
from pytest_stairway import databases
from pytest_stairway.databases import workplace
workplace.SHARED_MEMORY = Path(sys.argv[1])
workplace._has_room = lambda _: True
server = databases.choose("mariadb", named="binaries", driver="pymysql").start()
print(server._administrator.value("SELECT @@pid_file"), server.create().name, flush=True)
"""
WAIT = START + "input()\nserver.close()\n"
NAMELESS = 54321


def started(process: subprocess.Popen[str]) -> int:
    """Return the number of the process of the server that a process started."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return int(Path(line.split()[0]).read_text())


def start() -> MysqlServer:
    installation, _ = mysql_binaries.newest(mysql_binaries.on_this_machine(), "mariadb")
    return mysql_private.start(installation, dialect="mariadb", driver="pymysql")


def server_pid(server: MysqlServer) -> int:
    return int(Path(server._administrator.value("SELECT @@pid_file")).read_text())


def test_closing_leaves_no_process_and_no_folder(base: Path) -> None:
    server = start()
    pid = server_pid(server)
    assert is_running(pid)
    server.close()
    assert not is_running(pid)
    assert not list(base.iterdir())
    server.close()  # again, to no effect


@pytest.mark.parametrize("uid", [None, NOBODY, NAMELESS], ids=["self", "nobody", "nameless"])
def test_after_kill_9_nothing_is_left(base: Path, spawn: Spawn, tmp_path: Path, uid: int | None) -> None:
    """Unlike PostgreSQL, it does not mind a user who is not in /etc/passwd."""
    cache = Path(tempfile.mkdtemp(prefix="sc", dir="/tmp"))
    cache.chmod(0o777)
    process = spawn(WAIT, str(base), uid=uid, STAIRWAY_CACHE_DIR=str(cache))
    pid = started(process)
    assert is_running(pid)
    kill(process)
    assert eventually(lambda: not is_running(pid) and not list(base.iterdir()))
    shutil.rmtree(cache)


def test_after_kill_9_during_the_installation_nothing_is_left(base: Path, spawn: Spawn, tmp_path: Path) -> None:
    process = spawn(WAIT, str(base), STAIRWAY_CACHE_DIR=str(tmp_path / "empty"))
    assert eventually(lambda: any(base.glob("*/data/mysql")))
    kill(process)
    assert eventually(lambda: not list(base.iterdir()))


@pytest.mark.parametrize("end", ["", "os._exit(4)", "os.kill(os.getpid(), 15); time.sleep(9)"])
def test_however_the_process_ends_nothing_is_left(base: Path, spawn: Spawn, end: str) -> None:
    process = spawn(WAIT.replace("input()\nserver.close()", f"input()\n{end}"), str(base))
    pid = started(process)
    process.communicate("\n")
    assert eventually(lambda: not list(base.iterdir()) and not is_running(pid))


def test_two_runs_side_by_side_do_not_meet(base: Path) -> None:
    with start() as first, start() as second:
        assert len(list(base.iterdir())) == 2
        name = first.create().name
        assert name not in {found for (found,) in second._administrator.rows("SHOW DATABASES")}
        first.close()
        assert second.create().name


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_root_lets_nobody_run_the_server(base: Path) -> None:
    with start() as server:
        assert Path(f"/proc/{server_pid(server)}").stat().st_uid == NOBODY
        (folder,) = base.iterdir()
        assert {path.stat().st_uid for path in folder.rglob("*") if path.name != ALIVE} == {NOBODY}
        assert folder.stat().st_mode & 0o077 == 0


def test_it_listens_on_its_socket_only_and_is_made_to_be_thrown_away(base: Path) -> None:
    with start() as server:
        variables = ("skip_networking", "innodb_flush_log_at_trx_commit", "log_bin", "event_scheduler", "time_zone")
        values = server._administrator.rows(f"SELECT {', '.join(f'@@{name}' for name in variables)}")
        assert values == [(1, 0, 0, "OFF", "+00:00")]
    assert base


def test_a_folder_too_long_for_a_socket_will_do(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = base / ("d" * 120)
    long.mkdir()
    long.chmod(0o1777)
    monkeypatch.setattr(workplace, "SHARED_MEMORY", long)
    with start() as server:
        address = Path(server._administrator.value("SELECT @@socket"))
        assert long not in address.parents
        assert address.parent.stat().st_mode & 0o077 == 0
    assert not address.exists()
    long.rmdir()


def test_the_clients_own_option_files_do_not_lead_it_elsewhere(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base / ".my.cnf").write_text("[mysqld]\nskip-innodb\n[client]\nhost=nowhere.example\n")
    monkeypatch.setenv("HOME", str(base))
    monkeypatch.setenv("MYSQL_UNIX_PORT", "/nowhere")
    with start() as server:
        assert server.create().name
    (base / ".my.cnf").unlink()


def test_a_server_that_does_not_start_says_why(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mysql_private._SETTINGS, "no-such-option", "nonsense")
    with pytest.raises(DatabaseUnavailable, match=r"(?s)MariaDB\S* does not start .*unknown variable 'no-such-option"):
        start()
    assert not list(base.iterdir())


def test_an_installation_that_fails_says_why(base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(mysql_private, "_SIZES", {"no-such-option": "1"})
    with pytest.raises(DatabaseUnavailable, match=r"(?s)data directory cannot be made .*its last words"):
        start()
    assert not list(base.iterdir())


def test_without_the_installer_it_says_what_is_missing(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(mysql_binaries, "_INSTALLERS", ())
    with pytest.raises(DatabaseUnavailable, match=r"mariadb-install-db is neither beside .* nor on PATH"):
        start()
    assert not list(base.iterdir())


def test_a_second_start_copies_the_first_ones_directory(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start().close()

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(mysql_private._Start, "_initialise", refuse)
    start().close()
    assert base


def test_a_cached_directory_of_no_use_is_made_again(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path))
    start().close()
    (entry,) = (path for path in tmp_path.glob("data-mariadb-*") if path.is_dir())
    shutil.rmtree(entry / "mysql")
    start().close()
    assert (entry / "mysql").is_dir()
    assert base


def test_without_a_cache_it_starts_all_the_same(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", "/proc/nowhere")
    assert datadir.cache_folder() is None
    start().close()
    assert base


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


def test_joining_a_server_that_is_gone_says_so(base: Path) -> None:
    installation, _ = mysql_binaries.newest(mysql_binaries.on_this_machine(), "mariadb")
    server = mysql_private.start(installation, dialect="mariadb", driver="mysqlconnector")  # PyMySQL leaks its socket
    address = server.address
    server.close()
    with pytest.raises(DatabaseUnavailable, match=r"cannot connect to root@/"):
        databases.join(address)
    assert base
