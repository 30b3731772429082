"""What a step touched, by the server's own counts.

Inside a transaction PostgreSQL counts the rows that were written to each catalog, and it holds every lock until the
end.  The counts say which catalogs moved; the locks say which relations the step can have changed; where rows were
written without a lock (GRANT), the counts do not add up, and that is seen.

A session's counts go on from one transaction to the next, until it hands them in between two and starts from zero.
Whether it has is told by a count of our own: each look at the counts scans a small catalog that nobody else scans.

Two ways lead to what one step did.  The short one: take the counts at its end less those at the last step's end, if by
the transactions' identifiers the step's is the very next one of the whole server.  Where it is not (savepoints take
identifiers too, and so do other databases of the server): look at the counts before the step as well, see that it was
one transaction (after a commit in between, nothing is known), and where any other transaction ended meanwhile, ask
whether some other session was at work in this database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = [
    "CATALOGS",
    "CLEAR_STATISTICS",
    "HELD",
    "LAST",
    "LOCKED",
    "Counts",
    "State",
    "Touched",
    "end_branches",
    "new_rows_statement",
    "new_types_statement",
    "others_statement",
    "state_statement",
    "touched",
]

FIRST_USER_OID = 16384
"""Below are the objects that every cluster is born with."""
FIRST_WITH_SESSIONS = 140000

CATALOGS = """SELECT c.oid::int8, c.relname::text FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.oid < 16384 AND c.relname NOT IN (
'pg_auth_members', 'pg_depend', 'pg_init_privs', 'pg_largeobject', 'pg_largeobject_metadata', 'pg_parameter_acl',
'pg_replication_origin', 'pg_seclabel', 'pg_shseclabel', 'pg_statistic', 'pg_statistic_ext_data',
'pg_subscription_rel') ORDER BY 1"""
"""Reads the catalogs, without those of which a schema shows nothing that does not show elsewhere as well."""

_KEEP_THEIR_LOCK = frozenset({1214, 2396, 2608, 2609, 2613, 2615, 2619, 2964, 2995})
"""Catalogs on which ordinary commands keep their lock: pg_shdepend, pg_shdescription, pg_depend, pg_description,
pg_largeobject, pg_namespace, pg_statistic, pg_db_role_setting, pg_largeobject_metadata (the oids are the same in every
version).  A lock on any other was taken by an UPDATE of the catalog."""

_OF_ROWS = frozenset({"AccessShareLock", "RowShareLock", "RowExclusiveLock"})
"""Locks for reading and writing rows."""

HELD = f"""SELECT relation, classid, objid, mode FROM pg_lock_status()
 WHERE pid = pg_backend_pid() AND (locktype = 'object' OR relation >= {FIRST_USER_OID} OR mode = 'RowExclusiveLock')"""
"""Reads the locks that this transaction holds, but for those on catalogs of which nothing was written."""

LOCKED = f"ARRAY(SELECT relation FROM held WHERE relation >= {FIRST_USER_OID})"
"""The relations on which this transaction has a lock, where `HELD` is called ``held``."""

LAST = "stairway.last"
"""The setting that holds the last step's transaction, if it was committed on this connection."""

CLEAR_STATISTICS = "SELECT pg_stat_clear_snapshot()::text"
"""Goes before `others_statement`, for what was asked before in a transaction is not asked again."""


