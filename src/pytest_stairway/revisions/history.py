"""A loaded history: its revisions as plain data, in an order, and what hangs on what.

Branches and mergepoints stay a graph here; nothing is flattened but the order in which revisions are walked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.paths import real_paths
from pytest_stairway.revisions.graph import invert, reach, topological_order
from pytest_stairway.revisions.ranges import Resolver
from pytest_stairway.revisions.source import line_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic.config import Config
    from alembic.script import ScriptDirectory

__all__ = ["History", "Revision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision file."""

    revision: str
    """Its full identifier."""
    down_revision: tuple[str, ...] = ()
    """Full identifiers; none for a base, several for a mergepoint."""
    depends_on: tuple[str, ...] = ()
    """Full identifiers, also where the file names a branch label."""
    children: tuple[str, ...] = ()
    """The revisions whose ``down_revision`` names this one."""
    message: str = ""
    """The first line of the file's docstring."""
    path: str
    """The file, as an absolute path."""
    branch_labels: frozenset[str] = frozenset()
    """The labels of the branch on which it lies, as Alembic spreads them."""

    @property
    def is_base(self) -> bool:
        """Whether nothing comes before it on its branch."""
        return not self.down_revision

    @property
    def is_head(self) -> bool:
        """Whether nothing comes after it on its branch."""
        return not self.children

    @property
    def is_merge(self) -> bool:
        """Whether it is a mergepoint."""
        return len(self.down_revision) > 1

    @property
    def is_branch_point(self) -> bool:
        """Whether several revisions come after it."""
        return len(self.children) > 1

    def line_of(self, name: str) -> int | None:
        """Find the line on which the file defines `name`: ``upgrade``, ``downgrade``, ``revision`` …; None for none."""
        return line_of_name(self.path, name)


class History:
    """The revision graph of one Alembic environment.

    Args:
        config: the configuration that it was loaded from.
        script: Alembic's own view, with the same modules: walk with these.
        revisions: in any order, which decides where the topological order does not.
        version_locations: the folders with the revision files, as absolute paths.
    """

    def __init__(
        self, config: Config, script: ScriptDirectory, revisions: Iterable[Revision], version_locations: Iterable[str]
    ) -> None:
        self.config = config
        self.script = script
        self.version_locations = tuple(version_locations)
        given = {revision.revision: revision for revision in revisions}
        down = {each.revision: each.down_revision for each in given.values()}
        needs = {each.revision: (*each.down_revision, *each.depends_on) for each in given.values()}
        order = topological_order(down, needs)
        self.revisions = tuple(given[identifier] for identifier in order)
        """In an order in which each stands after all that it needs, and a branch stays together."""
        self.heads = tuple(each.revision for each in self.revisions if each.is_head)
        self.bases = tuple(each.revision for each in self.revisions if each.is_base)
        self._needs = {identifier: needs[identifier] for identifier in order}
        self._dependents = invert(self._needs)
        self._by_id = given
        self._by_path: dict[str, Revision] | None = None
        self._resolver = Resolver(
            script=script,
            down={identifier: down[identifier] for identifier in order},
            needs=self._needs,
            labels=frozenset().union(*(each.branch_labels for each in self.revisions)),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.revisions)} revisions in {', '.join(self.version_locations)}>"

    def __getitem__(self, revision: str) -> Revision:
        """Give the revision with this full identifier, or raise KeyError; see `get` for what users write."""
        return self._by_id[revision]

    def ancestors(self, revision: str) -> frozenset[str]:
        """Collect all that the revision with this full identifier needs, by ``down_revision`` and ``depends_on``."""
        return reach(self._needs[revision], self._needs)

    def descendants(self, revision: str) -> frozenset[str]:
        """Collect all that needs the revision with this full identifier."""
        return reach(self._dependents[revision], self._dependents)

    def at_path(self, path: str | os.PathLike[str]) -> Revision | None:
        """Find the revision that stands in this file, by whatever way the path leads there."""
        if self._by_path is None:
            paths = [each.path for each in self.revisions]
            self._by_path = dict(zip((*real_paths(paths), *paths), self.revisions * 2, strict=True))
        return self._by_path.get(os.fspath(path)) or self._by_path.get(os.path.realpath(path))

    def get(self, identifier: str) -> Revision:
        """Resolve what a user wrote for one revision: partial ids, labels, ``head``, ``head-1``, ``label@head``.

        Raises:
            UsageError: it stands for none or for several; the message says what is allowed.
        """
        return self._by_id[self._resolver.one(identifier)]

    def select(self, range: str) -> tuple[Revision, ...]:  # noqa: A002 - the field's own word
        """Resolve what a user wrote for a range, in the history's order.

        ``a:b`` are the revisions after ``a`` up to and including ``b``, with all that those need: what
        ``alembic upgrade a:b`` runs.  ``a:`` goes up to the heads and ``:b`` begins at base.  Steps without a revision
        count from the range's other end, so ``a:+2`` are the two after ``a``, and ``-2:b`` the last two up to ``b``;
        alone, ``+2`` are the first two and ``-2`` the last two.  Anything else is one revision, alone.

        Raises:
            UsageError: it is no range of this history; the message says what is allowed.
        """
        chosen = self._resolver.select(range)
        return tuple(revision for revision in self.revisions if revision.revision in chosen)
