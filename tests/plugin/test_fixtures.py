"""Tests that people write for one migration: a marked test gets a database at its revision, and nothing else is needed."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from .conftest import outcomes

if TYPE_CHECKING:
    from .conftest import Project

AUTHORS = 'op.execute("CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL)")'
CODE = 'op.execute("ALTER TABLE author ADD COLUMN code VARCHAR")'
FILL = "op.execute(\"UPDATE author SET code = 'c' || id WHERE code IS NULL\")"


@pytest.fixture
def history(project: Project) -> Project:
    """Authors; a code that they may have; and a code that they all have."""
    project.add("a1", up=AUTHORS, down='op.execute("DROP TABLE author")')
    project.add("b2", up=CODE, down='op.execute("ALTER TABLE author DROP COLUMN code")')
    project.add("c3", up=FILL)
    return project


def run(project: Project, text: str, *arguments: str, spawn: bool = False) -> pytest.RunResult:
    """Run tests of a project's own, without ``--stairway``."""
    project.write("tests/test_own.py", "import pytest\n" + dedent(text))
    return (project.spawn if spawn else project.run)("tests/test_own.py", "--strict-markers", *arguments)


def test_a_database_at_a_revision_and_steps_from_there(history: Project) -> None:
    run(
        history,
        """
        @pytest.mark.stairway(at="b2")
        def test_codes(stairway):
            assert stairway.heads == ("b2",)
            stairway.insert("author", {"id": 1, "name": "Ann", "code": "own"}, {"id": 2, "name": "Bob"})
            stairway.upgrade("c3")
            assert stairway.rows("author", "code") == [{"code": "own"}, {"code": "c2"}]
            stairway.downgrade("-1")
            assert stairway.heads == ("b2",)
            stairway.downgrade("a1")
            assert stairway.rows("author") == [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]
            stairway.upgrade("+2")
            assert stairway.rows("author", "code") == [{"code": "c1"}, {"code": "c2"}]
            stairway.downgrade("base")
            assert stairway.heads == ()
            stairway.upgrade("head")
            assert stairway.heads == ("c3",)
        """,
    ).assert_outcomes(passed=1)
    assert not (history.root / "app.db").exists()


def test_each_test_has_a_database_of_its_own_which_is_dropped(history: Project) -> None:
    run(
        history,
        """
        from pathlib import Path
        seen = []

        @pytest.mark.parametrize("number", [1, 2])
        @pytest.mark.stairway(at="a1")
        def test_it(stairway, number):
            assert stairway.rows("author") == []
            stairway.insert("author", {"name": "Ann"})
            assert not any(Path(path).exists() for path in seen)
            seen.append(stairway.url.database)
            assert Path(seen[-1]).exists()
        """,
    ).assert_outcomes(passed=2)


def test_a_class_can_share_one(history: Project) -> None:
    run(
        history,
        """
        @pytest.fixture(scope="class")
        def authors(stairway_of_class):
            stairway_of_class.insert("author", {"id": 1, "name": "Ann"})

        @pytest.mark.stairway(at="b2", scope="class")
        @pytest.mark.usefixtures("authors")
        class TestTogether:
            def test_up(self, stairway):
                stairway.upgrade("+1")

            def test_then(self, stairway):
                assert stairway.heads == ("c3",)
                assert stairway.rows("author", id=1) == [{"id": 1, "name": "Ann", "code": "c1"}]

            @pytest.mark.stairway(at="a1")
            def test_alone(self, stairway):
                assert stairway.heads == ("a1",)

        @pytest.mark.stairway(at="b2", scope="class")
        class TestAnother:
            def test_new(self, stairway):
                assert stairway.rows("author") == []
        """,
    ).assert_outcomes(passed=4)


