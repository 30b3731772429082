"""Starts a container by testcontainers, and connects to the server in it as soon as that answers.

Whether it is ready is asked with the driver, which is quicker than running a client inside, and a container that has
died is noticed at once.  Its port is published on this machine's loopback; where the engine cannot do that, or we are
in a container ourselves, the container's own address is used.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.container_sessions import labels_of
from pytest_stairway.databases.drivers import Administrator
from pytest_stairway.databases.engine import answering_engine
from pytest_stairway.exceptions import DatabaseUnavailable, DriverUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import URL

__all__ = ["Recipe", "places", "run", "start", "wait"]

LOOPBACK = "127.0.0.1"
_START_SECONDS = 90
_LAST_WORDS = 10
_PORTS = re.compile(r"external connectivity|bind|port|proxy|iptables", re.IGNORECASE)
"""What an engine says that cannot publish a port."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start one kind of server."""

    port: int
    user: str
    tmpfs: str
    """Where its data goes, in memory."""
    command: tuple[str, ...]
    environment: tuple[str, ...]
    """The variables that take the password."""


def run(image: str, recipe: Recipe, password: str, session: str) -> Any:
    """Start a container.

    Raises:
        DatabaseUnavailable: testcontainers is missing, or the engine refuses.
    """
    try:
        from testcontainers.core.container import DockerContainer
    except ImportError as err:
        msg = "testcontainers is not installed: python -m pip install 'pytest-stairway[container]'"
        raise DatabaseUnavailable(msg) from err

    def container() -> Any:
        made = DockerContainer(image).with_exposed_ports(recipe.port)
        made.with_envs(**dict.fromkeys(recipe.environment, password), PGDATA="/stairway/data")
        made.tmpfs[recipe.tmpfs] = "rw"
        made.with_command(list(recipe.command))
        return made

    return start(container, image, session)


def start(make: Callable[[], Any], image: str, session: str) -> Any:
    """Start a container whose ports are published on this machine; where the engine cannot do that, without.

    Args:
        make: makes testcontainers' object for it.
        image: for messages.
        session: the run.

    Raises:
        DatabaseUnavailable: the engine refuses.
    """
    try:
        return _started(make(), session, publish=True)
    except DatabaseUnavailable:
        raise
    except Exception as err:
        refused = _one_line(err)
        if not _is_local() or not _PORTS.search(refused):
            msg = f"the container engine cannot run {image}: {refused}"
            raise DatabaseUnavailable(msg) from err
    try:
        return _started(make(), session, publish=False)
    except Exception as err:
        msg = f"the container engine cannot run {image}: {refused}; and without a published port: {_one_line(err)}"
        raise DatabaseUnavailable(msg) from err


def _started(container: Any, session: str, *, publish: bool) -> Any:
    where = (LOOPBACK, None) if _is_local() else None
    container.ports = dict.fromkeys(container.ports, where) if publish else {}
    container.with_kwargs(labels=labels_of(session))
    try:
        with _without_reaper():
            return container.start()
    except BaseException:
        with contextlib.suppress(Exception):  # it was made, but does not start
            container.stop()
        raise


def places(container: Any, port: int) -> list[tuple[str, int]]:
    """Give hosts and ports: this machine's, and for where that is out of reach the container's own."""
    client, wrapped = container.get_docker_client(), container.get_wrapped_container()
    found = []
    with contextlib.suppress(ConnectionError, LookupError):  # not yet there, or not published
        published = int(client.port(wrapped.id, port))
        found.append((LOOPBACK if _is_local() else container.get_container_host_ip(), published))
    if _is_local():
        with contextlib.suppress(ConnectionError, LookupError):
            own = client.bridge_ip(wrapped.id)
            found += [(own, port)] if own else []
    return found


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


def wait(container: Any, urls: Callable[[], Sequence[URL]], driver: str, image: str) -> Administrator:
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
        connected, refused = _connect(urls(), driver)
        if connected is not None:
            return connected
        said = "; ".join(refused) or "it has no address yet"
        time.sleep(0.05)
    msg = f"{image} does not answer after {_START_SECONDS} seconds ({said}); its last words:{_last_words(wrapped)}"
    raise DatabaseUnavailable(msg)


def _connect(urls: Sequence[URL], driver: str) -> tuple[Administrator | None, list[str]]:
    """Connect under the first address that answers, or give what each said."""
    refused: list[str] = []
    for url in urls:
        try:
            connected = Administrator(url, driver)
        except DriverUnusable:
            raise
        except DatabaseUnavailable as err:
            refused.append(str(err))
            continue
        if refused:  # the one before may have been asked a moment too early
            with contextlib.suppress(DatabaseUnavailable):
                first = Administrator(urls[0], driver)
                connected.close()
                return first, []
        return connected, []
    return None, refused


def _last_words(wrapped: Any) -> str:
    with contextlib.suppress(Exception):
        said = wrapped.logs(tail=_LAST_WORDS).decode(errors="replace").strip().splitlines()
        return "".join(f"\n  {line}" for line in said)
    return " nothing"


def _one_line(err: Exception) -> str:
    return " ".join(str(getattr(err, "explanation", None) or err).split())
