"""Makes the database on which a proof begins: where the release starts, and full of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pytest_stairway.databases.base import new_database
from pytest_stairway.dumps import restore_dump
from pytest_stairway.exceptions import StairwayError, UsageError
from pytest_stairway.handoff.place import Place
from pytest_stairway.phrases import phrase
from pytest_stairway.walk.faults import words_of
from pytest_stairway.walk.session import Session, StepFailed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from pytest_stairway.handoff.span import Span
    from pytest_stairway.offline.site import Site
    from pytest_stairway.phrases import Phrase
    from pytest_stairway.rows import Population
    from pytest_stairway.schema.transaction import Ending

__all__ = ["Start", "StartNotReached", "make_start"]


class StartNotReached(StairwayError):
    """The revisions before the release cannot be applied.

    Args:
        words: which one fails, and how.
    """

    def __init__(self, words: Phrase) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a proof begins."""

    place: Place
    population: Population | None = None
    """None where rows cannot be made in this dialect."""
    stamped: bool = False
    """The dump held no row of the version table, so that its revision was taken from the range."""


def make_start(site: Site, span: Span, *, dump: Path | None = None) -> Start:
    """Make a database at the release's start, by the migrations or from a dump, and fill it.

    Raises:
        UsageError: the dump cannot be restored, or is of another revision.
        StartNotReached: a revision before the release fails.
    """
    place = Place(site, new_database(site.server, "start") if dump is None else site.server.create("start"))
    try:
        stamped = False
        if dump is None:
            _migrate(place, span, site)
        else:
            stamped = _restore(place, span, dump)
        return Start(place=place, population=place.populate(), stamped=stamped)
    except BaseException:
        place.drop()
        raise


def _migrate(place: Place, span: Span, site: Site) -> None:
    """Apply what lies before the release, each revision in a transaction of its own."""
    needed = span.start.union(*(site.history.ancestors(name) for name in span.start))
    session = Session(place.environment, site.survey, _Blind())
    try:
        for revision in (each.revision for each in site.history.revisions if each.revision in needed):
            try:
                session.step(revision, upgrade=True, observed=False)
            except StepFailed as failure:
                said = words_of(failure.error)
                raise StartNotReached(
                    phrase("%(revision)s, before this release, fails: %(said)s", revision=revision, said=said)
                ) from failure
    finally:
        session.close()
    if not needed:
        place.take([])  # makes the version table, as a first `alembic upgrade` does


def _restore(place: Place, span: Span, dump: Path) -> bool:
    """Restore a dump; tell whether its version table was empty, as after ``pg_dump --schema-only``."""
    restore_dump(dump, place.database)
    if not span.start:
        place.take([])
    found = _versions(place, dump)
    if found == span.start:
        return False
    if found:
        told, wanted = (", ".join(sorted(each)) or "base" for each in (found, span.start))
        raise UsageError(f"--from-dump: {dump} is a database at {told}, and this release starts at {wanted}")
    place.stamp(span.start)
    return True


def _versions(place: Place, dump: Path) -> frozenset[str]:
    try:
        return frozenset(place.versions())
    except DBAPIError as error:
        raise UsageError(f"--from-dump: {dump} has no version table of Alembic's: {words_of(error)}") from error


class _Blind:
    """Looks at nothing: what is before the release is somebody else's business."""

    def begin_step(self, url: str, connection: Connection) -> None: ...

    def end_step(self, url: str, connection: Connection, ending: Ending | None = None) -> bool:  # noqa: ARG002
        return False

    def read(self, url: str, connection: Connection) -> None: ...
