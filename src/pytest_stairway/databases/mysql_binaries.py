"""Where the server programs of MariaDB and MySQL lie on this machine: on PATH, or where systems put them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.binaries import ask_version, major_of
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_stairway.databases.janitor import Account

__all__ = ["WELL_KNOWN", "MysqlInstallation", "is_mariadb", "newest", "on_this_machine", "short_version", "within"]

WELL_KNOWN = (
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/mysql/bin",
    "/usr/local/mariadb/bin",
    "/opt/mariadb*/bin",
    "/opt/mysql*/bin",
    "/opt/homebrew/opt/mariadb*/bin",
    "/opt/homebrew/opt/mysql*/bin",
    "/usr/local/opt/mariadb*/bin",
    "/usr/local/opt/mysql*/bin",
)
"""Where systems put server programs that are not on PATH."""

_SERVERS = ("mariadbd", "mysqld")
_INSTALLERS = ("mariadb-install-db", "mysql_install_db")
_CLIENTS = ("mariadb", "mysql")
_VERSION = rb" Ver (\S+)"


@dataclass(frozen=True, slots=True)
class MysqlInstallation:
    """One server's programs."""

    server: Path
    """``mariadbd`` or ``mysqld``, links resolved."""

    @property
    def place(self) -> str:
        """What the report's header says of it."""
        return f"binaries in {self.server.parent}"

    @property
    def installer(self) -> str | None:
        """What makes MariaDB's data directory; MySQL's server does so itself."""
        folder = self.server.parent
        for name in _INSTALLERS:
            for other in (folder, folder.parent / "bin", folder.parent / "scripts"):
                if (other / name).is_file():
                    return str(other / name)
        return next((found for name in _INSTALLERS if (found := shutil.which(name))), None)

    @property
    def client(self) -> str:
        """The client to name in commands: the one on PATH, else the one beside the server."""
        names = _CLIENTS if self.server.name == _SERVERS[0] else _CLIENTS[::-1]
        on_path = next((name for name in names if shutil.which(name)), None)
        own = next((path for name in names if (path := self.server.parent / name).is_file()), None)
        return on_path or (str(own) if own else names[0])

    def version(self, account: Account | None = None) -> str:
        """Return what the server says of its version, ``10.11.19-MariaDB-0+deb12u1``, by running it.

        Raises:
            DatabaseUnavailable: it does not run, at least not as this account.
        """
        return ask_version([str(self.server), "--no-defaults", "--version"], _VERSION, account)


def is_mariadb(version: str) -> bool:
    """Tell by what a server says of its version whether it is MariaDB."""
    return "mariadb" in version.lower()


def short_version(version: str) -> str:
    """Return ``10.11.19`` for ``10.11.19-MariaDB-0+deb12u1``."""
    found = re.match(r"[\d.]+\d", version)
    return found[0] if found else version


def within(folder: Path) -> list[MysqlInstallation]:
    """Return what lies in a folder, or in its `bin` or `sbin`."""
    return _distinct(path / name for path in (folder, folder / "bin", folder / "sbin") for name in _SERVERS)


def on_this_machine() -> list[MysqlInstallation]:
    """Return what is on PATH, then what lies in the well-known folders."""
    on_path = (Path(found) for name in _SERVERS if (found := shutil.which(name)))
    known = (path for pattern in WELL_KNOWN for path in sorted(Path("/").glob(pattern[1:]), reverse=True))
    return _distinct((*on_path, *(folder / name for folder in known for name in _SERVERS)))


def _distinct(paths: Iterable[Path]) -> list[MysqlInstallation]:
    """Leave out what is not there, and other names of what is."""
    return [MysqlInstallation(path) for path in dict.fromkeys(path.resolve() for path in paths if path.is_file())]


def newest(
    installations: Sequence[MysqlInstallation], dialect: str, major: int | None = None
) -> tuple[MysqlInstallation, str]:
    """Return the first installation that runs and serves the dialect, of the wanted major version if one is wanted.

    SQLAlchemy's dialect ``mariadb`` accepts MariaDB only; for ``mysql`` MySQL itself comes first.

    Returns:
        The installation, and what it says of its version.

    Raises:
        DatabaseUnavailable: none of them; the message says why of each.
    """
    reasons, running = [], []
    for installation in installations:
        try:
            running.append((installation, installation.version()))
        except DatabaseUnavailable as err:
            reasons.append(str(err))
    running.sort(key=lambda pair: is_mariadb(pair[1]) is (dialect == "mysql"))
    for installation, version in running:
        if dialect == "mariadb" and not is_mariadb(version):
            reasons.append(f"{installation.server} is MySQL, which SQLAlchemy's dialect mariadb refuses")
        elif major is not None and major_of(version) != major:
            reasons.append(f"version {major} is wanted, {installation.server} is {short_version(version)}")
        else:
            return installation, version
    raise DatabaseUnavailable("; ".join(reasons) or "none found")
