"""One look at a PostgreSQL database from inside the transaction that is watched: locks, counters, files, WAL.

A look goes through the driver's own cursor, past SQLAlchemy, whose events are about the migration's statements.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stairway.rehearsal.locks import Lock
from pytest_stairway.rows.backend import display_name, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

__all__ = [
    "LOCKS",
    "Index",
    "Look",
    "Table",
    "Watermark",
    "announce_rewrites",
    "default_schema",
    "look",
    "strongest",
    "watermark",
]

SCHEMA = "stairway_rehearsal"
"""Of the function behind the event trigger."""
REWRITES = "stairway.rewrites"
"""The session's variable in which the event trigger notes what is rewritten."""

LOCKS = """
SELECT relation::int8, mode FROM pg_catalog.pg_locks
WHERE pid = {pid} AND locktype = 'relation' AND granted AND relation >= 16384
 AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"""
_WATERMARK = """
SELECT pg_catalog.transaction_timestamp()::text,
 (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn)::text"""
_LOOK = f"""
SELECT pg_catalog.json_build_object(
'transaction', pg_catalog.transaction_timestamp()::text,
'pid', pg_catalog.pg_backend_pid(),
'minimal', pg_catalog.current_setting('wal_level') = 'minimal',
'rewrites', pg_catalog.current_setting('{REWRITES}', true),
'locks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(relation, mode))
 FROM ({LOCKS.format(pid="pg_catalog.pg_backend_pid()")}) AS lock),
'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::int8, n.nspname, c.relname,
  pg_catalog.pg_relation_filenode(c.oid)::int8, pg_catalog.pg_relation_size(c.oid),
  pg_catalog.pg_stat_get_xact_numscans(c.oid),
  pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
  pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)))
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid >= 16384),
'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.indexrelid::int8, i.indrelid::int8, c.relname,
  pg_catalog.pg_relation_filenode(c.oid)::int8, pg_catalog.pg_relation_size(c.oid)))
 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 WHERE i.indexrelid >= 16384 AND c.relkind = 'i' AND i.indisvalid)
)::text"""
_ANNOUNCE = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"""CREATE OR REPLACE FUNCTION {SCHEMA}.note_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_catalog.set_config('{REWRITES}', pg_catalog.concat_ws(' ',
            pg_catalog.current_setting('{REWRITES}', true), pg_catalog.pg_event_trigger_table_rewrite_oid()), false);
    END $$""",
    f"DROP EVENT TRIGGER IF EXISTS {SCHEMA}",
    f"CREATE EVENT TRIGGER {SCHEMA} ON table_rewrite EXECUTE FUNCTION {SCHEMA}.note_rewrite()",
)


class Watermark(NamedTuple):
    """Where the transaction and the write-ahead log are."""

    transaction: str
    wal: int


class Table(NamedTuple):
    """One table and what the session counts of it; the numbers only ever grow within a transaction."""

    oid: int
    schema: str
    name: str
    file: int | None
    size: int
    """In bytes."""
    scans: int
    read: int
    inserted: int
    updated: int
    deleted: int

    @property
    def counters(self) -> tuple[int, ...]:
        """Scans, rows read, inserted, updated, deleted."""
        return (self.scans, self.read, self.inserted, self.updated, self.deleted)

    @property
    def sql(self) -> str:
        """The quoted, qualified name."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    def display_name(self, default: str) -> str:
        """Name it as schemas do."""
        return display_name(self.schema, self.name, default)


class Index(NamedTuple):
    """One index that can be used."""

    oid: int
    table: int
    name: str
    file: int | None
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one moment."""

    transaction: str
    """The same for all looks of one transaction."""
    pid: int
    minimal: bool
    """The server leaves out of the write-ahead log what is in files that the transaction has made."""
    rewrites: tuple[int, ...]
    """The tables that were rewritten, one entry for each time, since the session began."""
    locks: dict[int, Lock]
    """The strongest by table (and index)."""
    tables: dict[int, Table]
    indexes: dict[int, Index]


def look(connection: Connection) -> Look:
    """Look at the database."""
    facts = json.loads(_fetch(connection, _LOOK)[0])
    return Look(
        transaction=facts["transaction"],
        pid=facts["pid"],
        minimal=facts["minimal"],
        rewrites=tuple(map(int, (facts["rewrites"] or "").split())),
        locks=strongest(facts["locks"] or ()),
        tables={row[0]: Table(*row) for row in facts["tables"] or () if row[1] != SCHEMA},
        indexes={row[0]: Index(*row) for row in facts["indexes"] or ()},
    )


def watermark(connection: Connection) -> Watermark:
    """See where the transaction and the write-ahead log are."""
    transaction, wal = _fetch(connection, _WATERMARK)
    return Watermark(transaction, int(float(wal)))


def strongest(locks: Iterable[Sequence[Any]]) -> dict[int, Lock]:
    """Keep the strongest lock of each relation."""
    found: dict[int, Lock] = {}
    for relation, mode in locks:
        if mode != "SIReadLock":  # of a serializable transaction: nobody waits for it
            found[relation] = max(Lock.of(mode), found.get(relation, Lock.ACCESS_SHARE))
    return found


def announce_rewrites(connection: Connection) -> None:
    """Make the server tell which tables it rewrites, by an event trigger; only a superuser may."""
    for statement in _ANNOUNCE:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def default_schema(connection: Connection) -> str:
    """Name the schema in which tables are named without it."""
    return connection.dialect.default_schema_name or "public"


def _fetch(connection: Connection, query: str) -> Sequence[Any]:
    cursor = connection.connection.cursor()
    cursor.execute(query)
    row: tuple[Any, ...] | None = cursor.fetchone()
    cursor.close()
    assert row is not None  # every query here gives one
    return row
