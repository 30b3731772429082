"""Each revision is applied as if alone, however env.py holds its transactions, and a failing step says where it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from environment.lab import AUTHOR, BOOK, WALKED
from pytest_stairway.environment.environment import NothingCommitted
from pytest_stairway.exceptions import ConnectionRefused
from pytest_stairway.walk.session import Swallowed

if TYPE_CHECKING:
    from environment.lab import Lab

RUN = """\
from alembic import context
from sqlalchemy import create_engine, event, pool, text

engine = create_engine({url!r}, poolclass=pool.NullPool)
{body}
"""

OUTSIDE = """
with engine.connect() as connection:
    with connection.begin():
        context.configure(connection=connection)
        context.run_migrations()
"""
ENGINE_BEGIN = """
with engine.begin() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
OF_THE_CONTEXT = """
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.get_context().begin_transaction():
        context.run_migrations()
"""
AUTOCOMMIT = """
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
PER_MIGRATION_ALONE = """
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    context.run_migrations()
"""
NEVER = """
with engine.connect() as connection:
    context.configure(connection=connection)
    context.run_migrations()
"""
BEFORE = """
with engine.connect() as connection:
    connection.execute(text("SELECT 1"))
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
DRY_RUN = """
with engine.connect() as connection:
    transaction = connection.begin()
    context.configure(connection=connection)
    context.run_migrations()
    transaction.rollback()
"""


@pytest.mark.parametrize("body", [OUTSIDE, ENGINE_BEGIN, OF_THE_CONTEXT, AUTOCOMMIT, PER_MIGRATION_ALONE])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_transactions_of_many_kinds(lab: Lab, body: str, driver: str) -> None:
    lab.write(RUN.format(url=lab.url(driver), body=body))
    assert lab.walk() == WALKED


@pytest.mark.parametrize("body", [OUTSIDE, ENGINE_BEGIN, NEVER])
def test_transactions_of_many_kinds_on_sqlite(sqlite_lab: Lab, body: str) -> None:
    sqlite_lab.write(RUN.format(url=sqlite_lab.url(), body=body))
    assert sqlite_lab.walk() == WALKED


@pytest.mark.parametrize("body", [NEVER, BEFORE, DRY_RUN])
def test_what_is_never_committed_is_told(lab: Lab, body: str) -> None:
    lab.write(RUN.format(url=lab.url(), body=body))
    with pytest.raises(NothingCommitted):
        lab.environment().survey()
    finding = lab.finding()
    assert "never commits" in finding.message
    assert "begin_transaction" in finding.hint
    assert finding.line is not None


@pytest.mark.parametrize("body", [BEFORE, DRY_RUN])
def test_what_is_never_committed_on_sqlite_is_told(sqlite_lab: Lab, body: str) -> None:
    """There the version table stays, because its CREATE commits by itself; its rows do not."""
    sqlite_lab.write(RUN.format(url=sqlite_lab.url(), body=body))
    assert "never commits" in sqlite_lab.finding().message


