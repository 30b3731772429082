"""Keeps the SQL of a whole history, which one run of `env.py` in offline mode writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.exceptions import StairwayError
from pytest_stairway.offline.rendering import Part, Step, render_offline

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_stairway.databases import Server
    from pytest_stairway.offline.rendering import Script, Statement
    from pytest_stairway.revisions import History

__all__ = ["OfflineScripts", "without_version_table"]


class OfflineScripts:
    """The SQL of every revision, up and down, each step as if it were run alone.

    Args:
        history: the revisions.
        server: where `env.py` would connect to, if it did.
        irreversible: revisions that are never downgraded.
    """

    def __init__(self, history: History, server: Server, *, irreversible: Collection[str] = ()) -> None:
        self._history = history
        self._server = server
        self.irreversible = frozenset(irreversible)
        self._parts: tuple[Script, ...] | None = None
        self._places: dict[Step, int] = {}
        self._error: StairwayError | None = None

    def render(self) -> tuple[Script, ...]:
        """Write it, unless that was done, and give each step as a script of its own.

        Raises:
            StairwayError: `env.py` cannot be run in offline mode.
        """
        if self._error is not None:
            raise self._error
        if self._parts is None:
            try:
                self._parts = self._rendered().parts()
            except StairwayError as error:
                self._error = error
                raise
        return self._parts

    def of(self, step: Step) -> Script:
        """Give one step of a revision."""
        return self.render()[self._places[step]]

    def _rendered(self) -> Script:
        """Write all the way up and all the way down: each step starts where it would start alone."""
        order = [revision.revision for revision in self._history.revisions]
        steps = [*(Step(name) for name in order), *(Step(name, upgrade=False) for name in reversed(order))]
        self._places = {step: place for place, step in enumerate(steps)}
        environment = Environment(self._history, sandbox=Sandbox(lambda _contact: self._server))
        return render_offline(environment, steps, start=frozenset(), alone=True)


def without_version_table(script: Script) -> list[Statement]:
    """Leave out what makes the version table, before the first revision: it is there already."""
    comment = next((place for place, each in enumerate(script.statements) if each.part is Part.COMMENT), 0)
    return [each for place, each in enumerate(script.statements) if each.part is not Part.VERSION or place > comment]
