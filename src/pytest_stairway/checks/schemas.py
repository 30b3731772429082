"""Turns what the walk has seen into findings.  Nothing here touches a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stairway.checks.lookalikes import meant_by
from pytest_stairway.checks.remedies import remedy_for
from pytest_stairway.findings import Direction, Finding, Severity
from pytest_stairway.hints import hint_of
from pytest_stairway.revisions.source import shown
from pytest_stairway.schema import Change, Verdict, compare_schemas
from pytest_stairway.walk.faults import is_irreversible, line_in, story_of, words_of
from pytest_stairway.walk.half_applied import tell_half_applied

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.revisions import History, Revision
    from pytest_stairway.schema import Difference, Key
    from pytest_stairway.walk.release import Release
    from pytest_stairway.walk.roundtrip import Descent, Roundtrip, RowFailure
    from pytest_stairway.walk.session import StepFailed
    from pytest_stairway.walk.snapshots import Snapshot

__all__ = ["check_descent", "check_release", "check_roundtrip"]

FUNCTIONS = {Direction.UPGRADE: "upgrade", Direction.DOWNGRADE: "downgrade", Direction.REUPGRADE: "upgrade"}
FAILURES = {
    Direction.UPGRADE: "upgrade-failed",
    Direction.DOWNGRADE: "downgrade-failed",
    Direction.REUPGRADE: "reupgrade-failed",
}
MOMENTS = {Direction.DOWNGRADE: "after the downgrade", Direction.REUPGRADE: "after the second upgrade"}
VERSION_COLUMN_LENGTH = 32
"""Of Alembic's version table."""
FOLLOWS = "Mend the downgrade first: upgrade() meets what it did not put back"
WHATEVER_ROWS = "Let it work whatever the rows hold"
WORKS_ONCE = "Let downgrade() take back all that upgrade() did, rows and settings too, or let upgrade() work twice"


def check_roundtrip(trip: Roundtrip, revision: Revision, *, dialect: str) -> tuple[Finding, ...]:
    """Judge one revision's steps.

    Args:
        trip: what was seen.
        revision: the revision.
        dialect: SQLAlchemy's name of the dialect.
    """
    restored: list[Finding] = []
    if trip.before is not None and trip.downgraded is not None:
        differences = _differences(trip.before, trip.downgraded, between=trip.upgraded)
        restored += _schema_findings(differences, revision, Direction.DOWNGRADE, dialect=dialect)
    follows = any(finding.severity is not Severity.INFO for finding in restored)
    failed = [
        tell_half_applied(
            _failed(failure, direction, revision, trip, dialect=dialect, follows=follows), direction, trip
        )
        for direction, failure in trip.failures.items()
    ]
    repeated: Iterable[Finding] = ()
    if trip.upgraded is not None and trip.reupgraded is not None:
        differences = _differences(trip.upgraded, trip.reupgraded, between=trip.downgraded)
        repeated = _schema_findings(differences, revision, Direction.REUPGRADE, dialect=dialect)
    with_rows = [
        _row_failure_finding(failure, direction, revision, dialect=dialect)
        for direction, failure in trip.row_failures.items()
    ]
    return (*failed, *with_rows, *restored, *_not_told(repeated, restored))


def _failed(
    failure: StepFailed, direction: Direction, revision: Revision, trip: Roundtrip, *, dialect: str, follows: bool
) -> Finding:
    meant = _meant(failure, direction, trip)
    return _failure_finding(failure, direction, revision, dialect=dialect, follows=follows, meant=meant)


def _meant(failure: StepFailed, direction: Direction, trip: Roundtrip) -> str | None:
    """Guess what a failed migration meant by a name, in the schema that it met."""
    there = trip.before if direction is Direction.UPGRADE else trip.upgraded
    before = trip.before if direction is Direction.DOWNGRADE else None
    if there is None or direction is Direction.REUPGRADE:
        return None
    guesses = (meant_by(failure.error, there[name], (before or {}).get(name)) for name in there)
    return next(filter(None, guesses), None)


