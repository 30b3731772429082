"""Brings a session's state back after each migration.

A revision applied alone has a connection of its own.  Where many revisions share one, a ``SET search_path`` (the first
lines of every ``pg_dump``), a ``PRAGMA foreign_keys=OFF`` or a temporary table of one would reach into the next.

Comparing the state takes a round trip, which is left out after statements that cannot have changed it (plain DDL and
DML).  Whatever else is executed (a function may call ``set_config``), and every revision that may work past SQLAlchemy
on a cursor of the driver's, is taken to have changed something.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, event, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

__all__ = ["UNKNOWN_SOURCE", "SessionSettings"]

POSTGRESQL_SETTINGS = (
    *(
        "search_path",
        "TimeZone",
        "DateStyle",
        "IntervalStyle",
        "client_encoding",
        "client_min_messages",
        "bytea_output",
    ),
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"),
    *("standard_conforming_strings", "backslash_quote", "escape_string_warning", "quote_all_identifiers"),
    *("check_function_bodies", "row_security", "session_replication_role", "xmloption", "xmlbinary"),
    *("default_tablespace", "temp_tablespaces", "default_table_access_method", "default_toast_compression"),
    *("default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable"),
    *("extra_float_digits", "array_nulls", "transform_null_equals", "constraint_exclusion", "enable_partition_pruning"),
    *("work_mem", "maintenance_work_mem", "synchronous_commit", "lc_messages", "lc_monetary", "lc_numeric", "lc_time"),
)
"""Those that change what a statement means or whether it runs.  Not all: an `env.py` may have set variables of the
application's own (``SET app.tenant = …``) before it handed the connection over, and PostgreSQL lists those nowhere."""

SEPARATOR = "\x1f"
POSTGRESQL_STATE = """
    SELECT pg_catalog.pg_my_temp_schema() <> 0, (
        SELECT pg_catalog.string_agg(pg_catalog.current_setting(name), pg_catalog.chr(31))
        FROM pg_catalog.unnest('{{{names}}}'::pg_catalog.text[]) AS name)"""
POSTGRESQL_KNOWN = text("SELECT name FROM pg_catalog.pg_settings WHERE lower(name) IN :names").bindparams(
    bindparam("names", [name.lower() for name in POSTGRESQL_SETTINGS], expanding=True)
)

SQLITE_PRAGMAS = (
    *("foreign_keys", "ignore_check_constraints", "legacy_alter_table", "recursive_triggers"),
    *("writable_schema", "query_only", "trusted_schema", "synchronous"),
)


HARMLESS = re.compile(
    r"\s*(?:CREATE\s+(?:TABLE|(?:UNIQUE\s+)?INDEX|TYPE|VIEW|SEQUENCE)|ALTER\s+(?:TABLE|INDEX|TYPE|SEQUENCE)|COMMENT\s+ON"
    r"|DROP\s+(?:TABLE|INDEX|TYPE|VIEW|SEQUENCE)|INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b[^;]*;?\s*\Z",
    re.IGNORECASE,
)
"""A single statement that does not change its session."""

PAST_SQLALCHEMY = re.compile(r"cursor|\.connection\.|driver_connection|raw_connection|dbapi", re.IGNORECASE)
"""What a revision's source says that may execute statements past SQLAlchemy's events."""

UNKNOWN_SOURCE = "cursor"
"""Stands for a source that cannot be read: it may say anything."""


