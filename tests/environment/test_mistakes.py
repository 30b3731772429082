"""Each mistake in env.py, the ini file or the application gives one clear finding, and never a traceback of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from environment.lab import INI, PLAIN
from environment.test_logging import FILE_CONFIG, LOGGING

if TYPE_CHECKING:
    from environment.lab import Lab

pytestmark = [
    pytest.mark.usefixtures("_rubbish"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]

FROM_CONFIG = """\
from alembic import context
from sqlalchemy import engine_from_config, pool
config = context.config
{head}
engine = engine_from_config(config.get_section(config.config_ini_section, {{}}), prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

LINES = {
    # name: (what env.py says on its fourth line, what the message must say, what the hint must say)
    "config_loader_name": ("context.config.config_loader_name", "Config has no config_loader_name", "config_file_name"),
    "variable": (
        "import os; os.environ['SHOP_DATABASE_URL']",
        "the environment variable SHOP_DATABASE_URL is not set",
        "any of the right dialect",
    ),
    "exit": ("raise SystemExit('no database')", "ends the process by sys.exit('no database')", "raise what is wrong"),
    "quiet-exit": ("import sys; sys.exit()", "ends the process by sys.exit(None)", "raise what is wrong"),
    "syntax": ("def broken(:", "SyntaxError", None),
    "name": ("targets = Base.metadata", "NameError: name 'Base' is not defined", None),
    "no-package": ("import shop.models", "there is no module shop", "Install it"),
    "no-name": ("from collections import Shop", "ImportError: cannot import name 'Shop'", None),
    "attribute": ("import sqlalchemy; sqlalchemy.MetaDat", "sqlalchemy has no MetaDat", "Did you mean MetaData?"),
    "attributes": (
        "context.config.attributes['connection']",
        "config.attributes has no 'connection'",
        "config.attributes.get('connection')",
    ),
    "assertion": ("assert False, 'not on this machine'", "AssertionError: not on this machine", None),
    "own": (
        "raise RuntimeError('postgresql://app:secret@db/app is down')",
        "RuntimeError: postgresql://app:***@db/app is down",
        None,
    ),
    "cancelled": ("import asyncio; raise asyncio.CancelledError", "ends the process by CancelledError", None),
    "percent": (
        "context.config.set_main_option('sqlalchemy.url', 'postgresql://app:secret%40@db/app')",
        "a % in Alembic's configuration is not doubled",
        "%%",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_env_py(lab: Lab, name: str) -> None:
    line, says, hint = LINES[name]
    lab.write(lab.plain(line))
    finding = lab.finding()
    assert finding.path.endswith("migrations/env.py")
    assert finding.line == 4
    assert finding.message.startswith("env.py, line 4: ")
    assert says in finding.message
    assert (hint or "") in (finding.hint or "")
    assert "\n" not in finding.message


URLS = {
    "none": (None, "the configuration has no sqlalchemy.url", "Set sqlalchemy.url"),
    "driver": (
        "postgresql+psycopg2cffi://app:secret@db/app",
        "the driver psycopg2cffi is not installed",
        "pip install",
    ),
    "unknown-driver": ("postgresql+psycopg3://app:secret@db/app", "no driver psycopg3 for postgresql", "psycopg"),
    "postgres": ("postgres://app:secret@db/app", "no dialect postgres", "postgresql"),
    "snowflake": ("snowflake://app:secret@db/app", "no dialect snowflake", "package"),
    "not-a-url": ("db.example/app?password=secret", "the database URL cannot be read", "dialect+driver://"),
    "port": ("postgresql://app:secret@db:secret/app", "the database URL cannot be read", "dialect+driver://"),
    "percent": ("postgresql://app:secret%40@db/app", "a % in Alembic's configuration is not doubled", "%%"),
    "async": (
        "postgresql+asyncpg://app:secret@db/app",
        "the URL names an async driver, and env.py is not async",
        "alembic init -t async",
    ),
}


@pytest.mark.parametrize("name", URLS)
def test_a_url_in_the_ini_file(lab: Lab, name: str) -> None:
    url, says, hint = URLS[name]
    lab.write(FROM_CONFIG.format(head=""), ini=INI + (f"sqlalchemy.url = {url}\n" if url else ""))
    finding = lab.finding()
    assert finding.path.endswith("migrations/env.py")
    assert finding.line is not None
    assert says in finding.message
    assert hint in finding.hint


def test_create_engine_of_nothing(lab: Lab) -> None:
    lab.write(lab.plain().replace(repr(lab.url()), "context.config.get_main_option('sqlalchemy.url')"))
    assert "the configuration has no sqlalchemy.url" in lab.finding().message


def test_an_async_env_py_with_a_driver_that_is_not(lab: Lab) -> None:
    from environment.test_redirect import ASYNC_ENV

    lab.write(ASYNC_ENV.format(url="postgresql+psycopg2://app:secret@db/app", end="pass"))
    finding = lab.finding()
    assert "env.py is async, and the URL names a driver that is not" in finding.message
    assert "postgresql+asyncpg" in finding.hint


def test_the_application_lies_in_src(lab: Lab) -> None:
    lab.file("src/shop/__init__.py", "")
    lab.write(lab.plain("import shop.models"))
    assert "prepend_sys_path = %(here)s/src" in lab.finding().hint


def test_an_error_in_the_application(lab: Lab) -> None:
    lab.file("shop_models.py", "\n\nraise ValueError('PGPASSWORD=secret')\n")
    lab.write(lab.plain("import shop_models"))
    finding = lab.finding()
    assert finding.message == "env.py, line 4: ValueError: PGPASSWORD=***"
    assert "shop_models.py:3: in <module>" in finding.detail


def test_a_syntax_error_in_the_application(lab: Lab) -> None:
    lab.file("shop_models.py", "\n\ndef broken(:\n")
    lab.write(lab.plain("import shop_models"))
    finding = lab.finding()
    assert finding.path.endswith("shop_models.py")
    assert finding.line == 3


def test_settings_that_pydantic_would_refuse(lab: Lab) -> None:
    lab.write(lab.plain("raise ValueError('1 validation error for Settings\\ndatabase_url\\n  Field required')"))
    assert "1 validation error for Settings database_url Field required" in lab.finding().message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("keys = root,alembic,shop", "keys = alembic"), "does not list the root logger"),
        (("[formatters]\nkeys = plain", ""), "'formatters' is missing"),
        (("[handler_console]", "[handler_terminal]"), "'handler_console' is missing"),
        (("formatter = plain", "formatter = fancy"), "'fancy' is missing"),
        (("class = StreamHandler", "class = shop.Handler"), "shop"),
        (("[loggers]", "[logers]"), "'loggers' is missing"),
    ],
)
def test_a_logging_section(lab: Lab, change: tuple[str, str], says: str) -> None:
    logging = LOGGING % {"log": str(lab.folder / "shop.log")}
    assert change[0] in logging
    lab.write(lab.plain(FILE_CONFIG), ini=INI + logging.replace(*change))
    finding = lab.finding()
    assert finding.path.endswith("alembic.ini")
    assert says in finding.message
    assert "root among its keys" in finding.hint
    assert finding.line is not None or "[logers]" in change


