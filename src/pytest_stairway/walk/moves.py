"""Moves between revisions exactly as ``alembic upgrade`` and ``alembic downgrade`` do.

The walk takes one step at a time; a deployment, and a test of one migration, say where they want to be.  Alembic itself
finds the way there, and one run of `env.py` takes it, with as many transactions as `env.py` wants.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic.runtime.migration import RevisionStep
from alembic.script.revision import RangeNotAncestorError, RevisionError
from alembic.util import CommandError

from pytest_stairway.environment.environment import EnvironmentRaised
from pytest_stairway.environment.threads import Interrupted
from pytest_stairway.exceptions import UsageError
from pytest_stairway.walk.session import StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection

    from pytest_stairway.environment.environment import Environment, Run
    from pytest_stairway.revisions import History

    Target = str | tuple[str, ...]

__all__ = ["Move", "move", "take"]


@dataclass(slots=True, kw_only=True)
class Move:
    """What became of one move."""

    revisions: tuple[str, ...] = ()
    """What was applied, or taken back, in Alembic's own order."""
    heads: tuple[str, ...] = ()
    """What the version table holds at the end; of no meaning after a failure."""
    failure: StepFailed | None = None
    failed_at: str | None = None
    """The revision that failed; None where `env.py` did."""
    seconds: float = 0.0


def move(environment: Environment, target: Target, *, upgrade: bool) -> Move:
    """Go to a revision in one run of `env.py`.

    Args:
        environment: the user's `env.py`, with the databases to migrate.
        target: whatever Alembic's command takes: an id or its beginning, ``head``, ``base``, ``+1``, ``label@head``; or
            several full ids.
        upgrade: up, or down.

    Raises:
        UsageError: Alembic does not know the target, or cannot go there from where the database is.
    """
    return _run(environment, lambda heads: _way(environment.history, target, heads, upgrade=upgrade))


def take(
    environment: Environment, steps: Iterable[tuple[str, bool]], *, begin: Callable[[Connection], None] | None = None
) -> Move:
    """Take these very steps in one run of `env.py`.

    Args:
        environment: the user's `env.py`, with the databases to migrate.
        steps: each revision's full id, and whether it goes up.
        begin: called with the migration's own connection before the first one.
    """
    script = environment.history.script
    way = [RevisionStep(script.revision_map, script.get_revision(name), up) for name, up in steps]
    return _run(environment, lambda _heads: way, begin)


def _run(
    environment: Environment,
    way: Callable[[tuple[str, ...]], list[RevisionStep]],
    begin: Callable[[Connection], None] | None = None,
) -> Move:
    moved = Move()
    running: list[str] = []
    started = time.perf_counter()

    def migrate(_run: Run, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        if moved.failure is not None:
            raise Interrupted  # env.py tries once more what has failed
        if begin is not None and context.connection is not None:
            begin(context.connection)
        for step in way(heads):
            step.migration_fn = _noted(step.migration_fn, step.revision.revision, running, moved)
            yield step
            moved.revisions = (*moved.revisions, step.revision.revision)
        moved.heads = tuple(context.get_current_heads())

    try:
        environment.run(migrate)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - told as the move's failure
        cause = error.error if isinstance(error, EnvironmentRaised) else error
        moved.failure = moved.failure or StepFailed(cause, "commit")
    moved.seconds = time.perf_counter() - started
    if moved.failure is not None:
        moved.failed_at = running[-1] if running else None
    return moved


def _way(history: History, target: Target, heads: tuple[str, ...], *, upgrade: bool) -> list[RevisionStep]:
    """Let Alembic find the steps from some heads to a target.

    Raises:
        UsageError: there is no way; in Alembic's words.
    """
    script = history.script
    try:
        if upgrade:
            found = list(script.iterate_revisions(target, heads, implicit_base=True))[::-1]
        else:
            found = list(script.iterate_revisions(heads, target, select_for_downgrade=True))
    except (RevisionError, CommandError) as error:
        here = ", ".join(heads) or "base"
        verb = "upgrade" if upgrade else "downgrade"
        raise UsageError(f"cannot {verb} from {here} to {target!r}: {_why(error)}") from error
    return [RevisionStep(script.revision_map, each, upgrade) for each in found]


def _why(error: Exception) -> str:
    if isinstance(error, RangeNotAncestorError):
        return "it does not lie below"
    why = str(error).partition("; please ensure")[0].rstrip(".")  # what follows is not so
    return why[:1].lower() + why[1:]


def _noted(migrate: Callable[..., None], revision: str, running: list[str], moved: Move) -> Callable[..., None]:
    """Keep what a migration raises, and which one it was."""

    @functools.wraps(migrate)  # Alembic logs its name
    def migration_function(**arguments: Any) -> None:
        running.append(revision)
        try:
            migrate(**arguments)
        except BaseException as error:
            moved.failure = StepFailed(error, "migration")
            raise

    return migration_function
