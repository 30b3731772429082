"""Proves the files: on copies of one populated database they must do what ``alembic`` does, and refuse the rest.

One copy goes up, down and up again by ``alembic upgrade`` and ``downgrade``, the other by the files, run as the DBA
will run them.  After each of the three, schema and rows of both must be the same.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction, Finding
from pytest_stairway.handoff.keyed import by_key
from pytest_stairway.handoff.runner import ByDriver
from pytest_stairway.offline.checks import Blame, changed_literals, differing, failed_to_run
from pytest_stairway.phrases import joined, phrase
from pytest_stairway.revisions.source import shown
from pytest_stairway.rows import RowChange, compare_rows
from pytest_stairway.schema import Change, Difference, Verdict, compare_schemas
from pytest_stairway.walk.faults import line_in, story_of, words_of
from pytest_stairway.walk.half_applied import changed_objects

if TYPE_CHECKING:
    from pytest_stairway.handoff.accepting import Acceptances
    from pytest_stairway.handoff.files import Files, SqlFile
    from pytest_stairway.handoff.place import Place, State
    from pytest_stairway.handoff.runner import Result, Runner
    from pytest_stairway.handoff.span import Span
    from pytest_stairway.rows import RowDifference, Rows
    from pytest_stairway.schema import Schema
    from pytest_stairway.walk.moves import Move

__all__ = ["Check", "Proof", "prove"]


_DROPPED = frozenset({RowChange.COLUMN_DROPPED, RowChange.TABLE_DROPPED})
"""What loses whatever was written since the upgrade, though there may be nothing right after it."""
_ADDED = frozenset({RowChange.ROWS_ADDED, RowChange.COLUMN_ADDED, RowChange.TABLE_ADDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of evidence."""

    name: str
    """Which one: a key of the catalogue of texts."""
    ok: bool
    file: str | None = None
    code: int | None = None
    """The client's exit code."""
    seconds: float | None = None
    said: str = ""
    """In the words of whoever said no."""
    changing: tuple[str, ...] = ()
    """Tables and columns of which it says nothing, because they are another each time, by `alembic` too."""
    accepted: tuple[str, ...] = ()
    """Tables and columns of which it says nothing, because the developers accept that they differ."""


@dataclass(slots=True, kw_only=True)
class Proof:
    """What the proof saw."""

    runner: str
    """What ran the files."""
    by_driver: bool = False
    """Whether that was a driver."""
    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    changed: tuple[Difference, ...] = ()
    """What the upgrade changes in the schema."""
    rows_changed: tuple[RowDifference, ...] = ()
    """What the upgrade changes in the rows."""
    lost_schema: tuple[Difference, ...] = ()
    """What is not as it was in the schema after the upgrade and the downgrade."""
    lost_rows: tuple[RowDifference, ...] = ()
    """The same of the rows."""
    dropped_rows: tuple[RowDifference, ...] = ()
    """What the downgrade takes away of what stands there after the upgrade."""

    @property
    def ok(self) -> bool:
        """Whether every check went well."""
        return bool(self.checks) and all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """One way: by which steps, by which files."""

    name: str
    direction: Direction
    files: tuple[SqlFile, ...]

    @property
    def upgrade(self) -> bool:
        """Whether it goes up."""
        return self.direction is not Direction.DOWNGRADE


def prove(start: Place, files: Files, span: Span, runner: Runner, acceptances: Acceptances, *, dialect: str) -> Proof:
    """Prove a release's files.

    Args:
        start: a populated database where the release starts; nobody is connected to it.
        files: the release's files.
        span: what lies between the two revisions.
        runner: what runs the files.
        acceptances: what the project accepts.
        dialect: SQLAlchemy's name of the dialect.
    """
    return _Proving(start, files, span, runner, acceptances, dialect).run()


