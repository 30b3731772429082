"""Leaves nothing behind, even after ``kill -9`` of this process.

A small shell reads from a pipe that only we hold.  It runs what must not outlive us (`initdb`, the server) as its own
children, so it can wait for them, and when the pipe closes, for whatever reason, it stops the server and removes the
folders.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.sweeping import hold, mark_retained
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Account", "Janitor", "clean_environment", "server_account"]

_SHELL = """
trap '' HUP INT TERM PIPE
child= stop=$1
shift
while IFS= read -r line && [ -n "$line" ]; do eval "$line"; done
if [ -n "$child" ]; then kill -"$stop" "$child" 2>/dev/null; wait "$child"; fi
cd / && rm -rf -- "$@"
"""
_CLOSE_SECONDS = 30
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCALE_ARCHIVE", "ICU_DATA")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as."""

    uid: int | None = None
    """None for whoever we are."""
    gid: int | None = None

    @property
    def popen(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs in order to run something as this account."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, *paths: Path) -> None:
        """Give files and folders, with all that is in them, to this account."""
        if self.uid is None:
            return
        for path in paths:
            os.chown(path, self.uid, self.gid or 0, follow_symlinks=False)
            for folder, folders, files in os.walk(path):
                for name in (*folders, *files):
                    os.chown(f"{folder}/{name}", self.uid, self.gid or 0, follow_symlinks=False)


def server_account() -> Account:
    """Return whom PostgreSQL can run as: never root, so ``nobody`` when we are root.

    Raises:
        DatabaseUnavailable: there is no such user, or we are one without a name; `initdb` refuses both.
    """
    uid = os.geteuid()
    try:
        entry = pwd.getpwnam("nobody") if uid == 0 else pwd.getpwuid(uid)
    except KeyError as err:
        who = "root, and PostgreSQL would run as nobody, but this system has no such user" if uid == 0 else f"uid {uid}"
        msg = f"we are {who}, and initdb insists on a name for it in /etc/passwd: add one, or run as another user"
        raise DatabaseUnavailable(msg) from err
    return Account(entry.pw_uid, entry.pw_gid) if uid == 0 else Account()


def clean_environment() -> dict[str, str]:
    """Return what programs need in order to be found and run, and messages in English.

    The rest of our environment stays with us: some of it leads PostgreSQL elsewhere (``PGDATA``), and some is secret,
    while whatever else runs as ``nobody`` could read it.
    """
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, "LC_ALL": "C"}


class Janitor:
    """Runs what must not outlive us, and removes `folders` when we close it or die.

    Args:
        folders: absolute paths, removed with all that is in them; more can be named in `add`.
        account: who runs all of it.
        stop: the signal that stops the server; QUIT ends PostgreSQL without the checkpoint that nobody will read.

    Raises:
        DatabaseUnavailable: the account cannot be used.
    """

    def __init__(self, folders: Sequence[Path], account: Account | None = None, *, stop: str = "QUIT") -> None:
        self.account = account or Account()
        self._folders = list(folders)
        self._held = [hold(folder) for folder in folders]
        self._process = os.getpid()
        try:
            self._shell = subprocess.Popen(  # noqa: S603  # our own script
                ["/bin/sh", "-c", _SHELL, "stairway-janitor", stop, *map(str, folders)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=clean_environment(),
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                **self.account.popen,
            )
        except (OSError, subprocess.SubprocessError) as err:
            msg = f"cannot run anything as uid {self.account.uid or os.geteuid()} ({err}): run as an ordinary user"
            raise DatabaseUnavailable(msg) from err

    def add(self, folder: Path) -> None:
        """Remove one more folder in the end."""
        self._folders.append(folder)
        self._held.append(hold(folder))
        self._say(f'set -- "$@" {shlex.quote(str(folder))}')

    def run(self, command: Sequence[str], log: Path) -> bool:
        """Run a command to its end and say whether it succeeded; if we die meanwhile, it ends first."""
        self._say(f"{shlex.join(command)} </dev/null >>{shlex.quote(str(log))} 2>&1; echo $?")
        status: bytes = self._stdout.readline()
        return status.strip() == b"0"

    def serve(self, command: Sequence[str], log: Path) -> None:
        """Start the server; it holds the shell's output, so that its death is seen."""
        self._say(f"{shlex.join(command)} 2>>{shlex.quote(str(log))} & child=$!; exec >/dev/null")

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until the server is ready; False when it died, or time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            died, _, _ = select.select([self._stdout], [], [], 0.004)
            if died or time.monotonic() > deadline:
                return False
        return True

    def stop_server(self, seconds: float, *, signal: str = "INT") -> bool:
        """Let the server come to a clean end, and say whether it did; the folders stay until we close."""
        self._say(f'kill -{signal} "$child"')
        died, _, _ = select.select([self._stdout], [], [], seconds)
        return bool(died)

    def leave(self, names: Sequence[str]) -> None:
        """Let the server go on, and its folders stay, for databases of these names; only ``stairway clean`` ends that.

        Raises:
            DatabaseUnavailable: the shell is gone, and the server with it.
        """
        for folder in self._folders:
            mark_retained(folder, names)
        self._say("exit 0")
        self._end()

    def close(self) -> None:
        """Stop the server and remove the folders, now; in a forked process nothing happens."""
        if os.getpid() != self._process or self._stdin.closed:
            return
        with contextlib.suppress(DatabaseUnavailable):
            self._say("")  # a forked process may still hold the pipe open
        self._end()
        for folder in self._folders:  # somebody killed the shell; a server without its data ends by itself
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self) -> None:
        """Let the shell come to its end, and the locks go."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._stdout.close()
        try:
            self._shell.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._shell.kill()
        for file in filter(None, self._held):
            file.close()

    @property
    def _stdin(self) -> Any:
        return self._shell.stdin

    @property
    def _stdout(self) -> Any:
        return self._shell.stdout

    def _say(self, line: str) -> None:
        try:
            self._stdin.write(os.fsencode(line) + b"\n")
            self._stdin.flush()
        except OSError as err:
            msg = f"the shell that looks after the database server is gone ({err})"
            raise DatabaseUnavailable(msg) from err
