"""Renders the gauntlet as the README's table: ``cd tests && python -m gauntlet.table``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gauntlet.histories import CASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gauntlet.case import Case

__all__ = ["render"]

DATABASES = {"sqlite": "SQLite: ", "mysql": "MariaDB, MySQL: "}
"""What begins the rows of histories that are not for PostgreSQL."""
PRODUCTS = {"mariadb": "MariaDB: ", "mysql": "MySQL: "}


def render(cases: Iterable[Case] = CASES) -> str:
    """Render two Markdown tables: what is found, and what is rightly left alone."""
    ready = [case for case in cases if case.needs is None]
    return "\n".join(
        [
            "| mistake | what is found | on revision |",
            "|---|---|---|",
            *(_row(case) for case in ready if case.expect),
            "",
            "| sound, and nothing is found |",
            "|---|",
            *(f"| {_cell(case)} |" for case in ready if not case.expect),
        ]
    )


def _row(case: Case) -> str:
    codes = ", ".join(f"`{code}`" for code in dict.fromkeys(code for code, _ in case.expect))
    return f"| {_cell(case)} | {codes} | {', '.join(_places(case))} |"


def _places(case: Case) -> Iterator[str]:
    last = case.revisions[-1].revision
    for revision in dict.fromkeys(revision for _, revision in case.expect):
        if revision is None:
            yield "the history"
        else:
            yield f"`{revision}`" + ("" if revision == last else f" of {len(case.revisions)}")


def _cell(case: Case) -> str:
    database = PRODUCTS[case.only] if case.only else DATABASES.get(case.dialect, "")
    return f"{database}{case.says}".replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(f"{render()}\n")
