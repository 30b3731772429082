"""Stands for what a database was made from, so that a template is never taken for another one.

A key covers everything that shapes a database at a revision, as far as files can tell: the revision files up to there,
in their order, with the modules of the project's own that they import; `env.py` and whatever else lies beside it;
Alembic's configuration; the versions of Alembic, SQLAlchemy and ourselves; the dialect.  What `env.py` itself imports
is left out: that is the models, which change all the time and which no migration runs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import sysconfig
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_stairway.revisions import History

__all__ = ["Lineage"]

FORMAT = 1
"""Of the keys: raise it when a database is made in another way from the same files."""

OURS = ("alembic", "sqlalchemy")
"""Imported by every revision; their versions count."""

_MEMBERS = rb"(?:\(([^)]*)\)|([\w, \t]+))"
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+" + _MEMBERS + rb"|import[ \t]+([\w., \t]+))", re.MULTILINE
)


class Lineage:
    """Keys of the databases of one history.

    Args:
        history: the revisions.
        dialect: SQLAlchemy's name of the dialect.
        facts: what else shapes them.
    """

    def __init__(self, history: History, *, dialect: str, facts: Iterable[str] = ()) -> None:
        self._history = history
        self._dialect = dialect
        self._facts = tuple(facts)
        self._sources: dict[str, bytes] = {}

    def keys(self, revisions: Sequence[str], *, purpose: str = "walk") -> list[str]:
        """Give a key for each place on a way up: after the first revision, after the second, and so on.

        Args:
            revisions: full identifiers, in the order in which they are applied.
            purpose: how they are applied; one way may leave something else than another.
        """
        keys = []
        digest = hashlib.sha256(f"{purpose}\0{self._ground}".encode())
        for revision in revisions:
            digest.update(hashlib.sha256(self._source(revision)).digest())
            keys.append(digest.hexdigest())
        return keys

    def _source(self, revision: str) -> bytes:
        if revision not in self._sources:
            self._sources[revision] = _read(Path(self._history[revision].path))
        return self._sources[revision]

    @cached_property
    def _ground(self) -> str:
        """Stand for everything that is the same at every revision."""
        revisions = {each.path for each in self._history.revisions}
        folder = os.path.abspath(self._history.script.dir)  # noqa: PTH100 - as the revisions' paths are written
        beside = [Path(path) for path in _files(folder) if path not in revisions]
        sources = (self._source(each.revision) for each in self._history.revisions)
        parts = [
            *(str(FORMAT), __version__, self._dialect, *self._facts),
            *(version(name) for name in OURS),
            *self._configuration(),
            *(f"{path.name} {_digest(_read(path))}" for path in beside),
            *imported(sources),
        ]
        return _digest("\0".join(parts).encode())

    def _configuration(self) -> Iterator[str]:
        config = self._history.config
        if config.config_file_name is not None:
            yield _digest(_read(Path(config.config_file_name)))
        yield repr(getattr(config, "toml_alembic_config", ""))  # not the whole file: it is everybody's
        yield config.config_ini_section
        yield repr(getattr(config.cmd_opts, "x", None))


def _files(folder: str) -> list[str]:
    """List what lies below a folder, without what Python makes of it."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [os.path.join(here, name) for name in names]  # noqa: PTH118 - there may be thousands
    return sorted(found)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone, or not ours to read: then it shapes nothing
        return b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def imported(sources: Iterable[bytes]) -> list[str]:
    """Stand for the modules that some sources import, with those that these import, and so on.

    Of what is installed the version counts, of the project's own modules the content.  Nothing is imported here.
    """
    seen: dict[str, str] = {}
    pending = sorted({name for source in sources for name in _names(source)}, reverse=True)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen[name], source = _described(name)
        pending += [other for other in _names(source) if other not in seen]
    return sorted(f"{name} {what}" for name, what in seen.items() if what)


def _names(source: bytes) -> set[str]:
    """Name what a source imports, as far as it is neither Python's own nor known anyway."""
    names: set[str] = set()
    for package, *members, modules in _IMPORT.findall(source):
        if package:
            parts = {f"{package.decode()}.{part}" for each in members for part in _listed(each)}
            names |= {package.decode(), *parts}
        names |= set(_listed(modules))
    known = {*sys.stdlib_module_names, *OURS, ""}
    return {name for name in names if name.partition(".")[0] not in known}


def _listed(text: bytes) -> list[str]:
    """Give the names in a list of imports."""
    return [part.split()[0] for part in text.decode(errors="replace").split(",") if part.strip()]


def _described(name: str) -> tuple[str, bytes]:
    """Stand for one module, and give its source where it is the project's own."""
    top, *rest = name.split(".")
    folders = _places(top)
    if folders is None:
        return "", b""
    if any(_is_installed(folder) for folder in folders):
        return (_version(top) if not rest else ""), b""
    for folder in folders:
        base = folder.joinpath(top, *rest)
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                source = _read(path)
                return _digest(source), source
    return "", b""


def _places(top: str) -> list[Path] | None:
    """Find the folders in which a package or module that stands at the top lies."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # somebody put a stranger into sys.modules
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        return [Path(each).parent for each in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.origin else None


def _is_installed(folder: Path) -> bool:
    return str(folder) in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}


def _version(top: str) -> str:
    try:
        return version(top)
    except PackageNotFoundError:  # it is distributed under another name
        places = _places(top) or []
        return " ".join(str(path.stat().st_mtime_ns) for path in (place / top for place in places) if path.exists())