def _not_told(repeated: Iterable[Finding], restored: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what the downgrade did to an object, where it shows once more; a note hides notes only."""
    told = {(finding.object, finding.severity) for finding in restored}
    for finding in repeated:
        if (finding.object, finding.severity) not in told and (finding.object, Severity.ERROR) not in told:
            yield finding


def check_descent(descent: Descent, history: History, makers: dict[Key, str], *, dialect: str) -> tuple[Finding, ...]:
    """Judge the way down from the heads.

    Args:
        descent: what was seen.
        history: the revisions.
        makers: which revision made an object.
        dialect: SQLAlchemy's name of the dialect.
    """
    findings = [
        _failure_finding(
            failure, Direction.DOWNGRADE, history.get(name), dialect=dialect, where="on the way down from the heads, "
        )
        for name, failure in descent.failures.items()
    ]
    if descent.reached is not None:
        for difference in _differences(descent.expected, descent.reached):
            maker = makers.get(difference.key)
            if difference.verdict is Verdict.DIFFERENT:
                findings.append(_leftover_finding(difference, history.get(maker) if maker else None, dialect=dialect))
    return tuple(findings)


def check_release(
    release: Release, history: History, makers: dict[Key, str], *, at_heads: Snapshot | None, dialect: str
) -> tuple[Finding, ...]:
    """Judge one release walk.

    Args:
        release: what was seen.
        history: the revisions.
        makers: which revision made an object, step by step.
        at_heads: the schema to which the walk came step by step; None where it is not known.
        dialect: SQLAlchemy's name of the dialect.
    """
    if release.failure is not None:
        return (_release_failure(release, history, dialect=dialect),)
    if at_heads is None or release.reached is None:
        return ()
    different = [each for each in _differences(at_heads, release.reached) if each.verdict is Verdict.DIFFERENT]
    return tuple(_release_difference(each, release, history, makers, dialect=dialect) for each in different)


def _failure_finding(
    failure: StepFailed,
    direction: Direction,
    revision: Revision,
    *,
    dialect: str,
    where: str = "",
    follows: bool = False,
    meant: str | None = None,
) -> Finding:
    """Tell of a step that failed.

    Args:
        failure: what was raised.
        direction: the step.
        revision: the revision.
        dialect: SQLAlchemy's name of the dialect.
        where: when the step was taken, where it was not in the revision's own turn.
        follows: the downgrade before the step did not put the schema back.
        meant: a hint about a name that the migration wrote, or did not write.
    """
    code, function = FAILURES[direction], FUNCTIONS[direction]
    said = f"{where}{function}() raised {words_of(failure.error)}"
    detail = story_of(failure)
    hint = meant or hint_of(failure.error, direction)
    if direction is Direction.DOWNGRADE and is_irreversible(failure, revision):
        code, said = "irreversible", f"downgrade() declares that it cannot: {words_of(failure.error)}"
        hint = "Say why in the revision: `# stairway: irreversible: REASON`"
    elif failure.stage == "version table" and len(revision.revision) > VERSION_COLUMN_LENGTH:
        code, said = "revision-id-too-long", f"the version table cannot hold the id: {words_of(failure.error)}"
        hint = "Shorten it here and wherever down_revision or depends_on names it"
    elif failure.stage != "migration":
        said = f"{where}{function}() ran, and then its {failure.stage} failed: {words_of(failure.error)}"
    elif revision.line_of(function) is None and isinstance(failure.error, AttributeError):
        said, detail = f"{where}the revision has no {function}()", ""
        hint = "Write what takes upgrade() back, or say `# stairway: irreversible: REASON`"
    elif direction is Direction.REUPGRADE:
        said = f"after the downgrade, {said}"
        hint = FOLLOWS if follows else hint or WORKS_ONCE
    return Finding(
        code=code,
        revision=revision.revision,
        direction=direction,
        dialect=dialect,
        message=said,
        hint=hint,
        path=shown(revision.path),
        line=line_in(failure.error, revision.path) or revision.line_of(function),
        detail=detail or None,
    )


def _row_failure_finding(failed: RowFailure, direction: Direction, revision: Revision, *, dialect: str) -> Finding:
    """Tell of a step that fails on populated tables only; of rows that nobody may have, it is a warning."""
    finding = _failure_finding(failed.failure, direction, revision, dialect=dialect)
    verb = "has" if len(failed.tables) == 1 else "have"
    when = f"only when {', '.join(failed.tables)} {verb}" if failed.tables else "only with"
    if not failed.of_made_up_values:
        what = "rows" if failed.since is None else f"rows from before {failed.since}, which adds the column"
        return replace(finding, message=f"{finding.message} ({when} {what})", hint=finding.hint or WHATEVER_ROWS)
    assert failed.fault is not None
    return replace(
        finding,
        severity=Severity.WARNING,
        message=f"{finding.message} ({when} {failed.fault.words()}: the revision relies on there being none)",
        hint=f"{finding.hint or WHATEVER_ROWS}; or, where there are none, say so: "
        f"`# stairway: accept {finding.code}: REASON`, or give rows as they really are by stairway_rows_file",
    )


def _schema_findings(
    differences: Iterable[Difference], revision: Revision, direction: Direction, *, dialect: str
) -> Iterator[Finding]:
    code = "schema-not-restored" if direction is Direction.DOWNGRADE else "schema-not-repeated"
    for difference in differences:
        different = difference.verdict is Verdict.DIFFERENT
        note = "" if different else f" ({difference.verdict.value})"
        yield Finding(
            code=code,
            severity=None if different else Severity.INFO,  # type: ignore[arg-type]  # None is the code's own
            revision=revision.revision,
            direction=direction,
            dialect=dialect,
            object=difference.remains,
            message=f"{difference.words(MOMENTS[direction])}{note}",
            hint=remedy_for(difference, direction, dialect=dialect) if different else None,
            path=shown(revision.path),
            line=revision.line_of(FUNCTIONS[direction]),
        )


def _differences(before: Snapshot, after: Snapshot, *, between: Snapshot | None = None) -> Iterator[Difference]:
    for name in before.keys() & after.keys():
        yield from compare_schemas(before[name], after[name], between=(between or {}).get(name))


def _leftover_finding(difference: Difference, maker: Revision | None, *, dialect: str) -> Finding:
    made = f"; {maker.revision} made it" if maker else ""
    return Finding(
        code="leftovers",
        revision=maker.revision if maker else None,
        direction=Direction.DOWNGRADE,
        dialect=dialect,
        object=difference.object,
        message=f"{difference.words('when every revision is downgraded')}{made}",
        hint=remedy_for(difference, Direction.DOWNGRADE, dialect=dialect),
        path=shown(maker.path) if maker else None,
        line=maker.line_of("downgrade") if maker else None,
    )


def _release_difference(
    difference: Difference, release: Release, history: History, makers: dict[Key, str], *, dialect: str
) -> Finding:
    key = difference.key
    alike = (name for made, name in makers.items() if (made.kind, made.name) == (key.kind, key.name))
    maker = makers.get(key) or next(alike, None)  # the same object may have come to another schema
    revision = history.get(maker) if maker else None
    return Finding(
        code="release-differs",
        revision=maker,
        direction=Direction.UPGRADE,
        dialect=dialect,
        object=difference.object,
        message=f"{_told_of_release(difference)} (from {release.start} to the heads)",
        hint="A migration depends on what is committed before it, or on settings that another one left: look at what "
        "it reads from the database and the session",
        path=shown(revision.path) if revision else None,
        line=revision.line_of("upgrade") if revision else None,
    )


def _told_of_release(difference: Difference) -> str:
    then, now = "one revision at a time", "in one run"
    moments = {
        Change.MISSING: f"{now}, there {then}",
        Change.UNEXPECTED: f"{now}, and not {then}",
    }
    return difference.words(moments.get(difference.change, now), unexpected="there", then=then, now=now)


def _release_failure(release: Release, history: History, *, dialect: str) -> Finding:
    failure = release.failure
    assert failure is not None
    revision = history.get(release.failed_at) if release.failed_at else None
    way = f"upgrading from {release.start} to the heads in one run"
    if release.on_the_way_to_start:
        way = f"upgrading to {release.start}, from which the release starts,"
    return Finding(
        code="release-failed",
        revision=revision.revision if revision else None,
        direction=Direction.UPGRADE,
        dialect=dialect,
        message=f"{way} fails: {words_of(failure.error)}",
        hint=hint_of(failure.error, Direction.UPGRADE, in_one_run=True)
        or "Look at what the revision shares with those before it: a deployment runs them in one transaction, and each "
        "alone may work",
        path=shown(revision.path) if revision else None,
        line=(line_in(failure.error, revision.path) or revision.line_of("upgrade")) if revision else None,
        detail=story_of(failure) or None,
    )
