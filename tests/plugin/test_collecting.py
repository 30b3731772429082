"""What is collected: everything with ``--stairway``, or what is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import INI, Project, order, outcomes

if TYPE_CHECKING:
    from pathlib import Path

ALL = [
    "alembic.ini::history",
    "migrations/versions/a1_make.py::roundtrip",
    "migrations/versions/b2_make.py::roundtrip",
    "migrations/versions/c3_make.py::roundtrip",
    "alembic.ini::leftovers",
    "alembic.ini::models",
    "alembic.ini::release[a1]",
]


@pytest.fixture
def history(project: Project) -> Project:
    """Three sound revisions, whose files sort the other way round in their folder."""
    return project.chain("a1", "b2", "c3")


def collected(history: Project, *arguments: object) -> list[str]:
    """Give the ids that a run with ``--collect-only`` shows."""
    result = history.run("--co", "-q", *arguments)
    assert not result.ret, result.stdout.str()
    return [line for line in result.outlines if "::" in line]


def test_everything_in_the_historys_order(history: Project) -> None:
    result = history.run("--stairway", "-v")
    assert order(result) == ALL
    result.assert_outcomes(passed=6, skipped=1)
    assert result.ret == 0


def test_the_order_is_the_historys_not_the_files(project: Project) -> None:
    project.chain("z9", "m5", "a1")
    assert collected(project, "--stairway")[1:4] == [
        "migrations/versions/z9_make.py::roundtrip",
        "migrations/versions/m5_make.py::roundtrip",
        "migrations/versions/a1_make.py::roundtrip",
    ]


@pytest.mark.parametrize("arguments", [["tests"], ["tests/test_it.py"], ["tests/test_it.py::test_it"], ["."]])
def test_paths_of_other_tests_change_nothing(history: Project, arguments: list[str]) -> None:
    history.write("tests/test_it.py", "def test_it(): pass")
    assert sorted(collected(history, "--stairway", *arguments)) == sorted([*ALL, "tests/test_it.py::test_it"])


def test_the_models_alone(history: Project) -> None:
    assert collected(history, "alembic.ini::models") == [ALL[5]]


def test_testpaths_change_nothing(history: Project) -> None:
    history.write("tests/test_it.py", "def test_it(): pass")
    history.write("pytest.ini", "[pytest]\ntestpaths = tests migrations/versions\n")
    assert sorted(collected(history, "--stairway")) == sorted([*ALL, "tests/test_it.py::test_it"])


def test_the_counts_are_right_whatever_overlaps(history: Project) -> None:
    result = history.run("--stairway", ".", "migrations", "--keep-duplicates")
    result.stdout.fnmatch_lines(["collected 7 items"])


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("migrations/versions/b2_make.py", [ALL[2]]),
        ("migrations/versions/b2_make.py::roundtrip", [ALL[2]]),
        ("alembic.ini::history", [ALL[0]]),
        ("alembic.ini::leftovers", [ALL[4]]),
        ("alembic.ini::release[a1]", [ALL[6]]),
        ("alembic.ini::release", [ALL[6]]),
    ],
)
@pytest.mark.parametrize("flag", [[], ["--stairway"]], ids=["plain", "stairway"])
def test_what_is_named_is_checked_alone(history: Project, named: str, expected: list[str], flag: list[str]) -> None:
    result = history.run("-v", *flag, named)
    assert outcomes(result) == dict.fromkeys(expected, "PASSED"), result.stdout.str()


def test_several_files_run_in_the_historys_order(history: Project) -> None:
    names = [f"migrations/versions/{name}_make.py" for name in ("c3", "a1")]
    assert order(history.run("-v", *names)) == [ALL[1], ALL[3]]


def test_an_absolute_path_from_elsewhere(history: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = history.run("-v", history.versions / "b2_make.py")
    assert list(outcomes(result).values()) == ["PASSED"]


def test_a_folder_of_revisions_with_the_option_is_checked_alone(history: Project) -> None:
    assert collected(history, "--stairway", "migrations/versions") == ALL[1:4]


def test_a_folder_of_revisions_without_the_option_is_left_to_pytest(history: Project) -> None:
    assert history.run("migrations/versions").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_folder_above_the_revisions_is_no_choice(history: Project) -> None:
    assert collected(history, "--stairway", "migrations") == ALL


def test_a_folder_of_revisions_and_one_of_them(history: Project) -> None:
    assert collected(history, "--stairway", "migrations/versions", "migrations/versions/b2_make.py") == ALL[1:4]


def test_other_tests_stand_beside_what_is_named(history: Project) -> None:
    history.write("tests/test_it.py", "def test_it(): pass")
    assert collected(history, "tests", "migrations/versions/b2_make.py") == ["tests/test_it.py::test_it", ALL[2]]


@pytest.mark.parametrize("folder", ["tests", "migrations/versions", "migrations"])
def test_from_a_subfolder(history: Project, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write("pytest.ini", "[pytest]\n")
    (history.root / "tests").mkdir()
    monkeypatch.chdir(history.root / folder)
    assert collected(history, "--stairway", "--rootdir", history.root) == ALL
    assert collected(history, "--stairway") == ALL


def test_from_a_subfolder_without_a_pytest_ini(history: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(history.versions)
    assert len(collected(history, "--stairway")) == len(ALL)


def test_a_revision_from_its_folder(history: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(history.versions)
    history.run("-v", "b2_make.py").assert_outcomes(passed=1)


def test_rootdir_elsewhere(history: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = history.run("--stairway", "--rootdir", elsewhere)
    result.assert_outcomes(passed=6, skipped=1)


def test_an_ini_file_elsewhere(history: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pytest.ini").write_text("[pytest]\n")
    history.run("--stairway", "-c", elsewhere / "pytest.ini").assert_outcomes(passed=6, skipped=1)


# -- where Alembic's configuration is ---------------------------------------------------------------------------------


@pytest.fixture
def nested(pytester: pytest.Pytester) -> Project:
    """A project in a folder of its own, below where pytest runs."""
    return Project(pytester, pytester.path / "db").chain("a1", "b2")


def test_the_configuration_by_option(nested: Project) -> None:
    result = nested.run("--stairway", "--stairway-config", "db/alembic.ini", "-v")
    assert "db/migrations/versions/b2_make.py::roundtrip" in order(result)
    result.assert_outcomes(passed=5, skipped=1)


def test_the_option_is_read_from_where_pytest_runs(nested: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (nested.root.parent / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(nested.root)
    nested.run("--stairway", "--stairway-config", "alembic.ini").assert_outcomes(passed=5, skipped=1)


def test_the_configuration_by_environment(nested: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAIRWAY_CONFIG", "db/alembic.ini")
    nested.run("--stairway").assert_outcomes(passed=5, skipped=1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nstairway_config = db/alembic.ini\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nstairway_config = "db/alembic.ini"\n'),
        ("tox.ini", "[pytest]\nstairway_config = db/alembic.ini\n"),
    ],
)
def test_the_configuration_by_pytests_own(
    nested: Project, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nested.root.parent / name).write_text(text)
    nested.run("--stairway").assert_outcomes(passed=5, skipped=1)
    monkeypatch.chdir(nested.root / "migrations")
    nested.run("--stairway").assert_outcomes(passed=5, skipped=1)


def test_a_named_revision_finds_the_configuration_above_it(nested: Project) -> None:
    nested.run("db/migrations/versions/a1_make.py").assert_outcomes(passed=1)


def test_of_two_histories_the_nearer_one(nested: Project) -> None:
    other = Project(nested.pytester, nested.root.parent / "other").chain("x1")
    other.run("other/migrations/versions/x1_make.py").assert_outcomes(passed=1)


def test_a_pyproject_with_alembics_table(project: Project) -> None:
    pytest.importorskip("alembic", minversion="1.16")
    project.chain("a1")
    (project.root / "alembic.ini").unlink()
    project.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/migrations"\n')
    env = project.root / "migrations" / "env.py"
    env.write_text(
        env.read_text()
        .replace("engine = engine_from_config(config.get_section(config.config_ini_section, {}), ", "")
        .replace(
            "poolclass=pool.NullPool)",
            "from sqlalchemy import create_engine\nengine = create_engine('sqlite:///app.db')",
        )
    )
    result = project.run("--stairway", "-v")
    assert "pyproject.toml::history" in outcomes(result)
    result.assert_outcomes(passed=4, skipped=1)
    project.run("pyproject.toml::history").assert_outcomes(passed=1)


# -- odd places -------------------------------------------------------------------------------------------------------


def test_packages_on_the_way_are_not_imported_for_a_revision(history: Project) -> None:
    for folder in ("migrations/versions",):
        history.write(f"{folder}/__init__.py", "raise RuntimeError('nobody asked for this')")
    history.run("--stairway").assert_outcomes(passed=6, skipped=1)
    history.run("migrations/versions/a1_make.py").assert_outcomes(passed=1)


def test_folders_that_pytest_does_not_enter(project: Project) -> None:
    project.write("alembic.ini", INI.replace("/migrations", "/build"))
    project.chain("a1")
    (project.root / "migrations").rename(project.root / "build")
    assert len(collected(project, "--stairway")) == 5
    assert len(collected(project, "--stairway", ".")) == 5


def test_python_files_that_match_revisions(history: Project) -> None:
    history.write("pytest.ini", "[pytest]\npython_files = *_make.py test_*.py\n")
    assert collected(history, "--stairway") == ALL


def test_a_revision_that_looks_like_a_test(project: Project) -> None:
    project.add("a1").rename(project.versions / "test_a1.py")
    assert "migrations/versions/test_a1.py::roundtrip" in collected(project, "--stairway")
    project.run("migrations/versions/test_a1.py").assert_outcomes(passed=1)


def test_no_revisions_yet(project: Project) -> None:
    project.versions.mkdir()
    assert collected(project, "--stairway") == ["alembic.ini::history"]
    project.run("--stairway").assert_outcomes(passed=1)


def test_a_range_leaves_out_other_revisions(history: Project) -> None:
    assert collected(history, "--stairway", "--stairway-range", "b2") == [ALL[0], ALL[2], *ALL[4:]]


def test_a_lower_end_leaves_out_what_lies_below(history: Project) -> None:
    assert collected(history, "--stairway", "--stairway-minimum", "a1") == [ALL[0], *ALL[2:]]


def test_revisions_below_the_lower_end_pass_over(history: Project) -> None:
    result = history.run("--stairway-minimum", "b2", "migrations/versions/a1_make.py", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*a1_make.py*only upgraded*"])


def test_nothing_but_collection_runs_nothing(history: Project) -> None:
    history.write("migrations/env.py", "raise RuntimeError('run')")
    assert collected(history, "--stairway") == ALL
    assert not (history.root / "app.db").exists()


def test_keywords(history: Project) -> None:
    assert collected(history, "--stairway", "-k", "b2") == [ALL[2]]
    assert collected(history, "--stairway", "-k", "roundtrip and not b2") == [ALL[1], ALL[3]]
    assert collected(history, "--stairway", "-k", "leftovers or release") == [ALL[4], ALL[6]]


def test_the_revisions_id_is_a_keyword_whatever_its_file_is_called(project: Project) -> None:
    project.add("deadbeef").rename(project.versions / "first.py")
    assert collected(project, "--stairway", "-k", "deadbeef") == [
        "migrations/versions/first.py::roundtrip",
        "alembic.ini::release[deadbeef]",
    ]


def test_markers(history: Project) -> None:
    history.write("test_it.py", "def test_it(): pass")
    assert collected(history, "--stairway", "--strict-markers", "-m", "stairway") == ALL
    assert collected(history, "--stairway", "-m", "not stairway") == ["test_it.py::test_it"]


def test_deselected(history: Project) -> None:
    assert collected(history, "--stairway", "--deselect", ALL[2], "--deselect", "alembic.ini") == [ALL[1], ALL[3]]
