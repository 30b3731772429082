"""Writes revisions as SQL, by one run of `env.py` in offline mode.

``alembic upgrade a:b --sql`` gives one text, in which nobody can tell any more where a statement ends, or whose it is.
Alembic writes each statement to its ``output_buffer`` by one call, so that is where it is taken: with its revision, and
with what was lost on the way.  All is written twice, because a clock or a random value in a migration is frozen then.

The guard lets no connection out: what needs one cannot be written as SQL.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NoReturn

from alembic.runtime.migration import RevisionStep

from pytest_stairway.environment.environment import NotConnected
from pytest_stairway.environment.guard import Guard
from pytest_stairway.exceptions import ConnectionRefused
from pytest_stairway.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from alembic.runtime.migration import MigrationContext

    from pytest_stairway.contacts import Contact
    from pytest_stairway.environment.environment import Environment, Run

_SHOWN = 40

__all__ = ["Part", "Script", "Statement", "Step", "render_offline"]


class Part(str, Enum):
    """What a piece of Alembic's output is."""

    BEGIN = "begin"
    COMMIT = "commit"
    COMMENT = "comment"
    """``-- Running upgrade a -> b, message``."""
    MIGRATION = "migration"
    VERSION = "version"
    """The version table, made or brought up to date."""


@dataclass(frozen=True, slots=True)
class Step:
    """One revision, one way."""

    revision: str
    upgrade: bool = True

    @property
    def direction(self) -> str:
        """The function in the revision file."""
        return "upgrade" if self.upgrade else "downgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One piece of Alembic's output, as it was emitted."""

    text: str
    part: Part
    step: int | None = None
    """The place of its step; None for what stands before and after all of them."""
    lost: tuple[str, ...] = ()
    """Parameters that the migration gave and Alembic's offline mode leaves out, as ``name=value``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What Alembic writes for some steps."""

    steps: tuple[Step, ...]
    start: frozenset[str]
    """What the version table holds before."""
    statements: tuple[Statement, ...]
    heads: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """What it holds after each step, by the step's place."""
    failures: Mapping[int, Exception] = field(default_factory=dict)
    """By the step's place: what the migration raised in offline mode.  Its statements are not all there."""
    unstable: tuple[tuple[Statement | None, Statement | None], ...] = ()
    """Statements that were another the second time; None where there was none any more."""
    transactional_ddl: bool = True

    @property
    def end(self) -> frozenset[str]:
        """What the version table holds at the end."""
        return self.heads.get(len(self.steps) - 1, self.start)

    @property
    def transactions(self) -> int:
        """How many transactions it consists of."""
        return sum(each.part is Part.BEGIN for each in self.statements)

    @property
    def is_atomic(self) -> bool:
        """Whether it happens as a whole or not at all."""
        commits = sum(each.part is Part.COMMIT for each in self.statements)
        return self.transactional_ddl and self.transactions == commits == 1

    def of_step(self, place: int) -> tuple[Statement, ...]:
        """Give what was emitted for one step."""
        return tuple(each for each in self.statements if each.step == place)

    def parts(self) -> tuple[Script, ...]:
        """Give each step as a script of its own."""
        statements: dict[int | None, list[Statement]] = {}
        for each in self.statements:
            statements.setdefault(each.step, []).append(replace(each, step=0))
        return tuple(self._part(place, statements.get(place, ())) for place in range(len(self.steps)))

    def _part(self, place: int, statements: Sequence[Statement]) -> Script:
        pairs = ((one, other) for one, other in self.unstable if place in (_step_of(one), _step_of(other)))
        return replace(
            self,
            steps=(self.steps[place],),
            start=self.heads.get(place - 1, self.start),
            statements=tuple(statements),
            heads={0: self.heads[place]} if place in self.heads else {},
            failures={0: self.failures[place]} if place in self.failures else {},
            unstable=tuple((_as_first(one), _as_first(other)) for one, other in pairs),
        )


def render_offline(
    environment: Environment,
    steps: Sequence[Step],
    *,
    start: frozenset[str],
    destination: str = "heads",
    per_migration: bool | None = None,
    alone: bool = False,
) -> Script:
    """Write steps as SQL, twice.

    Args:
        environment: the user's `env.py`.
        steps: in the order in which they are to be run.
        start: what the version table holds before the first one.
        destination: what ``context.get_revision_argument()`` tells `env.py`.
        per_migration: whether each revision has a transaction of its own; None: what `env.py` says.
        alone: each step as if it were the only one.

    Raises:
        NotConnected: `env.py` ran no migrations in offline mode.
        ConnectionRefused: it wants to connect, also in offline mode.
        EnvironmentRaised: whatever else it raised.
    """
    renderings = [
        _Rendering(environment, steps, start, destination, per_migration=alone or per_migration, alone=alone)
        for _ in range(2)
    ]
    first, second = (rendering.script() for rendering in renderings)
    pairs = zip_longest(first.statements, second.statements)
    return replace(first, unstable=tuple((one, other) for one, other in pairs if _text(one) != _text(other)))


def _step_of(statement: Statement | None) -> int | None:
    return statement.step if statement else None


def _as_first(statement: Statement | None) -> Statement | None:
    return replace(statement, step=0) if statement else None


def _text(statement: Statement | None) -> str | None:
    return statement.text if statement else None


