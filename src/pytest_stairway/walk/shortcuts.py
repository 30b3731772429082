"""Spares a walk the way to where it starts: a copy of a template instead of many steps.

A template is made where a walk has taken many steps without looking at them; it then serves the next worker, the next
recovery after a failed step and, where templates are kept, the next run.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stairway.environment.sandbox import Sandbox
    from pytest_stairway.walk.lineage import Lineage

__all__ = ["WORTHWHILE", "Shortcuts"]

WORTHWHILE = 10
"""How many steps a template must spare: about as many as its copy costs."""


class Shortcuts:
    """The templates that one walk uses and makes.

    Args:
        sandbox: the walk's databases.
        lineage: gives the templates' keys.
    """

    def __init__(self, sandbox: Sandbox, lineage: Lineage) -> None:
        self._sandbox = sandbox
        self._lineage = lineage

    def take(self, order: Sequence[str]) -> Sequence[str]:
        """Put a copy of the best template into the place of the walk's database, to which nobody is connected.

        Args:
            order: the revisions that are wanted there, in the order in which they would be applied.

        Returns:
            The revisions that it has; none where there is no template worth a copy.
        """
        server = self._sandbox.server
        if server is None or not self._sandbox.is_single or len(order) < WORTHWHILE:
            return ()
        lengths = {key: place for place, key in enumerate(self._lineage.keys(order), 1) if place >= WORTHWHILE}
        found = server.kept(list(reversed(lengths)))
        if found is None:
            return ()
        key, template = found
        try:
            self._sandbox.fill(template)
        except DatabaseUnavailable:  # somebody has just dropped it
            return ()
        return order[: lengths[key]]

    def leave(self, applied: Sequence[str]) -> None:
        """Make a template of the walk's database, to which nobody is connected, for whoever comes next.

        Args:
            applied: the revisions that it has, in the order in which they were applied.
        """
        server, databases = self._sandbox.server, self._sandbox.databases
        if server is not None and self._sandbox.is_single and len(databases) == 1:
            with contextlib.suppress(DatabaseUnavailable):  # a full disk: the walk itself goes on without
                server.keep(self._lineage.keys(applied)[-1], databases[0])
