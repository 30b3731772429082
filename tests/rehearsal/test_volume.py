"""What is found of revisions of a project when they are rehearsed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Case, Rev, sql, table, write
from pytest_stairway.findings import Direction
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings
from pytest_stairway.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server
    from pytest_stairway.project import Answer

ROWS = 1_000
AUTHOR = table("a1", "author", "id serial PRIMARY KEY", "name varchar(50) NOT NULL", "born int NOT NULL", "code text")
BOOK = table("b1", "book", "id serial PRIMARY KEY", "author_id int NOT NULL", "title text")


SOUND = {
    "a new column": sql("ALTER TABLE author ADD COLUMN age int"),
    "a new column with a constant default": sql("ALTER TABLE author ADD COLUMN age int NOT NULL DEFAULT 0"),
    "a new table": sql("CREATE TABLE shelf (id int PRIMARY KEY, author_id int REFERENCES author)"),
    "a longer varchar": sql("ALTER TABLE author ALTER COLUMN name TYPE varchar(200)"),
    "an index that is built concurrently": "with op.get_context().autocommit_block():\n"
    '    op.create_index("ix", "author", ["born"], postgresql_concurrently=True)',
    "a foreign key that is not validated": sql(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author NOT VALID"
    ),
    "an empty table": sql("TRUNCATE book"),
    "a few rows": sql("UPDATE author SET code = 'x' WHERE id = 1"),
    "a renamed column": sql("ALTER TABLE author RENAME COLUMN code TO mark"),
    "a dropped column": sql("ALTER TABLE author DROP COLUMN code"),
    "a dropped table": sql("DROP TABLE book"),
    "NOT NULL again": sql("ALTER TABLE author ALTER COLUMN name SET NOT NULL"),
}
FOUND = {
    "a rewrite": (
        sql("ALTER TABLE author ALTER COLUMN born TYPE bigint"),
        {("table-rewrite", "author"), ("blocks-reads", "author")},
    ),
    "a rewrite in a DO block": (
        sql("DO $$ BEGIN EXECUTE 'ALTER TABLE author ALTER COLUMN born TYPE bigint'; END $$"),
        {("table-rewrite", "author"), ("blocks-reads", "author")},
    ),
    "a default that is drawn": (
        sql("ALTER TABLE author ADD COLUMN key uuid DEFAULT gen_random_uuid()"),
        {("table-rewrite", "author"), ("blocks-reads", "author")},
    ),
    "a check": (sql("ALTER TABLE author ADD CHECK (born > -10000)"), {("blocks-reads", "author")}),
    "an index": (sql("CREATE INDEX ix ON author (born)"), {("blocks-writes", "author")}),
    "a unique constraint": (sql("ALTER TABLE author ADD UNIQUE (name)"), {("blocks-reads", "author")}),
    "a foreign key": (
        sql("ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author"),
        {("blocks-writes", "author"), ("blocks-writes", "book")},
    ),
    "an update of all rows": (sql("UPDATE author SET born = born + 1"), {("blocks-writes", "author")}),
    "a delete of all rows": (sql("DELETE FROM book"), {("blocks-writes", "book")}),
    "an update after a change of the table": (
        sql("ALTER TABLE author ADD COLUMN age int") + "\n" + sql("UPDATE author SET age = 5"),
        {("blocks-reads", "author")},
    ),
    "a change of the table after an update": (
        sql("UPDATE author SET code = 'x' WHERE id = 1") + "\n" + sql("ALTER TABLE author ADD COLUMN age int"),
        {("lock-upgrade", "author")},
    ),
    "NOT NULL after a backfill": (
        sql("UPDATE author SET code = id::text WHERE code IS NULL")
        + "\n"
        + sql("ALTER TABLE author ALTER COLUMN code SET NOT NULL"),
        {("lock-upgrade", "author"), ("blocks-reads", "author")},
    ),
}
HINTS: dict[str, tuple[str, str, str]] = {
    # statements, what the remedy says, and of what else it must not speak
    "a rewrite": ("ALTER TABLE author ALTER COLUMN born TYPE bigint", "Add a new column", "index"),
    "a default": ("ALTER TABLE author ADD COLUMN k uuid DEFAULT gen_random_uuid()", "without a default", "index"),
    "an index": ("CREATE INDEX ix ON author (born)", "Build the index", "constraint"),
    "a unique constraint": ("ALTER TABLE author ADD CONSTRAINT k UNIQUE (id, born)", "USING INDEX", "column"),
    "a unique column": ("ALTER TABLE author ADD COLUMN age int UNIQUE", "Add the column without its key", "default"),
    "a check": ("ALTER TABLE author ADD CHECK (born > -10000)", "postgresql_not_valid=True", "index"),
    "a checked column": (
        "ALTER TABLE author ADD COLUMN age int CHECK (age > born)",
        "Add the column by itself; then the constraint",
        "index",
    ),
    "a foreign key": ("ALTER TABLE book ADD FOREIGN KEY (author_id) REFERENCES author", "not_valid=True", "index"),
    "not null": (
        "ALTER TABLE author ALTER born DROP NOT NULL;ALTER TABLE author ALTER born SET NOT NULL",
        "then set NOT NULL, which looks at no row",
        "index",
    ),
    "a moved table": ("ALTER TABLE author SET UNLOGGED", "pg_repack", "column"),
    "a column before an index": (
        "ALTER TABLE author ADD COLUMN age int;CREATE INDEX ix ON author (born)",
        "The time goes to `CREATE INDEX ix ON author (born)`, later in the transaction: give that one of its own. Build",
        "default",
    ),
    "a column before an index of another table": (
        "ALTER TABLE author ADD COLUMN age int;CREATE INDEX ix ON book (title)",
        "The time goes to `CREATE INDEX ix ON book (title)`",
        "default",
    ),
    "a column before an update": (
        "ALTER TABLE author ADD COLUMN age int;UPDATE author SET age = 5",
        "The time goes to `UPDATE author SET age = 5`, later in the transaction: give that one of its own. Change the rows",
        "index",
    ),
}
OTHERS = {
    "the downgrade": Rev(
        "",
        sql("ALTER TABLE author ALTER COLUMN name TYPE varchar(60)"),
        sql("ALTER TABLE author ALTER COLUMN name TYPE varchar(50)"),
    ),
    "a table up and down": Rev("", sql("CREATE TABLE shelf (id int)"), sql("DROP TABLE shelf")),
    "an overflow": Rev(
        "", sql("ALTER TABLE author ADD COLUMN place smallint") + "\n" + sql("UPDATE author SET place = id * 100")
    ),
    "a collision in every try": Rev(
        "",
        sql("ALTER TABLE author ADD COLUMN slot int")
        + "\n"
        + sql("UPDATE author SET slot = id % 500")
        + "\n"
        + sql("ALTER TABLE author ADD UNIQUE (slot)"),
    ),
    "a collision by chance": Rev(
        "",
        sql("ALTER TABLE author ADD COLUMN pin int UNIQUE")
        + "\n"
        + sql("UPDATE author SET pin = floor(random() * 20000)"),
    ),
    "a failure on a few rows": Rev("", sql("ALTER TABLE author ADD COLUMN age int NOT NULL")),
    "no way down": Rev("", sql("ALTER TABLE author ADD COLUMN age int"), "raise NotImplementedError"),
    "acceptance": Rev(
        "",
        sql("CREATE INDEX ix ON author (born)"),
        head="# stairway: accept blocks-writes: the table is small\n# stairway: accept table-rewrite: it is not\n",
    ),
    "broken": Rev("", sql("DROP TABLE missing")),
}
CASES: dict[str, Rev] = {
    **{name: Rev("", up) for name, up in SOUND.items()},
    **{name: Rev("", up) for name, (up, _) in FOUND.items()},
    **{f"hint: {name}": Rev("", "\n".join(map(sql, HINTS[name][0].split(";")))) for name in HINTS},
    **OTHERS,
}
IDS = {name: f"case{place}" for place, name in enumerate(CASES)}


@pytest.fixture(scope="module")
def volume(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    """Every case as a branch of its own above two tables: what lies below them is migrated once."""
    folder = tmp_path_factory.mktemp("volume")
    branches = [replace(rev, revision=IDS[name], down_revision="b1") for name, rev in CASES.items()]
    above = Rev("above", sql("SELECT 1"), down_revision=IDS["broken"])
    ini = write(Case("project", "a project", (AUTHOR, BOOK, *branches, above)), folder)
    project = Project(Settings(config=str(ini)), folder, address=postgresql_server.address)
    yield Volume(project, ROWS)
    project.close()


@pytest.fixture
def rehearse(volume: Volume) -> Callable[[str], Answer]:
    """Rehearse one of the cases."""
    return lambda name: volume.check(volume.project.history[IDS.get(name, name)])


def codes(answer: Answer, direction: Direction = Direction.UPGRADE) -> set[tuple[str, str]]:
    """The findings of one direction, and the table that each is about."""
    assert answer.note is None
    found = [finding for finding in answer.findings if finding.direction is direction]
    return {(finding.code, (finding.object or "").removeprefix("table ")) for finding in found}


@pytest.mark.parametrize("name", SOUND)
def test_what_takes_no_longer_on_more_rows_is_sound(rehearse: Callable[[str], Answer], name: str) -> None:
    assert codes(rehearse(name)) == set()


@pytest.mark.parametrize("name", FOUND)
def test_what_takes_longer_on_more_rows_is_found(rehearse: Callable[[str], Answer], name: str) -> None:
    assert codes(rehearse(name)) == FOUND[name][1]


@pytest.mark.parametrize("name", HINTS)
def test_the_remedy_fits_the_statement(rehearse: Callable[[str], Answer], name: str) -> None:
    _, says, not_of = HINTS[name]
    findings = [each for each in rehearse(f"hint: {name}").findings if each.direction is Direction.UPGRADE]
    found = [each for each in findings if each.object == "table author"] or findings
    assert found
    for each in found:
        assert says in (each.hint or "")
        assert not_of not in (each.hint or "")


def test_what_a_revision_fills_was_empty_in_all_rows(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("NOT NULL after a backfill")
    assert answer.rehearsal is not None
    update, not_null = answer.rehearsal.runs[0].statements
    assert update.rows is not None
    assert update.rows > 0.9 * ROWS
    assert not_null.tables[0].read == ROWS


def test_the_downgrade_is_watched_too(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("the downgrade")
    assert codes(answer) == set()
    assert codes(answer, Direction.DOWNGRADE) == {("table-rewrite", "author"), ("blocks-reads", "author")}


def test_a_table_that_the_upgrade_has_made_is_empty_on_the_way_down(rehearse: Callable[[str], Answer]) -> None:
    assert codes(rehearse("a table up and down"), Direction.DOWNGRADE) == set()


def test_what_fails_on_many_rows_only_is_an_error(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("an overflow")
    (failure,) = (finding for finding in answer.findings if finding.code == "fails-at-volume")
    assert "smallint out of range" in failure.message
    assert failure.path is not None
    assert failure.line is not None
    assert answer.failed(strict=False)
    assert answer.rehearsal is not None
    assert [run.rows for run in answer.rehearsal.runs] == [1_000, 100, 100]


def test_values_that_collide_in_every_try_are_told_apart_from_chance(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("a collision in every try")
    assert answer.rehearsal is not None
    (estimate,) = answer.rehearsal.estimates
    assert (estimate.columns, estimate.by_lot) == (("slot",), False)


def test_the_number_of_values_is_measured_where_it_cannot_be_read(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("a collision by chance")
    assert answer.rehearsal is not None
    (estimate,) = answer.rehearsal.estimates
    assert 10_000 < estimate.values < 40_000
    assert (estimate.description, estimate.by_lot) == (None, True)


def test_what_fails_on_a_few_rows_is_left_to_the_walk(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("a failure on a few rows")
    assert answer.findings == ()
    assert answer.note is not None
    assert "was not rehearsed: it fails on a few rows already" in answer.note


def test_a_revision_below_that_cannot_go_up_is_told(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("above")
    assert answer.note is not None
    assert answer.note.startswith("above was not rehearsed")
    assert IDS["broken"] in answer.note


def test_a_downgrade_that_cannot_is_not_tried_on_many_rows(rehearse: Callable[[str], Answer]) -> None:
    answer = rehearse("no way down")
    assert codes(answer) == set()
    assert answer.rehearsal is not None
    assert [run.direction for run in answer.rehearsal.runs] == [Direction.UPGRADE]


def test_a_finding_is_accepted_in_the_revision_file(rehearse: Callable[[str], Answer]) -> None:
    accepted = {finding.code: finding.accepted for finding in rehearse("acceptance").findings}
    assert accepted == {"blocks-writes": True, "unused-acceptance": False}


def test_other_dialects_are_told_plainly(tmp_path: Path) -> None:
    ini = write(Case("project", "a project", [AUTHOR], dialect="sqlite"), tmp_path)
    project = Project(Settings(config=str(ini)), tmp_path)
    try:
        answer = Volume(project, ROWS).check(project.history["a1"])
        assert answer.note == "only PostgreSQL is watched at volume, and env.py connects to sqlite"
    finally:
        project.close()
