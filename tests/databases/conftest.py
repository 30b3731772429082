"""Real servers for these tests, in folders that must be empty in the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from pytest_stairway.databases import binaries, choice, workplace
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.janitor import Janitor, server_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_stairway.databases.mysql_binaries import MysqlInstallation
    from pytest_stairway.databases.postgresql import PostgresqlServer

SOURCES = Path(workplace.__file__).parents[2]
NOBODY = 65534
AS_ROOT = os.geteuid() == 0
PASSWORD = "s3cret/with@signs"


@pytest.fixture(autouse=True, scope="session")
def _environment() -> Iterator[None]:
    """Keep away from what the developer says to libpq."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PG")]:
            patch.delenv(name)
        yield


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the only folder that throwaway files go to; nothing may be left in it."""
    folder = Path(tempfile.mkdtemp(prefix="sb", dir="/tmp"))
    folder.chmod(0o1777)
    monkeypatch.setattr(workplace, "SHARED_MEMORY", folder)
    monkeypatch.setattr(workplace, "_has_room", lambda _: True)
    yield folder
    left = list(folder.iterdir())
    shutil.rmtree(folder)
    assert not left


@pytest.fixture(params=["embedded", "binaries"], scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[PostgresqlServer]:
    """Return a server of our own, from either source of programs."""
    if request.param == "binaries" and not binaries.on_this_machine():
        pytest.skip("no PostgreSQL server programs on this machine")
    with choice.choose("postgresql", named=request.param).start() as started:
        yield started  # type: ignore[misc]


@pytest.fixture(scope="session")
def private_server() -> Iterator[PostgresqlServer]:
    """Return a server of our own, from the wheel."""
    with choice.choose("postgresql", named="embedded").start() as started:
        yield started  # type: ignore[misc]


@dataclass(frozen=True)
class Foreign:
    """Somebody's PostgreSQL server: TCP, passwords, roles of all sorts."""

    port: int
    administrator: Administrator

    def url(self, role: str = "creator", password: str = PASSWORD, database: str = "postgres") -> str:
        """Return the URL that a user would name."""
        url = make_url("postgresql://127.0.0.1").set(
            username=role, password=password, port=self.port, database=database
        )
        return url.render_as_string(hide_password=False)

    def databases(self) -> set[str]:
        """Return what is there now."""
        return {name for (name,) in self.administrator.rows("SELECT datname::text FROM pg_database")}


@pytest.fixture(scope="session")
def _foreign() -> Iterator[Foreign]:
    folder = Path(tempfile.mkdtemp(prefix="sf", dir="/tmp"))
    account = server_account()
    port = 20000 + os.getpid() % 20000
    installation, _ = binaries.newest(binaries.embedded())
    (folder / "password").write_text(PASSWORD)
    account.own(folder)
    janitor = Janitor([folder], account)
    try:
        data, log = str(folder / "data"), folder / "log"
        options = ["-U", "owner", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "-N"]
        assert janitor.run([installation.initdb, "-D", data, *options], log), log.read_text()
        settings = ["-c", "fsync=off", "-c", f"port={port}", "-c", f"unix_socket_directories={folder}"]
        janitor.serve([installation.postgres, "-D", data, *settings], log)
        status = folder / "data" / "postmaster.pid"
        assert janitor.wait_until(lambda: status.exists() and "ready" in status.read_text(), 30), log.read_text()
        url = make_url(f"postgresql://owner@127.0.0.1:{port}/postgres").set(password=PASSWORD)
        administrator = Administrator(url, usable_driver())
        for role, rights in (("creator", "CREATEDB"), ("other", "CREATEDB"), ("reader", "")):
            administrator.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' {rights}")
        administrator.execute("CREATE DATABASE precious")
        yield Foreign(port, administrator)
        administrator.close()
    finally:
        janitor.close()


@pytest.fixture
def foreign(_foreign: Foreign) -> Iterator[Foreign]:
    """Return somebody's server, which must in the end be as it was."""
    before = _foreign.databases()
    yield _foreign
    assert _foreign.databases() == before