@pytest.mark.parametrize("configure", ["", "transaction_per_migration=True", "transactional_ddl=False"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_transaction_modes(lab: Lab, configure: str, driver: str) -> None:
    lab.write(lab.plain(configure=configure, driver=driver))
    assert lab.walk() == WALKED


def test_a_version_table_of_another_name_and_schema(lab: Lab) -> None:
    env = lab.plain(configure="version_table='shop_version', version_table_schema='ops', include_schemas=True")
    env = env.replace(
        "    context.configure",
        "    from sqlalchemy import text\n    connection.execute(text('CREATE SCHEMA IF NOT EXISTS ops')); connection.commit()\n    context.configure",
    )
    lab.write(env)
    environment = lab.environment()
    survey = environment.survey()
    assert survey.version_tables == {("ops", "shop_version")}
    assert survey.contexts[0].options["include_schemas"] is True
    assert [names - {"shop_version"} for names in lab.walk(environment)] == WALKED
    assert environment.sandbox.databases


# -- what one revision does to the session does not reach into the next -------------------------------------------------

SESSION_CHANGES = {
    "set": "op.execute('SET search_path TO pg_catalog')",
    "set-session": "op.execute('SET SESSION statement_timeout = 12345')",
    "pg_dump": "op.execute(\"SELECT pg_catalog.set_config('search_path', '', false)\")",
    "raw-cursor": "op.get_bind().connection.cursor().execute(\"SET row_security = off; SELECT pg_catalog.set_config('search_path', '', false)\")",
    "in-a-block": "op.execute('DO $$BEGIN SET search_path = pg_catalog; END$$')",
    "role": "op.execute('GRANT ALL ON ALL TABLES IN SCHEMA public TO pg_monitor'); op.execute('SET ROLE pg_monitor')",
    "session-authorization": "op.execute('CREATE ROLE stairway_test SUPERUSER'); op.execute('SET SESSION AUTHORIZATION stairway_test')",
    "read-only": "op.execute('SET default_transaction_read_only = on')",
    "temporary": "op.execute('CREATE TEMPORARY TABLE scratch (id int)')",
}

STATE = """
SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('row_security'), current_user,
session_user, current_setting('default_transaction_read_only'), to_regclass('pg_temp.scratch')::text
"""


@pytest.mark.parametrize("configure", ["", "transaction_per_migration=True"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("change", SESSION_CHANGES)
def test_a_migration_that_changes_the_session(lab: Lab, change: str, driver: str, configure: str) -> None:
    configure = f"{configure}, version_table_schema='public'".strip(", ")
    down = "op.execute('DROP ROLE stairway_test')" if change == "session-authorization" else "pass"
    lab.write(lab.plain(configure=configure, driver=driver), a1=(SESSION_CHANGES[change], down), b2=BOOK)
    states = set()
    lab.watcher.look = lambda connection: states.add(tuple(connection.exec_driver_sql(STATE).one()))
    assert lab.walk()[3:] == [{"book"}, set(), {"book"}]
    assert states == {('"$user", public', "0", "on", "postgres", "postgres", "off", None)}
    if change == "session-authorization":
        lab.stack.close()
        lab.server._administrator.execute("DROP ROLE stairway_test")


def test_what_env_py_has_set_before_stays(lab: Lab) -> None:
    env = lab.plain().replace(
        "    context.configure",
        "    from sqlalchemy import text\n"
        "    connection.execute(text('SET search_path TO public, pg_catalog'))\n"
        "    connection.execute(text(\"SET shop.tenant TO 'one'\"))\n"
        "    connection.execute(text('CREATE TEMPORARY TABLE notes (id int) ON COMMIT PRESERVE ROWS'))\n"
        "    connection.commit()\n"
        "    context.configure",
    )
    lab.write(env, a1=("op.execute('SET search_path TO public')", "pass"), b2=BOOK)
    states = []
    lab.watcher.look = lambda connection: states.append(
        connection.exec_driver_sql(
            "SELECT current_setting('search_path'), current_setting('shop.tenant'), to_regclass('pg_temp.notes') IS NOT NULL"
        ).one()
    )
    lab.walk()
    assert set(states) == {("public, pg_catalog", "one", True)}


@pytest.mark.parametrize(
    "line",
    ["op.execute('PRAGMA foreign_keys=OFF')", "op.get_bind().connection.cursor().execute('PRAGMA foreign_keys = 0')"],
)
def test_a_migration_that_turns_sqlites_foreign_keys_off(sqlite_lab: Lab, line: str) -> None:
    env = sqlite_lab.plain().replace(
        "with engine.connect",
        "from sqlalchemy import event\n"
        "@event.listens_for(engine, 'connect')\n"
        "def on(connection, record): connection.execute('PRAGMA foreign_keys=ON')\n"
        "with engine.connect",
    )
    temporary = (
        "op.execute('CREATE TEMP TABLE scratch (id int)'); op.execute('CREATE TEMP VIEW \"the \"\"view\" AS SELECT 1')"
    )
    sqlite_lab.write(env, a1=(f"{line}\n{temporary}", "pass"), b2=AUTHOR)
    states = []
    sqlite_lab.watcher.look = lambda connection: states.append(
        (
            connection.exec_driver_sql("PRAGMA foreign_keys").scalar(),
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_temp_master").scalar(),
        )
    )
    sqlite_lab.walk()
    assert set(states) == {(1, 0)}


@pytest.mark.parametrize("configure", ["", "transaction_per_migration=True"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_an_autocommit_block(lab: Lab, configure: str, driver: str) -> None:
    up = "with op.get_context().autocommit_block():\n    op.create_index('ix', 'author', ['id'], postgresql_concurrently=True)"
    down = "with op.get_context().autocommit_block():\n    op.drop_index('ix', postgresql_concurrently=True)"
    lab.write(lab.plain(configure=configure, driver=driver), a1=AUTHOR, b2=(up, down), c3=BOOK)
    levels = set()
    lab.watcher.look = lambda connection: levels.add(connection.get_isolation_level())
    assert lab.walk() == [*WALKED[:3], *[{"author"}] * 3, {"author", "book"}, {"author"}, {"author", "book"}]
    assert levels == {"READ COMMITTED"}


# -- where a step fails -------------------------------------------------------------------------------------------------

DEFERRED = """
op.execute("CREATE TABLE parent (id int PRIMARY KEY)")
op.execute("CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
op.execute("INSERT INTO child VALUES (1)")
"""


@pytest.mark.parametrize("configure", ["", "transaction_per_migration=True"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_deferred_constraint_fails_at_commit(lab: Lab, configure: str, driver: str) -> None:
    lab.write(lab.plain(configure=configure, driver=driver), a1=(DEFERRED, "pass"))
    failure = lab.fails()
    assert failure.stage == "commit"
    assert "foreign key" in str(failure.error)


def test_after_a_failed_migration_op_has_no_context(lab: Lab) -> None:
    """Alembic leaves it with the connection of the migration that raised."""
    from alembic import op

    lab.write(None, a1=("op.execute('SELECT 1/0')", "pass"))
    lab.fails()
    with pytest.raises((NameError, AttributeError)):
        op.get_bind()


@pytest.mark.parametrize("body", [OUTSIDE, ENGINE_BEGIN])
def test_a_deferred_constraint_fails_at_env_pys_own_commit(lab: Lab, body: str) -> None:
    lab.write(RUN.format(url=lab.url(), body=body), a1=(DEFERRED, "pass"))
    assert lab.fails().stage == "commit"


def test_a_deferred_constraint_fails_at_commit_with_asyncpg(lab: Lab) -> None:
    from environment.test_redirect import ASYNC_ENV

    lab.write(ASYNC_ENV.format(url=lab.url("asyncpg"), end="await engine.dispose()"), a1=(DEFERRED, "pass"))
    failure = lab.fails()
    assert failure.stage == "commit"
    assert "foreign key" in str(failure.error)


def test_a_deferred_constraint_fails_at_commit_on_sqlite(sqlite_lab: Lab) -> None:
    env = sqlite_lab.plain().replace(
        "with engine.connect",
        "from sqlalchemy import event\nevent.listen(engine, 'connect', lambda c, r: c.execute('PRAGMA foreign_keys=ON') and None)\nwith engine.connect",
    )
    sqlite_lab.write(env, a1=(DEFERRED, "pass"))
    failure = sqlite_lab.fails()
    assert failure.stage == "commit"
    assert "FOREIGN KEY" in str(failure.error)


def test_an_id_too_long_fails_in_the_version_table(lab: Lab) -> None:
    long = "a1_an_identifier_that_is_longer_than_the_column"
    lab.write(None, **{long: AUTHOR})
    failure = lab.fails(long)
    assert failure.stage == "version table"
    assert "too long" in str(failure.error)


def test_pg_dumps_search_path_fails_in_the_version_table(lab: Lab) -> None:
    lab.write(None, a1=(SESSION_CHANGES["pg_dump"], "pass"))
    failure = lab.fails()
    assert failure.stage == "version table"
    finding = lab.project().check_revision(lab.project().history["a1"]).findings[0]
    assert finding.code == "upgrade-failed"
    assert "set_config" in finding.hint


@pytest.mark.parametrize(
    "body",
    [
        "try:\n        with context.begin_transaction():\n            context.run_migrations()\n    except Exception: pass",
        "with context.begin_transaction():\n        try:\n            context.run_migrations()\n        except BaseException: pass",
        "try:\n        with context.begin_transaction():\n            context.run_migrations()\n    except Exception as e:\n        print(e)\n        raise SystemExit(1)",
    ],
)
def test_an_env_py_that_swallows_what_a_migration_raises(lab: Lab, body: str) -> None:
    env = lab.plain().replace("with context.begin_transaction():\n        context.run_migrations()", body)
    lab.write(env, a1=AUTHOR, b2=("op.execute('SELECT nothing')", "pass"))
    session = lab.session()
    session.step("a1", upgrade=True)
    with pytest.raises(Exception, match="nothing") as caught:
        session.step("b2", upgrade=True)
    assert caught.value.stage == "migration"
    session.step("a1", upgrade=False)
    assert lab.watcher.seen[-1][1] == {"alembic_version"}


def test_an_env_py_that_swallows_what_the_commit_raises(lab: Lab) -> None:
    env = lab.plain(configure="transaction_per_migration=True").replace(
        "    with context.begin_transaction():\n        context.run_migrations()",
        "    try: context.run_migrations()\n    except Exception: pass",
    )
    lab.write(env, a1=(DEFERRED, "pass"))
    failure = lab.fails()
    assert failure.stage == "commit"
    assert isinstance(failure.error, Swallowed)


@pytest.mark.usefixtures("_rubbish")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("attempts", ["range(3)", "iter(int, 1)"])
@pytest.mark.parametrize("clause", ["except Exception", "except"])
def test_an_env_py_that_tries_the_migrations_again(lab: Lab, attempts: str, clause: str) -> None:
    env = f"""\
import time
from alembic import context
from sqlalchemy import create_engine, pool
def run():
    with create_engine({lab.url()!r}, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
for attempt in {attempts}:
    try:
        run()
        break
    {clause}:
        time.sleep(0.05)
else:
    raise RuntimeError("gave up")
"""
    lab.write(env, a1=("op.execute('SELECT nothing')", "pass"), b2=AUTHOR)
    failure = lab.fails()
    assert failure.stage == "migration"
    assert isinstance(failure.error, DBAPIError)


@pytest.mark.parametrize(
    "line",
    [
        "raise SystemExit(3)",
        "import sys; sys.exit()",
        "raise KeyboardInterrupt",
        "import asyncio; raise asyncio.CancelledError",
    ],
)
def test_a_migration_that_ends_the_process(lab: Lab, line: str) -> None:
    lab.write(None, a1=(line, "pass"))
    assert lab.fails().stage == "migration"
    finding = lab.project().check_revision(lab.project().history["a1"]).findings[0]
    assert finding.code == "upgrade-failed"
    assert finding.line == 9


def test_an_async_env_py_whose_migration_ends_the_process(lab: Lab) -> None:
    from environment.test_redirect import ASYNC_ENV

    lab.write(
        ASYNC_ENV.format(url=lab.url("asyncpg"), end="await engine.dispose()"), a1=("raise SystemExit(3)", "pass")
    )
    assert lab.fails().stage == "migration"


def test_a_refusal_in_a_migration_is_the_migrations_failure(lab: Lab) -> None:
    lab.write(None, a1=AUTHOR, b2=("import psycopg; psycopg.connect('host=db.invalid password=secret')", "pass"))
    project = lab.project()
    finding = project.check_revision(project.history["b2"]).findings[0]
    assert finding.code == "upgrade-failed"
    assert ConnectionRefused.__name__ in finding.message
    assert "secret" not in str(finding.as_dict())
    assert finding.line == 9


# -- what alembic upgrade gives to env.py -------------------------------------------------------------------------------


def test_arguments_of_the_command(lab: Lab) -> None:
    head = """
    assert not context.is_offline_mode()
    assert context.get_x_argument(as_dictionary=True) == {'tenant': 'one'}, context.get_x_argument()
    assert context.get_tag_argument() is None
    assert context.get_revision_argument() == 'b2', context.get_revision_argument()
    assert context.get_starting_revision_argument() is None
    assert context.get_head_revision() == 'b2'
    assert context.config.cmd_opts.x == ['tenant=one']
    assert not getattr(context.config.cmd_opts, 'autogenerate', False)
    """
    lab.write(lab.plain(head))
    assert lab.walk(lab.environment(x=("tenant=one",))) == WALKED


def test_every_run_gets_the_configuration_as_it_was_loaded(lab: Lab) -> None:
    head = """
    import sys
    assert context.config.get_main_option('shop') is None
    context.config.set_main_option('shop', 'open')
    assert not context.config.attributes
    context.config.attributes['shop'] = 'open'
    sys.path.append('/nowhere')
    assert sys.path.count('/nowhere') == 1 or sys.path.pop()
    """
    lab.write(lab.plain(head))
    assert lab.walk() == WALKED
    import sys

    lab.walk()
    assert sys.path.count("/nowhere") == 1
