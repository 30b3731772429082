"""The ways of running tests that people know do what they expect."""

from __future__ import annotations

import re

import pytest

from .conftest import FAILS, Project, order


@pytest.fixture
def broken(project: Project) -> Project:
    """Of four revisions the second and the fourth leave their table behind."""
    project.add("a1")
    project.add("b2", down="pass")
    project.add("c3")
    project.add("d4", down="pass")
    return project


def names(result: pytest.RunResult) -> list[str]:
    """Give the revisions and the other items that ran, in their order."""
    return [re.sub(r"^.*/|_make.py::roundtrip|^alembic.ini::", "", name) for name in order(result)]


def mend(project: Project, revision: str) -> None:
    """Write the downgrade that is missing."""
    path = project.versions / f"{revision}_make.py"
    path.write_text(path.read_text().replace("    pass", f'    op.execute("DROP TABLE t_{revision}")'))


def test_stop_at_the_first_failure(broken: Project) -> None:
    assert names(broken.run("--stairway", "-v", "-x")) == ["history", "a1", "b2"]


def test_stop_after_some_failures(broken: Project) -> None:
    assert names(broken.run("--stairway", "-v", "--maxfail=2")) == ["history", "a1", "b2", "c3", "d4"]


def test_the_last_failures_only(broken: Project) -> None:
    broken.run("--stairway")
    assert names(broken.run("--stairway", "-v", "--lf")) == ["b2", "d4"]
    mend(broken, "b2")
    broken.run("--stairway", "--lf")
    assert names(broken.run("--stairway", "-v", "--lf")) == ["d4"]
    mend(broken, "d4")
    assert broken.run("--stairway", "--lf").ret == 0


def test_the_last_failures_first(broken: Project) -> None:
    broken.run("--stairway")
    result = broken.run("--stairway", "-v", "--ff")
    assert names(result)[:2] == ["b2", "d4"]
    assert sorted(names(result)[2:]) == ["a1", "c3", "history", "leftovers", "models", "release[a1]"]
    result.assert_outcomes(passed=5, failed=2, skipped=1)


def test_stepwise(broken: Project) -> None:
    assert names(broken.run("--stairway", "-v", "--sw")) == ["history", "a1", "b2"]
    mend(broken, "b2")
    assert names(broken.run("--stairway", "-v", "--sw")) == ["b2", "c3", "d4"]


def test_a_new_revision_first(broken: Project) -> None:
    broken.run("--stairway")
    broken.add("e5")
    assert sorted(names(broken.run("--stairway", "-v", "--nf"))) == sorted(
        ["history", "a1", "b2", "c3", "d4", "e5", "leftovers", "models", "release[a1]"]
    )


def test_verbosity(broken: Project) -> None:
    quiet = broken.run("--stairway", "-q").stdout.str()
    assert "alembic.ini, 4 revisions" not in quiet
    assert "schema-not-restored: table t_b2: still there after the downgrade" in quiet
    assert broken.run("--stairway", "-qq").ret == 1
    assert broken.run("--stairway", "-vv").ret == 1


def test_durations(broken: Project) -> None:
    broken.run("--stairway", "--durations=0", "-vv").stdout.fnmatch_lines(["*s call *b2_make.py::roundtrip"])


def test_output_is_not_captured(project: Project) -> None:
    project.add("a1", up='print("going up")')
    assert project.run("--stairway", "-s").stdout.str().count("going up") >= 2


def test_what_a_migration_prints_belongs_to_its_item(project: Project) -> None:
    project.add("a1", up='print("one going up")', down='import sys; print("one going down", file=sys.stderr)')
    project.add("b2", up=f'print("two going up")\n{FAILS}')
    text = project.run("--stairway", "-k", "roundtrip").stdout.str()
    assert "two going up" in text
    assert "one going" not in text
    text = project.run("--stairway", "-k", "roundtrip", "-rP").stdout.str()
    one = text[text.index("_ roundtrip (a1") :]
    assert one.index("one going up") < one.index("Captured stderr call") < one.index("one going down")


