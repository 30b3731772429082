"""What is asked of a server of MariaDB or MySQL, and how: its words must not depend on the session's settings."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from pytest_stairway.schema.model import Key, Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

__all__ = ["DEFAULTS", "EVENTS", "ROUTINES", "TRIGGERS", "Session", "default_part"]

# A SET is joined to a text because a driver would make a set of it.
TRIGGERS = """
SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_order, action_statement,
    definer, CONCAT(sql_mode)
FROM information_schema.triggers WHERE trigger_schema = {database}
"""
ROUTINES = """
SELECT routine_name, routine_type, CONCAT(sql_mode), definer
FROM information_schema.routines WHERE routine_schema = {database}
"""
EVENTS = """
SELECT event_name, event_definition, interval_value, interval_field, execute_at, starts, ends, status, on_completion,
    event_comment, definer, CONCAT(sql_mode), time_zone
FROM information_schema.events WHERE event_schema = {database}
"""
DEFAULTS = """
SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = {database}
"""
_SETTINGS = "SELECT @@SESSION.sql_mode, @@SESSION.sql_quote_show_create, @@SESSION.character_set_results"
_BINARY_DEFAULTS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = {database} AND table_name = {table} AND column_default LIKE '''%'
    AND data_type IN ('binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob')
"""


class Session:
    """Asks the server over the connection on which migrations run, and leaves its settings as they were."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._results = "utf8mb4"

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as it stands, whatever the driver makes of ``%``, and return its rows as texts."""
        result = self._connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        if not result.returns_rows:
            return []
        return [tuple(_decoded(value) for value in row) for row in result.all()]

    def rows(self, query: str, database: str, **names: str) -> list[tuple[Any, ...]]:
        """Run one of the queries above."""
        literals = {key: _literal(name) for key, name in {"database": database, **names}.items()}
        return self.run(query.format(**literals))

    def database(self) -> str:
        """Return the database that is in use."""
        return str(self.run("SELECT DATABASE()")[0][0])

    def tables(self, database: str) -> list[tuple[str, str]]:
        """Return tables, views and sequences with their kinds; temporary ones are not the schema's."""
        rows = self.run(f"SHOW FULL TABLES FROM {_identifier(database)}")
        return [(name, kind) for name, kind in rows if not kind.startswith("TEMPORARY")]

    @contextlib.contextmanager
    def plain(self) -> Iterator[None]:
        """Have the server say everything in the same form, and in ASCII.

        A default of a binary column is sent as it is, and a driver that takes it for UTF-8 gives up, connection and
        all.  In ASCII whatever cannot be said is a question mark; see `created`.
        """
        mode, quote, results = self.run(_SETTINGS)[0]
        self._results = results or "NULL"
        self.run("SET SESSION sql_mode = '', sql_quote_show_create = 1, character_set_results = 'ascii'")
        try:
            yield
        finally:
            self._tell_in(self._results)
            self.run(f"SET SESSION sql_mode = {_literal(mode)}, sql_quote_show_create = {int(quote)}")

    def _tell_in(self, character_set: str) -> None:
        value = character_set if character_set == "NULL" else _literal(character_set)
        self.run(f"SET SESSION character_set_results = {value}")

    def created(self, database: str, name: str, kind: str) -> str:
        """Return the statement that creates a table, a view or a sequence, without the name of the database."""
        what = "SEQUENCE" if kind == "SEQUENCE" else "TABLE"
        statement = f"SHOW CREATE {what} {_identifier(database)}.{_identifier(name)}"
        text = str(self.run(statement)[0][1])
        if "?" in text:  # as it stands there, or what ASCII cannot say
            text = self._exactly(statement, text, database, name)
        return _unqualified(text, database)

    def _exactly(self, statement: str, text: str, database: str, name: str) -> str:
        """Say the same with all characters; where the driver might not survive that, with the binary defaults."""
        binary = [column for (column,) in self.rows(_BINARY_DEFAULTS, database, table=name)]
        if binary:
            values = ", ".join(f"HEX(DEFAULT({_identifier(column)}))" for column in binary)
            table = f"{_identifier(database)}.{_identifier(name)}"
            (found,) = self.run(f"SELECT {values} FROM (SELECT 1) AS one LEFT JOIN {table} ON FALSE")
            words = (re.sub("[^A-Za-z0-9]", "_", column) for column in binary)
            return " ".join([text, *(f"DEFAULT_OF_{word}={value}" for word, value in zip(words, found, strict=True))])
        if "_binary" in text:
            return text
        self._tell_in(self._results)
        try:
            return str(self.run(statement)[0][1])
        finally:
            self._tell_in("ascii")

    def routines(self, database: str, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Add to each routine the statement that creates it."""
        self._tell_in(self._results)
        found = []
        for name, kind, mode, definer in rows:
            text = self.run(f"SHOW CREATE {kind} {_identifier(database)}.{_identifier(name)}")[0][2]
            found.append((name, kind, mode, definer, _unqualified(text or "", database)))
        return found


def default_part(rows: Iterable[Sequence[Any]]) -> Part:
    """Describe what a new table gets where it does not say."""
    return {Key("default", "collation"): {"value": collation} for (collation,) in rows}


def _decoded(value: Any) -> Any:
    return bytes(value).decode(errors="backslashreplace") if isinstance(value, (bytes, bytearray)) else value


def _unqualified(text: str, database: str) -> str:
    return text.replace(f"{_identifier(database)}.", "")


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
