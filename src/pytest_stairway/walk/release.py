"""The release walk: from a released revision to the heads in ONE run of `env.py`, exactly as a deployment does it.

Step by step each revision has a transaction of its own.  A deployment has one for all of them, unless `env.py` says
otherwise, and some things fail only there: an enum value that is added and used in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.walk.moves import move
from pytest_stairway.walk.session import Session, StepFailed
from pytest_stairway.walk.snapshots import Snapshots

if TYPE_CHECKING:
    from pytest_stairway.environment.environment import Environment, Survey
    from pytest_stairway.revisions import History
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["Release", "walk_release"]


@dataclass(slots=True, kw_only=True)
class Release:
    """What was seen of one release."""

    start: str
    """The released revision."""
    revisions: tuple[str, ...] = ()
    """What the run applied, in Alembic's own order."""
    failed_at: str | None = None
    """The revision that failed; also set where the way to `start` failed."""
    failure: StepFailed | None = None
    on_the_way_to_start: bool = False
    reached: Snapshot | None = None
    seconds: float = 0.0


def walk_release(history: History, environment: Environment, survey: Survey, start: str) -> Release:
    """Bring a database of its own to a released revision, then upgrade it to the heads in one run.

    Args:
        history: the revisions.
        environment: the user's `env.py`, with a sandbox for this alone, whose databases stay for the caller to drop.
        survey: how it configures Alembic.
        start: the released revision.
    """
    release = Release(start=start)
    snapshots = Snapshots(environment, ignore=survey.version_tables)
    session = Session(environment, survey, snapshots)
    try:
        if _reach_start(history, session, release):
            session.close()
            _upgrade_to_heads(environment, release)
            session = Session(environment, survey, snapshots)  # which knows nothing of the heads before
        if release.failure is None:
            session.look(snapshots.read_thoroughly)
            release.reached = snapshots.latest
    finally:
        session.close()
    return release


def _reach_start(history: History, session: Session, release: Release) -> bool:
    needed = history.ancestors(release.start) | {release.start}
    for revision in (each.revision for each in history.revisions if each.revision in needed):
        try:
            session.step(revision, upgrade=True, observed=False)
        except StepFailed as failure:
            release.failed_at, release.failure, release.on_the_way_to_start = revision, failure, True
            return False
    return True


def _upgrade_to_heads(environment: Environment, release: Release) -> None:
    moved = move(environment, "heads", upgrade=True)
    release.revisions, release.seconds = moved.revisions, moved.seconds
    release.failure, release.failed_at = moved.failure, moved.failed_at
