"""Connections that go past SQLAlchemy: a driver's own ``connect``, or a client program in a process of its own.

SQLAlchemy's events see every connection of every engine, and nothing of ``psycopg2.connect(…)`` in a migration.  While
somebody watches, each driver is watched at the one place that all its ways to connect go through; that keeps an eye
also on a ``connect`` that a module imported by name long before.  SQLite's connections and new processes are told by
Python's own audit events.  Nothing is in place while nobody watches, but for the audit hook, which cannot be taken out
and then returns at once.

What no Python program can see stays unseen: a connection that was open before and is used by its raw cursor, and what a
database server does by itself (``dblink``, foreign tables).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway.contacts import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["Attempt", "in_memory", "ours", "path_of", "watched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something that is about to leave the process."""

    what: str
    """For people: ``psycopg2.connect()``."""
    address: str
    """Where to, without a password; the name of the program for a process."""
    file: str | None = None
    """SQLite's file, as an absolute path."""


# Private names, on purpose: the public functions above them are imported by name, and stand in modules and classes
# several times over, so that wrapping those would miss most of the ways to connect.
PLACES: dict[str, tuple[str, ...]] = {
    "psycopg": (  # the first before it looks up the host, the second where a subclass goes its own way
        *("Connection._get_connection_params", "Connection._connect_gen"),
        *("AsyncConnection._get_connection_params", "AsyncConnection._connect_gen"),
    ),
    "psycopg2": ("_connect",),
    "asyncpg": ("connect_utils._connect",),
    "pg8000": ("core.CoreConnection.__init__",),
    "pymysql": ("connections.Connection.connect",),
    "aiomysql": ("connection.Connection._connect",),
    "asyncmy": ("connect", "connection.connect"),
    "mysql.connector": ("connect", "Connect"),
    "MySQLdb": ("connect", "Connect", "Connection"),
    "mariadb": ("connect",),
    "pyodbc": ("connect",),
    "pymssql": ("connect",),
    "oracledb": ("connect", "connect_async"),
}
"""Per driver's module, what is called by all its ways to connect; the first eight are tried with real drivers."""

PROGRAMS = frozenset(
    {
        *("psql", "pg_dump", "pg_dumpall", "pg_restore", "createdb", "dropdb", "createuser", "dropuser", "pgbench"),
        *("mysql", "mysqldump", "mariadb", "mariadb-dump", "sqlite3", "sqlcmd", "sqlplus", "alembic"),
    }
)
"""Programs that would reach the project's own database from another process."""

SHELL_WORDS = re.compile(r"(?:^|[\s;&|(/])([\w-]+)(?=\s|$|;)")

_ours: ContextVar[bool] = ContextVar("stairway_ours", default=False)
_judges: list[Callable[[Attempt], None]] = []
_wrapped: list[tuple[Any, str, Any]] = []
_lock = threading.RLock()
_audited = False


@contextlib.contextmanager
def ours() -> Iterator[None]:
    """Let our own connections through, those in event loops and tasks that the block starts included."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


@contextlib.contextmanager
def watched(judge: Callable[[Attempt], None]) -> Iterator[None]:
    """Ask `judge` about everything that goes past SQLAlchemy for as long as the block lasts; it raises to refuse."""
    with _lock:
        _judges.append(judge)
        if len(_judges) == 1:
            _install()
    try:
        yield
    finally:
        with _lock:
            _judges.remove(judge)
            if not _judges:
                _uninstall()


def _judge(attempt: Attempt) -> None:
    if not _ours.get():
        for judge in tuple(_judges):
            judge(attempt)


def _install() -> None:
    global _audited  # noqa: PLW0603 - one hook a process, see the module's docstring
    if not _audited:
        sys.addaudithook(_audit)
        _audited = True
    sys.meta_path.insert(0, _finder)
    for name in PLACES:
        if sys.modules.get(name) is not None:  # None keeps everybody from importing it
            _wrap_driver(sys.modules[name])


def _uninstall() -> None:
    sys.meta_path.remove(_finder)
    while _wrapped:
        owner, name, original = _wrapped.pop()
        setattr(owner, name, original)


# -- drivers --------------------------------------------------------------------------------------------------------


class _Finder(MetaPathFinder):
    """Wraps a driver that is imported while somebody watches, right after its module was executed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a driver by the other finders."""
        if name not in PLACES:
            return None
        finders = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and spec.loader is not None:
            _extend(spec.loader)
        return spec


_finder = _Finder()


def _extend(loader: Any) -> None:
    """Let a loader wrap the module that it executes; a loader serves one module, so nobody else sees it."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        with _lock:
            if _judges:
                _wrap_driver(module)

    with contextlib.suppress(AttributeError):  # a loader that takes no attributes: its module stays unwatched
        loader.exec_module = exec_module


