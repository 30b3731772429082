"""Keeps the databases of what failed, for whoever wants to look into them: ``--stairway-keep``.

Whether an item fails shows only when everything is seen and judged, and by then its database is somewhere else.  So a
copy is set aside wherever something looks wrong, and goes again when the item passes.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import DatabaseUnavailable, UsageError
from pytest_stairway.findings import Direction
from pytest_stairway.report import KeptDatabase
from pytest_stairway.walk.snapshots import same

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_stairway.databases import Database, Server
    from pytest_stairway.environment.sandbox import Sandbox
    from pytest_stairway.walk.roundtrip import Roundtrip
    from pytest_stairway.walk.session import Session
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["Keeper"]

_PARTIAL = frozenset({"mysql", "mariadb", "sqlite"})
"""Where what a failed step did before it failed may stay."""


_STEPS = {Direction.REUPGRADE: "second upgrade"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A database that was set aside."""

    database: Database
    server: Server
    address: str
    """As `env.py` comes to it, where it migrates several."""
    state: str
    direction: Direction | None
    moment: int
    """Copies of one moment belong together."""


class Keeper:
    """Sets databases aside, and keeps those of items that fail."""

    def __init__(self) -> None:
        self._copies: dict[str, list[_Copy]] = {}
        self._moments = 0
        self.notes: tuple[str, ...] = ()
        """Which databases could not be kept, and why."""

    def look_after(self, trip: Roundtrip, direction: Direction, found: Snapshot, session: Session) -> None:
        """Set the walk's databases aside after a step that failed, or did not bring back what it should have.

        Args:
            trip: what was seen of the revision, this step's failure or rows included.
            direction: the step.
            found: the schema after it.
            session: steps on the databases; its run of `env.py` ends where they are copied.
        """
        failed = direction in trip.failures
        if not failed and not _differs(trip, direction, found):
            return
        session.close()  # nobody may be connected to what is copied
        sandbox = session.sandbox
        step = f"the {_STEPS.get(direction, direction.value)} of {trip.revision}"
        told = f": {step} failed there{_partly(sandbox)}" if failed else f", after {step}"
        states = {url: f"{', '.join(sorted(heads)) or 'base'}{told}" for url, heads in session.heads.items()}
        self.set_aside(trip.revision, sandbox, step, direction, states)

    def set_aside(
        self,
        about: str,
        sandbox: Sandbox,
        state: str,
        direction: Direction | None = None,
        states: Mapping[str, str] | None = None,
    ) -> None:
        """Copy the databases of a sandbox, to which nobody is connected.

        Args:
            about: what is looked at: a revision, or the name of an item.
            sandbox: has them.
            state: what is in them, for people.
            direction: the step after which they are like that.
            states: what is in each of them, by its URL, where that is known.
        """
        self._moments += 1
        server = sandbox.server
        if server is None:
            return
        for database in sandbox.databases:
            try:
                copied = server.retain(database, about)
            except DatabaseUnavailable as error:
                self.notes += (f"the database of {about} could not be kept: {error}",)
                continue
            made = _Copy(
                database=copied,
                server=server,
                address=sandbox.name_of(database.url),
                state=(states or {}).get(database.url, state),
                direction=direction,
                moment=self._moments,
            )
            self._copies.setdefault(about, []).append(made)

    def has(self, about: str) -> bool:
        """Tell whether anything is set aside for a revision or an item."""
        return about in self._copies

    def settle(self, about: str, directions: Collection[Direction | None], *, failed: bool) -> tuple[KeptDatabase, ...]:
        """Keep what was set aside where the item fails, of one moment only, and drop the rest.

        Args:
            about: the revision or the item.
            directions: the steps that fail it, the first one first.
            failed: it fails.
        """
        copies = self._copies.pop(about, [])
        fitting = [copy for direction in directions for copy in copies if copy.direction is direction]
        moment = (fitting or copies)[0].moment if copies and failed else 0
        for copy in copies:
            if copy.moment != moment:
                with contextlib.suppress(DatabaseUnavailable, UsageError):
                    copy.server.drop(copy.database)
        return tuple(_told(copy, about) for copy in copies if copy.moment == moment)

    def close(self) -> None:
        """Drop what nobody has asked about."""
        for about in tuple(self._copies):
            self.settle(about, (), failed=False)


def _differs(trip: Roundtrip, direction: Direction, found: Snapshot) -> bool:
    """Tell whether a step back, or the second upgrade, left another schema or other rows than there were."""
    wanted = {Direction.DOWNGRADE: trip.before, Direction.REUPGRADE: trip.upgraded}.get(direction)
    if wanted is not None and not same(found, wanted):
        return True
    rows = trip.rows
    if rows is None or direction is Direction.UPGRADE:
        return False
    return rows.before != rows.downgraded if direction is Direction.DOWNGRADE else rows.upgraded != rows.reupgraded


def _partly(sandbox: Sandbox) -> str:
    """Say of a database what a failed step has left there."""
    dialect = sandbox.server.dialect if sandbox.server is not None else ""
    return ", and what it had done before may be in it" if dialect in _PARTIAL else ""


def _told(copy: _Copy, about: str) -> KeptDatabase:
    from sqlalchemy.engine import make_url

    return KeptDatabase(
        about=about,
        database=copy.address,
        url=make_url(copy.database.url).render_as_string(),
        command=copy.database.client_command,
        state=copy.state,
    )
