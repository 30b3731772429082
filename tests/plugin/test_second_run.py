"""The second run does not start from nothing, and never from anything stale."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.databases.head_start import HeadStart
from pytest_stairway.databases.workplace import roomy_folder

from .conftest import ENV, FAILS, Project

if TYPE_CHECKING:
    from pathlib import Path

RUNS = """\
with open({log!r}, "a") as log:
    log.write({revision!r} + " ")
op.execute("CREATE TABLE t_{revision} (id INTEGER)")
"""


class Recorded:
    """A project whose upgrades leave a trace."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.log = project.root / "log"

    def add(self, *revisions: str) -> None:
        for revision in revisions:
            up = RUNS.format(log=str(self.log), revision=revision)
            self.project.add(revision, up=up, down=f'op.execute("DROP TABLE t_{revision}")')

    def run(self, revision: str, *arguments: object) -> list[str]:
        """Check one revision; give the revisions that were upgraded, in order."""
        self.log.write_text("")
        result = self.project.run(self.path(revision), *arguments)
        result.assert_outcomes(passed=1)
        return self.log.read_text().split()

    def path(self, revision: str) -> Path:
        return self.project.versions / f"{revision}_make.py"


@pytest.fixture
def recorded(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recorded:
    """Fourteen revisions, and a cache of their own."""
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(tmp_path / "cache"))
    history = Recorded(project)
    history.add(*NAMES)
    return history


NAMES = [f"r{number:02}" for number in range(14)]
NEWEST = NAMES[-1]
WALKED = [NEWEST, NEWEST]
"""Up, and up again."""


def test_the_second_run_walks_the_one_revision_only(recorded: Recorded) -> None:
    assert recorded.run(NEWEST) == [*NAMES[:-1], *WALKED]
    assert recorded.run(NEWEST) == WALKED


def test_one_more_revision_goes_on_from_there(recorded: Recorded) -> None:
    recorded.run(NEWEST)
    recorded.add("next")
    assert recorded.run("next") == [NEWEST, "next", "next"]


def test_a_lower_revision_starts_below_it(recorded: Recorded) -> None:
    recorded.run(NEWEST)
    assert recorded.run(NAMES[5]) == [*NAMES[:5], NAMES[5], NAMES[5]]


@pytest.mark.parametrize("name", ["migrations/versions/r00_make.py", "migrations/env.py", "alembic.ini"])
def test_a_change_of_what_made_it_starts_from_nothing(recorded: Recorded, name: str) -> None:
    recorded.run(NEWEST)
    path = recorded.project.root / name
    path.write_text(path.read_text() + "\n# changed\n")
    assert recorded.run(NEWEST) == [*NAMES[:-1], *WALKED]


def test_a_change_of_the_newest_revision_does_not(recorded: Recorded) -> None:
    recorded.run(NEWEST)
    path = recorded.path(NEWEST)
    path.write_text(path.read_text() + "\n# changed\n")
    assert recorded.run(NEWEST) == WALKED


def test_no_cache(recorded: Recorded, tmp_path: Path) -> None:
    for _ in range(2):
        assert recorded.run(NEWEST, "--stairway-no-cache") == [*NAMES[:-1], *WALKED]
    assert not list(tmp_path.glob("cache/*"))


def test_a_cache_elsewhere(recorded: Recorded, tmp_path: Path) -> None:
    elsewhere = f"--stairway-cache-dir={tmp_path / 'elsewhere'}"
    assert len(recorded.run(NEWEST, elsewhere)) > len(WALKED)
    assert recorded.run(NEWEST, elsewhere) == WALKED
    assert len(recorded.run(NEWEST)) > len(WALKED)


@pytest.mark.parametrize("arguments", [["--stairway-shard=3/2"], ["--collect-only"], []])
def test_a_server_that_was_begun_is_used_or_goes(
    recorded: Recorded, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = recorded.project.root / "alembic.ini"
    ini.write_text(re.sub("sqlite:.*", "postgresql+psycopg://localhost/app", ini.read_text()))
    recorded.run(NEWEST)
    before, begun = ours(), []
    on = HeadStart.on
    monkeypatch.setattr(HeadStart, "on", lambda *files, folder: begun.append(on(*files, folder=folder)) or begun[-1])
    recorded.project.run(recorded.path(NEWEST), *arguments)
    assert [each is not None for each in begun] == ([] if "--collect-only" in arguments else [True])
    assert ours() == before


def ours() -> set[Path]:
    """Give the folders of this process's servers."""
    return {path for path in roomy_folder().iterdir() if path.name.endswith(f".{os.getpid()}")}


def test_what_the_whole_walk_finds_is_the_same(recorded: Recorded) -> None:
    recorded.run(NEWEST)
    recorded.run(NEWEST)
    recorded.project.run("--stairway").assert_outcomes(passed=len(NAMES) + 3, skipped=1)


def test_leftovers_are_found_after_a_start_from_a_template(recorded: Recorded) -> None:
    """What a downgrade leaves only when others were there does not show in its own round trip."""
    leave = f'"last" in __import__("pathlib").Path({str(recorded.log)!r}).read_text()'
    create = 'op.execute("CREATE TABLE left_behind (id INTEGER)")'
    recorded.project.add("leaves", up="pass", down=f"if {leave}: {create}")
    recorded.add("last")
    for _ in range(2):
        result = recorded.project.run(recorded.path("last"), "alembic.ini::leftovers", "-v")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["*leftovers:*table left_behind*"])


def test_recovery_starts_from_a_template(recorded: Recorded) -> None:
    """Each revision that fails costs a new database; the second one starts where the first one did."""
    recorded.project.add("bad1", up='op.execute("CREATE TABLE bad1 (id INTEGER)")', down=FAILS)
    recorded.project.add("bad2", up='op.execute("CREATE TABLE bad2 (id INTEGER)")', down=FAILS)
    recorded.add("last")
    recorded.log.write_text("")
    recorded.project.run("--stairway", "-k", "bad or last").assert_outcomes(failed=2, passed=1)
    assert recorded.log.read_text().split().count(NAMES[0]) == 1


def test_a_folder_that_cannot_be_written_is_told_and_the_run_goes_on(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert recorded.run(NEWEST, f"--stairway-cache-dir={tmp_path / 'file'}") == [*NAMES[:-1], *WALKED]


@pytest.mark.usefixtures("mariadb_programs")
def test_on_mariadb_too(recorded: Recorded) -> None:
    pytest.importorskip("pymysql")
    env = ENV.replace(
        "engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)",
        "__import__('sqlalchemy').create_engine('mysql+pymysql://localhost/app', poolclass=pool.NullPool)",
    )
    recorded.project.write("migrations/env.py", env)
    named = "--stairway-database=binaries"
    assert recorded.run(NEWEST, named) == [*NAMES[:-1], *WALKED]
    assert recorded.run(NEWEST, named) == WALKED
    path = recorded.path(NAMES[3])
    path.write_text(path.read_text() + "\n# changed\n")
    assert recorded.run(NEWEST, named) == [*NAMES[:-1], *WALKED]