def test_what_a_migration_logs_belongs_to_its_item(project: Project) -> None:
    log = 'import logging; logging.getLogger("app").warning("{} logs")'
    project.add("a1", up=log.format("one"))
    project.add("b2", up=f"{log.format('two')}\n{FAILS}")
    text = project.run("--stairway", "-k", "roundtrip").stdout.str()
    assert re.search(r"Captured log call -+\n(?:.*\n)*WARNING +app:b2_make.py:10 two logs", text)
    assert "one logs" not in text


@pytest.mark.parametrize("disable", ["", ", disable_existing_loggers=False"])
def test_logs_are_captured_when_env_py_configures_logging(project: Project, disable: str) -> None:
    env = project.root / "migrations" / "env.py"
    configure = f"from logging.config import fileConfig\nfileConfig(config.config_file_name{disable})\nengine ="
    env.write_text(env.read_text().replace("engine =", configure))
    with (project.root / "alembic.ini").open("a") as ini:
        ini.write(
            "[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys = plain\n"
            "[logger_root]\nlevel = WARNING\nhandlers = console\n"
            "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\nformatter = plain\n"
            "[formatter_plain]\nformat = env says %(message)s\n"
        )
    log = 'import logging; logging.getLogger("app").warning("{} logs")'
    project.add("a1", up=log.format("one"))
    project.add("b2", up=f"{log.format('two')}\n{FAILS}")
    project.write(
        "test_after.py",
        "import logging\ndef test_it(caplog):\n    logging.getLogger('x').warning('after')\n    assert 'after' in caplog.text\n",
    )
    result = project.run("--stairway", "-k", "roundtrip or test_it", "migrations/versions", "test_after.py")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert re.search(r"Captured log call -+\n(?:.*\n)*WARNING +app:b2_make.py:10 two logs", text)
    assert "one logs" not in text


def test_what_a_migration_warns_of_belongs_to_its_item(project: Project) -> None:
    project.add("a1", up='import warnings; warnings.warn("mind the gap")')
    project.spawn("--stairway").stdout.fnmatch_lines(
        ["*warnings summary*", "migrations/versions/a1_make.py::roundtrip", "*a1_make.py:10: UserWarning: mind the gap"]
    )


def test_warnings_as_errors_stay_warnings_in_a_migration(project: Project) -> None:
    project.add("a1", up='import warnings; warnings.warn("mind the gap")')
    result = project.spawn("--stairway", "-W", "error", "-k", "roundtrip")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*a1_make.py:10: UserWarning: mind the gap"])


def test_warnings_that_are_ignored_stay_ignored(project: Project) -> None:
    project.add("a1", up='import warnings; warnings.warn("mind the gap")')
    result = project.spawn("--stairway", "-W", "ignore:mind", "-W", "error:other", "-k", "roundtrip")
    result.assert_outcomes(passed=1, warnings=0)


def test_the_debugger_stops_in_the_migration(project: Project) -> None:
    pytest.importorskip("pexpect")
    project.add("a1", up=f"answer = 42\n{FAILS}")
    child = project.pytester.spawn_pytest("-p no:randomly --stairway --pdb --tb=no")
    child.expect(r"a1_make.py\(11\)upgrade\(\)")
    child.expect("Pdb")
    child.sendline("p answer * 10")
    child.expect("420")
    child.sendline("q")
    child.expect("= stairway =")
    child.wait()


def test_a_breakpoint_in_a_migration(project: Project) -> None:
    pytest.importorskip("pexpect")
    project.add(
        "a1",
        up="answer = 42\nbreakpoint()\nop.execute('CREATE TABLE one (id INT)')",
        down='op.execute("DROP TABLE one")',
    )
    child = project.pytester.spawn_pytest("-p no:randomly migrations/versions/a1_make.py")
    for _ in range(2):
        child.expect("Pdb")
        child.sendline("p answer * 10")
        child.expect("420")
        child.sendline("c")
    child.expect("1 passed")
    child.wait()


