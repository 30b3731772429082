"""A key stands for everything that shapes a database, and for nothing else."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.revisions import load_history
from pytest_stairway.walk.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REVISION = """\
{imports}
revision = {revision!r}
down_revision = {down!r}
def upgrade(): pass
def downgrade(): pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three revisions, an application and what they import of it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)
    files = {
        "alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\nadded = nothing\n",
        "migrations/env.py": "from shop import models\n",
        "migrations/seed.sql": "SELECT 1",
        "shop/__init__.py": "",
        "shop/models.py": "",
        "shop/kinds.py": "from shop.deep import (\n    one,  # first\n    two,\n)\n",
        "shop/deep.py": "one = two = 1",
        "shop/unused.py": "",
    }
    for number, imports in enumerate(["import json, os.path", "from shop import kinds", ""]):
        down = f"r{number - 1}" if number else None
        text = REVISION.format(revision=f"r{number}", down=down, imports=imports)
        files[f"migrations/versions/r{number}.py"] = text
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


def keys(project: Path, *, dialect: str = "postgresql", **options: object) -> list[str]:
    history = load_history(project / "alembic.ini", **options)  # type: ignore[arg-type]
    return Lineage(history, dialect=dialect, facts=["psycopg"]).keys(["r0", "r1", "r2"])


def append(name: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        with (project / name).open("a") as file:
            file.write("\n# changed\n")

    return change


def test_the_same_files_give_the_same_keys_and_each_place_its_own(project: Path) -> None:
    first = keys(project)
    assert keys(project) == first
    assert len(set(first)) == 3


def test_a_key_does_not_know_what_comes_later(project: Path) -> None:
    first = keys(project)
    append("migrations/versions/r2.py")(project)
    assert keys(project)[:2] == first[:2]
    assert keys(project)[2] != first[2]


def test_a_change_reaches_every_later_key(project: Path) -> None:
    first = keys(project)
    append("migrations/versions/r0.py")(project)
    assert not set(first) & set(keys(project))


@pytest.mark.parametrize(
    "name", ["alembic.ini", "migrations/env.py", "migrations/seed.sql", "shop/kinds.py", "shop/deep.py"]
)
def test_whatever_shapes_a_database_is_in_its_key(project: Path, name: str) -> None:
    first = keys(project)
    append(name)(project)
    assert not set(first) & set(keys(project))


@pytest.mark.parametrize("name", ["shop/models.py", "shop/unused.py", "README"])
def test_what_no_migration_runs_is_not(project: Path, name: str) -> None:
    first = keys(project)
    append(name)(project)
    assert keys(project) == first


def test_a_file_that_is_new_beside_env_py_counts(project: Path) -> None:
    first = keys(project)
    (project / "migrations" / "helpers.py").write_text("")
    assert not set(first) & set(keys(project))


def test_dialect_and_arguments_count(project: Path) -> None:
    first = keys(project)
    assert not set(first) & set(keys(project, dialect="sqlite"))
    assert not set(first) & set(keys(project, x_arguments=["tenant=a"]))


def test_the_way_of_applying_counts(project: Path) -> None:
    lineage = Lineage(load_history(project / "alembic.ini"), dialect="sqlite")
    assert lineage.keys(["r0"]) != lineage.keys(["r0"], purpose="upgrade")
    assert lineage.keys(["r0", "r1"]) != lineage.keys(["r1", "r0"])
