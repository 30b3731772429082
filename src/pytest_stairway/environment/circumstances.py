"""What `env.py` hands to Alembic: the connection, the options, and who holds the transaction."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, MetaData

from pytest_stairway.environment.guard import STAMP
from pytest_stairway.environment.logs import LoggingState
from pytest_stairway.exceptions import StairwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext

    from pytest_stairway.environment.guard import Guard
    from pytest_stairway.environment.sandbox import Sandbox

    Applied = Callable[[MigrationContext, frozenset[str]], None]

__all__ = [
    "Circumstances",
    "EnvironmentUnusable",
    "NotConnected",
    "NothingCommitted",
    "Offline",
    "Run",
    "Survey",
    "circumstances_at_start",
    "observe",
]


class EnvironmentUnusable(StairwayError):
    """`env.py` does not do what a run of Alembic needs.

    Attributes:
        remedy: what Alembic expects there.
    """

    remedy = "Alembic expects context.configure(connection=…), and then context.run_migrations()"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy or self.remedy


class NotConnected(EnvironmentUnusable):
    """`env.py` ran to its end without asking for a database, or without running migrations."""


class NothingCommitted(EnvironmentUnusable):
    """`env.py` leaves the transaction of its migrations open, so that nothing of them stays."""

    remedy = (
        "Wrap context.run_migrations() in `with context.begin_transaction():`, and commit what runs on the connection "
        "before context.configure(): a transaction that is open by then stays env.py's own"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How `env.py` configured Alembic for one connection."""

    url: str
    """The throwaway database that this connection leads to."""
    dialect: str
    transactional_ddl: bool
    transaction_per_migration: bool
    external_transaction: bool
    """A transaction was open on the connection when Alembic got it, or `env.py` never asked Alembic for one."""
    version_table: tuple[str | None, str]
    """Schema (None for the default one) and name."""
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What `env.py` gave to ``context.configure``: ``target_metadata``, ``include_object`` and the rest."""

    @property
    def single_transaction(self) -> bool:
        """Whether one transaction holds all revisions of a run."""
        return self.external_transaction or (self.transactional_ddl and not self.transaction_per_migration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one run of `env.py` without any revision showed."""

    contexts: tuple[Circumstances, ...]

    @property
    def continuous(self) -> bool:
        """Whether one run of `env.py` can serve many steps."""
        return len(self.contexts) == 1

    @property
    def version_tables(self) -> frozenset[tuple[str | None, str]]:
        """Every version table, as schema and name."""
        return frozenset(context.version_table for context in self.contexts)


class Offline(Protocol):
    """What a run in offline mode is asked for, and who takes its SQL."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What ``alembic upgrade a:b --sql`` gives to `EnvironmentContext` beside ``fn``."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What stands above whatever `env.py` gives to ``context.configure``; None takes an option out."""

    def configured(self, context: MigrationContext) -> None:
        """Look at what came of each ``context.configure``."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One execution of `env.py`, as the functions that take part in it see it."""

    guard: Guard
    logging: LoggingState | None
    """The process's logging before this turn of `env.py`; None while it waits between two turns."""
    configured: Circumstances | None = None
    """The newest ``context.configure`` of this run."""
    began: bool = False
    """Whether `env.py` asked Alembic to begin a transaction since then."""
    fault_of_ours: BaseException | None = None
    """What was raised by a function that takes part, rather than by `env.py`."""
    offline: Offline | None = None
    """Set where the migrations are written as SQL, and nothing is connected."""

    @contextlib.contextmanager
    def idle(self) -> Iterator[None]:
        """Leave everybody alone for a while: the run waits, and the process belongs to others."""
        self.restore_logging()
        with self.guard.paused():
            yield
        self.logging = LoggingState()

    def restore_logging(self) -> None:
        """Give logging back as it was before this turn."""
        if self.logging is not None:
            self.logging.restore()
            self.logging = None

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """Note what is raised in the block as a fault of ours, whatever `env.py` makes of it."""
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException as error:
            self.fault_of_ours = error
            raise


