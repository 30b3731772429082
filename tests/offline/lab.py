"""Projects whose env.py has an offline branch, and which nobody can connect to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gauntlet.case import Case, Rev, write
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.handoff.span import span_of
from pytest_stairway.offline.rendering import Part, Script, render_offline
from pytest_stairway.revisions import load_history

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

ROOT = Path(__file__).parent.parent.parent

ENV = """\
from alembic import context
from sqlalchemy import MetaData, create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={{"paramstyle": "named"}}, {offline})
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, {online})
        with context.begin_transaction():
            context.run_migrations()
"""


def env(both: str = "", *, offline: str = "") -> str:
    """Write an `env.py` with arguments of ``context.configure()``: in both branches, or offline alone."""
    return ENV.format(offline=f"{both}{', ' if both and offline else ''}{offline}", online=both)


class OfflineLab:
    """Writes projects and renders them."""

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        self.folder = folder
        self.server = server

    def environment(self, *revisions: Rev, **case: Any) -> Environment:
        case.setdefault("env", env())
        ini = write(Case("project", "a project", revisions, **case), self.folder)
        return environment_of(ini, self.server)


def environment_of(ini: Path, server: Server | None = None) -> Environment:
    def acquire(_contact: object) -> Server:
        assert server is not None, "env.py connected in offline mode"
        return server

    history = load_history(ini, section="alembic", x_arguments=())
    return Environment(history, sandbox=Sandbox(acquire))


def sample(server: Server | None = None) -> Environment:
    """The sample's own history."""
    return environment_of(ROOT / "alembic.ini", server)


def both(environment: Environment, written: str, *, per_migration: bool | None = None) -> tuple[Script, Script]:
    """Render a range up and down."""
    span = span_of(environment.history, written)
    up = render_offline(environment, span.up, start=span.start, per_migration=per_migration)
    return up, render_offline(environment, span.down, start=up.end, per_migration=per_migration)


def texts(script: Script, *, without: tuple[Part, ...] = (Part.BEGIN, Part.COMMIT, Part.COMMENT)) -> list[str]:
    """Give the statements without what stands around them."""
    return [each.text for each in script.statements if each.part not in without]