def test_without_a_mark_it_is_at_the_heads(history: Project) -> None:
    run(
        history,
        """
        from sqlalchemy import create_engine, text

        def test_application(stairway, stairway_engine, stairway_url):
            assert stairway.heads == ("c3",)
            with stairway_engine.begin() as connection:
                connection.execute(text("INSERT INTO author (name) VALUES ('Ann')"))
            with create_engine(stairway_url).connect() as connection:
                assert connection.execute(text("SELECT name FROM author")).scalar() == "Ann"
        """,
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('at="nope"', "'nope' is no revision of this history"),
        ('revision="a1"', "got an unexpected keyword argument 'revision'"),
        ('"a1", "b2"', "takes from 0 to 1 positional arguments but 2 were given"),
        ("at=None", "at takes a revision, such as '14bc8e509acf' or 'head', not None"),
        ('at="a1", scope="module"', "scope takes 'function' or 'class', not 'module'"),
    ],
    ids=["revision", "keyword", "positions", "none", "scope"],
)
def test_a_mark_that_cannot_be_used(history: Project, mark: str, words: str) -> None:
    result = run(history, f"@pytest.mark.stairway({mark})\ndef test_it(stairway): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"stairway: *{words}*"])
    assert "Traceback" not in result.stdout.str()
    assert "fixtures.py" not in result.stdout.str()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('stairway.upgrade("nope")', "cannot upgrade from b2 to 'nope': *'nope'*"),
        ('stairway.upgrade("+5")', "cannot upgrade from b2 to '+5': relative revision +5 didn't produce 5 migrations"),
        ('stairway.downgrade("c3")', "cannot downgrade from b2 to 'c3': it does not lie below"),
        ('stairway.insert("autor", {"name": "Ann"})', "there is no table autor at b2*did you mean author?*"),
        ('stairway.rows("author", "nme")', "table author has no column nme at b2*id, name)*did you mean name?*"),
        ('stairway.insert("author", {"cod": "x"})', "table author has no column cod at b2*did you mean code?*"),
        (
            "stairway.engine.connect().begin(); stairway.upgrade()",
            "a connection of stairway.engine has a transaction open*commit it*",
        ),
    ],
)
def test_a_mistake_in_a_test_is_told_at_its_line(history: Project, code: str, words: str) -> None:
    result = run(history, f'@pytest.mark.stairway(at="b2")\ndef test_it(stairway):\n    {code}  # here\n')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f">*{code}  # here", f"E*UsageError: {words}"])
    assert "migrated.py" not in result.stdout.str()


def test_a_migration_that_fails_raises_what_it_raised(history: Project) -> None:
    history.add("d4", up='op.execute("INSERT INTO author (id) VALUES (1)")')
    result = run(
        history,
        """
        from sqlalchemy.exc import IntegrityError

        @pytest.mark.stairway(at="c3")
        def test_caught(stairway):
            with pytest.raises(IntegrityError, match="NOT NULL"):
                stairway.upgrade("d4")
            assert stairway.heads == ("c3",)
            assert stairway.rows("author") == []

        @pytest.mark.stairway(at="c3")
        def test_not_caught(stairway):
            stairway.upgrade()
        """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       stairway.upgrade()",
            "migrations/env.py:9: in <module>",
            "    context.run_migrations()",
            '>*op.execute("INSERT INTO author (id) VALUES (1)")',
            "E*IntegrityError: *NOT NULL constraint failed: author.name",
        ]
    )
    assert "site-packages" not in result.stdout.str()
    assert "pytest_stairway/" not in result.stdout.str()