class _Rendering(io.TextIOBase):
    """One run of `env.py` in offline mode: what it asks for, and the buffer that takes its output."""

    def __init__(
        self,
        environment: Environment,
        steps: Sequence[Step],
        start: frozenset[str],
        destination: str,
        *,
        per_migration: bool | None,
        alone: bool,
    ) -> None:
        super().__init__()
        self._environment = environment
        self._steps = tuple(steps)
        self._start = start
        self._destination = destination
        self._per_migration = per_migration
        self._alone = alone
        self._statements: list[Statement] = []
        self._heads: dict[int, frozenset[str]] = {}
        self._failures: dict[int, Exception] = {}
        self._place: int | None = None
        self._guard = Guard(_refuse)
        self._in_migration = False
        self._lost: tuple[str, ...] = ()
        self._ran = False
        self._transactional_ddl = True

    def script(self) -> Script:
        """Run `env.py`."""
        self._environment.run(self._migrate, guard=self._guard, applied=self._applied, offline=self)
        if not self._ran:
            if self._guard.refusals:  # and env.py made something else of it
                raise self._guard.refusals[-1]
            raise NotConnected(
                "env.py ran to its end in offline mode (`alembic upgrade --sql`) without calling "
                "context.run_migrations()",
                remedy="Alembic expects, where context.is_offline_mode(), context.configure(url=…, literal_binds=True) "
                "and then context.run_migrations()",
            )
        return Script(
            steps=self._steps,
            start=self._start,
            statements=tuple(self._statements),
            heads=self._heads,
            failures=self._failures,
            transactional_ddl=self._transactional_ddl,
        )

    # -- what the run of env.py is asked for: see `circumstances.Offline` ---------------------------------------------

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What ``--sql`` gives to `EnvironmentContext`."""
        start = sorted(self._start)
        return {
            "as_sql": True,
            "starting_rev": start[0] if len(start) == 1 else tuple(start) or None,
            "destination_rev": self._destination,
        }

    @property
    def options(self) -> Mapping[str, Any]:
        """What stands above `env.py`'s own: the output comes here, and nowhere else."""
        forced = {} if self._per_migration is None else {"transaction_per_migration": self._per_migration}
        return {"output_buffer": self, "output_encoding": None, **forced}

    def configured(self, context: MigrationContext) -> None:
        """Watch what stands in for a connection: it drops the parameters that a migration gives."""
        self._transactional_ddl = context.impl.transactional_ddl
        bind: Any = context.connection
        execute = bind.execute

        @functools.wraps(execute)
        def watched(statement: Any, *parameters: Any, **options: Any) -> Any:
            self._lost = _named([*parameters, *([options["parameters"]] if options.get("parameters") else [])])
            try:
                return execute(statement, *parameters, **options)
            finally:
                self._lost = ()

        bind.execute = watched

    # -- the buffer ---------------------------------------------------------------------------------------------------

    def writable(self) -> bool:
        """Tell that it takes text."""
        return True

    def write(self, text: str) -> int:
        """Take what Alembic emits: one statement a call."""
        told = text.removesuffix("\n\n")
        if told.strip():
            statement = Statement(text=told, part=self._part(told), step=self._place, lost=self._lost)
            self._statements.append(statement)
        return len(text)

    def _part(self, text: str) -> Part:
        if text in _BOUNDS:
            return _BOUNDS[text]
        if self._in_migration:
            return Part.MIGRATION
        return Part.COMMENT if text.startswith("-- Running ") else Part.VERSION

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _migrate(self, _run: Run, _heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        self._ran = True
        for place, step in enumerate(self._steps):
            self._place = place
            if self._alone:
                context.impl.memo.clear()  # which named types were created so far: see `walk.environment_run`
            try:
                made = self._made(step)
            except AttributeError as error:  # the file does not define the function
                self._failures[place] = error
                continue
            made.migration_fn = self._recorded(made.migration_fn, place)
            yield made
        self._place = None

    def _made(self, step: Step) -> RevisionStep:
        script = self._environment.history.script
        return RevisionStep(script.revision_map, script.get_revision(step.revision), step.upgrade)

    def _recorded(self, migrate: Callable[..., None], place: int) -> Callable[..., None]:
        """Keep what a migration raises, and let the next ones be written."""

        @functools.wraps(migrate)  # Alembic logs its name
        def migration_function(**arguments: Any) -> None:
            self._in_migration = True
            try:
                migrate(**arguments)
            except Exception as error:  # noqa: BLE001 - told as a finding
                self._failures[place] = error
                self._guard.refusals.clear()  # the next ones are not this one's retries
            finally:
                self._in_migration = False

        return migration_function

    def _applied(self, _context: MigrationContext, heads: frozenset[str]) -> None:
        if self._place is not None:
            self._heads[self._place] = heads


_BOUNDS = {"BEGIN;": Part.BEGIN, "COMMIT;": Part.COMMIT}


def _refuse(contact: Contact) -> NoReturn:
    raise ConnectionRefused(
        phrase("refused a connection in offline mode, where Alembic's SQL is written without one"),
        address=str(contact),
        remedy=phrase(
            "What a migration or env.py reads from a database cannot be written as SQL: let it be SQL itself "
            "(INSERT … SELECT, DO), or leave this revision to `alembic upgrade`"
        ),
    )


def _named(parameters: Sequence[Any]) -> tuple[str, ...]:
    """Tell parameters as ``name=value``; of many rows, how many."""
    given = next((each for each in parameters if each), None)
    if isinstance(given, Mapping):
        return tuple(f"{name}={_shown(value)}" for name, value in given.items())
    return (f"{len(given)} rows of parameters",) if given else ()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
