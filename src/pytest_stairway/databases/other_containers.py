"""Runs SQL Server, Oracle or CockroachDB in a container, by the classes that testcontainers has for them.

Those know their images' variables and when they are ready; the rest is as with any other container.
"""

from __future__ import annotations

import contextlib
import secrets
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.container_sessions import Alive, sweep_containers
from pytest_stairway.databases.container_start import places, start, wait
from pytest_stairway.databases.drivers import usable_driver
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.databases.other import KINDS, OtherServer
from pytest_stairway.databases.running import Endings, Tenancy
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL

__all__ = ["OtherContainerProvider", "container_class"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How one of testcontainers' classes is used."""

    module: str
    name: str
    image: str
    """Where none is named."""
    port: int
    user: str
    settings: Callable[[str], dict[str, str]]
    """Give the class's arguments for a password."""
    database: str | None = None
    """To which the administrator connects."""
    query: tuple[tuple[str, str], ...] = ()
    """What its URL says besides."""


_RECIPES = {
    "mssql": _Recipe(
        module="mssql",
        name="SqlServerContainer",
        image="mcr.microsoft.com/mssql/server:{major}-latest",
        port=1433,
        user="SA",
        settings=lambda password: {"username": "SA", "password": password, "dbname": "master"},
        database="master",
    ),
    "oracle": _Recipe(
        module="oracle",
        name="OracleDbContainer",
        image="gvenzl/oracle-free:{major}-slim",
        port=1521,
        user="system",
        settings=lambda password: {"oracle_password": password},
        query=(("service_name", "FREEPDB1"),),
    ),
    "cockroachdb": _Recipe(
        module="cockroachdb",
        name="CockroachDBContainer",
        image="cockroachdb/cockroach:latest-v{major}",
        port=26257,
        user="stairway",
        settings=lambda password: {"username": "stairway", "password": password, "dbname": "stairway"},
        database="stairway",
        query=(("sslmode", "require"),),
    ),
}
_MAJOR = {"mssql": "2022", "oracle": "23", "cockroachdb": "24.1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContainerProvider:
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
        return self.image or _RECIPES[self.dialect].image.format(major=self.major or _MAJOR[self.dialect])

    @property
    def description(self) -> str:
        """What would be started."""
        return f"{KINDS[self.dialect].product} in a container of the image {self.chosen_image}"

    def start(self) -> OtherServer:
        """Start the container, and wait until the server answers.

        Raises:
            DatabaseUnavailable: the engine does not answer, has no such image, or the server does not start.
        """
        answering_engine()
        driver = usable_driver(self.driver, dialect=self.dialect)
        password = f"Aa1_{secrets.token_hex(12)}"  # SQL Server wants four kinds of characters
        session = new_session()
        alive = Alive(session)
        try:
            sweep_containers()
            with _unwarned():
                container = start(lambda: self.container(password), self.chosen_image, session)
        except BaseException:
            alive.end()
            raise

        def stop() -> None:
            with contextlib.suppress(Exception):  # somebody else has removed it
                container.stop()
            alive.end()

        try:
            administrator = wait(container, lambda: self._urls(container, password), driver, self.chosen_image)
            place, name = f"container ({self.chosen_image})", container.get_wrapped_container().name
            tenancy = Tenancy(provider=self.name, place=place, session=session, private=True, container=name)
            return OtherServer(administrator, tenancy, dialect=self.dialect, endings=Endings(stop=stop))
        except BaseException:
            stop()
            raise

    def container(self, password: str) -> Any:
        """Make testcontainers' object, which is not started yet.

        Raises:
            DatabaseUnavailable: this testcontainers has no such class.
        """
        return container_class(self.dialect)(image=self.chosen_image, **_RECIPES[self.dialect].settings(password))

    def _urls(self, container: Any, password: str) -> list[URL]:
        from sqlalchemy.engine import URL

        recipe = _RECIPES[self.dialect]
        return [
            URL.create(self.dialect, recipe.user, password, host, port, recipe.database, dict(recipe.query))
            for host, port in places(container, recipe.port)
        ]


def container_class(dialect: str) -> Any:
    """Return testcontainers' own class; newer versions have moved it.

    Raises:
        DatabaseUnavailable: there is none.
    """
    recipe = _RECIPES[dialect]
    for package in ("testcontainers.community", "testcontainers"):
        with contextlib.suppress(ImportError), _unwarned():
            return getattr(import_module(f"{package}.{recipe.module}"), recipe.name)
    msg = f"this testcontainers has no {recipe.name}: python -m pip install --upgrade testcontainers"
    raise DatabaseUnavailable(msg)


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Let testcontainers use what it calls deprecated itself, also where somebody turns warnings into errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
