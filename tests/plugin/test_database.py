"""Where no database is to be had: an error that lists the ways, once, and never a skip that nobody asked for."""

from __future__ import annotations

import pytest

from .conftest import ENV, Project, outcomes


@pytest.fixture
def without(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three revisions, and no database."""
    from pytest_stairway.databases import choice
    from pytest_stairway.exceptions import DatabaseUnavailable

    def nothing(*_arguments: object, **_options: object) -> None:
        raise DatabaseUnavailable(
            "no throwaway database for sqlite: no way works\n  one: not there\n    -> install one"
        )

    monkeypatch.setattr(choice, "choose", nothing)
    return project.chain("a1", "b2", "c3")


def test_items_are_errors_and_the_history_is_still_checked(without: Project) -> None:
    result = without.run("--stairway", "-v")
    assert result.ret == 1
    assert set(outcomes(result).values()) == {"PASSED", "ERROR"}
    result.assert_outcomes(passed=1, errors=6)


def test_the_ways_are_listed_once(without: Project) -> None:
    text = without.run("--stairway").stdout.str()
    assert text.count("-> install one") == 1
    assert text.count("(migrations/versions/a1_make.py::roundtrip tells more)") >= 4
    assert "pytest_stairway/" not in text
    assert "Traceback" not in text


def test_the_short_summary(without: Project) -> None:
    without.run("--stairway").stdout.fnmatch_lines(
        ["ERROR migrations/versions/a1_make.py::roundtrip - no throwaway database for sqlite: no way works"]
    )


def test_the_header_and_the_summary_say_so(without: Project) -> None:
    result = without.run("--stairway")
    result.stdout.fnmatch_lines(["stairway: no throwaway database for sqlite: no way works"])
    result.stdout.fnmatch_lines(
        ["*= stairway =*", "3 revisions: 3 failed, in *", "note: no throwaway database for sqlite: no way works"]
    )


def test_the_json_does_not_look_well(without: Project) -> None:
    report = without.report()
    assert {each["outcome"] for each in report["revisions"]} == {"failed"}
    assert report["notes"] == ["no throwaway database for sqlite: no way works"]
    assert report["database"] is None


@pytest.mark.parametrize("how", ["option", "ini"])
def test_skipping_is_an_opt_in(without: Project, how: str) -> None:
    if how == "ini":
        without.write("pytest.ini", "[pytest]\nstairway_skip_without_database = true\n")
    result = without.run("--stairway", "-rs", *(["--stairway-skip-without-database"] if how == "option" else []))
    result.assert_outcomes(passed=1, skipped=6)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED * no throwaway database for sqlite: no way works"])


def test_a_real_one_that_cannot_be_reached(project: Project) -> None:
    pytest.importorskip("psycopg")
    env = ENV.replace(
        "engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)",
        "__import__('sqlalchemy').create_engine('postgresql+psycopg://localhost/app')",
    )
    project.chain("a1", "b2").write("migrations/env.py", env)
    url = "postgresql://me:s3cret@127.0.0.1:1/postgres"
    for spread in ([], ["-n", "2"]):
        result = project.spawn("--stairway", "--stairway-database", url, *spread)
        text = result.stdout.str() + result.stderr.str()
        result.assert_outcomes(passed=1, errors=5)
        assert "s3cret" not in text
        assert "Traceback" not in text
        assert "ERROR migrations/versions/a1_make.py::roundtrip - no throwaway database for postgresql" in text
        assert "server: cannot connect to me@127.0.0.1:1/postgres" in text