class _Proving:
    def __init__(
        self, start: Place, files: Files, span: Span, runner: Runner, acceptances: Acceptances, dialect: str
    ) -> None:
        self._start = start
        self._files = files
        self._span = span
        self._runner = runner
        self._acceptances = acceptances
        self._history = acceptances.history
        self._dialect = dialect
        self._proof = Proof(runner=runner.name, by_driver=isinstance(runner, ByDriver))
        self._gone: list[_Leg] = []
        self._states: list[State] = []
        """Where the files have come: at the start, and after each leg."""

    def run(self) -> Proof:
        self._states.append(self._start.state())
        with contextlib.ExitStack() as stack:
            online, offline = self._start.clone("online"), self._start.clone("files")
            stack.callback(offline.drop)
            stack.callback(online.drop)
            for leg in self._legs():
                if not self._go(leg, online, offline):
                    return self._proof
            self._refuse(online, offline)
        self._tell(*self._states[:3])
        return self._proof

    def _legs(self) -> list[_Leg]:
        up, down = self._files.upgrade, self._files.downgrade
        legs = [_Leg(name="upgrade", direction=Direction.UPGRADE, files=(up,))] if up else []
        if up and down:
            again = self._files.upgrade_parts or (up,)
            legs += [
                _Leg(name="downgrade", direction=Direction.DOWNGRADE, files=(down,)),
                _Leg(name="reupgrade", direction=Direction.REUPGRADE, files=again),
            ]
        return legs

    def _go(self, leg: _Leg, online: Place, offline: Place) -> bool:
        """Go one way on both databases, and compare; tell whether both got there."""
        moved = online.take(self._span.up if leg.upgrade else self._span.down)
        self._note(f"online-{leg.name}", ok=moved.failure is None, seconds=moved.seconds)
        if moved.failure is not None:
            self._proof.findings.append(self._failure(moved, leg))
        if not self._run(leg, offline) or moved.failure is not None:
            return False
        self._compare(leg, online, offline)
        return True

    def _run(self, leg: _Leg, offline: Place) -> bool:
        """Run the files of a way, up to the first that fails; tell whether there was none."""
        for file in leg.files:
            result = self._runner.run(file, offline.database)
            self._note_run(f"file-{leg.name}", file, result, ok=result.ok)
            if not result.ok:
                blame = Blame(file.script, self._history, self._dialect)
                failed = failed_to_run(blame, result.said, result.statement, how=self._runner.name)
                failed = self._told_halfway(failed, offline.state())
                self._proof.findings.append(self._acceptances.mark(failed))
                return False
        return True

    def _told_halfway(self, failed: Finding, reached: State) -> Finding:
        """Add what a file that stopped has changed by then, if anything."""
        before = self._states[-1]
        objects = changed_objects(compare_schemas(before.schema, reached.schema))
        if not objects and before.versions == reached.versions:
            return failed
        at = ", ".join(reached.versions) or "base"
        told = [failed.message, phrase("the database is left at %(revision)s", revision=at)]
        told += [phrase("these objects were already changed: %(objects)s", objects=objects)] if objects else []
        return replace(failed, message=joined(told, "; "))

    def _compare(self, leg: _Leg, online: Place, offline: Place) -> None:
        self._gone.append(leg)
        one, other = online.state(), offline.state()
        self._states.append(other)
        blame = Blame(leg.files[0].script, self._history, self._dialect)
        found = differing(blame, (one.schema, one.rows), (other.schema, other.rows))
        changing = self._changing(one) - changed_literals(one.rows, other.rows) if found else frozenset()
        found = [self._acceptances.mark(each) for each in found if each.object not in changing]
        known = {(each.code, each.object) for each in self._proof.findings}
        self._proof.findings += [each for each in found if (each.code, each.object) not in known]
        accepted = {each.object for each in self._proof.findings if each.accepted}  # it differs from then on
        excused = tuple(sorted({each.object or "" for each in found if each.object in accepted}))
        same = all(each.object in accepted for each in found) and one.versions == other.versions
        check = Check(name=f"same-{leg.name}", ok=same, changing=tuple(sorted(changing)), accepted=excused)
        self._proof.checks.append(check)

    def _changing(self, online: State) -> frozenset[str]:
        """Name what is another each time, online too: the clock, and what no seed makes equal."""
        again = self._start.clone("again")
        try:
            for leg in self._gone:
                again.take(self._span.up if leg.upgrade else self._span.down)
            return frozenset(each.object for each in compare_rows(online.rows, again.state().rows))
        finally:
            again.drop()

    def _refuse(self, online: Place, offline: Place) -> None:
        """Run what must be refused: the upgrade once more, and the downgrade after it has been run once more."""
        up, down = self._files.upgrade, self._files.downgrade
        if up is not None:
            self._refused("refuses-second-upgrade", up, offline)
        if up is not None and down is not None:
            again = self._files.downgrade_parts or (down,)
            if self._go(_Leg(name="redowngrade", direction=Direction.DOWNGRADE, files=again), online, offline):
                self._refused("refuses-second-downgrade", down, offline)

    def _refused(self, name: str, file: SqlFile, offline: Place) -> None:
        before = offline.state()
        result = self._runner.run(file, offline.database)
        self._note_run(name, file, result, ok=not result.ok and _same(before, offline.state()))

    def _tell(self, before: State, upgraded: State | None = None, downgraded: State | None = None) -> None:
        """Note what the release changes, and what going back does not bring back."""
        proof = self._proof
        if upgraded is not None:
            proof.changed = _changes(before.schema, upgraded.schema)
            proof.rows_changed = _row_changes(before.rows, upgraded.rows)
        if upgraded is not None and downgraded is not None:
            different = compare_schemas(before.schema, downgraded.schema)
            proof.lost_schema = tuple(each for each in different if each.verdict is Verdict.DIFFERENT)
            lost = _row_changes(before.rows, downgraded.rows)
            proof.lost_rows = tuple(each for each in lost if each.holds_data)
            dropped = _row_changes(upgraded.rows, downgraded.rows)
            proof.dropped_rows = tuple(
                each for each in dropped if each.change in _DROPPED or (each.holds_data and each.change not in _ADDED)
            )

    def _note(self, name: str, *, ok: bool, seconds: float | None = None, said: str = "") -> None:
        self._proof.checks.append(Check(name=name, ok=ok, seconds=seconds, said=said))

    def _note_run(self, name: str, file: SqlFile, result: Result, *, ok: bool) -> None:
        self._proof.checks.append(
            Check(name=name, ok=ok, file=file.name, code=result.code, seconds=result.seconds, said=result.said)
        )

    def _failure(self, moved: Move, leg: _Leg) -> Finding:
        """Tell that ``alembic`` itself fails on rows, whatever the files do."""
        assert moved.failure is not None
        error = moved.failure.error
        revision = self._history[moved.failed_at] if moved.failed_at else None
        command, function = ("alembic upgrade", "upgrade") if leg.upgrade else ("alembic downgrade", "downgrade")
        return Finding(
            code=f"{leg.direction.value}-failed",
            revision=revision.revision if revision else None,
            direction=leg.direction,
            dialect=self._dialect,
            message=phrase(
                "`%(command)s` itself fails on a populated database: %(said)s", command=command, said=words_of(error)
            ),
            path=shown(revision.path) if revision else None,
            line=(line_in(error, revision.path) or revision.line_of(function)) if revision else None,
            detail=story_of(moved.failure) or None,
        )


def _same(one: State, other: State) -> bool:
    return not compare_schemas(one.schema, other.schema) and (one.rows, one.versions) == (other.rows, other.versions)


def _row_changes(before: Rows, after: Rows) -> tuple[RowDifference, ...]:
    return by_key(compare_rows(before, after), before, after)


def _changes(before: Schema, after: Schema) -> tuple[Difference, ...]:
    """Tell what is another now; what follows from another change is told as well, where its table was there before."""
    found = compare_schemas(before, after)
    told = {each.key for each in found}
    renamed = {each.after for each in found if each.change is Change.RENAMED}
    known = set(before)
    tables = {(key.name, key.schema) for key in known if not key.parent}
    more = (key for key in after if key not in known | told and key.name not in renamed)
    follows = (key for key in more if (key.parent, key.schema) in tables)
    return (*found, *(Difference(key=key, change=Change.UNEXPECTED) for key in sorted(follows)))
