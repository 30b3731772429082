"""Which runs are alive on a PostgreSQL server: each holds an advisory lock for as long as it lives."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["hold_session", "is_dead", "lock_number"]

# Locks belong to one database, but this view shows those of all: a session may live in another one than ours.
_HELD_BY_OTHERS = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
    AND classid = {high} AND objid = {low} AND objsubid = 1"""


def lock_number(name: str) -> int:
    """Return the advisory lock that stands for a name: 63 bits that begin with our own sixteen."""
    return 0x5741 << 48 | int(hashlib.sha256(name.encode()).hexdigest()[:12], 16)


def hold_session(administrator: Administrator, session: str) -> bool:
    """Say, until the connection ends, that a session is alive; every process of the run does, so the lock is shared."""
    held: bool = administrator.value(f"SELECT pg_try_advisory_lock_shared({lock_number(session)})")
    return held


@contextlib.contextmanager
def is_dead(administrator: Administrator, session: str) -> Iterator[bool]:
    """Take a session's lock as nobody else can; True when it was to be had, so that the session is dead."""
    number = lock_number(session)
    if not administrator.value(f"SELECT pg_try_advisory_lock({number})"):
        yield False
        return
    try:
        held = _HELD_BY_OTHERS.format(high=number >> 32, low=number & 0xFFFFFFFF)
        yield administrator.value(held) == 0
    finally:
        administrator.rows(f"SELECT pg_advisory_unlock({number})")
