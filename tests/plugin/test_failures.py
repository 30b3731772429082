"""How a failure is told: in our words, with the migration's own frames, never with our stack."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from .conftest import FAILS, Project, outcomes

OURS = ("pytest_stairway/", "Traceback", "threading.py", "sqlalchemy/engine", "alembic/runtime", "FindingsFailed")
"""What a user must never see."""


@pytest.fixture
def failing(project: Project) -> Project:
    """An upgrade that fails, and a downgrade that leaves something."""
    project.add("a1", down="pass")
    project.add("b2", up=FAILS)
    return project


def section(result: pytest.RunResult) -> str:
    """Cut the failures out of a report."""
    text = result.stdout.str()
    return text[text.index("= FAILURES =") : text.index("= stairway =")]


def test_the_first_line_is_the_code_and_the_message(failing: Project) -> None:
    result = failing.run("--stairway")
    result.stdout.fnmatch_lines(
        [
            "*_ roundtrip (a1 make a1) _*",
            "schema-not-restored: table t_a1: still there after the downgrade",
            "  --> migrations/versions/a1_make.py:13 (a1, downgrade)",
            "  help: *downgrade()*",
            "*_ roundtrip (b2 make b2) _*",
            "upgrade-failed: upgrade() raised OperationalError: no such table: missing",
            "  --> migrations/versions/b2_make.py:10 (b2, upgrade)",
            "    migrations/versions/b2_make.py:10: in upgrade",
            '        op.execute("DROP TABLE missing")',
            "    SQL: DROP TABLE missing",
        ]
    )


def test_the_short_summary_tells_what_is_wrong(failing: Project) -> None:
    failing.run("--stairway").stdout.fnmatch_lines(
        [
            "FAILED migrations/versions/a1_make.py::roundtrip - schema-not-restored: table t_a1: still there after the downgrade (and 1 more)",
            "FAILED migrations/versions/b2_make.py::roundtrip - upgrade-failed: upgrade() raised *no such table: missing",
        ]
    )


@pytest.mark.parametrize("style", ["auto", "long", "short", "native", "line"])
def test_no_style_shows_our_stack(failing: Project, style: str) -> None:
    result = failing.run("--stairway", f"--tb={style}")
    text = section(result)
    assert not [word for word in OURS if word in text], text
    assert "schema-not-restored: table t_a1" in text


def test_a_line_for_each_failure(failing: Project) -> None:
    failing.run("--stairway", "--tb=line").stdout.fnmatch_lines(
        ["migrations/versions/a1_make.py:13: schema-not-restored: table t_a1: *", "*b2_make.py:10: upgrade-failed: *"]
    )


def test_no_traceback_no_section(failing: Project) -> None:
    result = failing.run("--stairway", "--tb=no")
    assert "-->" not in result.stdout.str()
    result.stdout.fnmatch_lines(["FAILED *a1_make.py::roundtrip - schema-not-restored: *"])


@pytest.mark.parametrize("option", ["--full-trace", "--showlocals"])
def test_other_options_of_the_traceback(failing: Project, option: str) -> None:
    assert "schema-not-restored: table t_a1" in failing.run("--stairway", option).stdout.str()


def test_several_findings_of_one_revision(project: Project) -> None:
    project.add(
        "a1", up='op.execute("CREATE TABLE one (id INT)")\nop.execute("CREATE TABLE two (id INT)")', down="pass"
    )
    result = project.run("--stairway")
    result.stdout.fnmatch_lines(["FAILED *::roundtrip - schema-not-restored: table one: * (and * more)"])
    assert "schema-not-restored: table two: still there after the downgrade" in section(result)


def test_frames_of_a_helper_are_the_users_own(project: Project) -> None:
    project.write("helpers.py", "def drop(op):\n    op.execute('DROP TABLE missing')\n")
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.add("a1", head="from helpers import drop", up="drop(op)")
    project.run("--stairway").stdout.fnmatch_lines(
        ["    migrations/versions/a1_make.py:10: in upgrade", "        drop(op)", "    helpers.py:2: in drop"]
    )


def test_colours(failing: Project) -> None:
    text = failing.run("--stairway", "--color=yes").stdout.str()
    assert "\x1b[31m\x1b[1mschema-not-restored:\x1b[0m" in text
    assert "\x1b[" not in failing.run("--stairway", "--color=no").stdout.str()


def test_junit(failing: Project) -> None:
    failing.run("--stairway", "--junitxml", "out.xml")
    cases = {case.get("classname"): case for case in ET.parse(failing.root / "out.xml").iter("testcase")}
    case = cases["migrations.versions.b2_make"]
    assert case.get("name") == "roundtrip"
    [failure] = case.iter("failure")
    assert failure.get("message") == "upgrade-failed: upgrade() raised OperationalError: no such table: missing"
    assert "SQL: DROP TABLE missing" in (failure.text or "")
    assert not [word for word in OURS if word in (failure.text or "")]


def test_an_irreversible_revision_passes_with_a_warning(project: Project) -> None:
    project.add("a1", down='raise NotImplementedError("the old codes are gone")')
    result = project.run("--stairway", "-v", "-k", "roundtrip")
    assert outcomes(result) == {"migrations/versions/a1_make.py::roundtrip": "PASSED"}
    result.stdout.fnmatch_lines(["warning: irreversible: a1: downgrade() declares that it cannot: *old codes are gone"])
    assert result.ret == 0


@pytest.mark.parametrize("how", ["option", "ini", "environment"])
def test_strict_lets_warnings_fail(project: Project, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("a1", down='raise NotImplementedError("no")')
    if how == "ini":
        project.write("pytest.ini", "[pytest]\nstairway_strict = true\n")
    if how == "environment":
        monkeypatch.setenv("STAIRWAY_STRICT", "yes")
    result = project.run("--stairway", *(["--stairway-strict"] if how == "option" else []), "-k", "roundtrip")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["irreversible (warning): downgrade() declares that it cannot: *"])


def test_what_is_accepted_passes_and_is_told(project: Project) -> None:
    project.add(
        "a1",
        up='op.execute("CREATE TABLE IF NOT EXISTS t_a1 (id INT)")',
        head="# stairway: accept schema-not-restored: kept on purpose",
    )
    result = project.run("--stairway", "-k", "roundtrip")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["accepted: schema-not-restored: a1: table t_a1: still there after the downgrade (kept on purpose)"]
    )


def test_a_declared_irreversible_revision_is_left_alone(project: Project) -> None:
    project.add("a1", head="# stairway: irreversible: nothing to go back to", down=FAILS)
    result = project.run("--stairway", "-v")
    assert set(outcomes(result).values()) == {"PASSED", "SKIPPED"}
    result.stdout.fnmatch_lines(["note: not looked at below a1, *"])


def test_a_fault_of_the_history_alone(project: Project) -> None:
    project.chain("a1")
    project.add("b2", down_revision="gone")
    result = project.run("--stairway", "-v")
    assert outcomes(result) == {"alembic.ini::history": "FAILED"}
    result.stdout.fnmatch_lines(["missing-parent: *gone*", "  --> migrations/versions/b2_make.py:* (b2)"])
    assert not [word for word in OURS if word in section(result)]
    assert result.ret == 1


def test_a_revision_that_cannot_be_imported(project: Project) -> None:
    project.chain("a1")
    project.add("b2", head="import nothing_of_the_kind")
    result = project.run("--stairway", "-v")
    assert outcomes(result) == {"alembic.ini::history": "FAILED"}
    result.stdout.fnmatch_lines(
        ["unloadable-revision: *nothing_of_the_kind*", "  --> migrations/versions/b2_make.py:4*"]
    )
    assert not [word for word in OURS if word in section(result)]


@pytest.mark.parametrize("head", ["import nothing_of_the_kind", "def broken(:"])
def test_a_named_revision_that_cannot_be_imported_says_so_itself(project: Project, head: str) -> None:
    project.chain("a1")
    project.add("b2", head=head)
    result = project.run("migrations/versions/b2_make.py", "-v")
    assert outcomes(result) == {"migrations/versions/b2_make.py::roundtrip": "FAILED"}
    result.stdout.fnmatch_lines(["unloadable-revision: *", "  --> migrations/versions/b2_make.py:*"])


@pytest.mark.parametrize(
    "mistake", ["raise RuntimeError('no settings')", "config.config_loader_name", "import sys; sys.exit(3)"]
)
def test_an_env_py_that_cannot_be_run_is_one_failing_item(project: Project, mistake: str) -> None:
    project.chain("a1", "b2")
    env = project.root / "migrations" / "env.py"
    env.write_text(env.read_text().replace("engine =", f"{mistake}\nengine ="))
    result = project.run("--stairway", "-v", "-rs")
    assert outcomes(result).pop("alembic.ini::history") == "FAILED"
    result.assert_outcomes(failed=1, skipped=5)
    result.stdout.fnmatch_lines(["environment-failed: *", "  --> migrations/env.py:5*"])
    result.stdout.fnmatch_lines(["SKIPPED * not reached: alembic.ini::history tells why"])
    assert not [word for word in OURS if word in section(result)]


def test_an_env_py_that_fails_late_is_one_failing_item(project: Project) -> None:
    project.chain("a1", "b2")
    env = project.root / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace("    with context.begin", "    context.nothing_of_the_kind()\n    with context.begin")
    )
    result = project.run("--stairway", "-v", "-k", "not history")
    assert outcomes(result).pop("migrations/versions/a1_make.py::roundtrip") == "FAILED"
    result.assert_outcomes(failed=1, skipped=4)


def test_a_revision_that_is_not_reached_is_skipped_with_the_blockers_name(project: Project) -> None:
    project.chain("a1")
    project.add("b2", up=FAILS)
    project.chain("c3", "d4")
    result = project.run("--stairway", "-v", "-rs")
    result.assert_outcomes(passed=3, failed=1, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * migrations/versions/c3_make.py:*: not reached: b2 cannot be upgraded",
            "SKIPPED *d4_make.py:*: *: b2 *",
        ]
    )
    result.stdout.fnmatch_lines(["4 revisions: 1 passed, 1 failed, 2 not reached, in *"])


@pytest.mark.parametrize(
    "arguments", [["--stairway", "--deselect", "migrations/versions/b2_make.py"], ["migrations/versions/c3_make.py"]]
)
def test_a_revision_that_is_not_reached_fails_where_nobody_else_tells_why(
    project: Project, arguments: list[str]
) -> None:
    project.chain("a1")
    project.add("b2", up=FAILS)
    project.chain("c3")
    result = project.run("-v", *arguments)
    assert outcomes(result)["migrations/versions/c3_make.py::roundtrip"] == "FAILED"
    result.stdout.fnmatch_lines(["upgrade-failed: *", "  --> migrations/versions/b2_make.py:10 (b2, upgrade)"])