MYSQL_SETTINGS = (
    *("sql_mode", "foreign_key_checks", "unique_checks", "check_constraint_checks", "innodb_strict_mode"),
    *("character_set_client", "character_set_connection", "character_set_results", "collation_connection"),
    *("default_storage_engine", "explicit_defaults_for_timestamp", "sql_safe_updates", "sql_auto_is_null"),
    *("lock_wait_timeout", "innodb_lock_wait_timeout", "max_statement_time", "time_zone", "tx_isolation"),
    *("transaction_isolation", "tx_read_only", "transaction_read_only", "alter_algorithm", "alter_lock"),
    *("system_versioning_alter_history", "sql_quote_show_create", "group_concat_max_len", "auto_increment_increment"),
    *("max_execution_time", "sql_require_primary_key", "sql_generate_invisible_primary_key"),
    *("restrict_fk_on_non_standard_key", "show_create_table_verbosity"),
)
MYSQL_STATE = f"SHOW SESSION VARIABLES WHERE Variable_name IN {MYSQL_SETTINGS}"
TEMPORARY_TABLE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:`[^`]+`|[\w$.])+)", re.IGNORECASE
)
"""MariaDB and MySQL list such tables nowhere, so their names are taken from the statements."""


class SessionSettings:
    """What one connection's state is when this is made; nothing where the dialect is not known."""

    def __init__(self, connection: Connection) -> None:
        remember = REMEMBER.get(connection.dialect.name)
        self._restore = remember(connection) if remember is not None else None
        self._suspicious = False
        event.listen(connection, "before_cursor_execute", self._watch)

    def expect(self, source: str) -> None:
        """Take note of the revision that comes next, by its source."""
        self._suspicious = _works_past_sqlalchemy(source)

    @property
    def settled(self) -> bool:
        """Whether nothing that the revision has executed so far can have changed the state."""
        return not self._suspicious

    def restore(self) -> None:
        """Bring the state back; right after a commit, when no transaction has begun anything yet."""
        if self._restore is not None and self._suspicious:
            self._restore()

    def _watch(self, _connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not self._suspicious:
            self._suspicious = "set_config" in statement or HARMLESS.match(statement) is None


@functools.lru_cache(maxsize=16)  # a revision takes several steps, one after the other
def _works_past_sqlalchemy(source: str) -> bool:
    return PAST_SQLALCHEMY.search(source) is not None


def _remember_postgresql(connection: Connection) -> Callable[[], None]:
    names = ["session_authorization", "role", *connection.scalars(POSTGRESQL_KNOWN)]
    query = POSTGRESQL_STATE.format(names=",".join(names))
    had_temporary_tables, before = _row(connection, query)

    def restore() -> None:
        has_temporary_tables, now = _row(connection, query)
        if now != before:
            values = zip(names, before.split(SEPARATOR), now.split(SEPARATOR), strict=True)
            changed = [(name, was) for name, was, value in values if value != was or name == "role"]
            _execute(
                connection,
                [f"SELECT pg_catalog.set_config({_literal(name)}, {_literal(was)}, false)" for name, was in changed],
            )
        if has_temporary_tables and not had_temporary_tables:
            _execute(connection, ["DISCARD TEMP"])

    return restore


def _row(connection: Connection, query: str) -> tuple[bool, str]:
    cursor = _cursor(connection)
    cursor.execute(query)
    flag, values = cursor.fetchone()
    cursor.close()
    return bool(flag), str(values)


def _literal(value: str) -> str:
    quoted = value.replace("'", "''").replace("\\", "\\\\")
    return f"E'{quoted}'"


def _remember_sqlite(connection: Connection) -> Callable[[], None]:
    cursor = _cursor(connection)
    before = {name: _value(cursor, f"PRAGMA {name}") for name in SQLITE_PRAGMAS}
    temporary = _temporary(cursor)
    cursor.close()

    def restore() -> None:
        cursor = _cursor(connection)
        changed = [f"PRAGMA {name} = {was}" for name, was in before.items() if _value(cursor, f"PRAGMA {name}") != was]
        drops = [f'DROP {kind} IF EXISTS temp."{name}"' for kind, name in _temporary(cursor) - temporary]
        cursor.close()
        _execute(connection, [*changed, *drops])

    return restore


def _remember_mysql(connection: Connection) -> Callable[[], None]:
    database, before = _mysql_state(connection)
    made: list[str] = []

    def watch(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        made.extend(TEMPORARY_TABLE.findall(statement))

    def restore() -> None:
        used, now = _mysql_state(connection)
        changed = [f"SET SESSION {name} = {_mysql_value(was)}" for name, was in before.items() if now[name] != was]
        drops = [f"DROP TEMPORARY TABLE IF EXISTS {name}" for name in made]
        made.clear()
        _execute(connection, [*drops, *([f"USE `{database}`"] if used != database else []), *changed])

    event.listen(connection, "before_cursor_execute", watch)
    return restore


def _mysql_state(connection: Connection) -> tuple[str, dict[str, str]]:
    """Return the database in use, and the settings that there are in this version."""
    cursor = _cursor(connection)
    database = _value(cursor, "SELECT DATABASE()")
    cursor.execute(MYSQL_STATE)
    state = {str(name).lower(): str(value) for name, value in cursor.fetchall()}
    cursor.close()
    return str(database), state


def _mysql_value(value: str) -> str:
    return value if re.fullmatch(r"[\d.]+", value) else "'" + value.replace("'", "''") + "'"


def _temporary(cursor: Any) -> set[tuple[str, str]]:
    cursor.execute("SELECT type, name FROM sqlite_temp_master WHERE type IN ('table', 'view')")
    return {(str(kind), str(name).replace('"', '""')) for kind, name in cursor.fetchall()}


def _value(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    row = cursor.fetchone()
    return None if row is None else row[0]


def _cursor(connection: Connection) -> Any:
    """Give a cursor of the driver's own: SQLAlchemy would begin a transaction, in which a pragma is ignored."""
    return connection.connection.cursor()


def _execute(connection: Connection, statements: Iterable[str]) -> None:
    """Execute statements past SQLAlchemy, whose transaction is somebody else's business, and commit them."""
    cursor = _cursor(connection)
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    connection.connection.commit()


REMEMBER: dict[str, Callable[[Connection], Callable[[], None]]] = {
    "postgresql": _remember_postgresql,
    "sqlite": _remember_sqlite,
    "mysql": _remember_mysql,
    "mariadb": _remember_mysql,
}
