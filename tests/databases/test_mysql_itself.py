"""What is different where the server is MySQL itself: its programs, its passwords, its templates, what its users may."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases
from pytest_stairway.databases import Cache, mysql_private
from pytest_stairway.databases.mysql_kept import leave_only
from pytest_stairway.exceptions import DatabaseUnavailable

from .conftest import eventually, is_running, kill
from .test_mysql_private import WAIT, started
from .test_mysql_server import named, session
from .test_mysql_templates import clusters, connected, make, tables

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server
    from pytest_stairway.databases.drivers import Administrator
    from pytest_stairway.databases.mysql_binaries import MysqlInstallation

    from .conftest import ForeignMysql

    Spawn = Callable[..., subprocess.Popen[str]]

CHECKED = "CREATE TABLE one (id INT PRIMARY KEY AUTO_INCREMENT, n INT, CONSTRAINT positive CHECK (n > 0) NOT ENFORCED)"


# -- a server of our own ----------------------------------------------------------------------------------------------


@contextmanager
def own(programs: MysqlInstallation, folder: Path, *wanted: str, driver: str = "pymysql") -> Iterator[Server]:
    """Start a server with what is kept in a folder."""
    cache = Cache(folder=folder, project="p", wanted=lambda: wanted)
    named = f"binaries:{programs.server.parent}"
    with databases.choose("mysql", named=named, driver=driver, cache=cache).start() as server:
        yield server


def administrator_of(server: Server) -> Administrator:
    return server._administrator  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which a data directory stays: to make one takes seconds."""
    return tmp_path_factory.mktemp("initialised")


@pytest.mark.usefixtures("base")
def test_it_keeps_quiet_and_is_made_to_be_thrown_away(mysql_programs: MysqlInstallation, initialised: Path) -> None:
    with own(mysql_programs, initialised) as server:
        assert server.description.startswith("MySQL ")
        variables = (
            "skip_networking",
            "log_bin",
            "event_scheduler",
            "secure_file_priv",
            "default_collation_for_utf8mb4",
        )
        values = administrator_of(server).rows(f"SELECT {', '.join(f'@@{name}' for name in variables)}")
        assert values == [(1, 0, "OFF", "", "utf8mb4_0900_ai_ci")]
        assert administrator_of(server).rows("SHOW VARIABLES LIKE 'mysqlx_socket'") == []


def test_after_kill_9_nothing_is_left(mysql_programs: MysqlInstallation, base: Path, spawn: Spawn) -> None:
    code = WAIT.replace('"mariadb", named="binaries"', f'"mysql", named="binaries:{mysql_programs.server.parent}"')
    process = spawn(code, str(base))
    pid = started(process)
    assert is_running(pid)
    kill(process)
    assert eventually(lambda: not is_running(pid) and not list(base.iterdir()))


def test_a_server_that_does_not_start_says_why(
    mysql_programs: MysqlInstallation, initialised: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mysql_private._OF_MYSQL, "no-such-option", "nonsense")
    with (
        pytest.raises(DatabaseUnavailable, match=r"(?s)does not start .*unknown variable 'no-such-option"),
        own(mysql_programs, initialised),
    ):
        pass
    assert not list(base.iterdir())


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("driver", ["pymysql", "mysqlconnector"])
def test_the_next_run_starts_with_the_templates_of_the_last(
    mysql_programs: MysqlInstallation, tmp_path: Path, driver: str
) -> None:
    with own(mysql_programs, tmp_path, driver=driver) as server:
        users = ("CREATE USER early@localhost", "CREATE ROLE reader")
        no_default = ("CREATE TABLE two (born INT)", "ALTER TABLE two ALTER born DROP DEFAULT")
        make(server, "one", *users, CHECKED, "INSERT INTO one (n) VALUES (1)", *no_default)
        make(server, "late", "CREATE TABLE late (id INT)")
    with own(mysql_programs, tmp_path, "one", driver=driver) as server:
        assert tables(server, "one") == ["one", "two"]
        assert tables(server, "late") == ["late"]
        assert not server.notes
    assert len(clusters(tmp_path)) == 1


@pytest.mark.usefixtures("base")
def test_a_copy_counts_on_where_the_original_stands(mysql_programs: MysqlInstallation, initialised: Path) -> None:
    """MySQL tells of a table's counter what it knew a day ago, unless it is told to look."""
    with own(mysql_programs, initialised) as server:
        original = server.create()
        with connected(original) as administrator:
            administrator.execute(CHECKED)
            administrator.rows("SELECT auto_increment FROM information_schema.tables WHERE table_name = 'one'")
            administrator.execute("INSERT INTO one (n) VALUES (1), (2), (3)")
            administrator.execute("DELETE FROM one")
        with connected(server.clone(original)) as administrator:
            administrator.execute("INSERT INTO one (n) VALUES (0)")
            assert administrator.value("SELECT id FROM one") == 4
            assert "CONSTRAINT `positive` CHECK" in administrator.rows("SHOW CREATE TABLE one")[0][1]


CHANGES = (
    ("GRANT BACKUP_ADMIN ON *.* TO early@localhost", "REVOKE BACKUP_ADMIN ON *.* FROM early@localhost"),
    ("SET DEFAULT ROLE reader TO early@localhost", "SET DEFAULT ROLE NONE TO early@localhost"),
    ("REVOKE reader FROM early@localhost", "GRANT reader TO early@localhost"),
)
"""What a migration does to a whole server, and how that is taken back."""


@pytest.mark.usefixtures("base")
def test_no_template_is_left_where_the_server_has_become_another(
    mysql_programs: MysqlInstallation, initialised: Path
) -> None:
    with own(mysql_programs, initialised) as server:
        make(server, "one", "CREATE USER early@localhost", "CREATE ROLE reader", "GRANT reader TO early@localhost")
        for change, back in CHANGES:
            administrator_of(server).execute(change)
            assert leave_only(administrator_of(server)) == [], change
            administrator_of(server).execute(back)
        assert len(leave_only(administrator_of(server))) == 1


# -- somebody's server ------------------------------------------------------------------------------------------------


def test_a_named_server_serves_and_is_left_as_it_was(foreign_itself: ForeignMysql) -> None:
    before = foreign_itself.databases()
    with named(foreign_itself.url()) as server:
        assert server.description == f"MySQL {server.version}, server creator@127.0.0.1:{foreign_itself.port}"
        make(server, "one", CHECKED)
        assert tables(server, "one") == ["one"]
    assert foreign_itself.databases() == before


def test_a_live_sessions_databases_stay_and_a_killed_ones_go(foreign_itself: ForeignMysql, spawn: Spawn) -> None:
    process, name = session(spawn, foreign_itself.url())
    assert is_there(foreign_itself, name)
    kill(process)
    assert eventually(lambda: not is_there(foreign_itself, name))


def is_there(foreign: ForeignMysql, name: str) -> bool:
    """Tell whether a database is still there after a session has swept."""
    with named(foreign.url()):
        return name in foreign.databases()


def test_a_user_who_may_not_create_databases_gets_a_clear_word(foreign_itself: ForeignMysql) -> None:
    expected = r"reader@127.0.0.1 may not create.*GRANT ALL PRIVILEGES ON `stairway\\_%`\.\* TO 'reader'@'127.0.0.1'"
    with pytest.raises(DatabaseUnavailable, match=expected):
        named(foreign_itself.url("reader"))


def test_the_dialect_that_is_mariadbs_alone_is_refused(foreign_itself: ForeignMysql) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"is MySQL, which SQLAlchemy's dialect mariadb refuses"):
        named(foreign_itself.url(), dialect="mariadb")
