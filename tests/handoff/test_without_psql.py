"""Where there is no psql on the machine, the driver runs the files, and the bundle says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, table
from handoff.release_lab import NOTES
from handoff.test_dump import RANGE
from handoff.test_proof import BOUND, COMMENT, sample_project
from offline.test_walk import Asked, told
from pytest_stairway import dumps
from pytest_stairway.exceptions import UsageError
from pytest_stairway.handoff import runner
from pytest_stairway.offline import runners as offline_runners

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.release_lab import Releases
    from pytest_stairway.databases import Server


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (runner, dumps, offline_runners):
        monkeypatch.setattr(module, "find_client", lambda _name: None)


def test_the_driver_proves_the_files_and_the_readme_names_it(releases: Releases, postgresql_server: Server) -> None:
    bundle = releases.of(sample_project(postgresql_server), RANGE)
    assert bundle.code == 0, bundle.report
    assert bundle.report["client"] == "psycopg"
    assert "run by psycopg" in bundle.text("README.md")
    assert "There was no psql on that machine" in bundle.text("README.md")


@pytest.mark.parametrize(("up", "code"), [(BOUND, "offline-differs"), (COMMENT, "offline-failed")])
def test_the_driver_finds_what_psql_finds(releases: Releases, up: str, code: str) -> None:
    bundle = releases.make(NOTES, Rev("b", up))
    assert bundle.code == 1
    assert bundle.finding(code)["revision"] == "b"


def test_a_dump_cannot_be_restored(releases: Releases, postgresql_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    path.write_text("SELECT 1;")
    with pytest.raises(UsageError, match="--from-dump needs psql, which is nowhere on this machine"):
        releases.of(sample_project(postgresql_server), RANGE, handoff_from_dump=str(path))


def test_the_offline_walk_goes_by_the_driver(tmp_path: Path, postgresql_server: Server) -> None:
    asked = Asked(tmp_path, postgresql_server)
    try:
        answers = asked.all(asked.project(NOTES, Rev("b", BOUND), table("c", "later", "id int")))
    finally:
        asked.made[0].close()
    assert [told(answer.findings) for answer in answers.values()] == [[], [("offline-differs", "upgrade")], []]
