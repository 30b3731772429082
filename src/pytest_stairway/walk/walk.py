"""The walk: every revision up, down and up again, with a snapshot between the steps.

`Walk` keeps a database at a place in the history and moves it.  Whatever revision it is asked for, it first brings the
database to where that revision starts: all revisions before it, in the history's order, are applied, and tables get
rows.  A step that fails does not end the walk: the database is repaired, or made anew; and where rows may be the reason
the revision is walked once more without them.  Nothing here judges what was seen; see `checks`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.walk.attempts import find_out_why, may_be_about_rows
from pytest_stairway.walk.carried_rows import CarriedRows, RowSettings, Style
from pytest_stairway.walk.descending import take_down
from pytest_stairway.walk.excursion import filled_columns, holds_any, unknown_columns, way_below, way_to_search
from pytest_stairway.walk.position import Position
from pytest_stairway.walk.roundtrip import Descent, Excursion, Roundtrip, RowMoments
from pytest_stairway.walk.session import StepFailed
from pytest_stairway.walk.snapshots import Snapshot, Snapshots, column_lengths, new_objects, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_stairway.environment.environment import Environment, Survey
    from pytest_stairway.revisions import History
    from pytest_stairway.schema import Key
    from pytest_stairway.walk.keeping import Keeper
    from pytest_stairway.walk.roundtrip import Repeat
    from pytest_stairway.walk.shortcuts import Shortcuts

__all__ = ["Descent", "Roundtrip", "Snapshot", "Snapshots", "Walk"]


class Walk:
    """Walks revisions on the databases of one sandbox.

    Args:
        history: the revisions.
        environment: the user's `env.py` and the sandbox.
        survey: how it configures Alembic.
        minimum: revisions that are only upgraded: the walk starts above them.
        irreversible: revisions that are never downgraded.
        planned: revisions that will be asked for; those before the one that is asked for are walked first, so that any
            order of asking costs one walk.
        shortcuts: spare the walk the way to where it starts.
        rows: what the user says about rows; None for none.
    """

    def __init__(
        self,
        history: History,
        environment: Environment,
        survey: Survey,
        *,
        minimum: Collection[str] = (),
        irreversible: Collection[str] = (),
        planned: Iterable[str] = (),
        shortcuts: Shortcuts | None = None,
        rows: RowSettings | None = None,
    ) -> None:
        self._history = history
        self._environment = environment
        self._order = [revision.revision for revision in history.revisions]
        self._minimum = frozenset(minimum)
        self._irreversible = frozenset(irreversible)
        planned_set = frozenset(planned)
        self._planned = [revision for revision in self._order if revision in planned_set]
        self._survey = survey
        self._rows = CarriedRows(rows or RowSettings(rows=0), ignore=survey.version_tables)
        self._position = Position(history, environment, survey, minimum=minimum, shortcuts=shortcuts, rows=self._rows)
        self._repeat: Repeat | None = None
        self._trips: dict[str, Roundtrip] = {}
        self.keeper: Keeper | None = None
        """Sets databases aside where a step goes wrong; None where nobody wants that."""

    @property
    def blocked(self) -> dict[str, StepFailed]:
        """Revisions that cannot go up."""
        return self._position.blocked

    @property
    def makers(self) -> dict[Key, str]:
        """Which revision made an object."""
        return self._position.makers

    @property
    def at_heads(self) -> Snapshot | None:
        """The schema with every revision applied, once the walk has been there."""
        return self._position.at_heads

    def repeat_by(self, repeat: Repeat) -> None:
        """Take each revision down and up once more after its round trip, in another way."""
        self._repeat = repeat
        self._rows.watched = True

    def roundtrip(self, revision: str) -> Roundtrip:
        """Take one revision up, down and up again.

        Args:
            revision: its full identifier.
        """
        if revision not in self._trips:
            for earlier in self._waiting_before(revision):
                self._trips[earlier] = self._walk(earlier)
            self._trips[revision] = self._walk(revision)
        return self._trips[revision]

    def version_column_length(self) -> int | None:
        """Read how long an id may be in the version tables; None where there is no limit."""
        if not self._position.fresh:
            self._position.start_over()
        lengths: list[int] = []
        self._position.session.look(lambda _url, connection: lengths.extend(column_lengths(connection, self._survey)))
        return min(lengths, default=None)

    def reach_heads(self) -> Snapshot | None:
        """Give the schema with every revision applied one by one; None where one of them cannot be."""
        if self._position.at_heads is None and not self._position.blocked:
            self._position.bring_up(self._order)
            self._position.note_heads()
        return self._position.at_heads

    def descend(self) -> Descent:
        """Go from the heads down to where the walk starts; on empty tables, unless all goes well on populated ones."""
        if self._rows.populated:
            descent = self._descend()
            if not descent.failures and (descent.reached is None or same(descent.reached, descent.expected)):
                return descent
            self._position.start_over()
        descent = self._descend()
        if descent.reached is not None and not same(descent.reached, descent.expected):
            self._position.learn_makers()
        return descent

    def _descend(self) -> Descent:
        self._position.bring_up(self._order, observed=self._position.floor is None and bool(self._minimum))
        if self._position.floor is None:
            self._position.look_at_floor()
        self._position.note_heads()
        self._position.fresh = False  # whoever comes after the descent begins anew
        descent = Descent(
            expected=self._position.floor or {},
            missing=tuple(r for r in self._order if r not in self._position.applied),
        )
        down = [revision for revision in reversed(self._position.applied) if revision not in self._minimum]
        descent.barriers = take_down(down, self._history, functools.partial(self._leave, descent))
        if not descent.barriers:
            descent.reached = self._position.look()
        return descent

    def pause(self) -> None:
        """End the run of `env.py`; the database stays, and the next step starts another run."""
        self._position.session.close()

    def close(self) -> None:
        """End the walk; its databases are dropped."""
        self._position.session.close()
        self._environment.sandbox.reset()

    def _waiting_before(self, revision: str) -> list[str]:
        """Name the planned revisions before this one that have not been walked yet."""
        earlier = self._planned[: self._planned.index(revision)] if revision in self._planned else []
        return [name for name in earlier if name not in self._trips]

    def _walk(self, revision: str) -> Roundtrip:
        trip = self._attempt(revision, Style.ADVERSARIAL)
        if self._is_about_rows(trip):
            trip = find_out_why(trip, self._attempt_anew, self._is_about_rows, self._maker_of)
        trip.refused = self._rows.refusals()
        self._position.note_heads()
        return trip

    def _maker_of(self, key: Key) -> str | None:
        """Tell which revision made an object, also where the walk began later."""
        if key not in self._position.makers:
            self._position.learn_makers()
        return self._position.makers.get(key)

    def _attempt_anew(
        self, revision: str, style: Style, *, leave_out: Collection[str] = (), since: str | None = None
    ) -> Roundtrip:
        self._position.start_over()
        trip = self._attempt(revision, style, leave_out=leave_out, since=since)
        if self._is_about_rows(trip):
            self._position.fresh = False  # whoever comes next begins anew
        return trip

    def _attempt(
        self, revision: str, style: Style, *, leave_out: Collection[str] = (), since: str | None = None
    ) -> Roundtrip:
        """Walk a revision with rows of this style in the tables; those of before an earlier one, if one is named."""
        self._rows.make(style, leave_out=leave_out)
        if since is not None:
            self._position.bring_up(self._order[: self._order.index(since)])
            self._position.top_up(since)
        self._position.bring_up(self._order[: self._order.index(revision)])
        trip = Roundtrip(revision=revision)
        if revision in self._position.blocked:  # it was tried on the way to somewhere else
            trip.failures[Direction.UPGRADE] = self._position.blocked[revision]
        else:
            trip.blocked_by = self._position.blocker(revision)
        if trip.blocked_by is None and not trip.failures:
            self._top_up(trip)
            if self._rows.judged and self._rows.latest:
                trip.rows = RowMoments(before=self._rows.latest, made=self._rows.populated)
            self._round(trip)
            if not self._repeated(trip):
                return self._attempt_anew(revision, style, leave_out=leave_out, since=since)
            self._explore(trip)
            if revision in self._position.applied:
                self._top_up(trip)  # what it made is told to be without rows here, not with the next revision
            trip.coverage = self._rows.coverage
        return trip

    def _repeated(self, trip: Roundtrip) -> bool:
        """Repeat the trip in another way, if one is given; tell whether the databases are as they were."""
        position = self._position
        return self._repeat is None or self._repeat(trip, position.session, position.snapshots, self._rows)

    def _explore(self, trip: Roundtrip) -> None:
        """Go down to before an earlier revision, and up again, where this one fills a column which that one made."""
        position = self._position
        filled = filled_columns(trip) if trip.revision in position.applied else ()
        if not filled:
            return
        barriers, applied = self._irreversible | self._minimum, tuple(position.applied)
        way = way_below(filled, trip.revision, position.makers, self._history, applied, barriers)
        unknown = frozenset() if way else unknown_columns(filled, position.makers, position.floor)
        way = way_to_search(applied, barriers) if unknown else way
        if not way:
            return
        taken = self._go_below(way, unknown)
        if taken and all(isinstance(self._venture(name, upgrade=True), float) for name in reversed(taken)):
            trip.excursion = Excursion(bottom=taken[-1], rows=self._rows.latest)
        if trip.excursion is None or not same(position.latest, trip.reupgraded or {}):
            position.start_over()

    def _go_below(self, way: Sequence[str], unknown: Collection[Key]) -> tuple[str, ...]:
        """Take revisions down, until those columns are gone if there are any; empty where it did not come to that."""
        for place, name in enumerate(way, 1):
            if not isinstance(self._venture(name, upgrade=False), float):
                return ()
            if unknown and not holds_any(self._position.latest, unknown):
                return tuple(way[:place])
        return () if unknown else tuple(way)

    def _is_about_rows(self, trip: Roundtrip) -> bool:
        """Tell whether a trip failed, and may not without the rows in the tables."""
        made = trip.rows is not None and trip.rows.made
        return made and may_be_about_rows(trip.failures, self._history.get(trip.revision))

    def _top_up(self, trip: Roundtrip) -> None:
        """Give rows to tables that changed since they got some."""
        if not self._rows.wants(trip.revision):
            return
        self._position.top_up(trip.revision)
        trip.unpopulated += self._rows.news(self._position.latest)

    def _round(self, trip: Roundtrip) -> None:
        """Take the three steps, as far as they go."""
        trip.before, trip.seen = self._position.latest, [self._rows.latest]
        self._position.snapshots.turn_to_next()
        irreversible = trip.revision in self._irreversible
        directions = list(Direction)[:1] if irreversible else list(Direction)
        for turn in [directions] if self.keeper is None else [[each] for each in directions]:
            if not trip.failures:
                self._take(trip, turn)
        if Direction.UPGRADE in trip.failures:
            if not self._is_about_rows(trip):
                self._position.blocked[trip.revision] = trip.failures[Direction.UPGRADE]
                self._repair(trip, applied=False)
            return
        trip.left_alone = irreversible
        if irreversible or self._is_about_rows(trip):
            return
        assert trip.upgraded is not None
        if trip.reupgraded is None or not same(trip.upgraded, trip.reupgraded):
            self._repair(trip, applied=True)

    def _take(self, trip: Roundtrip, directions: Sequence[Direction]) -> None:
        """Take steps, and note what was seen after each, up to one that fails."""

        def done(direction: Direction, seconds: float) -> None:
            trip.seconds[direction] = seconds
            trip.note(direction, self._position.latest)
            trip.seen.append(self._rows.latest)
            if trip.rows is not None:
                trip.rows.note(direction, self._rows.latest)
            if direction is Direction.UPGRADE:
                self._position.applied[trip.revision] = None

        try:
            with self._position.venturing(followed=bool(self._rows.latest)):
                self._position.session.steps(trip.revision, directions, done)
        except StepFailed as failure:
            trip.failures[list(Direction)[len(trip.seconds)]] = failure
        if self.keeper is not None:
            self.keeper.look_after(trip, directions[-1], self._position.latest, self._position.session)
        if trip.before is not None and trip.upgraded is not None:
            self._position.makers.update(dict.fromkeys(new_objects(trip.before, trip.upgraded), trip.revision))

    def _venture(self, revision: str, *, upgrade: bool) -> float | StepFailed:
        """Take a step that may fail; give the seconds that it took, or why it failed."""
        try:
            with self._position.venturing(followed=True):
                return self._position.session.step(revision, upgrade=upgrade)
        except StepFailed as failure:
            return failure

    def _repair(self, trip: Roundtrip, *, applied: bool) -> None:
        """Bring the database to where the next revision starts, in the cheapest way that is right."""
        wanted = trip.upgraded if applied else trip.before
        assert wanted is not None
        heads = self._position.session.heads
        found = self._position.look()
        trip.halfway = found if trip.failures else None
        if not same(found, wanted) or (trip.failures and _keeps_rows(found)):
            self._position.start_over()
        elif applied and not any(trip.revision in names for names in self._position.session.heads.values()):
            self._position.session.stamp(trip.revision)
        elif not applied and self._position.session.heads != heads:
            self._position.start_over()

    def _leave(self, descent: Descent, revision: str) -> bool:
        """Take one step of the descent, unless the revision is to stay."""
        if revision in self._irreversible:
            return False
        try:
            self._position.session.step(revision, upgrade=False, observed=False)
        except StepFailed as failure:
            descent.failures[revision] = failure
            return False
        del self._position.applied[revision]
        return True


def _keeps_rows(schemas: Snapshot) -> bool:
    """Tell whether rows that a failed step wrote are still there: each statement of DDL has committed them."""
    return any(schema.dialect == "mysql" for schema in schemas.values())
