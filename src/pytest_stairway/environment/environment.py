"""Runs the user's `env.py` as it stands, redirected and guarded.

`Environment` executes it for a purpose: to see which dialect it connects to, to learn how it configures Alembic, or to
migrate with a function of ours.  What it does around that purpose (its own URL, logging, transactions) is left to it.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
from typing import TYPE_CHECKING, Any

from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import column, table

from pytest_stairway.environment.circumstances import (
    Circumstances,
    EnvironmentUnusable,
    NotConnected,
    NothingCommitted,
    Run,
    Survey,
    circumstances_at_start,
    observe,
)
from pytest_stairway.environment.guard import Contact, Guard
from pytest_stairway.environment.logs import LoggingState
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.environment.threads import Interrupted, in_own_thread, interruptible
from pytest_stairway.exceptions import StairwayError, chain_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alembic.config import Config
    from alembic.runtime.migration import RevisionStep
    from sqlalchemy import Executable, TableClause

    from pytest_stairway.environment.circumstances import Applied, Offline
    from pytest_stairway.revisions import History

    Migrate = Callable[[Run, tuple[str, ...], MigrationContext], Iterable[RevisionStep]]

__all__ = [
    "Circumstances",
    "Environment",
    "EnvironmentRaised",
    "EnvironmentUnusable",
    "NotConnected",
    "NothingCommitted",
    "Run",
    "Survey",
]


class EnvironmentRaised(StairwayError):
    """`env.py` raised something.

    Attributes:
        error: what it raised; may be a `SystemExit`.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"env.py raised {type(error).__name__}")
        self.error = error


class _Found(BaseException):
    """Ends `env.py` where it connects; no ``except Exception`` on the way stops it."""


