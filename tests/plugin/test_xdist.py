"""Spread over workers, a run finds the same: one server, and one report in the history's order."""

from __future__ import annotations

import re

import pytest

from .conftest import FAILS, Project
from .test_running import comparable

pytest.importorskip("xdist")


@pytest.fixture
def broken(project: Project) -> Project:
    """Defects of every kind that the items tell of one by one, or together."""
    project.chain("a1", "b2")
    project.add("c3", up='op.execute("CREATE TABLE IF NOT EXISTS t_c3 (id INT)")')
    project.chain("d4")
    project.add("e5", up=FAILS)
    project.chain("f6", "g7")
    project.add("h8", down_revision="d4")
    project.add("i9", up='op.execute("CREATE TABLE t_i9 (id INT)")', down='raise NotImplementedError("gone")')
    project.write("pytest.ini", "[pytest]\nstairway_max_heads = 2\n")
    return project


@pytest.mark.parametrize("distribution", ["load", "loadfile", "loadgroup", "worksteal", "each"])
def test_the_same_findings_as_in_one_process(broken: Project, distribution: str) -> None:
    serial = broken.report()
    spread = broken.report("-n", "2", "--dist", distribution, spawn=True)
    assert comparable(spread) == comparable(serial)
    assert {finding["code"] for finding in serial["findings"]} == {
        "schema-not-restored",
        "upgrade-failed",
        "irreversible",
    }


def test_the_same_output_as_in_one_process(broken: Project) -> None:
    result = broken.spawn("--stairway", "-n", "2", "--color=yes")
    text = result.stdout.str()
    plain = re.sub(r"\x1b\[\d+m", "", text)
    assert result.parseoutcomes() == broken.run("--stairway", "--color=yes").parseoutcomes()
    assert "\x1b[31m\x1b[1mupgrade-failed:\x1b[0m" in text
    assert "e5_make.py::roundtrip - upgrade-failed: upgrade() raised OperationalError: no such table: missing" in plain
    assert "9 revisions: 5 passed, 2 failed, 2 not reached, in " in plain
    assert "database: SQLite " in plain


def test_what_workers_meet_each_is_told_where_one_process_tells_it(project: Project) -> None:
    never = "CREATE TABLE never (id INTEGER NOT NULL CHECK (id > 5 AND id < 3))"
    project.add("a1", f"op.execute({never!r})", "op.execute('DROP TABLE never')")
    project.chain("b2", "c3", "d4", "e5", "f6")
    rows = project.write("rows.py", "ROWS = {'never': [{'id': 1}]}\n")
    serial, spread = (project.report("--stairway-rows-file", rows, *more, spawn=True) for more in ([], ["-n", "2"]))
    assert {finding["code"] for finding in serial["findings"]} == {"not-populated", "refused-rows"}
    assert comparable(spread) == comparable(serial)


def test_not_reached_is_skipped_wherever_the_blocker_runs(project: Project) -> None:
    project.add("a1", up=FAILS)
    project.chain(*(f"b{number}" for number in range(8)))
    result = project.spawn("--stairway", "-n", "2", "-rs")
    result.assert_outcomes(failed=1, skipped=10, passed=2)
    result.stdout.fnmatch_lines(["SKIPPED * not reached: a1 cannot be upgraded"])


def test_what_is_named_is_checked_alone(project: Project) -> None:
    project.chain("a1", "b2", "c3")
    project.spawn("-n", "1", "migrations/versions/b2_make.py", "alembic.ini::history").assert_outcomes(passed=2)


def test_testpaths(project: Project) -> None:
    project.chain("a1", "b2").write("pytest.ini", "[pytest]\ntestpaths = migrations/versions\n")
    project.spawn("--stairway", "-n", "2").assert_outcomes(passed=5, skipped=1)


def test_stop_at_the_first_failure(broken: Project) -> None:
    assert broken.spawn("--stairway", "-n", "2", "-x").ret in {1, 2}


def test_no_workers(broken: Project) -> None:
    assert comparable(broken.report("-n", "0")) == comparable(broken.report())


def test_collection_only(broken: Project) -> None:
    result = broken.run("--stairway", "-n", "2", "--co", "-q")
    assert len([line for line in result.outlines if "::" in line]) == 13


def test_a_worker_that_crashes(project: Project) -> None:
    project.chain("a1")
    project.add("b2", up="import os; os._exit(9)")
    project.chain("c3", "d4")
    report = project.report("-n", "2", "-k", "roundtrip", spawn=True)
    told = {each["revision"]: each["outcome"] for each in report["revisions"]}
    assert list(told) == ["a1", "b2", "c3", "d4"]
    assert told["b2"] == "failed"
    assert any("crashed" in note and "b2_make.py::roundtrip" in note for note in report["notes"]), report["notes"]


def test_a_wrong_option_is_told_once(project: Project) -> None:
    result = project.chain("a1").spawn("--stairway", "-n", "2", "--stairway-range", "nope")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "\n".join(result.outlines + result.errlines).count("nope") <= 3


def test_own_tests_in_between(project: Project) -> None:
    from .test_running import OWN

    project.chain("a1", "b2", "c3").write("test_own.py", OWN)
    project.spawn("--stairway", "-n", "2").assert_outcomes(passed=12, skipped=1)


def test_one_server_for_all(project: Project) -> None:
    """Each worker makes its databases in the place that its controller gave it."""
    show = 'print("at", op.get_bind().engine.url, op.get_bind().exec_driver_sql("PRAGMA database_list").fetchone()[2])'
    for revision in ("a1", "b2", "c3", "d4"):
        project.add(revision, up=show)
    text = project.spawn("--stairway", "-n", "2", "-rP", "-k", "roundtrip").stdout.str()
    files = {line.split()[-1] for line in text.splitlines() if line.startswith("at ")}
    assert len({file.rsplit("/", 1)[0] for file in files}) == 1, files
