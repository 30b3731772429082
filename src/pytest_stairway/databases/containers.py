"""Runs a server in a container, for one run: its data in memory, reached on this machine only.

testcontainers starts it (`container_start`); a later session removes what a dead one has left (`container_sessions`).
"""

from __future__ import annotations

import contextlib
import functools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.container_sessions import Alive, sweep_containers
from pytest_stairway.databases.container_start import Recipe, places, run, wait
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.databases.postgresql import PostgresqlServer
from pytest_stairway.databases.running import Endings, Tenancy

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from pytest_stairway.databases.base import Server

__all__ = ["IMAGES", "ContainerProvider"]

IMAGES = {"postgresql": "postgres:{major}", "mysql": "mysql:{major}", "mariadb": "mariadb:{major}"}
"""By dialect: the image that is used where none is named."""
_MAJOR = {"postgresql": 17, "mysql": 8, "mariadb": 11}

_POSTGRESQL = Recipe(
    port=5432,
    user="postgres",
    tmpfs="/stairway",
    command=(
        "postgres",
        *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
        *("-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "autovacuum=off", "-c", "jit=off"),
        *("-c", "max_locks_per_transaction=256", "-c", "timezone=UTC"),
    ),
    environment=("POSTGRES_PASSWORD",),
)
_MYSQL = Recipe(
    port=3306,
    user="root",
    tmpfs="/var/lib/mysql",
    command=(
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--skip-log-bin",
        "--event-scheduler=OFF",
        "--skip-name-resolve",
        "--character-set-server=utf8mb4",
        "--default-time-zone=+00:00",
    ),
    environment=("MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"),
)
_RECIPES = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "mariadb": _MYSQL}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerProvider:
    """A server of our own, in a container."""

    dialect: str
    why: str
    image: str = ""
    """Empty for the usual one."""
    driver: str | None = None
    major: int | None = None
    name: str = "container"

    @property
    def chosen_image(self) -> str:
        """The image that is run."""
        return self.image or IMAGES[self.dialect].format(major=self.major or _MAJOR[self.dialect])

    @property
    def description(self) -> str:
        """What would be started."""
        return f"a server in a container of the image {self.chosen_image}"

    def start(self) -> Server:
        """Start the container, and wait until the server answers.

        Raises:
            DatabaseUnavailable: the engine does not answer, has no such image, or the server does not start; the
                message ends with the container's own last words.
        """
        answering_engine()
        driver = usable_driver(self.driver, dialect=self.dialect)
        session = new_session()
        alive = Alive(session)
        try:
            sweep_containers()
            container = run(self.chosen_image, _RECIPES[self.dialect], password := secrets.token_hex(16), session)
        except BaseException:
            alive.end()
            raise

        def stop() -> None:
            with contextlib.suppress(Exception):  # somebody else has removed it
                container.stop()
            alive.end()

        try:
            administrator = wait(container, lambda: self._urls(container, password), driver, self.chosen_image)
            name = container.get_wrapped_container().name
            endings = Endings(stop=stop, leave=functools.partial(alive.leave, name))
            return self._server(administrator, session, name, endings)
        except BaseException:
            stop()
            raise

    def _urls(self, container: Any, password: str) -> list[URL]:
        """Give the addresses under which the server may be reached: it depends on where we are ourselves."""
        from sqlalchemy.engine import URL

        recipe = _RECIPES[self.dialect]
        database = "postgres" if self.dialect == "postgresql" else None
        return [
            URL.create(self.dialect, recipe.user, password, host, port, database)
            for host, port in places(container, recipe.port)
        ]

    def _server(self, administrator: Administrator, session: str, name: str, endings: Endings) -> Server:
        place = f"container ({self.chosen_image})"
        tenancy = Tenancy(provider=self.name, place=place, session=session, private=True, container=name)
        if self.dialect == "postgresql":
            return PostgresqlServer(administrator, tenancy, endings=endings)
        return MysqlServer(administrator, tenancy, dialect=self.dialect, endings=endings)