def test_no_logging_section_at_all(lab: Lab) -> None:
    lab.write(lab.plain(FILE_CONFIG))
    assert "fileConfig() cannot use the logging configuration" in lab.finding().message


def test_a_dict_that_logging_cannot_use(lab: Lab) -> None:
    lab.write(
        lab.plain("import logging.config; logging.config.dictConfig({'version': 1, 'root': {'handlers': ['none']}})")
    )
    assert "env.py, line 4: ValueError: Unable to configure root logger" in lab.finding().message


@pytest.mark.parametrize(
    ("metadata", "says"),
    [("type('Base', (), {})", "target_metadata is Base"), ("['author']", "a str"), ("{}", "a dict")],
)
def test_a_target_metadata_that_is_none(lab: Lab, metadata: str, says: str) -> None:
    lab.write(lab.plain(configure=f"target_metadata={metadata}"))
    finding = lab.finding()
    assert says in finding.message
    assert "Base.metadata" in finding.hint
    assert finding.line == 7


@pytest.mark.parametrize(
    "metadata", ["None", "[]", "__import__('sqlalchemy').MetaData()", "[__import__('sqlalchemy').MetaData()]"]
)
def test_a_target_metadata_that_is_right(lab: Lab, metadata: str) -> None:
    lab.write(lab.plain(configure=f"target_metadata={metadata}"))
    assert lab.environment().survey().continuous