def observe(context: EnvironmentContext, run: Run, applied: Applied | None, sandbox: Sandbox) -> None:
    """Look at what `env.py` hands to Alembic.

    A subclass would be no use: Alembic installs its module proxies for `EnvironmentContext` itself only, so the methods
    are wrapped on the instance.
    """
    configure, begin_transaction, run_migrations = (
        context.configure,
        context.begin_transaction,
        context.run_migrations,
    )

    def observed_configure(connection: Connection | None = None, *args: Any, **options: Any) -> None:
        if run.logging is not None:
            run.logging.renew()  # before Alembic logs anything through handlers that env.py has put in
        external = False
        if isinstance(connection, Connection):  # else Alembic will say what it thinks of it
            run.guard.check(connection)
            external = connection.in_transaction()
        _check_metadata(options.get("target_metadata"))
        if applied is not None:
            options["on_version_apply"] = [*_listed(options.get("on_version_apply")), _callback(run, applied)]
        if run.offline is not None:
            options = _overridden(options, run.offline.options)
        configure(connection, *args, **options)
        run.began = False
        if run.offline is not None:
            run.offline.configured(context.get_context())
        run.configured = _circumstances(context, connection, options, external=external)
        sandbox.note_migrated(run.configured.url)

    def observed_begin() -> Any:
        _check_connected(run)
        run.began = True
        return begin_transaction()

    def observed_run(**arguments: Any) -> None:
        _check_connected(run)
        run_migrations(**arguments)

    context.configure = observed_configure  # type: ignore[method-assign]  # see the docstring
    context.begin_transaction = observed_begin  # type: ignore[method-assign]
    context.run_migrations = observed_run  # type: ignore[method-assign]


def _callback(run: Run, applied: Applied) -> Callable[..., None]:
    """Make what Alembic calls after each version update."""

    def on_version_apply(*, ctx: MigrationContext, heads: Iterable[str], **_rest: Any) -> None:
        with run.taking_part():
            applied(ctx, frozenset(heads))

    return on_version_apply


def _overridden(options: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Put some options above others."""
    return {name: value for name, value in {**options, **above}.items() if value is not None}


def _check_connected(run: Run) -> None:
    """See that migrations can be run, where Alembic only asserts it."""
    if run.configured is None:
        raise NotConnected("env.py calls context.run_migrations() without calling context.configure()")
    if not run.configured.url and run.offline is None:
        raise NotConnected("env.py runs the migrations without a connection")


def _check_metadata(target_metadata: Any) -> None:
    """See that ``target_metadata`` is what Alembic expects, which itself says nothing before autogenerate."""
    for each in _listed(target_metadata):
        if not isinstance(each, MetaData):
            name = each.__name__ if isinstance(each, type) else f"a {type(each).__name__}"
            raise EnvironmentUnusable(
                f"target_metadata is {name}, where Alembic expects a MetaData or a list of them",
                remedy="Give context.configure() the models' MetaData: target_metadata=Base.metadata",
            )


def _circumstances(
    context: EnvironmentContext, connection: Connection | None, options: dict[str, Any], *, external: bool
) -> Circumstances:
    migration_context = context.get_context()
    return Circumstances(
        url=connection.info.get(STAMP, "") if connection is not None else "",
        dialect=migration_context.dialect.name,
        transactional_ddl=context.is_transactional_ddl(),
        transaction_per_migration=bool(options.get("transaction_per_migration")),
        external_transaction=external,
        version_table=(options.get("version_table_schema"), options.get("version_table") or "alembic_version"),
        options=options,
    )


def circumstances_at_start(run: Run) -> Circumstances:
    """Complete the circumstances with what is known once the migrations start."""
    configured = run.configured
    assert configured is not None  # else Alembic has refused to run migrations
    unasked = configured.single_transaction and not run.began
    return replace(configured, external_transaction=configured.external_transaction or unasked)


def _listed(value: Any) -> list[Any]:
    """Make a list of what may be None, one thing, or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]
