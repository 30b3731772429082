"""A history that is adopted as it stands: what is accepted is told and fails nobody, and only what is new fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import FAILS, outcomes
from .test_usage import refused

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

NAME = "stairway-baseline.toml"
LEAVES = {"up": 'op.execute("CREATE TABLE IF NOT EXISTS t_b2 (id INT)")', "down": "pass"}


@pytest.fixture
def history(project: Project) -> Project:
    """One revision leaves a table behind."""
    project.chain("a1")
    project.add("b2", **LEAVES)
    return project.chain("c3")


def write(project: Project, *arguments: Any) -> Path:
    """Write the baseline by the command."""
    done = project.command("baseline", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return project.root / NAME


def failed(result: pytest.RunResult) -> int:
    """Count what failed, whatever else passed or had nothing to say."""
    outcomes = result.parseoutcomes()
    assert outcomes["passed"]
    return outcomes.get("failed", 0) + outcomes.get("errors", 0)


def findings(report: dict[str, Any]) -> list[tuple[str, str, bool, str | None]]:
    return [(each["code"], each["revision"], each["accepted"], each["reason"]) for each in report["findings"]]


def test_only_what_is_new_fails(history: Project) -> None:
    assert failed(history.run("--stairway")) == 1
    path = write(history)
    assert path.read_text().count("[[accepted]]") == 1
    result = history.run("--stairway")
    assert failed(result) == 0
    result.stdout.fnmatch_lines(
        ["accepted: schema-not-restored: b2: table t_b2: still there after the downgrade (as it stood when *)"]
    )
    history.add("d4", up='op.execute("CREATE TABLE IF NOT EXISTS t_d4 (id INT)")')
    assert failed(history.run("--stairway")) == 1


def test_what_is_accepted_stands_in_the_report_with_its_reason(history: Project) -> None:
    write(history, "--reason", "ticket 7")
    report = history.report()
    assert findings(report) == [("schema-not-restored", "b2", True, "ticket 7")]
    assert report["summary"]["errors"] == 0
    assert report["summary"]["accepted"] == 1
    assert {each["outcome"] for each in report["revisions"]} == {"passed"}


def test_the_same_over_workers(history: Project) -> None:
    pytest.importorskip("xdist")
    path = write(history)
    path.write_text(path.read_text() + '\n[[accepted]]\ncode = "leftovers"\nobject = "table x"\nreason = "r"\n')
    report = history.report("-n", "2", spawn=True)
    assert findings(report) == [
        ("schema-not-restored", "b2", True, "as it stood when the baseline was written"),
        ("unused-acceptance", None, False, None),
    ]


def test_a_reason_in_a_revision_file_is_told_too(project: Project) -> None:
    project.chain("a1")
    project.add("b2", **LEAVES, head="# stairway: accept schema-not-restored: by hand")
    assert findings(project.report()) == [("schema-not-restored", "b2", True, "by hand")]


def test_the_command_takes_it_too(history: Project) -> None:
    assert history.command("check").returncode == 1
    write(history)
    done = history.command("check")
    assert done.returncode == 0
    assert "accepted: schema-not-restored: b2" in done.stdout


@pytest.fixture
def mended(history: Project) -> Project:
    """What the baseline accepts does not happen any more."""
    write(history)
    path = history.versions / "b2_make.py"
    path.write_text(path.read_text().replace("    pass", '    op.execute("DROP TABLE t_b2")'))
    return history


def test_an_entry_that_nothing_matches_is_reported(mended: Project) -> None:
    result = mended.run("--stairway")
    assert failed(result) == 0
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "warning: unused-acceptance: b2: the baseline accepts schema-not-restored (downgrade, table t_b2), which does not happen"
        ]
    )
    report = mended.report()
    (unused,) = report["findings"]
    assert unused["path"].endswith(NAME)
    assert (mended.root / NAME).read_text().splitlines()[unused["line"] - 1] == "[[accepted]]"
    done = mended.command("check")
    assert done.returncode == 0
    assert "unused-acceptance" in done.stdout


def test_such_an_entry_fails_a_strict_run(mended: Project) -> None:
    assert mended.run("--stairway", "--stairway-strict").ret == pytest.ExitCode.TESTS_FAILED
    assert mended.command("check", "--strict").returncode == 1
    write(mended)
    assert mended.run("--stairway", "--stairway-strict").ret == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["-k", "a1"],
        ["migrations/versions/a1_make.py"],
        ["--stairway-range", "c3"],
        ["--deselect", "alembic.ini::leftovers"],
        ["--co"],
    ],
    ids=" ".join,
)
def test_a_run_that_leaves_something_out_says_nothing_of_unused_entries(mended: Project, arguments: list[str]) -> None:
    result = mended.run("--stairway", "--stairway-strict", *arguments)
    assert result.ret == 0
    assert "unused-acceptance" not in result.stdout.str()


def test_a_revision_that_is_gone(history: Project) -> None:
    history.write(NAME, 'version = 1\n[[accepted]]\ncode = "irreversible"\nrevision = "old"\nreason = "r"\n')
    result = history.run("--stairway")
    result.stdout.fnmatch_lines(["warning: unused-acceptance: *: there is no revision old"])
    assert "old" not in write(history).read_text()


def test_reasons_are_kept_and_new_findings_added(history: Project) -> None:
    path = write(history)
    path.write_text(path.read_text().replace("as it stood when the baseline was written", "we know"))
    history.add("d4", up='op.execute("CREATE TABLE IF NOT EXISTS t_d4 (id INT)")')
    done = history.command("baseline")
    assert f"2 accepted findings written to {NAME} (1 new)" in done.stdout
    assert path.read_text().count("we know") == 1


def test_a_range_only_adds(history: Project) -> None:
    history.write(NAME, 'version = 1\n[[accepted]]\ncode = "irreversible"\nrevision = "a1"\nreason = "r"\n')
    assert write(history, "b2").read_text().count("[[accepted]]") == 2


def test_a_revision_that_cannot_go_up_can_be_accepted(project: Project) -> None:
    project.chain("a1")
    project.add("b2", up=FAILS)
    project.chain("c3")
    write(project)
    told = outcomes(project.run("--stairway", "-v"))
    assert told["migrations/versions/b2_make.py::roundtrip"] == "PASSED"
    assert told["migrations/versions/c3_make.py::roundtrip"] == "SKIPPED"


def test_another_file(history: Project) -> None:
    write(history, "-o", "known.toml")
    assert not (history.root / NAME).exists()
    assert failed(history.run("--stairway", "--stairway-baseline", "known.toml")) == 0
    history.write("pytest.ini", "[pytest]\nstairway_baseline = known.toml\n")
    assert failed(history.run("--stairway")) == 0
    assert history.command("check").returncode == 0


@pytest.mark.parametrize(
    "text", [None, "version = 1\n[[accepted]]\ncode = 'nope'\nreason = 'r'\n"], ids=["missing", "bad"]
)
def test_a_baseline_that_cannot_be_used_is_one_line_before_anything_runs(history: Project, text: str | None) -> None:
    if text is not None:
        history.write("b.toml", text)
    line = refused(history.run("--stairway", "--stairway-baseline", "b.toml"))
    assert "b.toml" in line
    done = history.command("check", "--baseline", "b.toml")
    assert done.returncode == 2
    assert "b.toml" in done.stderr


def test_nothing_is_written_where_nothing_can_be_looked_at(history: Project) -> None:
    before = write(history).read_text()
    history.write("migrations/env.py", "raise RuntimeError('no settings')")
    done = history.command("baseline")
    assert done.returncode == 2
    assert "no baseline is written" in done.stderr
    assert (history.root / NAME).read_text() == before


def test_what_is_only_found_by_an_option_is_kept_without_it(history: Project) -> None:
    entry = '\n[[accepted]]\ncode = "{}"\nrevision = "a1"\nreason = "r"\n'
    codes = ["offline-unstable", "table-rewrite", "not-repeatable"]
    history.write(NAME, "version = 1\n" + "".join(map(entry.format, codes)))
    arguments = ["--stairway-rows", "0"]
    assert "unused-acceptance" not in history.run("--stairway", *arguments).stdout.str()
    text = write(history, "--rows", "0").read_text()
    assert all(code in text for code in codes)
    result = history.run("--stairway")
    result.stdout.fnmatch_lines(["warning: unused-acceptance: a1: the baseline accepts not-repeatable, which *"])
    assert "offline-unstable" not in result.stdout.str()
