"""The summary that one can read at a glance, the header, and the findings as JSON."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_stairway import __version__

from .conftest import FAILS, Project


@pytest.fixture
def mixed(project: Project) -> Project:
    """One revision of each outcome, one of them with a warning."""
    project.add("a1", down='raise NotImplementedError("gone")')
    project.add("b2")
    project.add("c3", up='op.execute("CREATE TABLE IF NOT EXISTS t_c3 (id INT)")')
    project.add("d4", up=FAILS)
    project.add("e5")
    return project


def test_the_summary(mixed: Project) -> None:
    result = mixed.run("--stairway", "--stairway-json", "out.json", "-k", "not leftovers")
    text = result.stdout.str()
    summary = text[text.index("= stairway =") :].splitlines()[1:]
    patterns = [
        r"5 revisions: 2 passed, 2 failed, 1 not reached, in \d+\.\d\d s",
        r"slowest: \w\w make \w\w \d+ ms; .*",
        r"database: SQLite 3\.\d+\.\d+, files in /.*",
        r"rows: in 3 of 3 tables",
        r"warning: irreversible: a1: downgrade\(\) declares that it cannot: NotImplementedError: gone",
        r"note: env\.py gives context\.configure\(\) no target_metadata to compare the database with",
        r"findings written to .*out\.json",
    ]
    for line, pattern in zip(summary, patterns, strict=False):
        assert re.fullmatch(pattern, line), (line, pattern)


def test_one_of_many(project: Project) -> None:
    project.chain("a1", "b2", "c3").run("--stairway", "-k", "b2").stdout.fnmatch_lines(
        ["1 of 3 revisions: 1 passed, in * s"]
    )


def test_colours_of_the_summary(mixed: Project) -> None:
    text = mixed.run("--stairway", "--color=yes").stdout.str()
    assert "\x1b[32m\x1b[1m2 passed\x1b[0m, \x1b[31m\x1b[1m2 failed\x1b[0m, \x1b[33m\x1b[1m1 not reached\x1b[0m" in text


def test_no_summary_where_nothing_of_ours_ran(project: Project) -> None:
    project.chain("a1").write("test_it.py", "def test_it(): pass")
    result = project.run("--stairway", "-k", "test_it")
    assert "= stairway =" not in result.stdout.str()
    assert "= stairway =" not in project.run("--stairway", "--co").stdout.str()


def test_the_header(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.chain("a1")
    project.run("--stairway").stdout.fnmatch_lines(
        [
            "stairway: alembic.ini, 1 revision; env.py connects to sqlite",
            "stairway: database: sqlite (the first that works for sqlite)",
        ]
    )
    monkeypatch.setenv("STAIRWAY_DATABASE", "sqlite")
    project.run("--stairway").stdout.fnmatch_lines(["stairway: database: sqlite (named by STAIRWAY_DATABASE)"])
    project.run("--stairway", "--stairway-database", "sqlite").stdout.fnmatch_lines(["*(named by --stairway-database)"])


def test_the_json(mixed: Project) -> None:
    report = mixed.report("-k", "not leftovers")
    assert list(report) == [
        "format_version",
        "tool",
        "database",
        "history",
        "revisions",
        "rehearsals",
        "findings",
        "rows",
        "kept_databases",
        "notes",
        "summary",
    ]
    assert report["format_version"] == 1
    assert report["tool"] == {"name": "pytest-stairway", "version": __version__}
    assert report["database"]["dialect"] == "sqlite"
    assert report["database"].keys() == {"dialect", "server_version", "provider"}
    assert report["history"] == {"revisions": 5, "heads": ["e5"], "bases": ["a1"]}
    assert [(each["revision"], each["outcome"]) for each in report["revisions"]] == [
        ("a1", "passed"), ("b2", "passed"), ("c3", "failed"), ("d4", "failed"), ("e5", "not-reached"),
    ]  # fmt: skip
    b2 = report["revisions"][1]
    assert b2["down_revision"] == ["a1"]
    assert b2["message"] == "make b2"
    assert b2["path"] == "migrations/versions/b2_make.py"
    assert all(b2[f"{step}_seconds"] > 0 for step in ("upgrade", "downgrade", "reupgrade"))
    assert report["revisions"][4]["blocked_by"] == "d4"
    codes = [(finding["revision"], finding["code"]) for finding in report["findings"]]
    assert codes == [("a1", "irreversible"), ("c3", "schema-not-restored"), ("d4", "upgrade-failed")]
    wanted = {
        "code",
        "severity",
        "revision",
        "direction",
        "dialect",
        "object",
        "message",
        "hint",
        "path",
        "line",
        "accepted",
        "reason",
    }
    assert all(wanted <= finding.keys() for finding in report["findings"])
    assert report["findings"][1] | {"detail": None, "hint": None} == {
        "code": "schema-not-restored", "severity": "error", "revision": "c3", "direction": "downgrade", "dialect": "sqlite",
        "object": "table t_c3", "message": "table t_c3: still there after the downgrade", "hint": None,
        "path": "migrations/versions/c3_make.py", "line": 13, "accepted": False, "reason": None,
        "detail": None,
    }  # fmt: skip
    assert {name: report["summary"][name] for name in ("errors", "warnings", "accepted")} == {
        "errors": 2,
        "warnings": 1,
        "accepted": 0,
    }
    assert report["summary"]["seconds"] > 0


def test_what_was_not_asked_for_is_in_the_json_as_skipped(project: Project) -> None:
    assert outcomes_of(project.chain("a1", "b2", "c3").report("-k", "b2")) == {
        "a1": "skipped",
        "b2": "passed",
        "c3": "skipped",
    }


def outcomes_of(report: dict[str, Any]) -> dict[str, str]:
    return {each["revision"]: each["outcome"] for each in report["revisions"]}


def test_the_json_of_a_history_that_cannot_be_loaded(project: Project) -> None:
    project.add("a1", down_revision="gone")
    report = project.report()
    assert (report["history"], report["database"], report["revisions"]) == (None, None, [])
    assert [finding["code"] for finding in report["findings"]] == ["missing-parent"]


def test_the_json_of_an_env_py_that_cannot_be_run(project: Project) -> None:
    project.chain("a1", "b2").write("migrations/env.py", "raise RuntimeError('no settings')")
    report = project.report()
    assert outcomes_of(report) == {"a1": "not-reached", "b2": "not-reached"}
    assert [finding["code"] for finding in report["findings"]] == ["environment-failed"]


def test_the_json_of_a_fault_of_ours(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even then the report does not look as if all were well."""
    project.chain("a1", "b2")
    project.write(
        "conftest.py",
        """
        def pytest_runtest_call(item):
            if "b2" in item.nodeid:
                raise ValueError("a plugin's own fault")
        """,
    )
    report = project.report()
    assert outcomes_of(report) == {"a1": "passed", "b2": "failed"}
    assert any("a plugin's own fault" in note for note in report["notes"])


def test_an_accepted_finding_counts_as_accepted(project: Project) -> None:
    project.add(
        "a1",
        up='op.execute("CREATE TABLE IF NOT EXISTS t_a1 (id INT)")',
        head="# stairway: accept schema-not-restored: kept",
    )
    report = project.report("-k", "roundtrip")
    assert report["summary"]["accepted"] == 1
    assert report["summary"]["errors"] == 0
    assert [finding["accepted"] for finding in report["findings"]] == [True]
