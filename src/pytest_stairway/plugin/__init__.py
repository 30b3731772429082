"""The pytest plugin's front door: its options, and whether there is anything for it to do.

Every pytest run of everybody who has the plugin installed imports this module, so it imports next to nothing.  What
does the work is registered only when it is asked for: by ``--stairway``, by naming a revision file, or by a test that
uses one of the fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.garbage import collector_at_rest
from pytest_stairway.handoff.settings import HANDOFF_OPTIONS
from pytest_stairway.plugin import fixtures
from pytest_stairway.plugin.arguments import asks_for_us
from pytest_stairway.plugin.markers import MARKER
from pytest_stairway.settings import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Generator

INI_TYPES = {"text": "string", "number": "string", "flag": "bool", "list": "args"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare every option of the table, on the command line and for the ini file."""
    group = parser.getgroup("stairway", "Alembic migrations (pytest-stairway)")
    group.addoption(
        "--stairway",
        action="store_true",
        dest="stairway",
        help="walk every Alembic revision up, down and up again on a throwaway database",
    )
    for option in OPTIONS:
        if option.kind == "flag":
            group.addoption(option.flag, action="store_const", const=True, dest=option.ini, help=option.help)
        else:
            action = "append" if option.kind == "list" else "store"
            group.addoption(option.flag, action=action, dest=option.ini, metavar=option.metavar, help=option.help)
    for option in (*OPTIONS, *HANDOFF_OPTIONS):
        parser.addini(option.ini, option.help, type=INI_TYPES[option.kind], default=None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixtures and their marker."""
    config.pluginmanager.register(fixtures, "stairway-fixtures")
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name the database of a failed test that was given one."""
    report = yield
    fixtures.add_story(item, report)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let pytest-xdist's workers share a server, should one of their tests need it."""
    from pytest_stairway.plugin.sharing import offer_server

    offer_server(node)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop that server."""
    if config.pluginmanager.has_plugin("dsession"):  # xdist's, in its controller
        from pytest_stairway.plugin.sharing import withdraw_server

        withdraw_server(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Register what does the work, where it is asked for."""
    config = session.config
    folder = config.invocation_params.dir
    if config.getoption("stairway") or any(asks_for_us(argument, folder) for argument in config.args):
        with collector_at_rest():
            from pytest_stairway.plugin.ahead import begin

            head_start = begin(config)
            from pytest_stairway.plugin.session import register

            register(config, head_start)
