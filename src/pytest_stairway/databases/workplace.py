"""Where a server of our own lives for one run: a folder that goes with it, in memory where there is room."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.janitor import Account, Janitor
from pytest_stairway.databases.sweeping import sweep_folders
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Workplace", "new_folder", "roomy_folder", "usable_folders"]

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # memory, not a name that somebody could guess
_OTHERS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # mkdtemp makes the folder in it
_ROOM = 1 << 30
_LAST_WORDS = 8


class Workplace:
    """A new folder for one server, and the janitor that removes it.

    Args:
        account: whom the server runs as.
        stop: the signal that stops the server.
    """

    def __init__(self, account: Account, *, stop: str = "QUIT") -> None:
        self._account = account
        sweep_folders(usable_folders(account))
        self.folder = new_folder(roomy_folder(account), account)
        self.log = self.folder / "log"
        self.data = self.folder / "data"
        try:
            self.janitor = Janitor([self.folder], account, stop=stop)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def socket_folder(self, fits: Callable[[Path], bool]) -> Path:
        """Return a folder in which a socket's address is short enough.

        Raises:
            DatabaseUnavailable: there is none.
        """
        if fits(self.folder):
            return self.folder
        for base in (*_OTHERS, SHARED_MEMORY):
            if _is_usable(base, self._account):
                folder = new_folder(base, self._account)
                self.janitor.add(folder)
                return folder
        msg = f"{self.folder} is too long for a socket's address, and no other folder can be used: set TMPDIR"
        raise DatabaseUnavailable(msg)

    def leave(self, names: Sequence[str]) -> str:
        """Let the server go on for databases of these names, and say so.

        Raises:
            DatabaseUnavailable: it is gone already.
        """
        self.janitor.leave(names)
        return f"the server of the kept databases goes on in {self.folder}: `stairway clean` stops it and removes them"

    def last_words(self, what: str) -> str:
        """Tell a failure with the end of the server's log."""
        try:
            said = self.log.read_text(errors="replace").strip().splitlines()[-_LAST_WORDS:]
        except OSError:
            said = []
        return "\n  ".join([f"{what}; its last words:", *said])


def roomy_folder(account: Account | None = None) -> Path:
    """Return where throwaway files go: memory where there is over a gigabyte of it, else the temporary folder.

    Raises:
        DatabaseUnavailable: the server's account can use neither.
    """
    return usable_folders(account or Account())[0]


def usable_folders(account: Account) -> list[Path]:
    """Return the folders in which a folder for an account can be made, the best first.

    Raises:
        DatabaseUnavailable: there is none.
    """
    roomy = [SHARED_MEMORY] if _has_room(SHARED_MEMORY) else []
    temporary = Path(tempfile.gettempdir()).absolute()
    found = [base for base in dict.fromkeys((*roomy, temporary, *_OTHERS)) if _is_usable(base, account)]
    if not found:
        msg = f"there is no temporary folder that uid {account.uid or os.geteuid()} can use: set TMPDIR to one"
        raise DatabaseUnavailable(msg)
    return found


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free > _ROOM
    except OSError:
        return False


def _is_usable(base: Path, account: Account) -> bool:
    """Say whether we can make a folder in `base` that the account can reach, and whose path can be quoted."""
    if not os.access(base, os.W_OK | os.X_OK) or not str(base).isprintable():
        return False
    if account.uid is None:
        return True
    real = base.resolve()  # the account must enter it, and in the end remove its own folder from it
    return real.stat().st_mode & 0o002 != 0 and all(path.stat().st_mode & 0o001 for path in (real, *real.parents))


def new_folder(base: Path, account: Account) -> Path:
    """Make a folder that the account owns, and that we may still write to: not every root may do everything."""
    folder = Path(tempfile.mkdtemp(prefix="stairway-", suffix=f".{os.getpid()}", dir=base))
    try:
        account.own(folder)
        list(folder.iterdir())
        (folder / "log").touch()
        account.own(folder / "log")
    except OSError as err:
        shutil.rmtree(folder, ignore_errors=True)
        msg = f"this root cannot share a folder with uid {account.uid} ({err}): run as an ordinary user"
        raise DatabaseUnavailable(msg) from err
    return folder
