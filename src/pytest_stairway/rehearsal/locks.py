"""PostgreSQL's table locks, and whom each of them keeps waiting."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Lock"]


class Lock(IntEnum):
    """A table lock, the weakest first.

    Who conflicts with whom is the table "Conflicting Lock Modes" in PostgreSQL's manual, "Explicit Locking".
    """

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        """Name it as SQL does: ``ACCESS EXCLUSIVE``."""
        return self.name.replace("_", " ")

    @property
    def blocks_readers(self) -> bool:
        """Whether a plain SELECT waits for it."""
        return self is Lock.ACCESS_EXCLUSIVE

    @property
    def blocks_writers(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait for it, whichever rows they are about."""
        return self >= Lock.SHARE

    @property
    def keeps_traffic_waiting(self) -> bool:
        """Whether an ordinary transaction can come to wait for it, for the table or for one of its rows."""
        return self not in {Lock.ACCESS_SHARE, Lock.SHARE_UPDATE_EXCLUSIVE}

    @classmethod
    def of(cls, mode: str) -> Lock:
        """Read a mode as ``pg_locks`` writes it: ``AccessExclusiveLock``."""
        return _MODES[mode]


_MODES = {f"{lock.name.title().replace('_', '')}Lock": lock for lock in Lock}
