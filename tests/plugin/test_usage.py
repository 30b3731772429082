"""A mistake in an option is one line and exit code 4, before anything runs."""

from __future__ import annotations

import os

import pytest

from .conftest import Project, outcomes


@pytest.fixture
def history(project: Project) -> Project:
    """Two sound revisions."""
    return project.chain("a1", "b2")


def refused(result: pytest.RunResult) -> str:
    """Give the one line of a run that was refused."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
    lines = [line for line in result.errlines if line.strip()]
    assert len(lines) == 1, lines
    assert "Traceback" not in result.stdout.str()
    assert "collected" not in result.stdout.str()
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stairway-range", "nope"], ["nope"]),
        (["--stairway-range", "a1:nope"], ["nope"]),
        (["--stairway-minimum", "nope"], ["nope"]),
        (["--stairway-release-from", "nope"], ["nope"]),
        (["--stairway-irreversible", "nope"], ["nope"]),
        (["--stairway-config", "nowhere.ini"], ["--stairway-config", "nowhere.ini"]),
        (["--stairway-max-heads", "many"], ["--stairway-max-heads", "many"]),
        (["--stairway-database", "oracle"], ["--stairway-database", "oracle"]),
        (["--stairway-database", "embedded"], ["embedded", "sqlite"]),
        (["--stairway-json", "nofolder-file/out.json"], ["--stairway-json", "out.json"]),
        (["--stairway-json", "migrations"], ["--stairway-json", "migrations"]),
        (["-o", "stairway_strict=perhaps"], ["stairway_strict", "perhaps"]),
        (["-o", "stairway_max_heads=0"], ["stairway_max_heads", "0"]),
    ],
    ids=" ".join,
)
def test_an_option_that_cannot_be_used(history: Project, arguments: list[str], words: list[str]) -> None:
    history.write("nofolder-file", "a file")
    line = refused(history.run("--stairway", *arguments))
    assert line.startswith("ERROR: stairway: ")
    assert all(word in line for word in words), line
    assert not (history.root / "app.db").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STAIRWAY_RANGE", "nope", "nope"),
        ("STAIRWAY_STRICT", "perhaps", "STAIRWAY_STRICT"),
        ("STAIRWAY_CONFIG", "x.ini", "STAIRWAY_CONFIG"),
    ],
)
def test_a_variable_that_cannot_be_used(
    history: Project, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    assert words in refused(history.run("--stairway"))


def test_no_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_it(): pass")
    line = refused(pytester.runpytest_inprocess("--stairway", "-p", "no:randomly", "-p", "no:alembic"))
    assert "alembic.ini" in line
    assert "--stairway-config" in line


def test_options_are_not_looked_at_where_nobody_asks(history: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAIRWAY_STRICT", "perhaps")
    history.write("test_it.py", "def test_it(): pass")
    history.run("test_it.py").assert_outcomes(passed=1)


def test_what_the_command_line_says_wins(history: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write("pytest.ini", "[pytest]\nstairway_range = a1\n")
    assert len(outcomes(history.run("--stairway", "-v", "-k", "roundtrip"))) == 1
    monkeypatch.setenv("STAIRWAY_RANGE", "heads")
    assert list(outcomes(history.run("--stairway", "-v", "-k", "roundtrip"))) == [
        "migrations/versions/b2_make.py::roundtrip"
    ]
    assert len(outcomes(history.run("--stairway", "-v", "-k", "roundtrip", "--stairway-range", "base:heads"))) == 2


def test_lists_in_the_ini_file(history: Project) -> None:
    history.write("pytest.ini", "[pytest]\nstairway_release_from = a1 b2\nstairway_irreversible =\n")
    assert {"alembic.ini::release[a1]", "alembic.ini::release[b2]"} <= set(outcomes(history.run("--stairway", "-v")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_report_in_a_folder_that_is_not_ours(history: Project) -> None:
    (history.root / "closed").mkdir(mode=0o500)
    assert "cannot be written" in refused(history.run("--stairway", "--stairway-json", "closed/out.json"))


def test_folders_on_the_way_to_the_report_are_made(history: Project) -> None:
    history.run("--stairway", "--stairway-json", "a/b/out.json").assert_outcomes(passed=5, skipped=1)
    assert (history.root / "a" / "b" / "out.json").is_file()


def test_the_report_is_written_where_the_ini_file_lies(history: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write("pytest.ini", "[pytest]\nstairway_json = out.json\n")
    monkeypatch.chdir(history.versions)
    history.run("--stairway")
    assert history.written()["format_version"] == 1


def test_a_mistaken_mark(project: Project) -> None:
    project.add("a1", head="# stairway: accept everything: because")
    line = refused(project.run("--stairway"))
    assert "a1_make.py, line 4: 'accept everything' is not understood" in line
