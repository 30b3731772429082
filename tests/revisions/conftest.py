"""Writes real histories to a folder of their own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from alembic import __version__ as alembic_version
from hypothesis import settings

from pytest_stairway.exceptions import HistoryUnusable
from pytest_stairway.revisions import History, load_history

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.findings import Finding

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")

READS_TOML = tuple(map(int, alembic_version.split(".")[:2])) >= (1, 16)
SEPARATOR = "path_separator" if READS_TOML else "version_path_separator"

TEXT = '''\
"""{message}

More about it.
"""

revision = {revision!r}
down_revision = {down!r}
depends_on = {depends_on!r}
branch_labels = {labels!r}


def upgrade():
    pass


def downgrade():
    pass
'''


class Project:
    """A project with an ini file, an `env.py` that is never run, and the revisions that a test asks for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "alembic.ini"
        self.versions = root / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        (root / "migrations" / "env.py").write_text("raise AssertionError('nobody asked for a database')\n")
        self.ini()

    def ini(self, script_location: str | None = "%(here)s/migrations", **options: str) -> None:
        """Write the ini file with these options."""
        given = {"script_location": script_location, SEPARATOR: "os", **options}
        lines = [f"{name} = {value}" for name, value in given.items() if value is not None]
        self.config.write_text("\n".join(["# Alembic", "[alembic]", *lines, ""]))

    def add(
        self,
        revision: str,
        down: object = None,
        *,
        depends_on: object = None,
        labels: object = None,
        folder: str = "migrations/versions",
        name: str | None = None,
    ) -> Path:
        """Write a revision file that is as it should be, but for what the arguments say."""
        text = TEXT.format(
            message=f"make {revision}", revision=revision, down=down, depends_on=depends_on, labels=labels
        )
        return self.write(f"{folder}/{name or revision}.py", text)

    def chain(self, *revisions: str, down: object = None, folder: str = "migrations/versions") -> None:
        """Write revisions, each after the one before it."""
        for revision in revisions:
            self.add(revision, down, folder=folder)
            down = revision

    def write(self, path: str, text: str) -> Path:
        """Write any file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def load(self, **arguments: object) -> History:
        """Load what was written."""
        return load_history(self.config, **arguments)  # type: ignore[arg-type]

    def faults(self, **arguments: object) -> tuple[Finding, ...]:
        """Load what was written, which must not work."""
        with pytest.raises(HistoryUnusable) as caught:
            self.load(**arguments)
        return caught.value.findings

    def fault(self, code: str, **arguments: object) -> Finding:
        """Load what was written, which must not work for exactly one reason."""
        [finding] = self.faults(**arguments)
        assert finding.code == code, finding
        return finding


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, in its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # prepend_sys_path changes it
    return Project(tmp_path)
