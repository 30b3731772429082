"""Runs a server in a container, for one run: its data in memory, reached on this machine only.

testcontainers starts it.  Whether it is ready is asked with the driver, which is quicker than running a client inside,
and a container that has died is noticed at once.  A container carries the name of its session; a later session removes
those whose session is dead, so nothing is left after ``kill -9``, with or without testcontainers' own reaper.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import new_session
from pytest_stairway.databases.drivers import Administrator, usable_driver
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.databases.postgresql import PostgresqlServer
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import URL

    from pytest_stairway.databases.base import Server

__all__ = ["IMAGES", "ContainerProvider", "sweep_containers"]

IMAGES = {"postgresql": "postgres:{major}", "mysql": "mysql:{major}", "mariadb": "mariadb:{major}"}
"""By dialect: the image that is used where none is named."""
_MAJOR = {"postgresql": 17, "mysql": 8, "mariadb": 11}
_START_SECONDS = 90
_LAST_WORDS = 10
_SESSION = "io.pytest-stairway.session"
_HOST = "io.pytest-stairway.host"


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How to start one kind of server."""

    port: int
    user: str
    tmpfs: str
    """Where its data goes, in memory."""
    command: tuple[str, ...]
    environment: tuple[str, ...]
    """The variables that take the password."""


_POSTGRESQL = _Recipe(
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
_MYSQL = _Recipe(
    port=3306,
    user="root",
    tmpfs="/var/lib/mysql",
    command=(
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
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
        alive = _Alive(session)
        try:
            sweep_containers()
            container = _run(self.chosen_image, _RECIPES[self.dialect], password := secrets.token_hex(16), session)
        except BaseException:
            alive.end()
            raise

        def stop() -> None:
            with contextlib.suppress(Exception):  # somebody else has removed it
                container.stop()
            alive.end()

        try:
            administrator = _wait(container, lambda: self._urls(container, password), driver, self.chosen_image)
            return self._server(administrator, session, stop)
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
            for host, port in _places(container, recipe.port)
        ]

    def _server(self, administrator: Administrator, session: str, stop: Callable[[], None]) -> Server:
        place = f"container ({self.chosen_image})"
        if self.dialect == "postgresql":
            return PostgresqlServer(
                provider=self.name,
                place=place,
                administrator=administrator,
                session=session,
                private=True,
                on_close=stop,
            )
        return MysqlServer(
            provider=self.name,
            place=place,
            administrator=administrator,
            session=session,
            dialect=self.dialect,
            private=True,
            on_close=stop,
        )


def _run(image: str, recipe: _Recipe, password: str, session: str) -> Any:
    """Start a container.

    Raises:
        DatabaseUnavailable: testcontainers is missing, or the engine refuses.
    """
    try:
        from testcontainers.core.container import DockerContainer
    except ImportError as err:
        msg = "testcontainers is not installed: python -m pip install 'pytest-stairway[container]'"
        raise DatabaseUnavailable(msg) from err
    try:
        container = DockerContainer(image)
        container.ports[str(recipe.port)] = ("127.0.0.1", None) if _is_local() else None  # type: ignore[assignment]  # as docker has it
        container.with_envs(**dict.fromkeys(recipe.environment, password), PGDATA="/stairway/data")
        container.tmpfs[recipe.tmpfs] = "rw"
        container.with_command(list(recipe.command))
        container.with_kwargs(labels={_SESSION: session, _HOST: _host()})
        with _without_reaper():
            return container.start()
    except Exception as err:
        msg = f"the container engine cannot run {image}: {_one_line(err)}"
        raise DatabaseUnavailable(msg) from err


def _places(container: Any, port: int) -> list[tuple[str, int]]:
    """Give hosts and ports: this machine's, or, where we are in a container too, the container's own."""
    client, wrapped = container.get_docker_client(), container.get_wrapped_container()
    try:
        published = int(client.port(wrapped.id, port))
        if not _is_local():
            return [(container.get_container_host_ip(), published)]
        own = client.bridge_ip(wrapped.id)
    except (ConnectionError, LookupError):  # not yet there, or no longer
        return []
    return [("127.0.0.1", published), *([(own, port)] if own else [])]


def _is_local() -> bool:
    return answering_engine().startswith("unix:")


@contextlib.contextmanager
def _without_reaper() -> Iterator[None]:
    """Start no reaper unless somebody asks for it: its image may be out of reach, and we sweep ourselves."""
    from testcontainers.core.config import testcontainers_config as config

    if "TESTCONTAINERS_RYUK_DISABLED" in os.environ:
        yield
        return
    before, config.ryuk_disabled = config.ryuk_disabled, True
    try:
        yield
    finally:
        config.ryuk_disabled = before


def _wait(container: Any, urls: Callable[[], Sequence[URL]], driver: str, image: str) -> Administrator:
    """Connect under the first address that answers, as soon as one does.

    Raises:
        DatabaseUnavailable: the container has died, or takes too long.
    """
    deadline = time.monotonic() + _START_SECONDS
    wrapped = container.get_wrapped_container()
    said = ""
    while time.monotonic() < deadline:
        wrapped.reload()
        if wrapped.status not in {"created", "running", "restarting"}:
            msg = f"the container of {image} has died; its last words:{_last_words(wrapped)}"
            raise DatabaseUnavailable(msg)
        for url in urls():
            try:
                return Administrator(url, driver)
            except DatabaseUnavailable as err:
                said = str(err)
        time.sleep(0.05)
    msg = f"{image} does not answer after {_START_SECONDS} seconds ({said}); its last words:{_last_words(wrapped)}"
    raise DatabaseUnavailable(msg)


def _last_words(wrapped: Any) -> str:
    with contextlib.suppress(Exception):
        said = wrapped.logs(tail=_LAST_WORDS).decode(errors="replace").strip().splitlines()
        return "".join(f"\n  {line}" for line in said)
    return " nothing"


def _one_line(err: Exception) -> str:
    return " ".join(str(getattr(err, "explanation", None) or err).split())


class _Alive:
    """Says that a session is alive, until the process ends: a lock on a file, which no crash leaves behind."""

    def __init__(self, session: str) -> None:
        self._path = _folder() / session
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def end(self) -> None:
        """Say that it is over."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def _folder() -> Path:
    folder = Path(tempfile.gettempdir(), f"pytest-stairway-sessions-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _is_dead(session: str) -> bool:
    path = _folder() / session
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    path.unlink(missing_ok=True)
    return True


def sweep_containers() -> tuple[str, ...]:
    """Remove the containers of dead sessions of this user on this machine; give the sessions.

    Raises:
        DatabaseUnavailable: the engine does not answer.
    """
    answering_engine()
    try:
        from testcontainers.core.docker_client import DockerClient
    except ImportError:
        return ()
    engine = DockerClient().client
    swept = []
    try:
        for container in engine.containers.list(all=True, filters={"label": [_SESSION, f"{_HOST}={_host()}"]}):
            session = container.labels[_SESSION]
            if _is_dead(session):
                with contextlib.suppress(Exception):  # another session sweeps, too
                    container.remove(force=True, v=True)
                    swept.append(session)
    finally:
        engine.close()
    return tuple(swept)


def _host() -> str:
    """Name whose locks can be looked at: this user's on this machine."""
    return f"{socket.gethostname()}-{os.geteuid()}"
