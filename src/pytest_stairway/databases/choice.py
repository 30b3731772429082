"""Which provider serves which dialect: the named one, or the first that works."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases import mysql, other, postgresql, sqlite
from pytest_stairway.databases.base import NOT_USED, Availability
from pytest_stairway.databases.naming import NAMES, read_name
from pytest_stairway.databases.ways import WAYS, LacksExtensions, NotThere, Way, Wish, ways_for
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_stairway.databases.base import Provider, Server
    from pytest_stairway.databases.cache import Cache

__all__ = ["choose", "join", "survey"]

_NAMED = "named by --stairway-database"


def choose(
    dialect: str,
    *,
    named: str | None,
    driver: str | None = None,
    major: int | None = None,
    cache: Cache | None = None,
    extensions: Sequence[str] = (),
) -> Provider:
    """Return the provider that serves a dialect: the named one, never another, else the first that works.

    The first that has all extensions comes before one that has not; where none has, the migrations will say so.

    Args:
        dialect: SQLAlchemy's name of what the project's `env.py` connects to.
        named: what the user wrote: ``embedded``, ``binaries[:DIR]``, ``container[:IMAGE]``, ``sqlite``, or a URL.
        driver: the project's own, for administrative statements.
        major: the only major version of the server that will do.
        cache: what is kept for later runs; None keeps no templates.
        extensions: what migrations create, where PostgreSQL is meant.

    Raises:
        DatabaseUnavailable: none works; the message lists each way, why it did not work, and what mends it.
        UsageError: the name is none, or cannot serve this dialect.
    """
    if named is not None:
        return _named(dialect, named, Wish(dialect=dialect, why=_NAMED, driver=driver, major=major, cache=cache))
    why = f"the first that works for {dialect}"
    wish = Wish(dialect=dialect, why=why, driver=driver, major=major, cache=cache)
    found, failed = _look(replace(wish, extensions=tuple(extensions)))
    if not found and any(isinstance(err, LacksExtensions) for _, err in failed):
        found, failed = _look(wish)
    elif passed_over := _passed_over(found, failed):
        found, failed = _look(replace(wish, extensions=tuple(extensions), why="; ".join([why, *passed_over])))
    if not found:
        raise DatabaseUnavailable(_message(dialect, failed))
    return _FirstThatWorks(dialect, tuple(found), tuple(failed))


def _look(wish: Wish) -> tuple[list[Provider], list[tuple[str, DatabaseUnavailable]]]:
    """Find what works for a dialect, and why the others do not."""
    found: list[Provider] = []
    failed: list[tuple[str, DatabaseUnavailable]] = []
    for way in ways_for(wish.dialect):
        try:
            found.append(way.find(wish))
        except DatabaseUnavailable as err:
            failed.append((way.name, err))
    return found, failed


def _passed_over(found: Sequence[Provider], failed: Sequence[tuple[str, DatabaseUnavailable]]) -> list[str]:
    """Say which ways would come before the first that works, had they the extensions."""
    names = [way.name for way in WAYS]
    first = names.index(found[0].name) if found else 0
    return [f"{name}: {err}" for name, err in failed if isinstance(err, LacksExtensions) and names.index(name) < first]


def _named(dialect: str, named: str, wish: Wish) -> Provider:
    name, rest = read_name(named)
    serves = tuple(each for way in WAYS if way.name == name for each in way.dialects) or (name,)
    if dialect not in serves:
        msg = f"--stairway-database names {name}, which serves {' and '.join(serves)}; env.py connects to {dialect}"
        raise UsageError(msg)
    way = next((way for way in ways_for(dialect) if way.name == name), None)
    try:
        if way is None:
            msg = f"servers of {dialect} are not served yet; use {NAMES}"
            raise DatabaseUnavailable(msg)
        provider = way.find(replace(wish, rest=rest))
    except DatabaseUnavailable as err:
        raise DatabaseUnavailable(_message(dialect, ((name, err),), named=True)) from err
    return _NamedServer(dialect, provider) if name == "server" else provider


class _NamedServer:
    """A server that was named: whether it can be reached shows only at the start, and nothing else is tried."""

    def __init__(self, dialect: str, provider: Provider) -> None:
        self._dialect = dialect
        self._provider = provider
        self.name = provider.name
        self.why = provider.why

    def start(self) -> Server:
        """Connect to it."""
        try:
            return self._provider.start()
        except DatabaseUnavailable as err:
            raise DatabaseUnavailable(_message(self._dialect, ((self.name, err),), named=True)) from err


class _FirstThatWorks:
    """Providers that looked well; the first whose server starts is it."""

    def __init__(
        self, dialect: str, found: tuple[Provider, ...], failed: tuple[tuple[str, DatabaseUnavailable], ...]
    ) -> None:
        self._dialect = dialect
        self._found = found
        self._failed = failed
        self.name = found[0].name
        self.why = found[0].why

    def start(self) -> Server:
        """Start the first that starts."""
        failed = list(self._failed)
        for provider in self._found:
            try:
                return provider.start()
            except DatabaseUnavailable as err:
                failed.append((provider.name, err))
        raise DatabaseUnavailable(_message(self._dialect, failed))


def _message(dialect: str, failed: Sequence[tuple[str, DatabaseUnavailable]], *, named: bool = False) -> str:
    """Say of each way why it does not work, and what mends it."""
    what = "the named way does not work, and nothing else is tried" if named else "no way works"
    lines = [f"no throwaway database for {dialect}: {what}"]
    for name, reason in failed:
        lines.append(f"  {name}: {reason}")
        remedy = _remedy(dialect, name, reason)
        lines += [f"    -> {remedy}"] if remedy else []
    if not failed:
        lines.append("  nothing here serves this dialect yet")
    if named:
        lines += _otherways_for(dialect, {name for name, _ in failed})
    return "\n".join([*lines, NOT_USED])


def _otherways_for(dialect: str, tried: Collection[str]) -> list[str]:
    """Say what else could be named, and whether it would work."""
    others = [way for way in survey(dialect) if way.name not in tried and (way.available or way.remedy)]
    told = [f"  {way.name}: {'works here' if way.available else way.remedy}" for way in others]
    return ["what else could be named:", *told] if told else []


def _remedy(dialect: str, name: str, reason: DatabaseUnavailable) -> str:
    if not isinstance(reason, NotThere):
        return ""
    return next(way.remedy for way in ways_for(dialect) if way.name == name)


def survey(dialect: str | None = None) -> tuple[Availability, ...]:
    """Say of each way to get a database whether it works here; of those for one dialect, if one is given."""
    return tuple(_availability(way, dialect) for way in WAYS if dialect is None or dialect in way.dialects)


def _availability(way: Way, dialect: str | None) -> Availability:
    try:
        provider = way.find(Wish(dialect=dialect or way.dialects[0], why=""))
    except DatabaseUnavailable as err:
        remedy = way.remedy if isinstance(err, NotThere) else ""
        return Availability(name=way.name, dialects=way.dialects, available=False, detail=str(err), remedy=remedy)
    detail = getattr(provider, "description", way.detail)  # of a server that would be ours
    return Availability(name=way.name, dialects=way.dialects, available=True, detail=detail)


def join(address: str, *, worker: str | None = None) -> Server:
    """Return another process's server (its `Server.address`); closing it drops only this process's databases.

    Args:
        address: as the process that began the run gave it.
        worker: tells this process's databases from the others'; else what xdist calls it.

    Raises:
        DatabaseUnavailable: the server is gone.
        UsageError: that is no address.
    """
    joins: dict[str, Callable[[dict[str, Any], str | None], Server]]
    joins = {"postgresql": postgresql.join, "sqlite": sqlite.join, "mysql": mysql.join, "mariadb": mysql.join}
    joins |= dict.fromkeys(other.KINDS, other.join)
    try:
        values = json.loads(address)
        joined = joins[values["dialect"]]
    except (ValueError, LookupError, TypeError):
        msg = "that is not the address of a server that this version can join"
        raise UsageError(msg) from None  # it may hold a password
    return joined(values, worker)
