"""Which provider serves which dialect: the named one, or the first that works."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from pytest_stairway.databases.base import NOT_USED, Availability
from pytest_stairway.databases.naming import NAMES, read_name
from pytest_stairway.databases.ways import OTHERS, WAYS, LacksExtensions, NotThere, Way, Wish, ways_for
from pytest_stairway.exceptions import DatabaseUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_stairway.databases.base import Provider, Server
    from pytest_stairway.databases.cache import Cache

__all__ = ["choose", "join", "survey"]

_NAMED = "named by --stairway-database"
_JOINING = {"postgresql": "postgresql", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql"}
_JOINING |= dict.fromkeys(OTHERS, "other")
"""By dialect: the module that knows how to join a server."""


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
    search = _Search(replace(wish, extensions=tuple(extensions)))
    first, lacking = search.next(), search.lacking
    if first is None and lacking:
        search = _Search(wish)
        first = search.next()
    elif lacking:
        search = _Search(replace(search.wish, why="; ".join([why, *lacking])))
        first = search.next()
    if first is None:
        raise DatabaseUnavailable(_message(dialect, search.failed))
    return _FirstThatWorks(first, search)


class _Search:
    """Goes through the ways that serve a dialect, one at a time, for to look at one may take a while."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.failed: list[tuple[str, DatabaseUnavailable]] = []
        """The ways that do not work, and why."""
        self._ways = iter(ways_for(wish.dialect))

    def next(self) -> Provider | None:
        """Find the next that works; None where there is no other."""
        for way in self._ways:
            try:
                return way.find(self.wish)
            except DatabaseUnavailable as err:
                self.failed.append((way.name, err))
        return None

    @property
    def lacking(self) -> list[str]:
        """Which ways would have worked, had they the extensions."""
        return [f"{name}: {err}" for name, err in self.failed if isinstance(err, LacksExtensions)]


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
    """The first provider that looked well; where its server does not start, the next one that does is it."""

    def __init__(self, first: Provider, search: _Search) -> None:
        self._first = first
        self._search = search
        self.name = first.name
        self.why = first.why

    def start(self) -> Server:
        """Start the first that starts."""
        provider: Provider | None = self._first
        while provider is not None:
            try:
                return provider.start()
            except DatabaseUnavailable as err:
                self._search.failed.append((provider.name, err))
                provider = self._search.next()
        raise DatabaseUnavailable(_message(self._search.wish.dialect, self._search.failed))


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
    try:
        values = json.loads(address)
        module = _JOINING[values["dialect"]]
    except (ValueError, LookupError, TypeError):
        msg = "that is not the address of a server that this version can join"
        raise UsageError(msg) from None  # it may hold a password
    joined: Server = import_module(f"pytest_stairway.databases.{module}").join(values, worker)
    return joined
