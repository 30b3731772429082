"""Looks at the databases as they are before the first revision, while others of them are at work further up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.walk.session import Session
from pytest_stairway.walk.snapshots import Snapshot, Snapshots

if TYPE_CHECKING:
    from pytest_stairway.environment.environment import Environment, Survey

__all__ = ["look_at_empty"]


def look_at_empty(environment: Environment, survey: Survey) -> Snapshot:
    """Read the schemas that empty databases have, on new ones that are dropped at once.

    Args:
        environment: the user's `env.py`, between two of its runs.
        survey: how it configures Alembic.
    """
    elsewhere = environment.elsewhere("floor")
    snapshots = Snapshots(elsewhere, ignore=survey.version_tables)
    session = Session(elsewhere, survey, snapshots)
    try:
        session.look(snapshots.read_thoroughly)
        return snapshots.latest
    finally:
        session.close()
        elsewhere.sandbox.reset()
