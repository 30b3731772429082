"""Every history of the gauntlet: what was planted is found, named and told once; nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.histories import CASES
from gauntlet.runner import find, unmet
from pytest_stairway import databases
from pytest_stairway.findings import CODES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gauntlet.case import Case
    from pytest_stairway.databases import Server

OF_OTHER_CHECKS = {
    *(code for code in CODES if code.startswith(("blocks-", "offline-"))),
    *("fails-at-volume", "lock-upgrade", "table-rewrite"),
}
"""Codes of the handoff and of the rehearsal, which have tests of their own."""
MYSQL = ("mariadb", "mysql")
"""The two servers of one dialect."""


def servers_of(case: Case) -> Iterator[str]:
    """Name what a history is walked on."""
    if case.dialect == "mysql":
        yield from (case.only,) if case.only else MYSQL
    else:
        yield case.dialect


READY = [
    pytest.param(case, server, id=f"{case.name}-{server}" if case.dialect == "mysql" else case.name)
    for case in CASES
    if case.needs is None
    for server in servers_of(case)
]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Give the address of one PostgreSQL for all of them."""
    server = databases.choose("postgresql", named="embedded").start()
    yield server.address
    server.close()


@pytest.fixture(scope="session")
def mariadb_address(mariadb_server: Server) -> str:
    """Give the address of one MariaDB for all of them."""
    return mariadb_server.address


@pytest.fixture(scope="session")
def mysql_address(mysql_server: Server) -> str:
    """Give the address of one MySQL for all of them."""
    return mysql_server.address


ADDRESSES = {"postgresql": "address", "mariadb": "mariadb_address", "mysql": "mysql_address"}
"""The fixture that gives a server's address."""


@pytest.mark.filterwarnings("ignore")  # what Alembic warns of in these histories fails no deployment
@pytest.mark.parametrize(("case", "server"), READY)
def test_finds_exactly_what_was_planted(
    case: Case, server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    address = request.getfixturevalue(ADDRESSES[server]) if server in ADDRESSES else None
    found = find(case, tmp_path, address=address)
    assert unmet(case, found) == []


def test_plants_every_code_that_the_walk_can_find() -> None:
    planted = {code for case in CASES if case.needs is None for code, _revision in case.expect}
    assert planted == set(CODES) - OF_OTHER_CHECKS


def test_has_enough_of_both_kinds() -> None:
    assert sum(bool(case.expect) for case in CASES) >= 160
    assert sum(not case.expect for case in CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
