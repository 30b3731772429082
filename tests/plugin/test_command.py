"""The ``stairway`` command: the same core, its exit codes, its output."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from .conftest import FAILS, Project


@pytest.fixture
def history(project: Project) -> Project:
    """Three sound revisions."""
    return project.chain("a1", "b2", "c3")


def test_a_sound_history(history: Project) -> None:
    done = history.command("check")
    assert (done.returncode, done.stderr) == (0, "")
    words = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert words == [
        ["ok", "history"],
        ["ok", "a1"],
        ["ok", "b2"],
        ["ok", "c3"],
        ["ok", "leftovers"],
        ["skipped", "models"],
        ["ok", "release"],
    ]
    assert "stairway: database: sqlite (the first that works for sqlite)" in done.stdout
    assert re.search(r"^3 revisions: 3 passed, in \d+\.\d\d s$", done.stdout, re.MULTILINE)


def test_findings(project: Project) -> None:
    project.add("a1", up='op.execute("CREATE TABLE IF NOT EXISTS t_a1 (id INT)")')
    project.add("b2", up=FAILS)
    project.chain("c3")
    done = project.command("check")
    assert (done.returncode, done.stderr) == (1, "")
    assert (
        "schema-not-restored: table t_a1: still there after the downgrade\n  --> migrations/versions/a1_make.py:13 (a1, downgrade)"
        in done.stdout
    )
    assert "  not reached c3 make c3" in done.stdout
    assert "3 revisions: 2 failed, 1 not reached" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_history_that_cannot_be_loaded_is_told_once(project: Project) -> None:
    project.chain("a1")
    project.add("b2", head="import nothing_of_the_kind")
    done = project.command("check")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("unloadable-revision: ") == 1
    assert "no revision was walked" in done.stdout


def test_a_range(history: Project) -> None:
    done = history.command("check", "b2:")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  ok")] == ["history", "c3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nope"], "nope"),
        (["history", "nope"], "nope"),
        (["check", "--config", "x.ini"], "--config names"),
        (["check", "--max-heads", "many"], "--max-heads"),
        (["check", "--database", "oracle"], "--database"),
        (["check", "--minimum", "nope"], "nope"),
        (["check", "--json", "migrations"], "--json names"),
        (["doctor", "--database", "oracle"], "--database"),
        (["nothing"], "invalid choice"),
        ([], "COMMAND"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_used(history: Project, arguments: list[str], words: str) -> None:
    done = history.command(*arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "--stairway-" not in done.stderr


def test_no_configuration(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest_stairway.cli", "check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "alembic.ini" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["check", "history", "doctor"])
def test_a_history_that_cannot_be_loaded(project: Project, command: str) -> None:
    project.add("a1", down_revision="gone")
    done = project.command(command)
    assert done.returncode == 1
    assert "missing-parent: " in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["check", "history", "doctor"])
def test_an_env_py_that_cannot_be_run(history: Project, command: str) -> None:
    history.write("migrations/env.py", "raise RuntimeError('no settings')")
    done = history.command(command)
    assert done.returncode == 1
    assert (done.stdout + done.stderr).count("environment-failed: ") == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_warnings_fail_when_strict(project: Project) -> None:
    project.add("a1", down='raise NotImplementedError("gone")')
    assert project.command("check").returncode == 0
    assert project.command("check", "--strict").returncode == 1


def test_json(project: Project) -> None:
    project.add("a1", up=FAILS)
    done = project.command("check", "--json", "a/out.json")
    assert done.returncode == 1
    by_command = json.loads((project.root / "a" / "out.json").read_text())
    by_pytest = project.report()
    assert by_command["findings"] == by_pytest["findings"]
    assert by_command.keys() == by_pytest.keys()


def test_history(project: Project) -> None:
    project.chain("a1", "b2")
    project.add("c3", down_revision="a1")
    project.add("d4", down_revision=("b2", "c3"))
    done = project.command("history")
    assert done.stdout.splitlines() == [
        "base -> a1 (branchpoint): make a1",
        "a1 -> b2: make b2",
        "a1 -> c3: make c3",
        "b2, c3 -> d4 (head, mergepoint): make d4",
    ]
    assert done.returncode == 0
    assert len(project.command("history", "b2").stdout.splitlines()) == 1


def test_history_says_what_is_wrong(project: Project) -> None:
    project.chain("a1", "b2").add("c3", down_revision="a1")
    done = project.command("history")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    assert "multiple-heads: " in done.stderr
    assert project.command("history", "--max-heads", "2").returncode == 0


def test_doctor(history: Project) -> None:
    done = history.command("doctor", "-x", "tenant=one")
    assert done.returncode == 0
    for words in (
        "alembic.ini (the default)",
        "3 revisions, heads c3",
        "sqlite+pysqlite://",
        "(which is never used)",
        "  ok  sqlite",
        "database: sqlite (the first that works for sqlite)",
        "x: ('tenant=one',) (-x)",
    ):
        assert words in done.stdout, (words, done.stdout)


def test_the_options_of_pytests_ini_file_count_here_too(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("a1", down='raise NotImplementedError("gone")')
    for name, text in [
        ("pytest.ini", "[pytest]\nstairway_strict = true\n"),
        ("tox.ini", "[pytest]\nstairway_strict = true\n"),
        ("setup.cfg", "[tool:pytest]\nstairway_strict = true\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nstairway_strict = true\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nstairway_strict = "true"\n'),
        ("pyproject.toml", "[tool.pytest]\nstairway_strict = true\n"),
        ("pytest.toml", "[pytest]\nstairway_strict = true\n"),
    ]:
        path = project.write(name, text)
        assert project.command("check").returncode == 1, name
        path.unlink()
    assert project.command("check").returncode == 0
    project.write("pytest.ini", "[pytest]\nstairway_strict = true\n")
    assert project.command("check", env={**os.environ, "STAIRWAY_STRICT": "no"}).returncode == 0


def test_from_a_subfolder(history: Project) -> None:
    history.write("pytest.ini", "[pytest]\nstairway_range = b2\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_stairway.cli", "history"],
        cwd=history.versions,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "a1 -> b2: make b2\n")


def test_the_configuration_in_a_subfolder_by_the_ini_file(pytester: pytest.Pytester) -> None:
    nested = Project(pytester, pytester.path / "db").chain("a1")
    (pytester.path / "pytest.ini").write_text("[pytest]\nstairway_config = db/alembic.ini\n")
    done = nested.command("history")
    assert done.stdout == "base -> a1 (head): make a1\n"


def test_interrupted(project: Project) -> None:
    project.chain("a1")
    project.add("b2", up='import time; open("reached", "w").close(); time.sleep(2)')
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_stairway.cli", "check"],
        cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(300):
        if (project.root / "reached").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "\nstairway: interrupted\n"
    assert "ok          a1 make a1" in out


def test_a_pipe_that_closes(project: Project) -> None:
    project.chain(*(f"a{number}" for number in range(30)))
    line = f"{sys.executable} -m pytest_stairway.cli check | head -1"
    done = subprocess.run(
        ["bash", "-c", f"{line}; echo ${{PIPESTATUS[0]}}"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["stairway: alembic.ini, 30 revisions; env.py connects to sqlite", "141"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["doctor", "--help"], ["history", "--help"], ["--version"]]
)
def test_help(history: Project, arguments: list[str]) -> None:
    done = history.command(*arguments)
    assert done.returncode == 0
    assert done.stdout
    assert "--stairway-" not in done.stdout


def test_the_help_tells_the_exit_codes_and_ranges(history: Project) -> None:
    text = " ".join(history.command("check", "--help").stdout.split())
    assert "Exit codes: 0 nothing was found, 1 something was, 2" in text
    assert "base:head, a:b, +2, -1, label@head" in text


def test_no_colours_in_a_pipe(project: Project) -> None:
    project.add("a1", up=FAILS)
    assert "\x1b[" not in project.command("check").stdout
