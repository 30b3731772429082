"""One project in a folder, with a real database of its own that nobody may touch."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.project import Project
from pytest_stairway.revisions import load_history
from pytest_stairway.settings import Settings
from pytest_stairway.walk.session import Session, StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from pytest_stairway.databases import Database, Server
    from pytest_stairway.findings import Finding
    from pytest_stairway.schema.transaction import Ending

INI = """\
[alembic]
script_location = %(here)s/migrations
path_separator = os
prepend_sys_path = %(here)s
"""

PLAIN = """\
from alembic import context
from sqlalchemy import create_engine, pool

{head}
engine = create_engine({url!r}, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, {configure})
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}


def upgrade(*_):
    {up}


def downgrade(*_):
    {down_lines}
"""

AUTHOR = ("op.create_table('author', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('author')")
BOOK = ("op.create_table('book', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('book')")


@dataclass
class Watcher:
    """Writes down which tables it sees after each step, and lets a test look at the connection."""

    seen: list[tuple[str, set[str]]] = field(default_factory=list)
    look: Any = None

    def begin_step(self, url: str, connection: Connection) -> None: ...

    def end_step(self, url: str, connection: Connection, ending: Ending | None = None) -> bool:
        return False

    def read(self, url: str, connection: Connection) -> None:
        self.seen.append((url, tables(connection)))
        if self.look is not None:
            self.look(connection)


def tables(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        query = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN (11, 'information_schema'::regnamespace)"
    return {name for (name,) in connection.exec_driver_sql(query)}


class Lab:
    """One project in a folder, and what a test wants to do with it."""

    def __init__(self, folder: Path, server: Server, own: Database | None) -> None:
        self.folder = folder
        self.server = server
        self.own = own
        self.watcher = Watcher()
        self.stack = ExitStack()

    # -- the project's own database, which nobody may touch -----------------------------------------------------------

    def url(self, driver: str = "psycopg") -> str:
        """Where the project's own database really is: whoever connects there without us reaches it."""
        if self.own is None:
            return f"sqlite{f'+{driver}' if driver == 'aiosqlite' else ''}:///{self.own_file}"
        return self.own.url.replace("postgresql://", f"postgresql+{driver}://")

    @property
    def own_file(self) -> Path:
        return self.folder / "own.db"

    @property
    def libpq(self) -> str:
        """The same address in libpq's words."""
        assert self.own is not None
        url = make_url(self.own.url)
        return f"host={url.query['host']} user={url.username} dbname={url.database}"

    def own_tables(self) -> set[str]:
        engine = create_engine(self.url(), poolclass=NullPool)
        with engine.connect() as connection:
            return tables(connection)

    # -- files --------------------------------------------------------------------------------------------------------

    def write(self, env: str | None = None, ini: str = INI, **revisions: tuple[str, str]) -> None:
        """Write the project: `env.py`, Alembic's configuration, and revisions one after the other."""
        self.file("alembic.ini", ini)
        self.file("migrations/env.py", env or self.plain())
        self.revisions(**(revisions or {"a1": AUTHOR, "b2": BOOK}))

    def revisions(self, folder: str = "migrations/versions", **revisions: tuple[str, str]) -> None:
        down = None
        for revision, (up, down_lines) in revisions.items():
            lines = [dedent(part).strip().replace("\n", "\n    ") for part in (up, down_lines)]
            path = f"{folder}/{revision}.py"
            self.file(path, REVISION.format(revision=revision, down=down, up=lines[0], down_lines=lines[1]))
            down = revision

    def plain(self, head: str = "", configure: str = "", driver: str = "psycopg") -> str:
        return PLAIN.format(head=dedent(head), url=self.url(driver), configure=configure)

    def file(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content), encoding="utf-8")
        return path

    # -- running it ---------------------------------------------------------------------------------------------------

    def environment(self, *, attributes: Mapping[str, Any] | None = None, x: tuple[str, ...] = ()) -> Environment:
        history = load_history(self.folder / "alembic.ini", section="alembic", x_arguments=x)
        history.config.attributes.update(attributes or {})
        sandbox = Sandbox(lambda _contact: self.server)
        self.stack.callback(sandbox.reset)
        return Environment(history, sandbox=sandbox)

    def session(self, environment: Environment | None = None) -> Session:
        environment = environment or self.environment()
        session = Session(environment, environment.survey(), self.watcher)
        self.stack.callback(session.close)
        return session

    def walk(self, environment: Environment | None = None) -> list[set[str]]:
        """Take every revision up, down and up again; give the tables after each step, without the version table."""
        environment = environment or self.environment()
        environment.probe()
        session = self.session(environment)
        for revision in environment.history.revisions:
            for upgrade in (True, False, True):
                session.step(revision.revision, upgrade=upgrade)
        session.close()
        return [names - {"alembic_version"} for _url, names in self.watcher.seen]

    def fails(self, revision: str = "a1", *, upgrade: bool = True) -> StepFailed:
        """Take a step that must fail."""
        with pytest.raises(StepFailed) as caught:
            self.session().step(revision, upgrade=upgrade)
        return caught.value

    def project(self, **settings: Any) -> Project:
        project = Project(
            Settings(config=str(self.folder / "alembic.ini"), **settings), self.folder, address=self.server.address
        )
        self.stack.callback(project.close)
        return project

    def finding(self, **settings: Any) -> Finding:
        """Give the one finding that tells why `env.py` cannot be used."""
        project = self.project(**settings)
        found = project.check_history().findings
        if not found:
            found = project.check_revision(project.history.revisions[0]).findings
        (finding,) = found
        assert finding.code == "environment-failed", finding
        assert "secret" not in str(finding.as_dict())
        assert "pytest_stairway/" not in str(finding.detail)
        return finding


WALKED = [{"author"}, set(), {"author"}, {"author", "book"}, {"author"}, {"author", "book"}]
"""What `Lab.walk` sees of the two usual revisions."""


def own_rows(url: str, query: str) -> list[Any]:
    """Ask a database outside any guard."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return list(connection.execute(text(query)))
