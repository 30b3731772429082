"""One run of `env.py` in its thread, which takes commands from the walk one at a time.

Alembic executes each step that its ``fn`` yields before it asks for the next.  So a generator can take one command at
a time from the walk: it yields a step, commits, looks at what came of it, and waits for the next command.  The run
meets the walk at a rendezvous; never do two things happen at once.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic.runtime.migration import RevisionStep

from pytest_stairway.environment.environment import EnvironmentRaised, NotConnected, NothingCommitted
from pytest_stairway.environment.guard import STAMP
from pytest_stairway.environment.session_settings import UNKNOWN_SOURCE, SessionSettings
from pytest_stairway.environment.threads import EnvironmentThread, GoesOn, Interrupted
from pytest_stairway.exceptions import StairwayError
from pytest_stairway.schema.transaction import Ending, EndingFailed
from pytest_stairway.sources import read_source
from pytest_stairway.walk.stepping import CHAIN, Command, StepFailed, Swallowed, chains, end_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    from pytest_stairway.environment.environment import Environment, Run, Survey
    from pytest_stairway.walk.stepping import Observer

__all__ = ["EnvironmentRun"]

WATCH = 0.2
"""Seconds between two looks at whether a run of `env.py` should still be waited for."""


@dataclass(slots=True)
class _Reply:
    """What came of a command."""

    seconds: float
    error: BaseException | None = None


class EnvironmentRun:
    """One run of `env.py` in its thread.

    Args:
        environment: the user's `env.py`.
        survey: how it configures Alembic.
        observer: looks at the databases around each step.
        heads: what the version tables hold, kept up to date here.
        committed: what they must hold when the run begins, where that is known.
    """

    def __init__(
        self,
        environment: Environment,
        survey: Survey,
        observer: Observer,
        heads: dict[str, frozenset[str]],
        committed: dict[str, frozenset[str]],
    ) -> None:
        self._environment = environment
        self._survey = survey
        self._observer = observer
        self._heads = heads
        self._committed = committed
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[_Reply] = queue.SimpleQueue()
        self._command: Command | None = None
        self._owes_reply = False
        self._source = ("", "")  # of no revision, where our own work is done
        self._in_step = False
        self._served = False
        self._committed_already = False
        self._ended = False
        self._abandoned = False
        self._failure: StepFailed | None = None
        self._stage: str | None = None
        self._database = ""
        self._settings: SessionSettings | None = None
        self._clock = _Clock()
        self._thread = EnvironmentThread(self._target)
        environment.guard.refusals.clear()
        self._thread.start()

    def ask(self, command: Command) -> float:
        """Hand a command to the run, wait until it and what follows are done, and give the seconds of the last step.

        Raises:
            ConnectionRefused: `env.py` tries again and again to connect to what it is refused.
            BaseException: what came of the command, or what ended the waiting.
        """
        self._commands.put(command)
        try:
            reply = self._wait()
        except BaseException:
            self._abandon()
            raise
        if reply.error is not None:
            raise reply.error
        return reply.seconds

    def finish(self) -> None:
        """Let `env.py` run to its end, or make it, where a step has failed and it goes on regardless."""
        if self._abandoned:
            return
        self._commands.put(None)
        try:
            while not self._ended and not self._thread.wait(WATCH):
                self._raise_if_stubborn()
            if not self._thread.stop():
                raise GoesOn
        except BaseException:
            self._abandon()
            raise

    def _wait(self) -> _Reply:
        while True:
            try:
                return self._replies.get(timeout=WATCH)
            except queue.Empty:
                self._raise_if_stubborn()

    def _raise_if_stubborn(self) -> None:
        guard = self._environment.guard
        if guard.is_stubborn:
            raise guard.refusals[-1]

    def _abandon(self) -> None:
        """Nobody waits any more (Ctrl-C, a test runner's time limit): end the run in the middle."""
        self._abandoned = True
        self._environment.abandon()
        self._commands.put(None)
        if not self._thread.stop(grace=0, patience=WATCH):
            with contextlib.suppress(StairwayError):
                self._environment.sandbox.reset()  # which disconnects whoever runs a statement there
            self._thread.stop(grace=0)

    # -- in the thread ----------------------------------------------------------------------------------------------

    def _target(self) -> None:
        """Run `env.py`; however that ends, the walk gets its reply."""
        serve = self._serve_many if self._survey.continuous else self._serve_one
        error: BaseException | None = None
        try:
            self._environment.execute(serve, applied=self._applied)
        except BaseException as raised:  # noqa: BLE001 - handed to the walk
            error = raised
        if not self._ended:
            self._reply(self._told(error))

    def _reply(self, error: BaseException | None = None) -> None:
        self._replies.put(_Reply(self._clock.seconds, error))

    def _told(self, error: BaseException | None) -> BaseException | None:
        """Find out what the end of `env.py` means for the command that was being served."""
        if self._failure is not None:
            return self._failure
        if self._stage is not None and (error is not None or self._in_step):
            cause = error.error if isinstance(error, EnvironmentRaised) else error
            return StepFailed(cause or Swallowed(), self._stage, self._database)
        if error is None and not self._served:
            return NotConnected("env.py ran to its end without running the migration")
        return error

    def _serve_many(self, run: Run, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        """Take commands until there are no more; each step is committed on its own."""
        self._end_if_again()
        connection = _connection_of(context)
        url = connection.info[STAMP]
        self._heads[url] = frozenset(heads)
        single = self._survey.contexts[0].single_transaction
        settings = self._settings = SessionSettings(connection)
        if not single:
            connection.commit()  # the version table, which Alembic has just made in a transaction of nobody's
        while (command := self._next(run)) is not None:
            settings.expect(self._source_of(command.revision))
            yield from self._serve(command, url, connection)
            if command.work is None:
                self._commit(context, single=single)
                _forget_created(context)
                settings.restore()
                if command.observed:
                    self._observer.read(url, connection)
            if not single:
                connection.rollback()  # ends what our own looks began
            self._owes_reply = True

    def _serve_one(self, run: Run, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        """Serve one command on each database that `env.py` configures; it commits by itself."""
        self._end_if_again()
        command = self._command or self._next(run)
        if command is None:
            return
        connection = _connection_of(context)
        url = connection.info[STAMP]
        if self._committed.get(url, frozenset(heads)) != frozenset(heads):
            raise NothingCommitted("env.py ran a migration without committing it")
        self._heads[url] = frozenset(heads)
        yield from self._serve(command, url, connection)
        self._served = True

    def _end_if_again(self) -> None:
        """End a run in which a step has failed, and whose `env.py` tries the migrations once more."""
        if self._in_step:
            if not self._ended:
                self._ended = True
                self._reply(self._told(None))
            raise Interrupted

    def _next(self, run: Run) -> Command | None:
        """Reply to the command that was served, and wait for the next; everybody else is left alone until then."""
        following = self._following()
        if following is not None:
            self._command = following
            self._clock.reset()
            return following
        with run.idle():
            if self._owes_reply:
                self._owes_reply = False
                self._reply()
            self._command = self._commands.get()
        self._clock.reset()
        return self._command

    def _following(self) -> Command | None:
        """Give what is to be done in the same turn as the command that was served."""
        served = self._command
        if not self._owes_reply or served is None or served.then is None:
            return None
        return served.then(self._clock.seconds)

    def _serve(self, command: Command, url: str, connection: Connection) -> Iterator[RevisionStep]:
        self._stage = None
        if command.work is not None:
            command.work(url, connection)
            return
        if command.observed:
            self._observer.begin_step(url, connection)
        step = self._step(command)
        step.migration_fn = self._recorded(_nothing if command.stamped else step.migration_fn)
        self._database = self._environment.sandbox.name_of(url)
        self._clock.start()
        self._in_step = True
        yield step
        self._in_step = False

    def _source_of(self, revision: str) -> str:
        """Give the text of a revision's file; where there is no such file to read, what tells the least."""
        if not revision:
            return ""
        if revision != self._source[0]:
            self._source = (revision, UNKNOWN_SOURCE)
            with contextlib.suppress(OSError):
                self._source = (revision, read_source(self._environment.history[revision].path))
        return self._source[1]

    def _step(self, command: Command) -> RevisionStep:
        script = self._environment.history.script
        try:
            return RevisionStep(script.revision_map, script.get_revision(command.revision), command.upgrade)
        except AttributeError as error:  # the file does not define the function
            self._failure = StepFailed(error, "migration", self._database)
            raise

    def _recorded(self, migrate: Callable[..., None]) -> Callable[..., None]:
        """Keep what a migration raises, even where `env.py` swallows it."""

        @functools.wraps(migrate)  # Alembic logs its name
        def migration_function(**arguments: Any) -> None:
            try:
                migrate(**arguments)
            except BaseException as error:
                self._failure = StepFailed(error, "migration", self._database)
                raise
            self._stage = "version table"

        return migration_function

    def _applied(self, context: MigrationContext, heads: frozenset[str]) -> None:
        """Look at the database in the step's own transaction; Alembic calls this after the version update."""
        self._clock.stop()
        self._stage = None
        connection = _connection_of(context)
        url = connection.info[STAMP]
        self._heads[url] = heads
        self._committed_already = False
        if self._command is not None and self._command.observed:
            self._observe_end(url, connection)
        self._stage = "commit"

    def _observe_end(self, url: str, connection: Connection) -> None:
        ending: Ending | None = None
        if self._settings is not None and self._survey.contexts[0].single_transaction and chains(connection):
            ending = Ending(CHAIN, settled=self._settings.settled)
        try:
            self._committed_already = self._observer.end_step(url, connection, ending)
        except EndingFailed as failed:
            self._stage = "commit"
            raise failed.error from None
        if not self._survey.continuous:
            self._observer.read(url, connection)

    def _commit(self, context: MigrationContext, *, single: bool) -> None:
        """Give the revision a transaction of its own, as if it were applied alone.

        The DBAPI's own commit ends one transaction and lets the next statement begin another (PEP 249), whoever holds
        the transaction here: Alembic, or `env.py` itself.  ``autocommit_block`` would do the same in three round trips.
        """
        if single and not self._committed_already:
            self._clock.start()
            end_transaction(_connection_of(context))
            self._clock.stop()
        self._stage = None


def _forget_created(context: MigrationContext) -> None:
    """Let Alembic forget which named types it has created in this run: a revision applied alone knows of none.

    There is no public way.  Without this an enum type that a downgrade drops is not created by the next upgrade.
    """
    context.impl.memo.clear()


def _nothing(**_arguments: Any) -> None:
    """Stand in for a migration that is only stamped."""


class _Clock:
    """Sums up the seconds of a step, without our own looks at the database."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0

    def reset(self) -> None:
        self.seconds = 0.0

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._since


def _connection_of(context: MigrationContext) -> Connection:
    connection = context.connection
    assert connection is not None  # online mode always has one
    return connection
