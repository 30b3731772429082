"""The settings of a session of MariaDB or MySQL under which rows are made and read, and `env.py`'s own afterwards.

Whether a value that does not fit is refused or cut, how a text constant is read and how a moment is written depends on
what the session was told; rows must not.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pytest_stairway.rows.backend import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = ["settled"]

_SETTINGS = {
    "sql_mode": "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES'",
    "time_zone": "'+00:00'",
    "collation_connection": "'utf8mb4_general_ci'",
    "foreign_key_checks": "1",
    "unique_checks": "1",
    "sql_select_limit": "18446744073709551615",
}
"""What is set, and to what."""
_QUOTED = frozenset({"sql_mode", "time_zone", "collation_connection"})


@contextlib.contextmanager
def settled(connection: Connection) -> Iterator[str]:
    """Let the session be the same whoever has opened it, for as long as rows are made; give the server's version.

    Where the session commits each statement by itself, all that is done within is one transaction.
    """
    settings = ", ".join(f"@@SESSION.{name}" for name in _SETTINGS)
    ((version, autocommit, *before),) = run(connection, f"SELECT VERSION(), @@SESSION.autocommit, {settings}")
    old = {name: f"'{value}'" if name in _QUOTED else str(value) for name, value in zip(_SETTINGS, before, strict=True)}
    _set(connection, _SETTINGS)
    if autocommit:
        run(connection, "START TRANSACTION")
    try:
        yield str(version)
    except BaseException:
        with contextlib.suppress(DBAPIError):  # the connection may be gone, and then so is the session
            if autocommit:
                run(connection, "ROLLBACK")
            _set(connection, old)
        raise
    if autocommit:
        run(connection, "COMMIT")
    _set(connection, old)


def _set(connection: Connection, settings: dict[str, str]) -> None:
    run(connection, f"SET {', '.join(f'SESSION {name} = {value}' for name, value in settings.items())}")
