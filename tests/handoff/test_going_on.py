"""A client that goes on after errors changes nothing after a refusal, also where statements stand outside transactions."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from gauntlet.case import Rev, sql, table
from handoff.lab import files
from offline.lab import OfflineLab, env
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handoff.lab import Files, Target
    from pytest_stairway.handoff.pieces import Piece

    Client = Callable[[Target, tuple[Piece, ...], Path], None]

BLOCK = "with op.get_context().autocommit_block():\n    "
INDEX, NO_INDEX = sql("CREATE UNIQUE INDEX CONCURRENTLY i ON notes (note)"), sql("DROP INDEX CONCURRENTLY i")
OUTSIDE, NOT_OUTSIDE = sql("INSERT INTO notes VALUES (7, 'outside')"), sql("DELETE FROM notes WHERE id = 7")
FIRST, NOT_FIRST = sql("ALTER TABLE notes ADD two int"), sql("ALTER TABLE notes DROP two")
LAST, NOT_LAST = sql("ALTER TABLE notes ADD three int"), sql("ALTER TABLE notes DROP three")

ONE = Rev("b", sql("ALTER TABLE notes ADD one int"), sql("ALTER TABLE notes DROP one"))
FOUR = Rev("d", sql("CREATE TABLE four (id int)"), sql("DROP TABLE four"))


def middle(up: tuple[str, ...], down: tuple[str, ...]) -> Rev:
    return Rev("c", "\n".join(up), "\n".join(down))


BLOCKS = middle(
    (FIRST, BLOCK + INDEX, BLOCK + OUTSIDE, LAST), (NOT_LAST, BLOCK + NOT_OUTSIDE, BLOCK + NO_INDEX, NOT_FIRST)
)
COMMITS = middle(
    (FIRST, sql("COMMIT"), INDEX, OUTSIDE, LAST), (NOT_LAST, sql("commit"), NOT_OUTSIDE, NO_INDEX, NOT_FIRST)
)
PLAIN = middle((FIRST, INDEX, OUTSIDE, LAST), (NOT_LAST, NOT_OUTSIDE, NO_INDEX, NOT_FIRST))
RELEASES = {
    "blocks": (BLOCKS, env()),
    "blocks, each revision by itself": (BLOCKS, env("transaction_per_migration=True")),
    "a commit of its own": (COMMITS, env()),
    "no transactions": (PLAIN, env("transactional_ddl=False")),
}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path, target: Target) -> Files:
    """A release from `a` to `d`, of which `c` has statements outside of transactions; the database is at `a`."""
    revision, env_py = RELEASES[request.param]
    notes = table("a", "notes", "id int PRIMARY KEY", "note text")
    environment = OfflineLab(tmp_path).environment(notes, ONE, revision, FOUR, env=env_py)
    assert target.run(files(environment, "base:a", tmp_path / "start").upgrade).ok
    target.execute("INSERT INTO notes VALUES (1, 'one'), (2, 'two')")
    return files(environment, "a:d", tmp_path / "release")


def psql(target: Target, pieces: tuple[Piece, ...], folder: Path) -> None:
    """Run a file by psql without ON_ERROR_STOP."""
    path = folder / "deaf.sql"
    path.write_text("\n".join(piece.text for piece in pieces if piece.is_sql))
    assert target.run(path).code == 0


def driver(target: Target, pieces: tuple[Piece, ...], _folder: Path) -> None:
    """Run a file by a driver, statement by statement."""
    administrator = Administrator(make_url(target.database.url), usable_driver())
    try:
        for piece in pieces:
            with contextlib.suppress(DatabaseUnavailable):
                administrator.execute(piece.text) if piece.is_sql else None
        assert administrator.value("SHOW default_transaction_read_only") == "off"
    finally:
        administrator.close()


@pytest.fixture(params=[psql, driver])
def client(request: pytest.FixtureRequest) -> Client:
    """What goes on after errors."""
    chosen: Client = request.param
    return chosen


def test_after_a_refusal_nothing_is_changed(target: Target, release: Files, client: Client, tmp_path: Path) -> None:
    def refuses(pieces: tuple[Piece, ...]) -> None:
        before = target.state("notes")
        client(target, pieces, tmp_path)
        assert target.state("notes") == before

    refuses(release.down)
    target.execute("UPDATE alembic_version SET version_num = 'z'")
    refuses(release.up)
    target.execute("UPDATE alembic_version SET version_num = 'a'")
    client(target, release.up, tmp_path)
    assert target.rows("SELECT version_num FROM alembic_version") == [("d",)]
    refuses(release.up)
    client(target, release.down, tmp_path)
    assert target.rows("SELECT version_num FROM alembic_version") == [("a",)]
    refuses(release.down)


def left(target: Target) -> set[str]:
    """What the release's second and third revision have made."""
    made = {name for (name,) in target.rows("SELECT relname::text FROM pg_class WHERE relname IN ('i', 'four')")}
    made |= {
        name for (name,) in target.rows("SELECT attname::text FROM pg_attribute WHERE attname IN ('two', 'three')")
    }
    return made | {f"row {number}" for (number,) in target.rows("SELECT id FROM notes WHERE id > 2")}


@pytest.mark.parametrize("release", list(RELEASES)[:3], indirect=True)
def test_after_a_transaction_that_failed_nothing_is_changed(
    target: Target, release: Files, client: Client, tmp_path: Path
) -> None:
    target.execute("ALTER TABLE notes ADD two int")  # in the way of c
    client(target, release.up, tmp_path)
    assert left(target) == {"two"}


def test_after_an_index_that_could_not_be_built_nothing_is_changed(
    target: Target, release: Files, client: Client, tmp_path: Path
) -> None:
    target.execute("UPDATE notes SET note = 'the same'")
    client(target, release.up, tmp_path)
    assert left(target) == {"two", "i"}
    assert target.rows("SELECT version_num FROM alembic_version") in ([("a",)], [("b",)])


@pytest.mark.parametrize("release", ["blocks"], indirect=True)
def test_a_pooler_that_gives_another_session_is_noticed_and_no_session_is_left_read_only(
    target: Target, release: Files
) -> None:
    sessions = [Administrator(make_url(target.database.url), usable_driver()) for _ in range(2)]

    def run() -> None:
        for piece in release.up:
            if piece.is_sql:
                sessions[0].execute(piece.text)
            if piece.text == "COMMIT;":
                sessions.reverse()

    try:
        with pytest.raises(DatabaseUnavailable, match="the file did not begin in this session"):
            run()
        assert [each.value("SHOW default_transaction_read_only") for each in sessions] == ["off", "off"]
    finally:
        for each in sessions:
            each.close()
    assert left(target) == {"two"}
