"""Whose containers are alive, and which are left over: each carries the name of its session.

A session holds a lock on a file for as long as it lives; a later one removes the containers of those whose lock nobody
holds, so nothing is left after ``kill -9``, with or without testcontainers' own reaper.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.engine import answering_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Alive", "labels_of", "retained_containers", "sessions_folder", "sweep_containers"]

_SESSION = "io.pytest-stairway.session"
_RETAINED = "retained"
"""Begins what stands in the file of a session whose container outlives it."""
_HOST = "io.pytest-stairway.host"
_FOLDER = "io.pytest-stairway.folder"
_ENDED = frozenset({"exited", "dead"})


def labels_of(session: str) -> dict[str, str]:
    """Return what a container of a session is marked with."""
    return {_SESSION: session, _HOST: _host(), _FOLDER: _folder()}


class Alive:
    """Says that a session is alive, until the process ends: a lock on a file, which no crash leaves behind."""

    def __init__(self, session: str) -> None:
        self._path = sessions_folder() / session
        while True:
            self._file = self._path.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == os.fstat(self._file.fileno()).st_ino:
                    return
            self._file.close()  # a sweep was between the two lines

    def leave(self, container: str, names: Sequence[str]) -> str:
        """Let a container outlive the session, for databases of these names, and say so."""
        self._file.write(f"{_RETAINED} {container}: {', '.join(names)}")
        self._file.close()
        return (
            f"the container {container} goes on for the kept databases: `docker rm --force --volumes {container}` "
            "removes it, and so does `stairway clean`"
        )

    def end(self) -> None:
        """Say that it is over."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def sessions_folder() -> Path:
    """Return where the sessions of this user on this machine say that they are alive."""
    folder = Path(tempfile.gettempdir(), f"pytest-stairway-sessions-{os.geteuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def retained_containers() -> list[str]:
    """Tell which containers are kept for databases of items that failed, by what their sessions said."""
    told = []
    for path in sorted(sessions_folder().iterdir()):
        with contextlib.suppress(OSError):  # somebody has just cleaned up
            said = path.read_text()
            told += [said.removeprefix(_RETAINED).strip()] if said.startswith(_RETAINED) else []
    return told


def _is_left(container: Any, *, retained: bool) -> bool:
    """Tell whether nobody needs a container any more.

    Another temporary folder has other locks, and so has another container with this machine's name: whether a session
    lives that says so there cannot be seen here, so its server must have ended by itself (with the machine, mostly).
    """
    if container.labels.get(_FOLDER) == _folder():
        return _is_dead(container.labels[_SESSION], retained=retained)
    return not retained and container.status in _ENDED


def _is_dead(session: str, *, retained: bool) -> bool:
    path = sessions_folder() / session
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if file.read().startswith(_RETAINED) is not retained:
                return False
    except FileNotFoundError:
        return not retained
    except OSError:
        return False
    path.unlink(missing_ok=True)
    return True


def sweep_containers(*, retained: bool = False) -> tuple[str, ...]:
    """Remove the containers of dead sessions of this user on this machine; give the sessions.

    Args:
        retained: those that are kept for databases of items that failed, and no others.

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
        ours = engine.containers.list(all=True, filters={"label": [_SESSION, f"{_HOST}={_host()}"]})
        for container in (each for each in ours if _is_left(each, retained=retained)):
            with contextlib.suppress(Exception):  # another session sweeps, too
                container.remove(force=True, v=True)
                swept.append(container.labels[_SESSION])
        for path in sessions_folder().iterdir():  # died before there was a container, or somebody has removed it
            _is_dead(path.name, retained=retained)
    finally:
        engine.close()
    return tuple(swept)


def _host() -> str:
    """Name the user and the machine."""
    return f"{socket.gethostname()}-{os.geteuid()}"


def _folder() -> str:
    """Name the folder with the locks, which is another one where only its path is the same."""
    known = sessions_folder().stat()
    return f"{known.st_dev}-{known.st_ino}"
