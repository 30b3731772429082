"""Lets pytest-xdist's workers share one server for the tests that need one, without ``--stairway``.

This runs in the controller of every spread run of everybody who has the plugin installed: it imports nothing heavy, and
does nothing at all where there are no migrations.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.plugin.porter import DOOR, Porter

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["offer_server", "withdraw_server"]


class Offer:
    """What the controller of one run has for its workers.

    Args:
        config: pytest's.

    Raises:
        OSError: no worker can be reached.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = contextlib.ExitStack()
        self._server_address: str | None = None
        self.porter = Porter(self._address)

    def _address(self) -> str:
        """Start the server, when the first worker asks."""
        from pytest_stairway.plugin.lending import lend_project

        if self._server_address is None:
            project = self._stack.enter_context(lend_project(self._config, None))
            self._server_address = project.server.address
        return self._server_address

    def close(self) -> None:
        """Stop the server, if one was started."""
        self.porter.close()
        self._stack.close()


OFFER: pytest.StashKey[Offer | None] = pytest.StashKey()


def offer_server(node: Any) -> None:
    """Tell a worker where it gets the server's address.

    Args:
        node: xdist's controller of that worker.
    """
    config: pytest.Config = node.config
    if config.pluginmanager.has_plugin("stairway-session"):
        return  # which tells the address itself
    if OFFER not in config.stash:
        config.stash[OFFER] = None
        if has_migrations(config):
            with contextlib.suppress(OSError):  # then each worker has a server of its own
                config.stash[OFFER] = Offer(config)
    offer = config.stash[OFFER]
    if offer is not None:
        node.workerinput[DOOR] = offer.porter.door


def withdraw_server(config: pytest.Config) -> None:
    """Stop what `offer_server` has begun."""
    offer = config.stash.get(OFFER, None)
    if offer is not None:
        config.stash[OFFER] = None
        offer.close()


def has_migrations(config: pytest.Config) -> bool:
    """Tell at a glance whether Alembic is configured anywhere near."""
    if config.getoption("stairway_config") or os.environ.get("STAIRWAY_CONFIG") or config.getini("stairway_config"):
        return True
    folders = {config.rootpath, config.invocation_params.dir}
    return any((each / "alembic.ini").is_file() or _says_alembic(each / "pyproject.toml") for each in folders)


def _says_alembic(path: Path) -> bool:
    return path.is_file() and b"[tool.alembic" in path.read_bytes()
