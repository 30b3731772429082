"""Whether a container engine answers, asked in milliseconds; importing a client for it takes seconds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from pathlib import Path

from pytest_stairway.exceptions import DatabaseUnavailable

__all__ = ["answering_engine", "engine_address"]

_SECONDS = 2.0
_SOCKETS = ("/var/run/docker.sock", "~/.docker/run/docker.sock", "$XDG_RUNTIME_DIR/docker.sock")


def answering_engine() -> str:
    """Return the address of an engine that answers.

    Raises:
        DatabaseUnavailable: there is none, or it does not answer.
    """
    address = engine_address()
    if address is None:
        msg = "there is no container engine (DOCKER_HOST is not set, and no socket is where Docker has it)"
        raise DatabaseUnavailable(msg)
    scheme, _, place = address.partition("://")
    if scheme == "unix":  # others cannot be asked without their keys: they are taken at their word
        try:
            answer = _ping(place)
        except OSError as err:
            msg = f"the container engine at {address} does not answer ({err})"
            raise DatabaseUnavailable(msg) from err
        if b" 200 " not in answer:
            msg = f"what answers at {address} is no container engine: {answer.decode(errors='replace')}"
            raise DatabaseUnavailable(msg)
    return address


def engine_address() -> str | None:
    """Return where the engine is: as ``DOCKER_HOST`` says, or the chosen context, or at the usual places.

    Source: Docker's documentation of ``docker context``.
    """
    named = os.environ.get("DOCKER_HOST") or _address_of_context()
    if named:
        return named
    places = (Path(os.path.expandvars(place)).expanduser() for place in _SOCKETS)
    return next((f"unix://{place}" for place in places if place.is_socket()), None)


def _address_of_context() -> str | None:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        name = os.environ.get("DOCKER_CONTEXT")
        name = name or json.loads((folder / "config.json").read_text(encoding="utf-8")).get("currentContext")
        if name and name != "default":
            digest = hashlib.sha256(name.encode()).hexdigest()
            told = json.loads((folder / "contexts" / "meta" / digest / "meta.json").read_text(encoding="utf-8"))
            return str(told["Endpoints"]["docker"]["Host"])
    return None


def _ping(place: str) -> bytes:
    """Ask over a Unix socket; give the first line of the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(place)
        connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
        return connection.recv(200).partition(b"\r\n")[0]