def test_interrupted(project: Project) -> None:
    project.chain("a1")
    project.add("b2", up="import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(0.5)")
    project.chain("c3")
    result = project.spawn("--stairway", "--stairway-json", "out.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {each["revision"]: each["outcome"] for each in project.written()["revisions"]} == {
        "a1": "passed",
        "b2": "skipped",
        "c3": "skipped",
    }
    assert not [line for line in result.errlines if "Exception" in line]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_random_order_finds_the_same(broken: Project, seed: int) -> None:
    pytest.importorskip("pytest_randomly")
    serial = broken.report()
    broken.pytester.runpytest_subprocess(
        "--stairway", "--stairway-json", "out.json", "-p", "no:alembic", f"--randomly-seed={seed}"
    )
    assert comparable(broken.written()) == comparable(serial)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_items_finds_the_same(broken: Project, seed: int) -> None:
    serial = broken.report()
    broken.write(
        "conftest.py",
        f"""
        import random, pytest

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items):
            random.Random({seed}).shuffle(items)
        """,
    )
    assert comparable(broken.report("-v")) == comparable(serial)


def comparable(report: dict[str, object]) -> dict[str, object]:
    """Leave out what differs from run to run."""
    revisions = [
        {name: value for name, value in each.items() if not name.endswith("seconds")}
        for each in report["revisions"]  # type: ignore[attr-defined]
    ]
    return {**report, "revisions": revisions, "summary": None}


OWN = """
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

@pytest.fixture
def database(tmp_path):
    url = f"sqlite:///{tmp_path}/own.db"
    config = Config("alembic.ini")
    config.set_main_option("sqlalchemy.url", url)
    command.upgrade(config, "head")
    engine = create_engine(url)
    yield engine
    command.downgrade(config, "base")
    engine.dispose()

@pytest.mark.parametrize("number", range(6))
def test_own(database, number):
    assert set(inspect(database).get_table_names()) >= {"t_a1", "t_b2", "t_c3"}
"""


@pytest.mark.parametrize("seed", range(4))
def test_tests_that_use_alembic_themselves_in_between(project: Project, seed: int) -> None:
    project.chain("a1", "b2", "c3")
    project.write("test_own.py", OWN)
    project.write(
        "conftest.py",
        f"""
        import random, pytest

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items):
            random.Random({seed}).shuffle(items)
        """,
    )
    result = project.run("--stairway", "-v")
    result.assert_outcomes(passed=12, skipped=1)
    assert order(result) != sorted(order(result))


SESSION = """
import pytest
from sqlalchemy import create_engine, text

@pytest.fixture(scope="session", autouse=True)
def engine(tmp_path_factory):
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('own')}/own.db")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE own (id INTEGER)"))
        connection.execute(text("INSERT INTO own VALUES (1)"))
        connection.commit()
        yield connection
        connection.execute(text("SELECT * FROM own")).one()
    engine.dispose()

@pytest.fixture(autouse=True)
def reset(engine):
    yield
    engine.rollback()
"""


def test_session_fixtures_with_a_database_of_their_own(project: Project) -> None:
    project.chain("a1", "b2")
    project.write("conftest.py", SESSION)
    test = (
        "from sqlalchemy import text\ndef test_it(engine): assert engine.scalar(text('SELECT count(*) FROM own')) == 1"
    )
    project.write("a/test_before.py", test)
    project.write("z/test_after.py", test)
    result = project.run("--stairway", "-v", "a/test_before.py", "z/test_after.py")
    result.assert_outcomes(passed=7, skipped=1)


def test_session_fixtures_around_items_in_any_order(project: Project) -> None:
    project.chain("a1", "b2")
    project.write(
        "conftest.py",
        SESSION + "\n\ndef pytest_collection_modifyitems(items):\n    items[:] = items[::2] + items[1::2]\n",
    )
    test = "import pytest\nfrom sqlalchemy import text\n@pytest.mark.parametrize('n', range(5))\ndef test_it(engine, n): assert engine.scalar(text('SELECT count(*) FROM own')) == 1"
    project.write("test_own.py", test)
    result = project.run("--stairway", "-v")
    result.assert_outcomes(passed=10, skipped=1)


def test_no_autouse_fixture_runs_for_a_revision(project: Project) -> None:
    project.chain("a1")
    project.write(
        "conftest.py", "import pytest\n@pytest.fixture(autouse=True, scope='session')\ndef never(): raise RuntimeError"
    )
    project.run("--stairway").assert_outcomes(passed=4, skipped=1)


def test_the_projects_own_database_is_never_made(project: Project) -> None:
    project.chain("a1").run("--stairway").assert_outcomes(passed=4, skipped=1)
    assert not (project.root / "app.db").exists()
