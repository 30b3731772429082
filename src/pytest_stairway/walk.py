"""The walk: every revision up, down and up again, with a snapshot between the steps.

`Walk` keeps a database at a place in the history and moves it.  Whatever revision it is asked for, it first brings the
database to where that revision starts: all revisions before it, in the history's order, are applied, and tables get
rows.  A step that fails does not end the walk: the database is repaired, or made anew; and where rows may be the reason
the revision is walked once more without them.  Nothing here judges what was seen; see `checks` and `row_checks`.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from pytest_stairway.attempts import find_out_why, may_be_about_rows
from pytest_stairway.carried_rows import CarriedRows, RowSettings, Style
from pytest_stairway.descending import take_down
from pytest_stairway.empty_databases import look_at_empty
from pytest_stairway.excursion import way_below
from pytest_stairway.findings import Direction
from pytest_stairway.roundtrip import Descent, Excursion, Roundtrip, RowMoments
from pytest_stairway.session import Session, StepFailed
from pytest_stairway.shortcuts import WORTHWHILE
from pytest_stairway.snapshots import Snapshot, Snapshots, column_lengths, new_objects, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pytest_stairway.environment import Environment, Survey
    from pytest_stairway.keeping import Keeper
    from pytest_stairway.revisions import History
    from pytest_stairway.roundtrip import Repeat
    from pytest_stairway.schema import Key
    from pytest_stairway.shortcuts import Shortcuts

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
        self._shortcuts = shortcuts
        self._rows = CarriedRows(rows or RowSettings(rows=0), ignore=survey.version_tables)
        self._repeat: Repeat | None = None
        self._snapshots = Snapshots(environment, ignore=survey.version_tables, rows=self._rows)
        self._session = Session(environment, survey, self._snapshots)
        self._applied: dict[str, None] = {}
        self._fresh = False
        self._unobserved = False
        self._floor: Snapshot | None = None
        self._trips: dict[str, Roundtrip] = {}
        self.blocked: dict[str, StepFailed] = {}
        """Revisions that cannot go up."""
        self.makers: dict[Key, str] = {}
        """Which revision made an object."""
        self.keeper: Keeper | None = None
        """Sets databases aside where a step goes wrong; None where nobody wants that."""
        self.at_heads: Snapshot | None = None
        """The schema with every revision applied, once the walk has been there."""

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
        if not self._fresh:
            self._start_over()
        lengths: list[int] = []
        self._session.look(lambda _url, connection: lengths.extend(column_lengths(connection, self._survey)))
        return min(lengths, default=None)

    def reach_heads(self) -> Snapshot | None:
        """Give the schema with every revision applied one by one; None where one of them cannot be."""
        if self.at_heads is None and not self.blocked:
            self._bring_up(self._order)
            self._note_heads()
        return self.at_heads

    def descend(self) -> Descent:
        """Go from the heads down to where the walk starts; on empty tables, unless all goes well on populated ones."""
        if self._rows.populated:
            descent = self._descend()
            if not descent.failures and (descent.reached is None or same(descent.reached, descent.expected)):
                return descent
            self._start_over()
        descent = self._descend()
        if descent.reached is not None and not same(descent.reached, descent.expected):
            self._learn_makers()
        return descent

    def _descend(self) -> Descent:
        self._bring_up(self._order, observed=self._floor is None and bool(self._minimum))
        if self._floor is None:
            self._look_at_floor()
        self._note_heads()
        self._fresh = False  # whoever comes after the descent begins anew
        descent = Descent(expected=self._floor or {}, missing=tuple(r for r in self._order if r not in self._applied))
        down = [revision for revision in reversed(self._applied) if revision not in self._minimum]
        descent.barriers = take_down(down, self._history, functools.partial(self._leave, descent))
        if not descent.barriers:
            descent.reached = self._look()
        return descent

    def pause(self) -> None:
        """End the run of `env.py`; the database stays, and the next step starts another run."""
        self._session.close()

    def close(self) -> None:
        """End the walk; its databases are dropped."""
        self._session.close()
        self._environment.sandbox.reset()

    def _waiting_before(self, revision: str) -> list[str]:
        """Name the planned revisions before this one that have not been walked yet."""
        earlier = self._planned[: self._planned.index(revision)] if revision in self._planned else []
        return [name for name in earlier if name not in self._trips]

    def _walk(self, revision: str) -> Roundtrip:
        trip = self._attempt(revision, Style.ADVERSARIAL)
        if self._is_about_rows(trip):
            trip = find_out_why(trip, self._attempt_anew, self._is_about_rows, self.makers)
        self._note_heads()
        return trip

    def _attempt_anew(
        self, revision: str, style: Style, *, leave_out: Collection[str] = (), since: str | None = None
    ) -> Roundtrip:
        self._start_over()
        trip = self._attempt(revision, style, leave_out=leave_out, since=since)
        if self._is_about_rows(trip):
            self._fresh = False  # whoever comes next begins anew
        return trip

    def _attempt(
        self, revision: str, style: Style, *, leave_out: Collection[str] = (), since: str | None = None
    ) -> Roundtrip:
        """Walk a revision with rows of this style in the tables; those of before an earlier one, if one is named."""
        self._rows.make(style, leave_out=leave_out)
        if since is not None:
            self._bring_up(self._order[: self._order.index(since)])
            self._session.look(functools.partial(self._snapshots.top_up, revision=since))
        self._bring_up(self._order[: self._order.index(revision)])
        trip = Roundtrip(revision=revision)
        if revision in self.blocked:  # it was tried on the way to somewhere else
            trip.failures[Direction.UPGRADE] = self.blocked[revision]
        else:
            trip.blocked_by = self._blocker(revision)
        if trip.blocked_by is None and not trip.failures:
            self._top_up(trip)
            if self._rows.judged and self._rows.latest:
                trip.rows = RowMoments(before=self._rows.latest, made=self._rows.populated)
            self._round(trip)
            if self._repeat is not None and not self._repeat(trip, self._session, self._snapshots, self._rows):
                return self._attempt_anew(revision, style, leave_out=leave_out, since=since)
            self._explore(trip)
            if revision in self._applied:
                self._top_up(trip)  # what it made is told to be without rows here, not with the next revision
            trip.coverage = self._rows.coverage
        return trip

    def _explore(self, trip: Roundtrip) -> None:
        """Go down to before an earlier revision, and up again, where this one fills a column which that one made."""
        barriers = self._irreversible | self._minimum
        way = way_below(trip, self.makers, self._history, tuple(self._applied), barriers)
        if not way or trip.revision not in self._applied:
            return
        steps = [*((revision, False) for revision in way), *((revision, True) for revision in reversed(way))]
        if all(isinstance(self._venture(name, upgrade=upgrade), float) for name, upgrade in steps):
            trip.excursion = Excursion(bottom=way[-1], rows=self._rows.latest)
        if trip.excursion is None or not same(self._snapshots.latest, trip.reupgraded or {}):
            self._start_over()

    def _is_about_rows(self, trip: Roundtrip) -> bool:
        """Tell whether a trip failed, and may not without the rows in the tables."""
        made = trip.rows is not None and trip.rows.made
        return made and may_be_about_rows(trip.failures, self._history.get(trip.revision))

    def _top_up(self, trip: Roundtrip) -> None:
        """Give rows to tables that changed since they got some."""
        if not self._rows.wants(trip.revision):
            return
        self._session.look(functools.partial(self._snapshots.top_up, revision=trip.revision))
        trip.unpopulated += self._rows.news(self._snapshots.latest)

    def _note_heads(self) -> None:
        if len(self._applied) == len(self._order):
            self.at_heads = self._snapshots.latest

    def _round(self, trip: Roundtrip) -> None:
        """Take the three steps, as far as they go."""
        trip.before, trip.seen = self._snapshots.latest, [self._rows.latest]
        self._snapshots.turn_to_next()
        irreversible = trip.revision in self._irreversible
        directions = list(Direction)[:1] if irreversible else list(Direction)
        for turn in [directions] if self.keeper is None else [[each] for each in directions]:
            if not trip.failures:
                self._take(trip, turn)
        if Direction.UPGRADE in trip.failures:
            if not self._is_about_rows(trip):
                self.blocked[trip.revision] = trip.failures[Direction.UPGRADE]
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
            trip.note(direction, self._snapshots.latest)
            trip.seen.append(self._rows.latest)
            if trip.rows is not None:
                trip.rows.note(direction, self._rows.latest)
            if direction is Direction.UPGRADE:
                self._applied[trip.revision] = None

        try:
            with self._venturing(followed=bool(self._rows.latest)):
                self._session.steps(trip.revision, directions, done)
        except StepFailed as failure:
            trip.failures[list(Direction)[len(trip.seconds)]] = failure
        if self.keeper is not None:
            self.keeper.look_after(trip, directions[-1], self._snapshots.latest, self._session)
        if trip.before is not None and trip.upgraded is not None:
            self.makers.update(dict.fromkeys(new_objects(trip.before, trip.upgraded), trip.revision))

    def _venture(self, revision: str, *, upgrade: bool) -> float | StepFailed:
        """Take a step that may fail; give the seconds that it took, or why it failed."""
        try:
            with self._venturing(followed=True):
                return self._session.step(revision, upgrade=upgrade)
        except StepFailed as failure:
            return failure

    @contextlib.contextmanager
    def _venturing(self, *, followed: bool) -> Iterator[None]:
        """Follow the rows meanwhile; whoever comes after an interruption in the middle of a step begins anew."""
        self._rows.following = followed
        try:
            yield
        except StepFailed:
            raise
        except BaseException:
            self._fresh = False
            raise
        finally:
            self._rows.following = False

    def _repair(self, trip: Roundtrip, *, applied: bool) -> None:
        """Bring the database to where the next revision starts, in the cheapest way that is right."""
        wanted = trip.upgraded if applied else trip.before
        assert wanted is not None
        heads = self._session.heads
        found = self._look()
        trip.halfway = found if trip.failures else None
        if not same(found, wanted):
            self._start_over()
        elif applied and not any(trip.revision in names for names in self._session.heads.values()):
            self._session.stamp(trip.revision)
        elif not applied and self._session.heads != heads:
            self._start_over()

    def _leave(self, descent: Descent, revision: str) -> bool:
        """Take one step of the descent, unless the revision is to stay."""
        if revision in self._irreversible:
            return False
        try:
            self._session.step(revision, upgrade=False, observed=False)
        except StepFailed as failure:
            descent.failures[revision] = failure
            return False
        del self._applied[revision]
        return True

    def _bring_up(self, order: list[str], *, observed: bool = False) -> None:
        """Apply all of these revisions that can be applied, and nothing else."""
        if not self._fresh or self._applied.keys() - order:
            self._start_over()
        if observed and self._floor is None and self._applied:
            self._look_at_floor()
        shortened = not observed and self._shorten(order)
        if self._floor is None and not self._applied:
            self._apply([name for name in order if name in self._minimum], observed=False)
            self._floor = self._look()
        steps = -len(self._applied)
        taken = self._apply(order, observed=observed)
        if not observed and steps + len(self._applied) >= WORTHWHILE:
            self._leave_shortcut()
        if (taken or shortened) and not observed:
            self._look()

    def _look_at_floor(self) -> None:
        """See where the walk starts, though this one came in above: on other databases, or from the start."""
        if self._minimum:
            self._start_over()
            return
        self._session.close()
        self._floor = look_at_empty(self._environment, self._survey)

    def _shorten(self, order: list[str]) -> bool:
        """Begin with a template, where there is one; tell whether there was."""
        if self._applied or self._shortcuts is None:
            return False
        self._session.close()
        taken = self._shortcuts.take([name for name in order if self._blocker(name) is None])
        self._applied = dict.fromkeys(taken)
        self._unobserved = self._unobserved or bool(taken)
        return bool(taken)

    def _leave_shortcut(self) -> None:
        """Leave a template of where the database is now."""
        if self._shortcuts is not None and not self._rows.populated:
            self._session.close()
            self._shortcuts.leave(tuple(self._applied))

    def _apply(self, order: list[str], *, observed: bool) -> bool:
        """Upgrade what is not applied yet; tell whether there was anything to do."""
        missing = [name for name in order if name not in self._applied]
        for name in missing:
            if self._blocker(name) is None and not self._upgrade(name, observed=observed):
                self._start_over()
                return self._apply(order, observed=observed)
        return bool(missing)

    def _upgrade(self, revision: str, *, observed: bool) -> bool:
        before = self._snapshots.latest
        try:
            self._session.step(revision, upgrade=True, observed=observed)
        except StepFailed as failure:
            if not self._rows.populated:  # or it is tried again without rows
                self.blocked[revision] = failure
            return False
        except BaseException:
            self._fresh = False
            raise
        self._applied[revision] = None
        self._rows.lose()
        if observed:
            self.makers.update(dict.fromkeys(new_objects(before, self._snapshots.latest), revision))
        elif revision not in self._minimum:
            self._unobserved = True
        return True

    def _blocker(self, revision: str) -> str | None:
        """Name a revision that cannot go up and that this one is or depends on."""
        if revision in self.blocked:
            return revision
        return next((name for name in self.blocked if name in self._history.ancestors(revision)), None)

    def _start_over(self) -> None:
        """Begin with new, empty databases."""
        self._session.close()
        self._environment.sandbox.reset()
        self._snapshots.forget()
        self._rows.forget()
        self._applied.clear()
        self._fresh = True

    def _look(self) -> Snapshot:
        """Read everything, because steps were taken unobserved or something went wrong."""
        self._rows.lose()
        self._session.look(self._snapshots.read_thoroughly)
        return self._snapshots.latest

    def _learn_makers(self) -> None:
        """Go up once more and look at each step, where some were taken without a look."""
        if self._unobserved:
            self._start_over()
            self._bring_up(self._order, observed=True)
            self._fresh, self._unobserved = False, False
