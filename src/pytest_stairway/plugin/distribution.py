"""Gives each of xdist's workers one piece of the history: what `-n` alone would deal out is card after card.

xdist asks a plugin for its scheduler; ours is its own scheduler of groups (``--dist loadscope``), in which each piece
is a group, and each of somebody else's tests one by itself.  Any other ``--dist`` is left as it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling

from pytest_stairway.pieces import cut

if TYPE_CHECKING:
    import pytest

    from pytest_stairway.project import Project

__all__ = ["PieceScheduling"]


class PieceScheduling(LoadScopeScheduling):
    """Deals out pieces of the history.

    Args:
        config: pytest's.
        log: xdist's.
        project: the project under test.
    """

    def __init__(self, config: pytest.Config, log: Any, project: Project) -> None:
        super().__init__(config, log)
        self._project = project
        self._groups: dict[str, str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        """Name the group of an item; xdist documents this method for others to override."""
        if self._groups is None:
            self._groups = self._grouped(self.collection or [])
        return self._groups.get(nodeid, nodeid)

    def _grouped(self, nodeids: list[str]) -> dict[str, str]:
        """Put each revision into its piece, and what goes through the whole history where most of the way is made."""
        revisions = [nodeid for nodeid in nodeids if self._is_revision(nodeid)]
        others = [each for each in nodeids if each not in set(revisions) and self._is_configuration(each)]
        ways = [nodeid for nodeid in others if not nodeid.endswith("::history")]
        pieces = [piece for piece in cut(revisions, self.numnodes, ways=len(ways)) if piece]
        groups = {nodeid: f"piece {number}" for number, piece in enumerate(pieces) for nodeid in piece}
        last = f"piece {max(len(pieces) - 1, 0)}"
        return {**dict.fromkeys(others, "piece 0"), **groups, **dict.fromkeys(ways, last)}

    def _is_revision(self, nodeid: str) -> bool:
        path = os.path.join(self.config.rootpath, nodeid.partition("::")[0])  # noqa: PTH118 - there may be thousands
        return self._project.is_usable and self._project.history.at_path(path) is not None

    def _is_configuration(self, nodeid: str) -> bool:
        path = nodeid.partition("::")[0]
        return bool(os.path.realpath(self.config.rootpath / path) == os.path.realpath(self._project.configuration))