STOPPED_SHORT = {
    "never-connects": ("pass", "ran to its end without connecting to a database", "context.configure"),
    "offline-only": (
        "context.configure(url='postgresql://')\nwith context.begin_transaction(): context.run_migrations()",
        "without a connection",
        "connection=",
    ),
    "never-runs": (
        PLAIN.format(head="", url="{url}", configure="").rpartition("with context")[0],
        "without calling context.run_migrations()",
        "run_migrations",
    ),
    "never-configures": (
        "from sqlalchemy import create_engine, pool\nwith create_engine({url!r}, poolclass=pool.NullPool).connect(): context.run_migrations()",
        "without calling context.configure()",
        "context.configure",
    ),
    "engine": (
        "from sqlalchemy import create_engine, pool\nengine = create_engine({url!r}, poolclass=pool.NullPool)\nengine.connect().close()\ncontext.configure(connection=engine)",
        "Connection",
        "",
    ),
    "only-where-main": (
        "from sqlalchemy import create_engine\nif __name__ == '__main__': create_engine({url!r})",
        "without connecting",
        "",
    ),
}


@pytest.mark.parametrize("name", STOPPED_SHORT)
def test_an_env_py_that_stops_short(lab: Lab, name: str) -> None:
    body, says, hint = STOPPED_SHORT[name]
    body = body.replace("'{url}'", "{url!r}").format(url=lab.url())
    lab.write(f"from alembic import context\n{body}\n")
    finding = lab.finding()
    assert says in finding.message
    assert hint in (finding.hint or "")


def test_a_role_that_only_the_real_server_has(lab: Lab) -> None:
    lab.write(lab.plain().replace("poolclass", "connect_args={'options': '-crole=shop_owner'}, poolclass"))
    finding = lab.finding()
    assert 'role "shop_owner" does not exist' in finding.message
    assert "--stairway-database" in finding.hint
    assert finding.line is not None


def test_options_that_the_driver_does_not_know(lab: Lab) -> None:
    lab.write(lab.plain().replace("poolclass", "connect_args={'colour': 'blue', 'password': 'secret'}, poolclass"))
    finding = lab.finding()
    assert "colour" in finding.message
    assert "the throwaway database refuses the connection" in finding.message


def test_the_fault_of_an_observer_is_not_env_pys(lab: Lab) -> None:
    lab.write()

    def fail(_connection: object) -> None:
        raise LookupError("a fault of ours")

    lab.watcher.look = fail
    with pytest.raises(LookupError, match="a fault of ours"):
        lab.session().step("a1", upgrade=True)


def test_the_fault_of_an_observer_is_ours_even_where_env_py_swallows_it(lab: Lab) -> None:
    lab.write(
        lab.plain().replace(
            "        context.run_migrations()", "        try: context.run_migrations()\n        except Exception: pass"
        )
    )

    def fail(_connection: object) -> None:
        raise LookupError("a fault of ours")

    lab.watcher.look = fail
    with pytest.raises(LookupError, match="a fault of ours"):
        lab.session().step("a1", upgrade=True)
