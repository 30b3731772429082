"""Writes the documentation's tables from the code's own, between their markers.

python docs/tables.py           writes
python docs/tables.py --check   tells whether anything would change
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from gauntlet.table import render  # noqa: E402 - the path comes first
from pytest_stairway.findings import CODES  # noqa: E402
from pytest_stairway.handoff.settings import HANDOFF_OPTIONS  # noqa: E402
from pytest_stairway.settings import OPTIONS  # noqa: E402
from test_architecture import FLOORS, SOURCE  # noqa: E402

MARKED = re.compile(r"(<!-- table: (?P<name>\w+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)
FILES = ("README.md", "docs/code.md", "docs/findings.md", "docs/handoff.md")


def options() -> str:
    """Render the options."""
    rows = [f"| `{option.flag}{_value(option.metavar)}` | `{option.ini}` | {option.help} |" for option in OPTIONS]
    return "\n".join(["| option | ini | what it does |", "|---|---|---|", *rows]) + "\n"


def handoff() -> str:
    """Render the options of ``stairway handoff``."""
    flags = {option.ini: "--" + option.name.removeprefix("handoff_").replace("_", "-") for option in HANDOFF_OPTIONS}
    values = {each.ini: _value(each.metavar).replace("|", "\\|") for each in HANDOFF_OPTIONS}
    rows = [f"| `{flags[each.ini]}{values[each.ini]}` | `{each.ini}` | {each.help} |" for each in HANDOFF_OPTIONS]
    return "\n".join(["| option | ini | what it does |", "|---|---|---|", *rows]) + "\n"


def findings() -> str:
    """Render the findings' codes."""
    rows = [f"| `{name}` | {code.severity.value} | {code.says} |" for name, code in CODES.items()]
    return "\n".join(["| code | severity | says |", "|---|---|---|", *rows]) + "\n"


def gauntlet() -> str:
    """Render the gauntlet's histories."""
    return render().strip() + "\n"


def floors() -> str:
    """Render the modules and packages, the highest floor first, with what each says of itself."""
    rows = [f"| {floor} | {_told(name)} |" for floor, names in reversed(list(enumerate(FLOORS))) for name in names]
    return "\n".join(["| floor | where | what it is for |", "|---|---|---|", *rows]) + "\n"


def _told(name: str) -> str:
    path = SOURCE / f"{name}.py" if (SOURCE / f"{name}.py").exists() else SOURCE / name / "__init__.py"
    says = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    shown = f"{name}/" if path.parent != SOURCE else f"{name}.py"
    return f"`{shown}` | {says}"


def _value(metavar: str | None) -> str:
    return f" {metavar}" if metavar else ""


TABLES = {"options": options, "handoff": handoff, "findings": findings, "gauntlet": gauntlet, "floors": floors}


def written(text: str) -> str:
    """Put the tables into a text."""
    return MARKED.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}{match[4]}", text)


def main() -> int:
    """Write the tables, or check them."""
    stale = []
    for name in FILES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = written(before)
        if before != after:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(after, encoding="utf-8")
    print("\n".join(stale) or "nothing to do")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
