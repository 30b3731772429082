"""One connection of a driver's, in autocommit mode, the same for drivers with and without an event loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sqlalchemy.engine import Dialect

__all__ = ["Connection", "connect"]


class Connection(Protocol):
    """A connection outside any transaction."""

    def execute(self, statement: str) -> None:
        """Run a statement."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

    def close(self) -> None:
        """Disconnect."""


def connect(driver: str, dialect: Dialect, parameters: dict[str, Any]) -> Connection:
    """Connect with a driver, given the arguments of its own ``connect``."""
    if driver == "asyncpg":
        return _Asyncpg(parameters)
    if driver == "asyncmy":
        return _Asyncmy(parameters)
    return _Blocking(dialect.import_dbapi(), parameters)


class _Blocking:
    """A DBAPI connection."""

    def __init__(self, dbapi: Any, parameters: dict[str, Any]) -> None:
        self._connection = dbapi.connect(**parameters)
        if callable(self._connection.autocommit):  # PyMySQL, mysqlclient
            self._connection.autocommit(True)
        else:
            self._connection.autocommit = True

    def execute(self, statement: str) -> None:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(query)
            return [tuple(map(_in_words, row)) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def close(self) -> None:
        self._connection.close()


def _in_words(value: Any) -> Any:
    """Say a value of MySQL's type SET as its other drivers do."""
    return ",".join(sorted(value)) if isinstance(value, set) else value


class _Looped:
    """Has an event loop in a thread of its own: the caller may be inside a loop itself."""

    def __init__(self, driver: str, connecting: Any) -> None:
        import asyncio

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"stairway-{driver}", daemon=True)
        self._thread.start()
        try:
            self._connection: Any = self._wait(_awaited(connecting))
        except BaseException:
            self._stop()
            raise

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        import asyncio

        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _awaited(work: Any) -> Any:
    """Make a coroutine of whatever can be awaited."""
    return await work


class _Asyncpg(_Looped):
    """An asyncpg connection."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        import asyncpg  # type: ignore[import-untyped]

        super().__init__("asyncpg", asyncpg.connect(**parameters))

    def execute(self, statement: str) -> None:
        self._wait(self._connection.execute(statement))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._wait(self._connection.fetch(query))]

    def close(self) -> None:
        try:
            self._wait(self._connection.close(timeout=5))
        finally:
            self._stop()


class _Asyncmy(_Looped):
    """An asyncmy connection."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        import asyncmy

        super().__init__("asyncmy", asyncmy.connect(**parameters, autocommit=True))

    def execute(self, statement: str) -> None:
        self._wait(self._run(statement))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._wait(self._run(query))]

    async def _run(self, statement: str) -> Any:
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement)
            return await cursor.fetchall()

    def close(self) -> None:
        try:
            self._wait(self._connection.ensure_closed())
        finally:
            self._stop()
