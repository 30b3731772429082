"""Rehearsals, as people ask for them: ``--stairway-volume`` and ``stairway rehearse``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Case, Rev, sql, table, write

from .conftest import Project, outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Server


@pytest.fixture
def on_postgresql(project: Project, postgresql_server: Server, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A table, an index on it, and a failure at volume, on a server that is there already."""
    revisions = (
        table("a1", "author", "id serial PRIMARY KEY", "born int NOT NULL"),
        Rev("b2", sql("CREATE INDEX ix ON author (born)"), sql("DROP INDEX ix")),
        Rev("c3", sql("ALTER TABLE author ADD COLUMN n smallint") + "\n" + sql("UPDATE author SET n = id * 100")),
    )
    folder = project.root / "pg"
    folder.mkdir()
    write(Case("project", "a project", revisions), folder)
    monkeypatch.setenv("STAIRWAY_DATABASE", json.loads(postgresql_server.address)["url"])
    project.root = folder
    return project


def run(project: Project, *arguments: object) -> pytest.RunResult:
    ini = project.root / "alembic.ini"
    return project.run("-v", "--stairway", "--stairway-config", ini, *arguments)


def test_without_the_option_nothing_is_rehearsed(project: Project) -> None:
    project.chain("a1")
    assert not [name for name in outcomes(project.run("-v", "--stairway")) if name.endswith("::volume")]


def test_each_revision_has_an_item_which_comes_last(project: Project) -> None:
    project.chain("a1", "b2")
    found = outcomes(project.run("-v", "--stairway", "--stairway-volume", "100"))
    assert list(found)[-2:] == ["migrations/versions/a1_make.py::volume", "migrations/versions/b2_make.py::volume"]


def test_other_dialects_are_skipped_with_the_reason(project: Project) -> None:
    project.chain("a1")
    result = project.run("-rs", "--stairway", "--stairway-volume", "100")
    result.stdout.fnmatch_lines(["SKIPPED*only PostgreSQL is watched at volume, and env.py connects to sqlite"])


def test_a_revision_is_rehearsed_by_pytest(on_postgresql: Project, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = run(on_postgresql, "--stairway-volume", "1000", "--stairway-json", out, "-k", "volume")
    assert [word for name, word in outcomes(result).items() if name.endswith("::volume")] == [
        "PASSED",
        "PASSED",
        "FAILED",
    ]
    result.stdout.fnmatch_lines(
        [
            "*fails-at-volume: upgrade() works on a few rows and fails on 1,000*smallint out of range*",
            "*upgrade on 100 rows passed*",
            "rehearsed on 1,000 rows: 3 revisions",
            "warning: blocks-writes: b2: `CREATE INDEX ix ON author (born)` holds SHARE on author*",
        ]
    )
    written = json.loads(out.read_text())
    assert [told["revision"] for told in written["rehearsals"]] == ["a1", "b2", "c3"]
    (lock,) = written["rehearsals"][1]["runs"][0]["locks"]
    assert (lock["table"], lock["lock"], lock["reader"], lock["writer"]) == ("author", "SHARE", "went on", "blocked")


def test_the_command_rehearses_the_newest_revision(on_postgresql: Project) -> None:
    done = on_postgresql.command("rehearse", "--rows", "1000")
    assert done.returncode == 1, done.stderr
    assert "filled author with 1,000 rows" in done.stdout
    assert "upgrade on 1,000 rows FAILED" in done.stdout
    assert "CREATE INDEX" not in done.stdout


def test_the_command_rehearses_a_range(on_postgresql: Project, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = on_postgresql.command("rehearse", "b2", "--rows", "1000", "--json", out)
    assert done.returncode == 0, done.stderr
    assert "author  SHARE: blocks writers" in done.stdout
    assert [told["revision"] for told in json.loads(out.read_text())["rehearsals"]] == ["b2"]
    strict = on_postgresql.command("rehearse", "b2", "--rows", "1000", "--strict")
    assert strict.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rows", "none"], "--rows takes a whole number from 1, not 'none'"),
        (["--rows", "0"], "--rows takes a whole number from 1, not '0'"),
        (["nope"], "nope"),
    ],
)
def test_what_cannot_be_used(project: Project, arguments: list[str], words: str) -> None:
    project.chain("a1")
    done = project.command("rehearse", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
