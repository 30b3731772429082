"""A bundle in Russian has no English sentence left, but for what databases, programs and users say."""

# ruff: noqa: RUF001 - Russian

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql, table
from handoff.lab import Target
from handoff.release_lab import NOTES, Releases
from handoff.russian import english_in
from handoff.test_proof import sample_project
from pytest_stairway.mysql_clients import find_mysql_client

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.release_lab import Bundle
    from pytest_stairway.databases import Server

RUSSIAN = {"handoff_language": "ru"}
BLOCK = "with op.get_context().autocommit_block():\n    "


def test_the_samples_release(releases: Releases, postgresql_server: Server) -> None:
    bundle = releases.of(sample_project(postgresql_server), "faa4416c842b:a5390146783a", **RUSSIAN)
    readme = bundle.text("README.md")
    assert readme.startswith("# Релиз: faa4416c842b → a5390146783a\n\n**ПРОВЕРЕНО.**")
    assert "столбец `author.ref_code`: появляется" in readme
    assert '<html lang="ru">' in bundle.text("report.html")
    assert "-- upgrade.sql: с faa4416c842b на a5390146783a, 2 ревизии\n" in bundle.text("upgrade.sql")
    assert (
        refusal(bundle)
        == "отказ, потому что скрипт начинается с ревизии faa4416c842b, а база данных на ревизии a5390146783a"
    )
    assert english_in(bundle) == []


def refusal(bundle: Bundle) -> str:
    """What was said when the upgrade was run a second time."""
    (check,) = [each for each in bundle.report["checks"] if each["name"] == "refuses-second-upgrade"]
    return str(re.sub(r".*stairway: |['\"]$", "", check["said"]))


def test_what_is_another_each_time(releases: Releases) -> None:
    up = "import uuid, datetime\nop.execute(f\"UPDATE notes SET note = '{uuid.uuid4()}'\")"
    today = "import datetime\nop.execute(f\"UPDATE notes SET note = '{datetime.date.today()}'\")"
    bundle = releases.make(NOTES, Rev("b", up), Rev("c", today), options=RUSSIAN)
    assert english_in(bundle) == []


def test_no_way_back(releases: Releases) -> None:
    bundle = releases.make(
        NOTES, Rev("b", sql("DELETE FROM notes"), "raise NotImplementedError('no way')"), options=RUSSIAN
    )
    assert english_in(bundle, said=["no way"]) == []


def test_what_is_not_in_one_transaction(releases: Releases) -> None:
    up, down = sql("CREATE INDEX CONCURRENTLY i ON notes (note)"), sql("DROP INDEX CONCURRENTLY i")
    bundle = releases.make(NOTES, Rev("b", BLOCK + up, BLOCK + down), table("c", "two", "id int"), options=RUSSIAN)
    assert english_in(bundle) == []


def test_what_a_dump_lacks_and_what_has_no_rows(releases: Releases, tmp_path: Path) -> None:
    odd = table("a", "odd", "id int CHECK (id > 5 AND id < 5)")
    bundle = releases.make(odd, table("b", "two", "id int"), options=RUSSIAN)
    assert english_in(bundle) == []


def test_on_sqlite(tmp_path: Path) -> None:
    added = Rev("b", sql("ALTER TABLE notes ADD more text"), sql("ALTER TABLE notes DROP COLUMN more"))
    bundle = Releases(tmp_path, None).make(NOTES, added, written="base:b", dialect="sqlite", options=RUSSIAN)
    assert bundle.code == 0
    assert english_in(bundle) == []


def test_on_mariadb(tmp_path: Path, mariadb_server: Server) -> None:
    added = Rev("b", sql("ALTER TABLE notes ADD tag int"), sql("ALTER TABLE notes DROP COLUMN tag"))
    bundle = Releases(tmp_path, mariadb_server).make(
        NOTES, added, table("c", "two", "id int"), dialect="mysql", written="base:c", options=RUSSIAN
    )
    assert bundle.code == 0
    assert "### Если выполнение прервалось посередине" in bundle.text("README.md")
    assert english_in(bundle) == []


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4"])
def test_the_guard_speaks_whatever_the_version_table_is_encoded_in(
    tmp_path: Path, mariadb_server: Server, charset: str
) -> None:
    added = Rev("b", sql("ALTER TABLE notes ADD tag int"), sql("ALTER TABLE notes DROP COLUMN tag"))
    bundle = Releases(tmp_path, mariadb_server).make(NOTES, added, dialect="mysql", options=RUSSIAN)
    database, client = mariadb_server.create("dba"), find_mysql_client("mariadb")
    assert client is not None
    start = tmp_path / "start.sql"
    start.write_text(
        "CREATE TABLE notes (id int PRIMARY KEY, note text);"
        f"CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY) CHARACTER SET {charset};"
        "INSERT INTO alembic_version VALUES ('a');"
    )
    try:
        assert client.run(database.url, start).ok
        ran = client.run(database.url, bundle.folder / "upgrade.sql")
        assert ran.ok, ran.said
        again = client.run(database.url, bundle.folder / "upgrade.sql")
        assert not again.ok
        assert "отказ, потому что скрипт начинается с ревизии a, а база данных на ревизии b" in again.said
    finally:
        mariadb_server.drop(database)


@pytest.mark.parametrize(("encoding", "can"), [("WIN1251", "на ревизии b"), ("LATIN1", "")])
def test_a_database_without_cyrillic_letters_is_left_as_it_is(
    releases: Releases, postgresql_server: Server, encoding: str, can: str
) -> None:
    bundle = releases.make(NOTES, table("b", "more", "id int"), options=RUSSIAN)
    server, name = Target(postgresql_server.create("dba")), f"encoded_{encoding.lower()}"
    try:
        server.execute(f"CREATE DATABASE {name} ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
        target = Target(replace(server.database, url=server.database.url.replace(server.database.name, name)))
        target.execute(
            "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('a')"
        )
        ran, again = (target.run(bundle.folder / "upgrade.sql") for _ in range(2))
        assert ran.ok is bool(can)
        assert not again.ok
        assert (can or "has no equivalent in encoding") in again.said
        assert target.rows("SELECT version_num FROM alembic_version") == [("b" if can else "a",)]
        assert bool(target.rows("SELECT 1 FROM pg_class WHERE relname = 'more'")) is bool(can)
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {name} (FORCE)")
        postgresql_server.drop(server.database)
