"""The floors: each module imports only modules on its own floor or below, and the plugin's start imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "pytest_stairway"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("__init__", "exceptions", "findings", "settings", "ini_files", "hints", "lenience", "paths", "phrases", "pieces"),
    ("complaints", "contacts", "asking", "garbage", "sources"),
    ("frames", "marks", "baseline", "report", "schema", "rows", "databases"),
    ("revisions", "tables", "clients", "mysql_clients", "sqlite_clients", "cleaning"),
    ("environment", "dumps", "base_schema"),
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


def module_of(path: Path) -> str:
    module = ".".join(("pytest_stairway", *path.relative_to(SOURCE).with_suffix("").parts))
    return module.removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Every import of ours in a file, those inside functions and under TYPE_CHECKING included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("pytest_stairway.") and not name.endswith("__version__")}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_down(path: Path) -> None:
    here = floor_of(module_of(path))
    upwards = {name for name in imports_of(path) if floor_of(name) > here}
    assert not upwards, f"{module_of(path)} imports {upwards}, which stand on higher floors"


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_of(path): path for path in SOURCE.rglob("*.py")}
    graph = {
        module: {name if name in modules else name.rpartition(".")[0] for name in imports_of(path)} - {module}
        for module, path in modules.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names them


def test_the_rule_can_fail() -> None:
    assert floor_of("pytest_stairway.walk.walk") > floor_of("pytest_stairway.schema.model")


def test_importing_the_plugin_imports_none_of_the_heavy_packages() -> None:
    code = "import sys, pytest_stairway.plugin; print(sorted({'sqlalchemy', 'alembic', 'testcontainers'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
