"""Makes random values, and where it can be the time, the same on two connections, so that none is a false alarm."""

from __future__ import annotations

import time

__all__ = ["MYSQL_SEED", "SEED", "seed_of"]

SEED = "SELECT setseed(0.4242)"
"""For PostgreSQL's ``random()``."""
MYSQL_SEED = "SET SESSION rand_seed1 = 4242, SESSION rand_seed2 = 2424"
"""For ``RAND()`` of MariaDB and MySQL."""


def seed_of(dialect: str) -> str | None:
    """Give the statement that makes ``random()`` give the same on two connections; None where there is none.

    On MariaDB and MySQL it stops the session's clock, too: `NOW()` is the same on both, and SYSDATE() is not.
    """
    if dialect == "postgresql":
        return SEED
    return f"{MYSQL_SEED}, SESSION timestamp = {time.time():.6f}" if dialect in {"mysql", "mariadb"} else None
