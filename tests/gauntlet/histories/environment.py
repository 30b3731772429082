"""Ini files and `env.py` as tutorials, copied projects and forgotten settings leave them."""

from __future__ import annotations

from gauntlet.case import URLS, Case, table

HISTORY = (table("a1", "author", "id integer PRIMARY KEY"),)

FILE_CONFIG = """
from logging.config import fileConfig
fileConfig(config.config_file_name)
"""

CASES = (
    Case(
        "config-loader-name",
        "`env.py` asks for `config.config_loader_name`, as a tutorial does; there is `config_file_name`",
        HISTORY,
        {("environment-failed", None): "config_loader_name"},
        env_head="from logging.config import fileConfig\nfileConfig(config.config_loader_name)",
    ),
    Case(
        "logging-without-root",
        "the ini file's logging section names loggers, and no root logger",
        HISTORY,
        {("environment-failed", None): "root"},
        env_head=FILE_CONFIG,
        logging="""
            [loggers]
            keys = alembic
            [handlers]
            keys = console
            [formatters]
            keys = plain
            [logger_alembic]
            level = INFO
            handlers = console
            qualname = alembic
            [handler_console]
            class = StreamHandler
            args = (sys.stderr,)
            formatter = plain
            [formatter_plain]
            format = %(message)s
        """,
    ),
    Case(
        "logging-missing",
        "`env.py` reads a logging section, and the ini file has none",
        HISTORY,
        {("environment-failed", None): "formatters"},
        env_head=FILE_CONFIG,
    ),
    Case(
        "path-separator",
        "`version_path_separator = :` where the paths themselves hold one",
        HISTORY,
        {("environment-failed", None): "version_path_separator"},
        ini={
            "path_separator": None,
            "version_path_separator": ":",
            "version_locations": "%(here)s/migrations/versions:%(here)s/acme:billing/versions",
        },
        files={
            "acme:billing/versions/b2.py": "revision = 'b2'\ndown_revision = 'a1'\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
        },
    ),
    Case(
        "path-separator-unknown",
        "`version_path_separator` is given something that Alembic does not know",
        HISTORY,
        {("environment-failed", None): "version_path_separator"},
        ini={
            "path_separator": None,
            "version_path_separator": ",",
            "version_locations": "%(here)s/migrations/versions",
        },
    ),
    Case(
        "script-location-not-there",
        "`script_location` names a folder that does not exist",
        HISTORY,
        {("environment-failed", None): "alembic_scripts"},
        ini={"script_location": "%(here)s/alembic_scripts"},
    ),
    Case(
        "script-location-missing",
        "the ini file has no `script_location`",
        HISTORY,
        {("environment-failed", None): "script_location"},
        ini={"script_location": None},
    ),
    Case(
        "url-missing",
        "the ini file has no `sqlalchemy.url`, and `env.py` wants one",
        HISTORY,
        {("environment-failed", None): "sqlalchemy.url"},
        ini={"sqlalchemy.url": None},
    ),
    Case(
        "url-with-percent",
        "a password with an encoded character in `sqlalchemy.url`, its `%` not doubled",
        HISTORY,
        {("environment-failed", None): "%"},
        ini={"sqlalchemy.url": "postgresql+psycopg://app:p%40ss@db.invalid/app"},
    ),
    Case(
        "set-url-with-percent",
        "`env.py` passes a URL with a `%` to `config.set_main_option()`",
        HISTORY,
        {("environment-failed", None): "%"},
        env_head="""
            url = "postgresql+psycopg://app:p%40ss@db.invalid/app"
            config.set_main_option("sqlalchemy.url", url)
        """,
    ),
    Case(
        "driver-not-installed",
        "`sqlalchemy.url` names a driver that is not installed",
        HISTORY,
        {("environment-failed", None): "psycopg2cffi"},
        ini={"sqlalchemy.url": URLS["postgresql"].replace("psycopg", "psycopg2cffi")},
    ),
    Case(
        "dialect-unknown",
        "`sqlalchemy.url` begins with `postgres://`, as hosters still write it",
        HISTORY,
        {("environment-failed", None): "postgres"},
        ini={"sqlalchemy.url": "postgres://app:secret@db.invalid/app"},
    ),
    Case(
        "async-driver-in-plain-env",
        "an async driver in the URL, and an `env.py` that is not async",
        HISTORY,
        {("environment-failed", None): "async"},
        ini={"sqlalchemy.url": URLS["postgresql"].replace("psycopg", "asyncpg")},
    ),
    Case(
        "variable-not-set",
        "`env.py` reads its URL from an environment variable that is not set here",
        HISTORY,
        {("environment-failed", None): "GAUNTLET_DATABASE_URL"},
        env_head='import os\nconfig.set_main_option("sqlalchemy.url", os.environ["GAUNTLET_DATABASE_URL"])',
    ),
    Case(
        "application-not-on-path",
        "`env.py` imports the application's models, and nothing puts them on the path",
        HISTORY,
        {("environment-failed", None): "bookshop"},
        env_head="from bookshop.models import Base\ntarget_metadata = Base.metadata",
        files={
            "src/bookshop/models.py": "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase): ...\n"
        },
    ),
    Case(
        "migrations-never-run",
        "`env.py` configures the context and never calls `context.run_migrations()`",
        HISTORY,
        {("environment-failed", None): "run_migrations"},
        env="""\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
""",
    ),
    Case(
        "transaction-never-begun",
        "`env.py` runs the migrations outside `context.begin_transaction()`, so that nothing is ever committed",
        HISTORY,
        {("environment-failed", None): "never commits"},
        env="""\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    context.run_migrations()
""",
    ),
    Case(
        "second-base",
        "half of the models stand on a second `Base`, of which `target_metadata` knows nothing",
        (*HISTORY, table("b2", "invoice", "id integer PRIMARY KEY")),
        {("model-drift", None): "table invoice"},
        ini={"prepend_sys_path": "%(here)s"},
        env_head="from second_base_models import Base\ntarget_metadata = Base.metadata",
        files={
            "second_base_models.py": """
                from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


                class Base(DeclarativeBase): ...


                class Billing(DeclarativeBase): ...


                class Author(Base):
                    __tablename__ = "author"
                    id: Mapped[int] = mapped_column(primary_key=True)


                class Invoice(Billing):
                    __tablename__ = "invoice"
                    id: Mapped[int] = mapped_column(primary_key=True)
            """,
        },
    ),
)