@dataclass(frozen=True)
class ForeignMysql:
    """Somebody's server of MariaDB or MySQL: TCP, passwords, users of all sorts."""

    port: int
    administrator: Administrator

    def url(self, user: str = "creator", password: str = PASSWORD, database: str | None = None) -> str:
        """Return the URL that a user would name."""
        url = make_url("mysql://127.0.0.1").set(username=user, password=password, port=self.port, database=database)
        return url.render_as_string(hide_password=False)

    def databases(self) -> set[str]:
        """Return what is there now."""
        return {name for (name,) in self.administrator.rows("SHOW DATABASES")}


@contextmanager
def somebodys(install: Sequence[str], serve: Sequence[str], port: int) -> Iterator[ForeignMysql]:
    """Run a server as somebody would who is not us.

    Args:
        install: the command that makes its data directory, to which that is added.
        serve: the command that runs it, to which the places are added.
        port: where it listens.
    """
    folder = Path(tempfile.mkdtemp(prefix="sm", dir="/tmp"))
    account = server_account()
    account.own(folder)
    janitor = Janitor([folder], account, stop="KILL")
    try:
        data, log = f"--datadir={folder}/data", folder / "log"
        assert janitor.run([*install, data], log), log.read_text()
        log.write_text("")
        places = [data, f"--socket={folder}/s", f"--pid-file={folder}/pid", f"--tmpdir={folder}"]
        network = ["--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"]
        janitor.serve([*serve, *places, *network], log)
        assert janitor.wait_until(lambda: "ready for connections" in log.read_text(), 60), log.read_text()
        url = make_url("mysql://root@/").update_query_dict({"unix_socket": f"{folder}/s"})
        administrator = Administrator(url, "pymysql")
        for user, rights in (("creator", r"ALL ON `stairway\_%`.*"), ("reader", "SELECT ON precious.*")):
            administrator.execute(f"CREATE USER {user}@127.0.0.1 IDENTIFIED BY '{PASSWORD}'")
            administrator.execute(f"GRANT {rights} TO {user}@127.0.0.1")
        administrator.execute("CREATE DATABASE precious")
        yield ForeignMysql(port, administrator)
        administrator.close()
    finally:
        janitor.close()


@pytest.fixture(scope="session")
def _foreign_mysql(mariadb_programs: MysqlInstallation) -> Iterator[ForeignMysql]:
    install = [str(mariadb_programs.installer), "--no-defaults", "--auth-root-authentication-method=normal"]
    with somebodys(install, [str(mariadb_programs.server), "--no-defaults"], 20001 + os.getpid() % 20000) as server:
        yield server


@pytest.fixture
def foreign_mysql(_foreign_mysql: ForeignMysql) -> Iterator[ForeignMysql]:
    """Return somebody's server, which must in the end be as it was."""
    before = _foreign_mysql.databases()
    yield _foreign_mysql
    assert _foreign_mysql.databases() == before


@pytest.fixture(scope="session")
def _foreign_itself(mysql_programs: MysqlInstallation) -> Iterator[ForeignMysql]:
    server = [str(mysql_programs.server), "--no-defaults", "--secure-file-priv="]
    with somebodys([*server, "--initialize-insecure"], [*server, "--mysqlx=OFF"], 20002 + os.getpid() % 20000) as found:
        yield found


@pytest.fixture
def foreign_itself(_foreign_itself: ForeignMysql) -> Iterator[ForeignMysql]:
    """Return somebody's server of MySQL itself, which must in the end be as it was."""
    before = _foreign_itself.databases()
    yield _foreign_itself
    assert _foreign_itself.databases() == before


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what runs Python code in another process, as another user if one is given."""
    running = []

    def spawn(
        code: str, *arguments: str, uid: int | None = None, without: str = "", **environment: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*_as(uid), *_without(without), sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        )
        running.append(process)
        return process

    yield spawn
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _as(uid: int | None) -> Sequence[str]:
    """Return what runs a command as another user, who may read this interpreter wherever root has it."""
    if uid is None:
        return ()
    if not AS_ROOT or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv")
    capability = "+dac_read_search"
    ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    return ["setpriv", *ids, f"--inh-caps={capability}", f"--ambient-caps={capability}"]


def _without(right: str) -> Sequence[str]:
    """Return what runs a command as a root who lacks a right."""
    if not right:
        return ()
    if not AS_ROOT or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv")
    return ["setpriv", f"--bounding-set=-{right}", f"--inh-caps=-{right}"]


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process so that it can do nothing about it."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def is_running(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
