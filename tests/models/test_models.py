"""The models against the database, where more than one finding matters: what is told, and from which `env.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Case, Rev, sql, write
from pytest_stairway.findings import Severity
from pytest_stairway.models import creating
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server

    MakeProject = Callable[..., Project]

AUTHOR = "CREATE TABLE author (id serial PRIMARY KEY, name varchar(50) NOT NULL)"
MODELS = """\
import sqlalchemy as sa
target_metadata = sa.MetaData()
author = sa.Table("author", target_metadata, sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String({length}), nullable=False))
"""


@pytest.fixture
def make_project(postgresql_server: Server, tmp_path: Path) -> Iterator[MakeProject]:
    """Write a project with one revision, and give what the plugin would ask."""
    made: list[Project] = []

    def make(*statements: str, env_head: str = "", **case: Any) -> Project:
        up = "\n".join(map(sql, statements or (AUTHOR,)))
        ini = write(Case("models", "", (Rev("a1", up),), env_head=env_head, **case), tmp_path)
        made.append(Project(Settings(config=str(ini)), tmp_path, address=postgresql_server.address))
        return made[-1]

    yield make
    for project in made:
        project.close()


def test_a_project_without_models_has_nothing_to_compare(make_project: MakeProject) -> None:
    answer = make_project().check_models()
    assert answer.findings == ()
    assert answer.note == "env.py gives context.configure() no target_metadata to compare the database with"


def test_models_that_agree_are_told_nothing(make_project: MakeProject) -> None:
    answer = make_project(env_head=MODELS.format(length=50)).check_models()
    assert (answer.findings, answer.note) == ((), None)


def test_a_default_with_an_apostrophe_hides_no_drift(make_project: MakeProject) -> None:
    """Autogenerate compares defaults by a query of its own, which that apostrophe breaks."""
    head = MODELS.format(length=80) + (
        "author.append_column(sa.Column(\"said\", sa.Text, server_default=sa.text(\"'it''s'\")))"
    )
    migrated = f"{AUTHOR[:-1]}, said text DEFAULT 'it''s')"
    (finding,) = make_project(migrated, env_head=head).check_models().findings
    assert finding.object == "column author.name"
    assert finding.detail is not None
    assert "alter_column" in finding.detail


def test_the_operations_that_mend_it_stand_below(make_project: MakeProject) -> None:
    (finding,) = make_project(env_head=MODELS.format(length=80)).check_models().findings
    assert finding.message == "column author.name: type varchar(50) in the database, varchar(80) in the models"
    assert finding.detail is not None
    assert finding.detail.startswith("op.alter_column('author', 'name',")
    assert "type_=sa.String(length=80)" in finding.detail
    assert finding.hint is None


def test_each_operation_is_written_once_with_what_it_mends(make_project: MakeProject) -> None:
    """A key under another name with other options, and an index that is a constraint in the models."""
    head = MODELS.format(length=50) + (
        "for name in ('boss', 'other'):\n"
        "    author.append_column(sa.Column(name, sa.Integer, sa.ForeignKey('author.id')))\n"
        "author.append_constraint(sa.UniqueConstraint('name', name='u'))\n"
        "sa.Index('v', author.c.boss, unique=True)"
    )
    migrated = f"{AUTHOR[:-1]}, boss int, other int, CONSTRAINT v UNIQUE (boss), CONSTRAINT fk FOREIGN KEY (boss) "
    migrated += "REFERENCES author ON DELETE CASCADE)"
    found = make_project(migrated, "CREATE UNIQUE INDEX u ON author (name)", env_head=head).check_models().findings
    assert {each.object: each.detail for each in found} == {
        "foreign key fk on author": "op.drop_constraint(op.f('fk'), 'author', type_='foreignkey')",
        "foreign key author_boss_fkey on author": "op.create_foreign_key(None, 'author', 'author', ['boss'], ['id'])",
        "foreign key author_other_fkey on author": "op.create_foreign_key(None, 'author', 'author', ['other'], ['id'])",
        "index u on author": "op.drop_index(op.f('u'), table_name='author')",
        "unique constraint u on author": "op.create_unique_constraint('u', 'author', ['name'])",
        "unique constraint v on author": "op.drop_constraint(op.f('v'), 'author', type_='unique')",
        "index v on author": "op.create_index('v', 'author', ['boss'], unique=True)",
    }


def test_what_autogenerate_does_not_see_is_said_to_be_so(make_project: MakeProject) -> None:
    head = MODELS.format(length=50) + 'author.append_constraint(sa.CheckConstraint("name > \'\'", name="ck"))'
    (finding,) = (
        make_project(f"{AUTHOR[:-1]}, CONSTRAINT ck CHECK (name >= ''))", env_head=head).check_models().findings
    )
    assert finding.detail is None
    assert finding.hint is not None
    assert "Autogenerate does not see this" in finding.hint


REWRITTEN = (
    "(((name)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])) OR ((id % 2) = 0))"
)


@pytest.mark.parametrize(("value", "drifts"), [("b", False), ("c", True)])
def test_a_check_is_created_beside_the_other_before_it_is_called_different(
    make_project: MakeProject, value: str, *, drifts: bool
) -> None:
    check = f"name IN ('a', '{value}') OR id % 2 = 0"
    head = MODELS.format(length=50) + f'author.append_constraint(sa.CheckConstraint("{check}", name="ck"))'
    project = make_project(f"{AUTHOR[:-1]}, CONSTRAINT ck CHECK {REWRITTEN})", env_head=head)
    found = project.check_models().findings
    assert [each.object for each in found] == (["check constraint ck on author"] if drifts else [])


@pytest.mark.parametrize(("value", "drifts"), [("b", False), ("c", True)])
def test_a_default_is_created_beside_the_other_before_it_is_called_different(
    make_project: MakeProject, value: str, *, drifts: bool
) -> None:
    default = f"('x'::varchar IN ('a', '{value}') OR 5 % 2 = 0)"
    head = MODELS.format(length=50) + (
        f'author.append_column(sa.Column("odd", sa.Boolean, server_default=sa.text("{default}")))'
    )
    migrated = REWRITTEN.replace("(name)::text", "('x'::character varying)::text").replace("id", "5")
    project = make_project(f"{AUTHOR[:-1]}, odd boolean DEFAULT {migrated})", env_head=head)
    found = project.check_models().findings
    assert [each.object for each in found] == (["column author.odd"] if drifts else [])


DEFAULTS = [
    ("text[]", "ARRAY[]::text[]", "'{}'::text[]", False),
    ("text[]", "ARRAY['a']", "'{a}'", False),
    ("text[]", "ARRAY['a']", "'{b}'", True),
    ("numeric", "1.50", "'1.5'", False),
    ("numeric(8, 2)", "1.5", "'1.50'", False),
    ("numeric(8, 2)", "1.5", "'1.51'", True),
    ("double precision", "1e3", "'1000'", False),
    ("interval", "'90 minutes'", "'01:30'", False),
    ("boolean", "'t'", "true", False),
    ("varchar(5)", "'%a'", "'%A'", True),
    ("date", "CURRENT_DATE", "'2020-01-01'", True),
    ("date", "('today'::text)::date", "CURRENT_DATE", True),
    ("bigint", "nextval('numbers')", "1", True),
    ("jsonb", '\'{"a": 1, "b": 2}\'', '\'{"b": 2,"a": 1}\'', False),
]


@pytest.mark.parametrize("models_first", [False, True])
def test_defaults_that_are_constants_are_compared_by_their_values(
    make_project: MakeProject, *, models_first: bool
) -> None:
    head = MODELS.format(length=50) + "from sqlalchemy.types import UserDefinedType\n"
    head += "class Any(UserDefinedType):\n    def __init__(self, s): self.s = s\n"
    head += "    def get_col_spec(self, **_): return self.s\n"
    columns = []
    for place, (type_, *sides, _) in enumerate(DEFAULTS):
        one, other = reversed(sides) if models_first else sides
        columns.append(f"c{place} {type_} DEFAULT {one}")
        default = "sa.text({!r})".format(other.replace(":", "\\:"))
        head += f"author.append_column(sa.Column('c{place}', Any({type_!r}), server_default={default}))\n"
    made = ("CREATE SEQUENCE numbers", f"{AUTHOR[:-1]}, {', '.join(columns)})")
    found = make_project(*made, env_head=head).check_models().findings
    drifts = {f"column author.c{place}" for place, (*_, drifts) in enumerate(DEFAULTS) if drifts}
    assert {each.object for each in found if each.severity is Severity.ERROR} == drifts, found


def test_a_check_on_a_column_that_the_database_lacks_is_told_with_it(make_project: MakeProject) -> None:
    head = MODELS.format(length=50) + (
        'author.append_column(sa.Column("age", sa.Integer))\n'
        'author.append_constraint(sa.CheckConstraint("age % 2 = 0", name="ck"))'
    )
    project = make_project(f"{AUTHOR[:-1]}, CONSTRAINT ck CHECK (id % 2 = 0))", env_head=head)
    found = project.check_models().findings
    assert {each.object for each in found} == {"check constraint ck on author", "column author.age"}


def test_the_operations_are_written_as_env_py_wants_them(make_project: MakeProject) -> None:
    head = (
        MODELS.format(length=80)
        + "def render_item(type_, item, autogen_context):\n    return 'our.Type()' if type_ == 'type' else False\n"
    )
    project = make_project(env_head=head, configure="render_item=render_item, render_as_batch=True")
    (finding,) = project.check_models().findings
    assert finding.detail is not None
    assert "with op.batch_alter_table('author', schema=None) as batch_op:" in finding.detail
    assert "our.Type()" in finding.detail


BY_MIGRATIONS = (
    "CREATE VIEW names AS SELECT name FROM author",
    "CREATE VIEW one AS SELECT 1 AS x",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "CREATE TRIGGER t BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE RULE r AS ON DELETE TO author DO INSTEAD NOTHING",
    "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1'",
    "CREATE TYPE level AS ENUM ('low')",
    "CREATE SEQUENCE numbers",
)


def test_what_only_migrations_make_is_information_told_once(make_project: MakeProject) -> None:
    """Whether it hangs on a table of the models, which are dropped with it in the copy, or on none."""
    answer = make_project(AUTHOR, *BY_MIGRATIONS, env_head=MODELS.format(length=50)).check_models()
    (finding,) = answer.findings
    assert finding.severity is Severity.INFO
    told = finding.message.removeprefix("only the migrations make what models cannot declare: ").split(", ")
    assert sorted(told) == [
        "enum type level",
        "function touch()",
        "function twice(integer)",
        "rule r on author",
        "sequence numbers",
        "trigger t on author",
        "view names",
        "view one",
    ]
    assert not answer.failed(strict=True)


def test_what_the_models_events_make_as_well_is_not_told(make_project: MakeProject) -> None:
    head = MODELS.format(length=50) + (
        "sa.event.listen(target_metadata, 'after_create', sa.DDL('CREATE VIEW one AS SELECT 1 AS x'))\n"
        "author.append_column(sa.Column('n', sa.Integer, sa.Sequence('numbers')))\n"
        "author.append_column(sa.Column('level', sa.Enum('low', name='level')))"
    )
    migrated = f"{AUTHOR[:-1]}, n int, level level)"
    assert make_project(BY_MIGRATIONS[1], *BY_MIGRATIONS[6:], migrated, env_head=head).check_models().findings == ()


def test_a_fault_in_a_function_of_env_py_is_told(make_project: MakeProject) -> None:
    head = MODELS.format(length=80) + "def include_object(*_): raise KeyError('which')\n"
    (finding,) = make_project(env_head=head, configure="include_object=include_object").check_models().findings
    assert finding.code == "model-drift"
    assert "KeyError: 'which'" in finding.message


def test_models_that_cannot_be_created_show_the_statement(make_project: MakeProject) -> None:
    head = MODELS.format(length=50) + 'author.append_constraint(sa.CheckConstraint("nobody > 0"))'
    (finding,) = make_project(env_head=head).check_models().findings
    assert finding.message.startswith('the models cannot be created: UndefinedColumn: column "nobody" does not exist')
    assert finding.detail is not None
    assert finding.detail.startswith("SQL: CREATE TABLE author")


def test_an_index_that_cannot_be_created_hides_nothing_else(make_project: MakeProject) -> None:
    """Two of one name: `index=True` on the column, and another one by hand; and one that wants an operator class."""
    head = MODELS.format(length=80) + (
        "sa.Index('trgm', author.c.name, postgresql_using='gin')\n"
        "author.append_column(sa.Column('age', sa.Integer))\n"
        "for _ in range(2):\n    sa.Index('twice', author.c.age)"
    )
    migrated = (f"{AUTHOR[:-1]}, age int)", "CREATE INDEX twice ON author (age)", "CREATE INDEX trgm ON author (name)")
    found = {each.object: each for each in make_project(*migrated, env_head=head).check_models().findings}
    assert found.keys() == {"column author.name", "index trgm on author", "index twice on author"}
    says = "the models' one cannot be created, and is not compared: "
    assert found["index trgm on author"].message.startswith(f"index trgm on author: {says}UndefinedObject: data type")
    assert found["index trgm on author"].detail == "SQL: CREATE INDEX trgm ON author USING gin (name)"
    assert f"{says}DuplicateTable: relation" in found["index twice on author"].message


def test_a_migration_that_cannot_go_up_is_told_instead(make_project: MakeProject) -> None:
    project = make_project("CREATE TABLE author (id missing)", env_head=MODELS.format(length=50))
    (finding,) = project.check_models().findings
    assert (finding.code, finding.revision) == ("upgrade-failed", "a1")


ASYNC = """\
import asyncio
import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config

