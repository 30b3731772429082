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
from handoff.test_proof import BOUND, COMMENT, CONNECTS, JSON, PERCENT, READS, SKIPPED, TAB, UNBOUND, sample_project
from offline.lab import env
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


def test_english_is_found_where_there_is_some(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", BOUND), Rev("c", BLOCK + sql("CREATE INDEX CONCURRENTLY i ON notes (note)")))
    found = "; ".join(english_in(bundle))
    assert "bound parameters are lost: the migration gives" in found  # a finding
    assert "How to go back" in found  # README.md
    assert "What the files say" in found  # report.html
    assert "Was it run before, or is it another database" in found  # the guard
    assert "do not run this file" in found  # a comment


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


def test_what_goes_wrong_when_it_is_proven(releases: Releases) -> None:
    steps = {"b": BOUND, "c": TAB, "d": SKIPPED, "e": PERCENT}
    bundle = releases.make(NOTES, *(Rev(name, up) for name, up in steps.items()), options=RUSSIAN)
    assert english_in(bundle) == []


def test_columns_of_another_type(releases: Releases) -> None:
    up = "if context.is_offline_mode():\n    op.execute('ALTER TABLE notes ADD x int, ADD z int')\nelse:\n    op.execute('ALTER TABLE notes ADD x bigint, ADD y int NOT NULL DEFAULT 1')"
    bundle = releases.make(NOTES, Rev("b", up, head="from alembic import context"), options=RUSSIAN)
    assert english_in(bundle) == []


CANNOT = {
    "a comment at the end": (COMMENT, 'syntax error at or near "UPDATE"'),
    "a value without a type": (UNBOUND, "No literal value renderer is available for literal value"),
    "a result that is read": (READS, "object has no attribute 'fetchall'"),
    "a type without literals": (JSON, "No literal value renderer is available for literal value"),
    "a connection of its own": (CONNECTS, ""),
    "an exception": ("1/0", "division by zero"),
    "a transaction of its own": ("op.get_bind().commit()", "object has no attribute 'commit'"),
}


@pytest.mark.parametrize(("up", "said"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_written_or_run(releases: Releases, up: str, said: str) -> None:
    bundle = releases.make(NOTES, Rev("b", up), options=RUSSIAN)
    assert "offline-failed: " in bundle.text("README.md")
    assert english_in(bundle, said=[said]) == []


@pytest.mark.parametrize("offline", ["sys.exit('only online')", "1/0", "url = None"])
def test_what_env_py_cannot_do(releases: Releases, offline: str) -> None:
    broken = env().replace("if context.is_offline_mode():\n", f"if context.is_offline_mode():\n    {offline}\n")
    bundle = releases.make(NOTES, table("b", "two", "id int"), env=f"import sys\n{broken}", options=RUSSIAN)
    assert "offline-failed: " in bundle.text("README.md")
    assert english_in(bundle, said=["only online", "division by zero", "Connection, url, or dialect_name"]) == []


def test_what_a_rehearsal_says(releases: Releases) -> None:
    up = "\n".join(
        map(
            sql,
            (
                "UPDATE notes SET note = 'x' || id",
                "ALTER TABLE notes ALTER note TYPE varchar(9)",
                "ALTER TABLE notes ADD UNIQUE (note)",
                "ALTER TABLE notes ALTER note SET NOT NULL",
                "ALTER TABLE notes ADD more uuid DEFAULT gen_random_uuid()",
                "CREATE INDEX i ON notes (note)",
            ),
        )
    )
    down = (
        sql("UPDATE notes SET note = (id % 50)::text") + "\n" + sql("ALTER TABLE notes ADD CONSTRAINT k UNIQUE (note)")
    )
    bundle = releases.make(NOTES, Rev("b", up, down), options={**RUSSIAN, "handoff_rehearse": 2000})
    assert english_in(bundle) == []


def test_what_the_developers_accept(releases: Releases) -> None:
    head = "# stairway: accept offline-differs: так решили"
    bundle = releases.make(NOTES, Rev("b", TAB, head=head), options=RUSSIAN)
    assert english_in(bundle) == []


def test_what_fails_before_the_release(releases: Releases) -> None:
    bundle = releases.make(Rev("0", "1/0"), NOTES, table("b", "two", "id int"), options=RUSSIAN)
    assert english_in(bundle, said=["division by zero"]) == []


def test_on_mariadb_what_fails_halfway(tmp_path: Path, mariadb_server: Server) -> None:
    up = "\n".join(
        (sql("ALTER TABLE notes ADD tag int"), sql("UPDATE notes SET tag = id"), COMMENT, sql("DROP TABLE nothing"))
    )
    bundle = Releases(tmp_path, mariadb_server).make(NOTES, Rev("b", up), dialect="mysql", options=RUSSIAN)
    assert english_in(bundle, said=["Unknown table 'nothing'"]) == []
