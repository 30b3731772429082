"""The floors: each module imports only modules on its own floor or below, and the plugin's start imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "pytest_stairway"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("__init__", "exceptions", "findings", "settings", "ini_files", "hints", "lenience", "paths", "pieces"),
    ("complaints", "contacts", "asking", "sources"),
    ("frames", "marks", "baseline", "report", "schema", "rows", "databases"),
    ("revisions", "tables", "clients", "mysql_clients", "cleaning"),
    ("environment",),
    ("walk",),
    ("mistakes", "rows_file", "migrated", "models"),
    ("clones", "rehearsal"),
    ("checks", "offline"),
    ("answers", "workspace"),
    ("project",),
    ("acceptance", "volume", "reporters"),
    ("handoff",),
    ("commands",),
    ("cli", "plugin"),
    ("alembic_fixtures",),
)
"""From the lowest up; a package stands for all its modules."""


def floor_of(module: str) -> int:
    top = module.removeprefix("pytest_stairway").lstrip(".").split(".")[0] or "__init__"
    return next(number for number, names in enumerate(FLOORS) if top in names)


def imports_of(path: Path) -> set[str]:
    """Every import of ours in a file, those inside functions and under TYPE_CHECKING included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {node.module} if node.module != "pytest_stairway" else {f"{node.module}.{a.name}" for a in node.names}
            )
    return {name for name in found if name.startswith("pytest_stairway") and not name.endswith("__version__")}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_down(path: Path) -> None:
    module = str(path.relative_to(SOURCE).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    here = floor_of(f"pytest_stairway.{module}")
    upwards = {name for name in imports_of(path) if floor_of(name) > here}
    assert not upwards, f"{module} imports {upwards}, which stand on higher floors"


def test_the_rule_can_fail() -> None:
    assert floor_of("pytest_stairway.walk.walk") > floor_of("pytest_stairway.schema.model")


def test_importing_the_plugin_imports_none_of_the_heavy_packages() -> None:
    code = "import sys, pytest_stairway.plugin; print(sorted({'sqlalchemy', 'alembic', 'testcontainers'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