{models}

def migrate(connection):
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    section = context.config.get_section("alembic")
    engine = async_engine_from_config(section, poolclass=sa.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_async_environment(make_project: MakeProject, driver: str) -> None:
    pytest.importorskip(driver)
    env = ASYNC.format(models=MODELS.format(length=80))
    ini = {"sqlalchemy.url": f"postgresql+{driver}://app:secret@db.invalid/app"}
    (finding,) = make_project(env=env, ini=ini).check_models().findings
    assert finding.object == "column author.name"
    assert finding.detail is not None


def test_a_schema_that_is_translated(make_project: MakeProject) -> None:
    env = """\
import sqlalchemy as sa
from alembic import context

target_metadata = sa.MetaData()
sa.Table("author", target_metadata, sa.Column("id", sa.Integer, primary_key=True), schema="tenant")
engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
engine = engine.execution_options(schema_translate_map={"tenant": "acme"})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata, include_schemas=True)
    with context.begin_transaction():
        context.run_migrations()
"""
    statements = ("CREATE SCHEMA acme", "CREATE TABLE acme.author (id serial PRIMARY KEY)")
    assert make_project(*statements, env=env).check_models().findings == ()


def test_a_search_path_that_env_py_sets(make_project: MakeProject) -> None:
    env = f"""\
import sqlalchemy as sa
from alembic import context

{MODELS.format(length=80)}
engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
with engine.connect() as connection:
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS acme"))
    connection.execute(sa.text("SET search_path TO acme"))
    connection.commit()
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
    (finding,) = make_project(env=env).check_models().findings
    assert finding.message == "column author.name: type varchar(50) in the database, varchar(80) in the models"


def test_several_databases_each_with_its_models(make_project: MakeProject) -> None:
    env = f"""\
import sqlalchemy as sa
from alembic import context

{MODELS.format(length=50)}
other = sa.MetaData()
sa.Table("author", other, sa.Column("id", sa.Integer, primary_key=True))
for name, metadata in (("one", target_metadata), ("two", other)):
    engine = sa.create_engine(f"postgresql+psycopg://app@db.invalid/{{name}}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata)
        with context.begin_transaction():
            context.run_migrations()
"""
    (finding,) = make_project(env=env).check_models().findings
    assert finding.object == "column author.name"
    assert finding.message.endswith("in the database, not in the models (on db.invalid/two)")


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_many_tables_take_several_transactions(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    """A server has room for so many locks, and each table takes several."""
    pytest.importorskip(driver)
    monkeypatch.setattr(creating, "MANY", 3)
    monkeypatch.setattr(creating, "AT_ONCE", 2)
    statements = [f"CREATE TABLE t{number} (id serial PRIMARY KEY)" for number in range(8)]
    models = """\
target_metadata = sa.MetaData()
for number in range(8):
    sa.Table(f"t{number}", target_metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table("last", target_metadata, sa.Column("id", sa.Integer, primary_key=True))
"""
    ini = {"sqlalchemy.url": f"postgresql+{driver}://app:secret@db.invalid/app"}
    (finding,) = make_project(*statements, env=ASYNC.format(models=models), ini=ini).check_models().findings
    assert finding.message == "table last: in the models, not in the database"
