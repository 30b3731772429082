"""Tops tables up with rows that satisfy all that the database asks of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError
from pytest_stairway.rows.memory import Memory
from pytest_stairway.rows.population import TopUp
from pytest_stairway.rows.sources import Style
from pytest_stairway.rows.texts import builtin_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from pytest_stairway.rows.backend import Backend
    from pytest_stairway.rows.captured import Rows
    from pytest_stairway.rows.known import KnownTable
    from pytest_stairway.rows.memory import Refusal
    from pytest_stairway.rows.supply import Supply
    from pytest_stairway.rows.texts import Words

__all__ = ["Population", "RowGenerator", "Unpopulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpopulated:
    """A table that could not be given rows."""

    table: str
    reason: str
    """The database's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Which tables have rows."""

    reasons: Mapping[str, str | None]
    """Every table, and why it has no rows, in the database's own words; None where it has some."""
    written: frozenset[str] = field(default=frozenset())
    """The tables that this call inserted into or updated."""
    known: Mapping[str, KnownTable] = field(default_factory=dict)
    """What `RowReader.capture` of the tables in `written` can be told."""
    refused: tuple[Refusal, ...] = ()
    """What the user supplies and the database did not take."""
    fires: bool = False
    """Triggers or rules of those tables may have written to others."""

    @property
    def populated(self) -> tuple[str, ...]:
        """The tables that have rows."""
        return tuple(sorted(name for name, reason in self.reasons.items() if reason is None))

    @property
    def unpopulated(self) -> tuple[Unpopulated, ...]:
        """The tables that have none."""
        reasons = sorted(self.reasons.items())
        return tuple(Unpopulated(table=name, reason=reason) for name, reason in reasons if reason is not None)

    @property
    def tables(self) -> int:
        """How many tables there are."""
        return len(self.reasons)

    def __str__(self) -> str:
        """Tell the coverage: ``38 of 40 tables``."""
        return f"{len(self.populated)} of {self.tables} tables"


class RowGenerator:
    """Makes rows in one database, and remembers what it made there.

    Args:
        dialect_name: ``postgresql``, ``sqlite``, ``mysql`` or ``mariadb``.
        seed: other rows for another one, always the same for the same one.
        rows: how many each table gets at least.
        ignore: tables to leave alone, as (schema, table); None is the default schema.  The version tables go here.
        supply: the user's own rows and values.
        words: gives realistic texts; `faker_words` is another way.
        adversarial: use values at the edges of what is allowed, too.
        plain: use nothing but typical values, no two alike, and NULL only where nothing else will do.

    Raises:
        UsageError: rows can not be made in that dialect.
    """

    def __init__(
        self,
        dialect_name: str,
        *,
        seed: int = 0,
        rows: int = 5,
        ignore: Collection[tuple[str | None, str]] = ((None, "alembic_version"),),
        supply: Supply | None = None,
        words: Words = builtin_words,
        adversarial: bool = True,
        plain: bool = False,
    ) -> None:
        self._backend = _backend_for(dialect_name)
        self._style = Style(words=words, seed=seed, adversarial=adversarial and not plain, plain=plain)
        self._rows = rows
        self._ignore = frozenset(f"{schema}.{name}" if schema else name for schema, name in ignore)
        self._supply: Supply = supply or {}
        self._memory = Memory()

    def top_up(
        self,
        connection: Connection,
        *,
        tables: Collection[str] | None = None,
        supply: Supply | None = None,
        captured: Rows | None = None,
    ) -> Population:
        """Bring tables to so many rows that each of their columns is in use.

        A table that cannot be populated never raises, and leaves the connection as usable as it was.

        Args:
            connection: in a transaction, which stays the caller's: everything happens in savepoints.
            tables: those of which columns, rules or rows changed since the last call, named as in a schema (those that
                are gone included); a partition stands for its table.  None: all.
            supply: the user's rows and values for this revision, before those for all revisions.
            captured: the rows as they are at this moment, if they are known: then they need not be read again.
        """
        wanted = None if tables is None else sorted(set(tables) - self._ignore)
        work = TopUp(
            connection=connection,
            backend=self._backend,
            style=self._style,
            target=self._rows,
            supply={**self._supply, **(supply or {})},
            memory=self._memory,
            ignore=self._ignore,
            captured=captured or {},
        )
        with self._backend.session(connection):
            written = work.run(wanted)
        return Population(
            reasons=dict(self._memory.reasons),
            written=frozenset(written),
            known=work.known,
            refused=tuple(self._memory.refused.values()),
            fires=work.fires,
        )

    def forget(self) -> None:
        """Drop what is remembered: the database was replaced."""
        self._memory = Memory()


def _backend_for(dialect_name: str) -> Backend:
    """Give a dialect's backend.

    Raises:
        UsageError: rows can not be made in that dialect.
    """
    if dialect_name == "postgresql":
        from pytest_stairway.rows.postgresql import PostgresqlBackend

        return PostgresqlBackend()
    if dialect_name == "sqlite":
        from pytest_stairway.rows.sqlite import SqliteBackend

        return SqliteBackend()
    if dialect_name in {"mysql", "mariadb"}:
        from pytest_stairway.rows.mysql import MysqlBackend

        return MysqlBackend()
    raise UsageError(f"rows can be made in postgresql, sqlite, mysql and mariadb, not in {dialect_name}")