class Environment:
    """The user's `env.py` and the sandbox that it runs in.

    Args:
        history: the loaded history, whose `ScriptDirectory` serves every run.
        sandbox: where its connections lead to.
    """

    def __init__(self, history: History, *, sandbox: Sandbox) -> None:
        self.history = history
        self.sandbox = sandbox
        self.guard = Guard(sandbox.locate)

    def elsewhere(self, label: str) -> Environment:
        """Give the same `env.py` with new, empty databases of its own."""
        server = self.sandbox.server
        assert server is not None  # this one has been run already
        return Environment(self.history, sandbox=Sandbox(lambda _contact: server, label=label))

    def abandon(self) -> None:
        """End what runs on the throwaway databases; the next run of `env.py` gets a guard of its own."""
        guard, self.guard = self.guard, Guard(self.sandbox.locate)
        guard.abandon()

    def probe(self) -> Contact:
        """See where `env.py` connects to, and stop it there: no connection is made.

        Raises:
            NotConnected: it did not try to connect.
            ConnectionRefused: it tried to connect in a way that cannot be redirected.
            EnvironmentRaised: whatever `env.py` raised.
        """
        contacts: list[Contact] = []

        def stop(contact: Contact) -> str:
            contacts.append(contact)
            raise _Found

        try:
            self.run(_no_steps, guard=Guard(stop), enough=lambda: bool(contacts))
        except (StairwayError, _Found):
            if not contacts:  # else it made something else of being stopped
                raise
        if not contacts:
            raise NotConnected("env.py ran to its end without connecting to a database")
        return contacts[0]

    def survey(self) -> Survey:
        """Run `env.py` on the throwaway database without any revision, to see how it configures Alembic.

        Raises:
            NotConnected: it ran no migrations.
            NothingCommitted: it does not commit them.
            ConnectionRefused: it tried to connect in a way that cannot be redirected.
            EnvironmentRaised: whatever `env.py` raised.
        """
        seen: list[Circumstances] = []

        def note(run: Run, heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            seen.append(circumstances_at_start(run))
            if seen[-1].external_transaction and not heads:
                insert = _versions(seen[-1]).insert()
                _execute(context, *(insert.values(version_num=base) for base in self.history.bases[:1]))
            return ()

        self.run(note)
        if not seen:
            raise NotConnected("env.py ran to its end without calling context.run_migrations()")
        if any(context.external_transaction for context in seen):
            self._check_committed()
        return Survey(contexts=tuple(seen))

    def _check_committed(self) -> None:
        """See in a second run that what the first one wrote is there.

        Raises:
            NothingCommitted: `env.py` keeps a transaction to itself, and never commits it.
        """
        lost: list[str] = []

        def look(run: Run, heads: tuple[str, ...], context: MigrationContext) -> tuple[()]:
            circumstances = circumstances_at_start(run)
            if circumstances.external_transaction:
                lost.extend(set(self.history.bases[:1]) - set(heads))
                _execute(context, _versions(circumstances).delete())
            return ()

        self.run(look)
        if lost:
            raise NothingCommitted(
                "env.py never commits the transaction of its migrations, so that `alembic upgrade` changes nothing"
            )

    def run(
        self,
        migrate: Migrate,
        *,
        guard: Guard | None = None,
        enough: Callable[[], bool] = lambda: False,
        applied: Applied | None = None,
        offline: Offline | None = None,
    ) -> None:
        """Execute `env.py` in a thread of its own, and stop it when it is enough, or never satisfied.

        Raises:
            ConnectionRefused: it tries again and again to connect to what it is refused.
            BaseException: as `execute`.
        """
        guard = guard or self.guard
        work = functools.partial(self.execute, migrate, applied=applied, guard=guard, offline=offline)
        in_own_thread(work, enough=lambda: enough() or guard.is_stubborn)
        if guard.is_stubborn:
            raise guard.refusals[-1]

    def execute(
        self,
        migrate: Migrate,
        *,
        applied: Applied | None = None,
        guard: Guard | None = None,
        offline: Offline | None = None,
    ) -> None:
        """Execute `env.py` once, guarded, in the calling thread.

        Args:
            migrate: what Alembic asks for the steps: it gets the run, the current heads and the context.
            applied: called with the new heads in each step's own transaction, after its version update.
            guard: instead of the sandbox's own.
            offline: write the migrations as SQL, as ``--sql`` does.

        Raises:
            EnvironmentRaised: whatever `env.py` raised.
            BaseException: whatever `migrate`, its steps or `applied` raised.
        """
        guard = guard or self.guard
        run = Run(guard=guard, logging=LoggingState(), offline=offline)
        with contextlib.ExitStack() as stack:
            stack.callback(_drop_repeated_paths)
            stack.callback(_release_operations)
            stack.callback(run.restore_logging)
            stack.enter_context(guard.armed())
            stack.enter_context(self._context(run, migrate, applied))
            try:
                with interruptible():
                    self.history.script.run_env()
            except BaseException as error:
                told = _told(error, run)
                if told is error:
                    raise
                raise told from error
        if run.fault_of_ours is not None:  # and env.py swallowed it
            raise run.fault_of_ours

    def _context(self, run: Run, migrate: Migrate, applied: Applied | None) -> EnvironmentContext:
        """Make what ``alembic.context`` is in `env.py`, with what ``alembic upgrade`` gives it."""

        def steps(heads: Any, context: MigrationContext) -> Iterator[RevisionStep]:
            with run.taking_part():
                yield from migrate(run, tuple(heads or ()), context)

        online = {
            "as_sql": False,
            "starting_rev": None,
            "destination_rev": "head" if len(self.history.heads) == 1 else "heads",
        }
        arguments = online if run.offline is None else run.offline.arguments
        context = EnvironmentContext(
            _own_copy(self.history.config, offline=run.offline is not None),
            self.history.script,
            fn=steps,
            tag=None,
            **arguments,
        )
        observe(context, run, applied, self.sandbox)
        return context


def _no_steps(*_arguments: Any) -> tuple[()]:
    """Migrate nothing."""
    return ()


def _told(error: BaseException, run: Run) -> BaseException:
    """Find out what an error that came out of `env.py` really is."""
    if isinstance(error, (Interrupted, _Found)):
        return error
    if run.fault_of_ours is not None:
        return run.fault_of_ours
    ours = (each for each in chain_of(error) if isinstance(each, StairwayError))
    return next(ours, None) or EnvironmentRaised(error)


def _own_copy(config: Config, *, offline: bool) -> Config:
    """Copy what an `env.py` may write to: each run gets the configuration as it was loaded."""
    own = copy.copy(config)
    if offline and own.cmd_opts is not None:
        own.cmd_opts = copy.copy(own.cmd_opts)
        own.cmd_opts.sql = True  # some env.py look there
    # Both are made when they are first asked for, and kept where any attribute is.
    vars(own).update(attributes=dict(config.attributes), file_config=copy.deepcopy(config.file_config))
    return own


def _release_operations() -> None:
    """Leave ``alembic.op`` without a context, where a migration that raised has left it with its own."""
    with Operations.context(MigrationContext.configure(dialect_name="sqlite")):
        pass


def _drop_repeated_paths() -> None:
    """Take out of ``sys.path`` what each run of an `env.py` appends again."""
    paths = list(dict.fromkeys(sys.path))
    if len(paths) < len(sys.path):
        sys.path[:] = paths


def _versions(circumstances: Circumstances) -> TableClause:
    schema, name = circumstances.version_table
    return table(name, column("version_num"), schema=schema)


def _execute(context: MigrationContext, *statements: Executable) -> None:
    assert context.connection is not None  # online mode has one
    for statement in statements:
        context.connection.execute(statement)
