"""The sample's own history: what is true of it at volume is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.clones import Clones
from pytest_stairway.findings import Direction, Severity
from pytest_stairway.project import Project
from pytest_stairway.rehearsal import Lock, Passing, rehearse
from pytest_stairway.rehearsal.judging import check_rehearsal
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server
    from pytest_stairway.findings import Finding
    from pytest_stairway.rehearsal import Rehearsal

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(postgresql_server: Server) -> Iterator[Project]:
    project = Project(Settings(), ROOT, address=postgresql_server.address)
    yield project
    project.close()


@pytest.fixture(scope="module")
def clones(project: Project) -> Clones:
    return Clones(
        project.history,
        project.configuration,
        project.lineage,
        project.server,
        project.contact,
        row_settings=project.row_settings,
    )


@pytest.fixture(scope="module")
def not_null(clones: Clones) -> Rehearsal:
    """The revision that fills six hex characters under a unique constraint, on 100,000 rows."""
    return rehearse(clones, "a5390146783a", rows=100_000)


@pytest.fixture(scope="module")
def findings(project: Project, not_null: Rehearsal) -> dict[tuple[str, Direction | None], Finding]:
    found = check_rehearsal(not_null, project.history["a5390146783a"])
    return {(finding.code, finding.direction): finding for finding in found}


def test_the_table_that_is_touched_is_filled(not_null: Rehearsal) -> None:
    (filling,) = not_null.fillings
    assert (filling.table, filling.rows, filling.reason) == ("author", 100_000, None)


def test_it_fails_at_volume_and_is_watched_without_the_key_that_it_violates(not_null: Rehearsal) -> None:
    first, second, down = not_null.runs
    assert (first.rows, first.failure is None, first.without) == (100_000, False, None)
    assert (second.rows, second.failure, second.without) == (100_000, None, "uq_author_ref_code")
    assert (down.direction, down.failure) == (Direction.DOWNGRADE, None)
    update, set_not_null = second.statements
    assert (update.rows or 0) > 99_000
    assert set_not_null.tables[0].read == 100_000


def test_the_collision_is_estimated(not_null: Rehearsal) -> None:
    (estimate,) = not_null.estimates
    assert (estimate.values, estimate.by_lot) == (16**6, True)
    assert estimate.description == "six hex characters are 16^6 values"


def test_the_failure_is_an_error_that_says_how_often(findings: dict[tuple[str, Direction], Finding]) -> None:
    finding = findings["fails-at-volume", Direction.UPGRADE]
    assert finding.severity is Severity.ERROR
    assert finding.object == "table author"
    for words in ("fails on 100,000", "uq_author_ref_code", "16^6", "2.9 % of tries at 1,000", "95 % at 10,000"):
        assert words in finding.message
    assert finding.detail is not None
    assert finding.detail.startswith("SQL: UPDATE author SET ref_code=SUBSTRING(md5(")


def test_the_lock_upgrade_is_found(not_null: Rehearsal, findings: dict[tuple[str, Direction], Finding]) -> None:
    run = next(run for run in not_null.runs if run.failure is None)
    (lock,) = run.locks
    assert (lock.table, lock.weaker, lock.lock) == ("author", Lock.ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE)
    assert (lock.reader, lock.writer) == (Passing.BLOCKED, Passing.BLOCKED)
    assert "ROW EXCLUSIVE on author by `UPDATE author" in findings["lock-upgrade", Direction.UPGRADE].message
    assert "ACCESS EXCLUSIVE on author" in findings["blocks-reads", Direction.UPGRADE].message


def test_its_downgrade_keeps_nobody_waiting(findings: dict[tuple[str, Direction], Finding]) -> None:
    assert not [code for code, direction in findings if direction is Direction.DOWNGRADE]


def test_what_passes_by_luck_is_told(project: Project, clones: Clones) -> None:
    rehearsal = rehearse(clones, "a5390146783a", rows=500)
    (failure,) = (
        each for each in check_rehearsal(rehearsal, project.history["a5390146783a"]) if each.code == "fails-at-volume"
    )
    assert "16^6" in failure.message
    assert "95 % at 10,000 rows" in failure.message
    if not rehearsal.failed:  # in 0.7 % of tries it fails right here
        assert failure.message.startswith("upgrade() passed on 500 rows by luck")
        assert failure.severity is Severity.WARNING


def test_a_revision_that_only_adds_a_table_has_no_finding(project: Project, clones: Clones) -> None:
    rehearsal = rehearse(clones, "d3a7f518c96e", rows=1_000)
    assert rehearsal.fillings == ()
    assert check_rehearsal(rehearsal, project.history["d3a7f518c96e"]) == ()


def test_a_mergepoint_is_rehearsed_with_both_branches_below_it(clones: Clones) -> None:
    rehearsal = rehearse(clones, "f0e4a96d813b", rows=1_000)
    assert [run.failure for run in rehearsal.runs] == [None, None]
