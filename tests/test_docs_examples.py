"""The examples of the documentation work as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_stairway.databases import Server

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.compile(r"<!-- (?P<what>file|run|shows): (?P<name>\S+.*?) -->\n```\w*\n(?P<text>.*?)```", re.DOTALL)


def examples(page: str) -> list[tuple[str, str, str]]:
    """Give each example's kind, its name and its text, in the page's order."""
    return EXAMPLE.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample's project, without this one's tests and settings."""
    for name in ("migrations", "src/sample_blog"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "alembic.ini", tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(folder: Path, server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a folder, with throwaway databases on the run's server."""
    database = server.create("docs")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    try:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=folder,
            env={**environment, "STAIRWAY_DATABASE": database.url, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        server.drop(database)


def test_testing_a_migration(sample: Path, postgresql_server: Server) -> None:
    pytest.importorskip("pytest_alembic")
    for what, name, text in examples("testing-a-migration.md"):
        assert what == "file"
        write(sample, name, text)
    done = run(
        sample,
        postgresql_server,
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:asyncio",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
    )
    assert re.search(r"^10 passed", done.stdout, re.MULTILINE), done.stdout + done.stderr


MODELS = """
from sqlalchemy import Enum
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase): ...

class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str | None] = mapped_column(Enum("open", "closed", name="ticketstatus"))
"""


def test_adopting_a_history(sample: Path, postgresql_server: Server) -> None:
    shutil.rmtree(sample / "migrations" / "versions")  # the page's revision is all of its history
    write(sample, "src/sample_blog/models.py", MODELS)
    for what, name, text in examples("baseline.md"):
        if what == "file":
            write(sample, name, text)
        elif what == "shows":
            assert (sample / name).read_text(encoding="utf-8") == text
        else:
            _stairway, *words = shlex.split(name)
            done = run(sample, postgresql_server, "pytest_stairway.cli", *words)
            assert done.returncode == 0, done.stdout + done.stderr
            for line in text.splitlines()[2:]:
                assert line.rstrip("…") in done.stdout, done.stdout
