"""One server for all of pytest-xdist's workers, started when the first of them asks for it.

With ``--stairway`` the controller knows that a server is needed, and every worker is told its address.  Where only
tests of the user's own need one, nobody knows before a worker comes to the first of them.  So the controller keeps
somebody at the door: whoever knocks gets the address of the one server.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DOOR", "Porter", "ask_porter"]

DOOR = "stairway_door"
"""The key in an xdist worker's input: where to knock."""

LEAVE = "leave"
"""What ends the porter's work."""


class Porter:
    """Gives the server's address to whoever asks.

    Args:
        find_address: starts the server, the first time; None where there is none to be had.

    Raises:
        OSError: there is no socket to be had.
    """

    def __init__(self, find_address: Callable[[], str | None]) -> None:
        self._find_address = find_address
        self._key = secrets.token_bytes(16)
        self._listener = Listener(authkey=self._key)
        self.door = (str(self._listener.address), self._key.hex())
        """Where to knock, for `ask_porter` in another process."""
        self._thread = threading.Thread(target=self._serve, name="stairway-porter", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send the porter home."""
        with contextlib.suppress(OSError, EOFError), Client(self.door[0], authkey=self._key) as visitor:
            visitor.send(LEAVE)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while self._answer():
            pass

    def _answer(self) -> bool:
        """Answer one visitor; tell whether to go on."""
        try:
            visitor = self._listener.accept()
        except (EOFError, AuthenticationError, ConnectionError):  # went away at the door, or is none of ours
            return True
        except OSError:
            return False
        with visitor, contextlib.suppress(EOFError, OSError):
            if visitor.recv() == LEAVE:
                return False
            visitor.send(self._address())
        return True

    def _address(self) -> str | None:
        try:
            return self._find_address()
        except Exception:  # noqa: BLE001 - the visitor will find out for itself, and tell it
            return None


def ask_porter(door: tuple[str, str]) -> str | None:
    """Ask for the server's address; None where there is none, or nobody at the door any more."""
    place, key = door
    with contextlib.suppress(OSError, EOFError, AuthenticationError), Client(place, authkey=bytes.fromhex(key)) as host:
        host.send("address")
        address: str | None = host.recv()
        return address
    return None