class Counts(NamedTuple):
    """How many of a catalog's rows a step wrote."""

    inserted: int
    updated: int
    deleted: int

    @property
    def written(self) -> int:
        """Row versions that the step made."""
        return self.inserted + self.updated

    def less(self, other: Counts) -> Counts:
        """Tell what was written since."""
        return Counts(self.inserted - other.inserted, self.updated - other.updated, self.deleted - other.deleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a step touched."""

    moved: Mapping[str, Counts]
    """By catalog, where there were any."""
    relations: AbstractSet[int]
    """Those on which it holds a lock, catalogs aside."""
    changeable: AbstractSet[int]
    """Those of them on which the lock is one that changing an index takes."""
    written: frozenset[int]
    """Those of them of which it inserted, updated or deleted rows, if there were any to be."""
    objects: AbstractSet[tuple[str, int]]
    """Other objects on which it holds a lock that keeps others from changing them: the catalog, the oid."""
    extends: bool
    """It holds a lock on an extension."""
    by_hand: bool
    """It wrote to a catalog with INSERT, UPDATE or DELETE."""

    def updates(self, catalog: str) -> int:
        """How many rows of a catalog it updated."""
        return self.moved[catalog].updated if catalog in self.moved else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where things stand in a transaction."""

    trusted: bool
    """The server counts, and the transaction sees what others commit."""
    moment: str
    """When the transaction began; no two of one session begin at the same."""
    snapshot: str
    """Which transactions have ended, as PostgreSQL writes it: all below the first number, none from the second on, and
    of those between the ones that are not listed."""
    transaction: int | None
    """This one's identifier; None where it wrote nothing at all."""
    committed: bool | None
    """Whether the last step's transaction was committed."""
    sessions: str | None
    """How many this database has ever had."""
    scans: int
    """How often the session has looked at its counts, this time included, since it handed them in."""
    counts: Mapping[int, Counts]
    """By catalog: rows written since the session handed in its counts."""

    @classmethod
    def of(cls, texts: Sequence[str | None], scans: int, counts: Iterable[str], *, committed: bool | None) -> State:
        """Read what `state_statement` and `end_branches` yield."""
        trusted, moment, snapshot, transaction, _, sessions = texts
        lines = ([int(number) for number in line.split(" ")] for line in counts)
        return cls(
            trusted=trusted == "true",
            moment=moment or "",
            snapshot=snapshot or "",
            transaction=int(transaction) if transaction else None,
            committed=committed,
            sessions=sessions,
            scans=scans,
            counts={oid: Counts(*numbers) for oid, *numbers in lines},
        )

    def alone(self, transaction: int) -> bool:
        """Tell whether every transaction below has ended, and none above, this one aside."""
        return self.snapshot == f"{transaction}:{transaction}:" and self.transaction in {None, transaction}

    @property
    def ended(self) -> str:
        """The identifier from which on no transaction has ended."""
        return self.snapshot.split(":")[1]

    @property
    def next(self) -> int | None:
        """The identifier of the next transaction, if there will be no other."""
        first, last, _ = self.snapshot.split(":")
        if first != last:
            return None
        return int(first) if self.transaction is None else self.transaction + 1

    def follows(self, before: State) -> bool:
        """Tell whether `before` was this session's last look, or it has handed in its counts since (and only once)."""
        return self.scans in {before.scans + 1, 1}

    def since(self, before: State) -> dict[int, Counts]:
        """Tell what was written since the state that this one follows."""
        old = before.counts if self.scans > 1 else {}
        moved = {oid: counts for oid, counts in self.counts.items() if counts != old.get(oid)}
        return {oid: counts.less(old[oid]) if oid in old else counts for oid, counts in moved.items()}


_EXTENSIONS = 3079
"""The oid of ``pg_extension``."""
_SCANNED = 3576
"""The oid of ``pg_transform``, of which few databases have any row."""
_SCANS = f"(SELECT pg_stat_get_xact_numscans(({_SCANNED} + 0 * count(trffromsql))::oid) FROM pg_catalog.pg_transform)"
"""Counts one more look; no index has the column, so that it is the table which is scanned."""
_COUNTS = tuple(f"pg_stat_get_xact_tuples_{action}(o)" for action in ("inserted", "updated", "deleted"))


def state_statement(catalogs: Iterable[int], database: int, version: int, last: str) -> str:
    """Write the statement that tells where things stand, in a row of texts, of our own count, and of counts.

    Args:
        catalogs: those to be watched.
        database: the database's oid.
        version: the server's.
        last: the expression for the last step's transaction, as a text or NULL.
    """
    below = f"{last}::xid8 < pg_snapshot_xmax(pg_current_snapshot())"
    committed = f"CASE WHEN {below} THEN (pg_xact_status({last}::xid8) = 'committed')::text END"
    return f"SELECT {_texts(database, version, committed)}, {_SCANS}, {_moved(catalogs)}"


def end_branches(catalogs: Iterable[int], database: int, version: int) -> tuple[str, ...]:
    """Write what tells of a step's end, in rows of the shape that `postgresql_relations` describes.

    What `state_statement` tells, with the last step's transaction itself if it was committed here, and the locks.  They
    are to be read before anything else, for looking leaves locks too.
    """
    last = f"current_setting('{LAST}', true)"
    return (
        f"SELECT 0::int8, 'state', '', {_SCANS}, {_texts(database, version, last)}",
        f"SELECT 0, 'counts', '', 0, {_moved(catalogs)}",
        "SELECT 0, 'locks', '', 0,"
        " ARRAY(SELECT concat_ws(' ', coalesce(relation, classid), coalesce(objid, 0), mode) FROM held)",
    )


def _texts(database: int, version: int, committed: str) -> str:
    """Write the array of what `State.of` calls texts."""
    sessions = f"pg_stat_get_db_sessions({database})::text" if version >= FIRST_WITH_SESSIONS else "NULL"
    return f"""ARRAY[(current_setting('track_counts') = 'on'
 AND current_setting('transaction_isolation') = 'read committed')::text, transaction_timestamp()::text,
 pg_current_snapshot()::text, pg_current_xact_id_if_assigned()::text, {committed}, {sessions}]"""


def _moved(catalogs: Iterable[int]) -> str:
    """Write the array of counts of those catalogs that have any."""
    oids = ",".join(map(str, catalogs))
    return f"""ARRAY(SELECT concat_ws(' ', o, {", ".join(_COUNTS)}) FROM unnest('{{{oids}}}'::oid[]) o
 WHERE {" + ".join(_COUNTS)} > 0)"""


def new_types_statement() -> str:
    """Write the statement that counts the types that came or changed and are no row types of relations.

    Its parameter is the step's transaction (xid).
    """
    return """SELECT count(*) FROM pg_catalog.pg_type y WHERE age(y.xmin) <= age($1)
AND y.typrelid = 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = y.typelem AND e.typrelid <> 0)"""


def new_rows_statement(catalogs: Iterable[str]) -> str:
    """Write the statement that finds the relations of which these catalogs have new rows, indexes and the like aside.

    Its parameter is the step's transaction (xid).
    """
    branches = {
        "pg_class": """SELECT c.oid::int8 FROM pg_catalog.pg_class c
WHERE age(c.xmin) <= age($1) AND c.relkind NOT IN ('i', 'I', 't')""",
        "pg_attribute": """SELECT a.attrelid::int8 FROM pg_catalog.pg_attribute a
WHERE age(a.xmin) <= age($1)""",
    }
    return "\nUNION ".join(branches[catalog] for catalog in catalogs)


def others_statement(database: int, version: int, beginning: State) -> str:
    """Write the statement that tells whether another session was at work in this database since the begin."""
    sessions = "NULL::int8"
    if version >= FIRST_WITH_SESSIONS:
        sessions = f"pg_stat_get_db_sessions({database})"
    return f"""SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = {database}
 AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
 AND (coalesce(a.state, '') <> 'idle' OR a.state_change >= transaction_timestamp()))
OR coalesce({sessions} <> {beginning.sessions or "NULL"}, true)"""


def touched(before: State, end: State, locks: Iterable[str], catalogs: Mapping[int, str]) -> Touched:
    """Tell what was touched since the state that the other follows."""
    relations: set[int] = set()
    changeable: set[int] = set()
    written: set[int] = set()
    objects: set[tuple[str, int]] = set()
    extends = by_hand = False
    for line in locks:
        held, member, mode = line.split(" ")
        oid = int(held)
        if member != "0":
            extends |= oid == _EXTENSIONS
            if mode != "AccessShareLock":
                objects.add((catalogs.get(oid, ""), int(member)))
        elif oid < FIRST_USER_OID:
            by_hand |= oid not in _KEEP_THEIR_LOCK
        else:
            relations.add(oid)
            if mode not in _OF_ROWS:
                changeable.add(oid)
            elif mode == "RowExclusiveLock":
                written.add(oid)
    return Touched(
        moved={catalogs[oid]: counts for oid, counts in end.since(before).items()},
        relations=relations,
        changeable=changeable,
        written=frozenset(written),
        objects=objects,
        extends=extends,
        by_hand=by_hand,
    )
