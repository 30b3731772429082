"""Beside the plugins that people have installed, and the tests that they have written."""

from __future__ import annotations

import json

import pytest

from .conftest import FAILS, Project, outcomes


@pytest.fixture
def history(project: Project) -> Project:
    """Three sound revisions."""
    return project.chain("a1", "b2", "c3")


def beside(project: Project, *arguments: str) -> pytest.RunResult:
    """Run pytest with every plugin that is installed."""
    return project.pytester.runpytest_subprocess("--stairway", *arguments)


def test_all_that_are_installed(history: Project) -> None:
    history.write("test_it.py", "def test_it(): pass")
    beside(history).assert_outcomes(passed=7, skipped=1)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_asyncio(history: Project, mode: str) -> None:
    pytest.importorskip("pytest_asyncio")
    history.write(
        "test_it.py",
        """
        import asyncio, pytest
        @pytest.mark.asyncio
        async def test_it(): await asyncio.sleep(0)
        """,
    )
    history.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    beside(history, f"--asyncio-mode={mode}").assert_outcomes(passed=7, skipped=1)


def test_django(history: Project) -> None:
    pytest.importorskip("pytest_django")
    pytest.importorskip("django")
    history.write(
        "settings.py",
        "SECRET_KEY = 'x'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n",
    )
    history.write(
        "test_it.py",
        """
        import pytest
        from django.db import connection
        @pytest.mark.django_db
        def test_it():
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        """,
    )
    beside(history, "--ds=settings", "-p", "no:randomly").assert_outcomes(passed=7, skipped=1)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_coverage_of_the_migrations_and_env_py(history: Project, workers: list[str]) -> None:
    pytest.importorskip("pytest_cov")
    result = beside(history, "--cov=migrations", "--cov-report=json", "-p", "no:randomly", *workers)
    result.assert_outcomes(passed=6, skipped=1)
    files = json.loads((history.root / "coverage.json").read_text())["files"]
    covered = {name: data["summary"]["percent_covered"] for name, data in files.items()}
    assert covered == {
        "migrations/env.py": 100.0,
        **{f"migrations/versions/{name}_make.py": 100.0 for name in ("a1", "b2", "c3")},
    }


def test_pytest_alembic(history: Project) -> None:
    """Its own tests use Alembic, and its plugin imports it; both sets run."""
    pytest.importorskip("pytest_alembic")
    history.write(
        "test_own.py",
        """
        import pytest
        from sqlalchemy import create_engine

        @pytest.fixture
        def alembic_engine():
            return create_engine("sqlite://")

        def test_up_and_down(alembic_runner):
            alembic_runner.migrate_up_to("heads")
            alembic_runner.migrate_down_to("base")
        """,
    )
    beside(history).assert_outcomes(passed=7, skipped=1)


@pytest.mark.parametrize(
    "kind", ["time.sleep(30)", "[op.get_bind().exec_driver_sql('SELECT 1') for _ in range(10**7)]"]
)
def test_timeouts(project: Project, kind: str) -> None:
    pytest.importorskip("pytest_timeout")
    project.chain("a1")
    project.add("b2", up=f"import time; {kind}")
    project.write("test_after.py", "import time\ndef test_it(): time.sleep(0.01)")
    result = beside(
        project,
        "--timeout=2",
        "--timeout-method=signal",
        "-p",
        "no:randomly",
        "-v",
        "-k",
        "not release and not leftovers",
    )
    told = outcomes(result)
    assert told["migrations/versions/a1_make.py::roundtrip"] == "PASSED"
    assert told["migrations/versions/b2_make.py::roundtrip"] == "FAILED"
    assert told["test_after.py::test_it"] == "PASSED"
    result.stdout.re_match_lines([".*Timeout.*>.*2.*"])


def test_reruns_and_repeats_of_a_failure(project: Project) -> None:
    """A plugin may run an item again: it answers the same."""
    project.add("a1", up=FAILS)
    project.write(
        "conftest.py",
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, nextitem=nextitem, log=False)
        """,
    )
    result = project.run("--stairway", "-k", "roundtrip")
    result.assert_outcomes(failed=1)