def _wrap_driver(module: ModuleType) -> None:
    for place in PLACES.get(module.__name__, ()):
        *path, name = place.split(".")
        owner: Any = module
        for step in path:
            owner = getattr(owner, step, None)
        owner = next((each for each in getattr(owner, "__mro__", (owner,)) if name in vars(each or object)), None)
        if owner is not None:
            _wrap(owner, name, f"{module.__name__}.connect()")


def _wrap(owner: Any, name: str, what: str) -> None:
    original = vars(owner)[name]
    is_class_method = isinstance(original, classmethod)
    call = original.__func__ if is_class_method else original
    if hasattr(call, "__stairway__"):
        return

    @functools.wraps(call)
    def asked(*args: Any, **kwargs: Any) -> Any:
        texts = [each for each in args if isinstance(each, (str, bytes, os.PathLike))]
        _judge(Attempt(what=what, address=address_of(texts, kwargs)))
        return call(*args, **kwargs)

    asked.__stairway__ = True  # type: ignore[attr-defined]  # not wrapped twice
    with contextlib.suppress(TypeError):  # a class of C that takes no attributes
        setattr(owner, name, classmethod(asked) if is_class_method else asked)
        _wrapped.append((owner, name, original))


# -- Python's audit events ------------------------------------------------------------------------------------------


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _judges:
        return
    if event == "sqlite3.connect":
        _audit_sqlite(arguments[0])
    elif event in {"subprocess.Popen", "os.posix_spawn", "os.exec"}:
        _audit_process(arguments[1])
    elif event == "os.system":
        _audit_process(["sh", "-c", arguments[0]])


def _audit_sqlite(database: Any) -> None:
    name = os.fsdecode(database)
    if not in_memory(name):
        _judge(Attempt(what="sqlite3.connect()", address=name, file=path_of(name)))


def in_memory(name: str) -> bool:
    """Tell whether what SQLite is to open is no file."""
    return name in {"", ":memory:"} or name.startswith("file::memory:") or "mode=memory" in name


def path_of(name: str) -> str:
    """Give the absolute path of a file that SQLite is to open, also for its kind of URL."""
    if name.startswith("file:"):
        from urllib.parse import unquote, urlsplit  # rarely needed

        name = unquote(urlsplit(name).path)
    return os.path.realpath(name)


def _audit_process(command: Any) -> None:
    words = [command] if isinstance(command, (str, bytes, os.PathLike)) else list(command)
    texts = [os.fsdecode(word) for word in words]
    program = next((name for name in _programs(texts) if name in PROGRAMS), None)
    if program is not None:
        _judge(Attempt(what=f"the program {program} in a process of its own", address=program))


def _programs(words: Sequence[str]) -> Iterator[str]:
    """Name the programs that a command starts: the first word, and every word of what a shell gets to read."""
    yield Path(words[0]).name if words else ""
    if len(words) > 1 and words[1] == "-c":
        yield from SHELL_WORDS.findall(words[2] if len(words) > 2 else "")  # noqa: PLR2004 - what follows -c
