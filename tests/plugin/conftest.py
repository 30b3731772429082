"""Projects with small SQLite histories, on which pytest is run with the plugin."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Imported once: pytester forgets what an inner run imports, and SQLAlchemy does not like to be imported twice.
for module in ("alembic.command", "sqlalchemy.dialects.sqlite", "pytest_stairway.plugin.session"):
    importlib.import_module(module)

INI = """\
[alembic]
script_location = %(here)s/migrations
path_separator = os
sqlalchemy.url = sqlite:///%(here)s/app.db
"""

ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''\
"""make {revision}"""

from alembic import op
{head}
revision = {revision!r}
down_revision = {down_revision!r}


def upgrade():
{up}


def downgrade():
{down}
'''

WITHOUT = [word for name in ("randomly", "alembic", "asyncio", "hypothesispytest") for word in ("-p", f"no:{name}")]
"""Plugins that an inner run has no use for: they shuffle, or take long to import each time."""

FAILS = 'op.execute("DROP TABLE missing")'
"""A step that cannot work."""


class Project:
    """A project in pytester's folder, or in one below it."""

    def __init__(self, pytester: pytest.Pytester, root: Path) -> None:
        self.pytester = pytester
        self.root = root
        self.versions = root / "migrations" / "versions"
        self.write("alembic.ini", INI)
        self.write("migrations/env.py", ENV)
        self._newest: str | None = None

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def add(self, revision: str, up: str | None = None, down: str | None = None, **given: Any) -> Path:
        """Write a revision on top of the last one; by default it makes a table and drops it again.

        Without a head, `upgrade()` begins on line 10, and `downgrade()` is defined on line 13.
        """
        parent = given.pop("down_revision", self._newest)
        text = REVISION.format(
            revision=revision,
            head=dedent(given.pop("head", "")),
            down_revision=parent,
            up=indent(dedent(up or f'op.execute("CREATE TABLE t_{revision} (id INTEGER)")'), " " * 4),
            down=indent(dedent(down or ("pass" if up else f'op.execute("DROP TABLE t_{revision}")')), " " * 4),
        )
        assert not given, given
        self._newest = revision
        return self.write(f"migrations/versions/{revision}_make.py", text)

    def chain(self, *revisions: str) -> Project:
        """Write sound revisions, each on top of the one before it."""
        for revision in revisions:
            self.add(revision)
        return self

    def run(self, *arguments: Any) -> pytest.RunResult:
        """Run pytest in this process, in the history's order."""
        return self.pytester.runpytest_inprocess(*WITHOUT, *arguments)

    def spawn(self, *arguments: Any) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*WITHOUT, *arguments)

    def report(self, *arguments: Any, spawn: bool = False) -> dict[str, Any]:
        """Run pytest, and give what it writes as JSON."""
        run = self.spawn if spawn else self.run
        run("--stairway", "--stairway-json", self.root / "out.json", *arguments)
        return self.written()

    def written(self) -> dict[str, Any]:
        """Read the JSON report."""
        report: dict[str, Any] = json.loads((self.root / "out.json").read_text())
        return report

    def command(self, *arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the ``stairway`` command."""
        words = [sys.executable, "-m", "pytest_stairway.cli", *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, cwd=self.root, check=False, timeout=120, **options)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project without revisions."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return Project(pytester, pytester.path)


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Give each item's outcome in a run with ``-v``."""
    words = {"PASSED", "FAILED", "SKIPPED", "ERROR"}
    lines = [line.split() for line in result.outlines if "::" in line]
    return {line[0]: line[1] for line in lines if len(line) > 1 and line[1] in words}


def order(result: pytest.RunResult) -> list[str]:
    """Give the items of a run with ``-v``, in the order in which they ran."""
    return list(outcomes(result))