def test_a_failed_test_names_its_database_and_its_way(history: Project) -> None:
    result = run(
        history,
        """
        @pytest.mark.stairway(at="a1")
        def test_fails(stairway):
            stairway.upgrade("c3")
            stairway.downgrade("-1")
            assert False

        @pytest.mark.stairway(at="a1")
        def test_passes(stairway):
            pass
        """,
        "-rA",
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*- stairway -*", "stairway_*_test_fails: a1 -> upgrade c3 -> downgrade -1", "sqlite3 /*test_fails.db"]
    )
    assert "_test_passes" not in result.stdout.str()


def test_a_revision_that_cannot_be_reached(history: Project) -> None:
    history.add("d4", up='op.execute("DROP TABLE missing")')
    result = run(
        history,
        """
        @pytest.mark.stairway(at="d4")
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(stairway, number): pass
        """,
    )
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "stairway: no database can be brought to d4: d4 (*d4_make.py:10) raised *no such table: missing",
            "*SQL: DROP*",
        ]
    )
    assert "fixtures.py" not in result.stdout.str()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("migrations/env.py", "raise RuntimeError('no settings')", "environment-failed: *no settings*"),
        ("migrations/versions/b2_make.py", "import nowhere", "unloadable-revision: *nowhere*"),
        ("alembic.ini", "[alembic]\n", "environment-failed: *script_location*"),
    ],
)
def test_a_history_that_cannot_be_used(history: Project, name: str, text: str, words: str) -> None:
    history.write(name, text)
    result = run(history, '@pytest.mark.stairway(at="a1")\ndef test_it(stairway): pass\n')
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])
    assert "pytest_stairway" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_no_configuration(project: Project) -> None:
    (project.root / "alembic.ini").unlink()
    result = run(project, "def test_it(stairway): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["stairway: there is no alembic.ini *--stairway-config*"])


def test_no_database(history: Project) -> None:
    text = "def test_it(stairway): pass\n"
    result = run(history, text, "--stairway-database=embedded")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["stairway: *embedded*sqlite*"])


def test_another_configuration(history: Project) -> None:
    history.write("other/migrations/env.py", (history.root / "migrations/env.py").read_text())
    history.write("other/migrations/versions/x1.py", "revision = 'x1'\ndown_revision = None\ndef upgrade(): pass\n")
    history.write("other/alembic.ini", (history.root / "alembic.ini").read_text())
    history.write(
        "tests/conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def stairway_config():
            return "other/alembic.ini"
        """,
    )
    text = "def test_it(stairway): assert stairway.heads == ('x1',)\n"
    run(history, text).assert_outcomes(passed=1)
    assert (
        outcomes(run(history, text, "--stairway", "alembic.ini::history", "-v"))["tests/test_own.py::test_it"]
        == "PASSED"
    )


MARKED = """
@pytest.mark.stairway(at="b2")
@pytest.mark.parametrize("number", range(6))
def test_it(stairway, number):
    stairway.insert("author", {"name": "Ann"})
    stairway.upgrade()
    assert stairway.rows("author", "code") == [{"code": "c1"}]
"""


def test_beside_the_walk(history: Project) -> None:
    """The walk's own database and the tests' come from one server, and neither minds the other."""
    history.write("tests/test_own.py", "import pytest\n" + MARKED)
    history.run("--stairway", ".").assert_outcomes(passed=12, skipped=1)
    assert not (history.root / "app.db").exists()


@pytest.mark.parametrize("arguments", [[], ["--stairway", "."]], ids=["alone", "walk"])
def test_spread_over_workers(history: Project, arguments: list[str]) -> None:
    """Each worker's databases are in the one place that its controller gave it, which is gone afterwards."""
    pytest.importorskip("xdist")
    note = '    open(f"place{number}", "w").write(stairway.url.database)\n'
    result = run(history, MARKED + note, "-n", "2", *arguments, spawn=True)
    result.assert_outcomes(passed=12 if arguments else 6, skipped=int("--stairway" in arguments))
    (folder,) = {Path(path.read_text()).parent for path in history.root.glob("place?")}
    assert not folder.exists()


def test_warnings_of_a_migration_are_no_errors(history: Project) -> None:
    history.add("d4", up='import warnings; warnings.warn("old", DeprecationWarning)')
    run(
        history, "@pytest.mark.stairway(at='c3')\ndef test_it(stairway): stairway.upgrade()\n", "-W", "error"
    ).assert_outcomes(passed=1)


def test_several_heads(history: Project) -> None:
    history.add("d4", down_revision="b2")
    run(
        history,
        """
        @pytest.mark.stairway(at="heads")
        def test_it(stairway):
            assert sorted(stairway.heads) == ["c3", "d4"]
            stairway.downgrade("b2")
            stairway.upgrade("c3")
            assert stairway.heads == ("c3",)

        @pytest.mark.stairway(at="head")
        def test_one(stairway): pass
        """,
    ).assert_outcomes(passed=1, errors=1)


def test_several_databases_are_refused(history: Project) -> None:
    history.write(
        "migrations/env.py",
        """
        from alembic import context
        from sqlalchemy import create_engine
        for name in ("one", "two"):
            with create_engine(f"sqlite:///{name}.db").connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
        """,
    )
    result = run(history, "def test_it(stairway): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["stairway: env.py migrates several databases (*one.db, *two.db), and a test is given one"]
    )


def test_another_database_that_env_py_looks_into_is_not_the_one(history: Project) -> None:
    """The settings come from a database of their own; it is the migrated one that a test gets."""
    text = (history.root / "migrations/env.py").read_text()
    look = "from sqlalchemy import create_engine\nwith create_engine('sqlite:///settings.db').connect(): pass\n"
    history.write("migrations/env.py", text.replace("with engine.connect()", look + "with engine.connect()"))
    run(history, MARKED).assert_outcomes(passed=6)


def test_comparing_two_moments(history: Project) -> None:
    run(
        history,
        """
        @pytest.mark.stairway(at="b2")
        def test_it(stairway):
            stairway.populate("author", rows=3)
            stairway.execute("UPDATE author SET code = NULL")
            before = stairway.look()
            assert stairway.compare(before) == []
            stairway.execute("UPDATE author SET code = :code WHERE id = (SELECT min(id) FROM author)", code="x")
            stairway.execute("CREATE INDEX i ON author (code)")
            index, code = stairway.compare(before)
            assert index == "index i on author: not there before, there after"
            assert code.endswith("code NULL before, 'x' after; 1 of 3 rows")
        """,
    ).assert_outcomes(passed=1)


def test_rows_with_keys_that_the_database_makes(history: Project) -> None:
    run(
        history,
        """
        @pytest.mark.stairway(at="b2")
        def test_it(stairway):
            one, two = stairway.insert("author", {"name": "Ann"}, {"name": "Bob", "code": "b"})
            assert one == {"id": 1, "name": "Ann", "code": None}
            assert stairway.rows("author", "name", id=two["id"]) == [{"name": "Bob"}]
            assert stairway.rows("author", "name", code=None) == [{"name": "Ann"}]
            table = stairway.table("author")
            assert stairway.execute(table.select().where(table.c.code == "b")) == [two]
        """,
    ).assert_outcomes(passed=1)


def test_a_template_of_an_earlier_run_is_not_taken_once_its_revision_is_another(
    history: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAIRWAY_CACHE_DIR", str(history.root / "cache"))
    text = "@pytest.mark.stairway(at='b2')\ndef test_it(stairway): assert list(stairway.table('author').columns.keys()) == {}\n"
    run(history, text.format(["id", "name", "code"])).assert_outcomes(passed=1)
    path = history.versions / "b2_make.py"
    path.write_text(path.read_text().replace("code VARCHAR", "mark VARCHAR"))
    run(history, text.format(["id", "name", "mark"])).assert_outcomes(passed=1)
    assert len(list((history.root / "cache").glob("sqlite-*"))) == 2


def test_generated_rows_with_values_of_the_projects_own(history: Project) -> None:
    history.write("own_rows.py", "ROWS = {'author.name': ['Ada', 'Grace']}\n")
    history.write("pytest.ini", "[pytest]\nstairway_rows_file = own_rows.py\n")
    run(
        history,
        """
        @pytest.mark.stairway(at="a1")
        def test_it(stairway):
            stairway.populate(rows=4)
            assert {row["name"] for row in stairway.rows("author")} == {"Ada", "Grace"}
        """,
    ).assert_outcomes(passed=1)
