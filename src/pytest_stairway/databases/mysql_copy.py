"""Copies a database of MariaDB or MySQL into an empty one beside it, which no server of theirs can do by itself.

Tables are made ``LIKE`` the others, which keeps all but foreign keys; what names other objects is made from the
statements that the server shows of it.  Of system-versioned tables the rows of the past stay behind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["copy_database", "require_same"]

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = '{source}' AND COALESCE(generation_expression, '') = ''
    ORDER BY table_name, ordinal_position"""
_FOREIGN_KEYS = """
    SELECT c.table_name, c.constraint_name, c.delete_rule, c.update_rule, k.column_name,
        k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name
    FROM information_schema.referential_constraints AS c JOIN information_schema.key_column_usage AS k
        ON k.constraint_schema = c.constraint_schema AND k.constraint_name = c.constraint_name
        AND k.table_schema = c.constraint_schema AND k.table_name = c.table_name
    WHERE c.constraint_schema = '{source}' AND k.referenced_column_name IS NOT NULL
    ORDER BY c.table_name, c.constraint_name, k.ordinal_position"""
_CHECKS = """
    SELECT table_name, constraint_name FROM information_schema.table_constraints
    WHERE constraint_schema = '{source}' AND constraint_type = 'CHECK' ORDER BY table_name, constraint_name"""
_CHECK = re.compile(r"^ *(CONSTRAINT `(?:[^`]|``)+` CHECK .*?),?$", re.MULTILINE)
"""In SHOW CREATE TABLE of MySQL, which writes each on a line of its own."""
_COUNTERS = """
    SELECT table_name, auto_increment FROM information_schema.tables
    WHERE table_schema = '{source}' AND auto_increment > 1"""
_ROUTINES = """
    SELECT routine_type, routine_name, sql_mode FROM information_schema.routines WHERE routine_schema = '{source}'"""
_TRIGGERS = """
    SELECT 'TRIGGER', trigger_name, sql_mode FROM information_schema.triggers WHERE trigger_schema = '{source}'
    ORDER BY event_object_table, action_timing, event_manipulation, action_order"""
_EVENTS = "SELECT 'EVENT', event_name, sql_mode FROM information_schema.events WHERE event_schema = '{source}'"
_STATEMENT = {"EVENT": 3}
"""Where in a row of SHOW CREATE the statement stands; else it is the third value."""
_DOES_NOTHING = frozenset({"NO ACTION", "RESTRICT"})
"""What a foreign key does that says nothing."""
_FREE = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"


def copy_database(administrator: Administrator, source: str, target: str) -> None:
    """Copy all that is in a database.

    Args:
        administrator: a connection of its own, which is in the empty database.
        source: the other database.
        target: the empty one.

    Raises:
        DatabaseUnavailable: something in it cannot be copied.
    """
    _Copy(administrator, source, target).run()


def require_same(administrator: Administrator, source: str, target: str) -> None:
    """See that a copy is what it was made from, but for rows.

    Raises:
        DatabaseUnavailable: it is not, or has no rows of the past where the other one has.
    """
    ours, theirs = (_Look(administrator, name).texts() for name in (target, source))
    different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if different:
        msg = f"no copy of {source} is the same: {', '.join(different)}"
        raise DatabaseUnavailable(msg)


class _Look:
    """What the server says of all that is in a database."""

    def __init__(self, administrator: Administrator, name: str) -> None:
        self._administrator = administrator
        self._name = name

    def texts(self) -> dict[str, list[str]]:
        """Give the lines of each object's statement, by kind and name; their order means nothing."""
        quoted = _quoted(self._name)
        found: dict[str, list[str]] = {}
        for name, kind in self._administrator.rows(f"SHOW FULL TABLES FROM {quoted}"):
            what = kind.lower() if kind in {"VIEW", "SEQUENCE"} else "table"
            lines = self._lines(what, name, 1)
            past = "WITH SYSTEM VERSIONING" in " ".join(lines)
            found[f"{what} {name}"] = [self._name] if past else lines  # the name: equal to nothing
        for query in (_ROUTINES, _TRIGGERS, _EVENTS):
            for kind, name, mode in self._administrator.rows(query.format(source=self._name)):
                found[f"{kind} {name}"] = [mode, *self._lines(kind, name, _STATEMENT.get(kind, 2))]
        return found

    def _lines(self, kind: str, name: str, at: int) -> list[str]:
        text = str(self._administrator.rows(f"SHOW CREATE {kind} {_quoted(self._name)}.{_quoted(name)}")[0][at])
        return sorted(line.strip(" ,") for line in text.replace(f"{_quoted(self._name)}.", "").splitlines())


class _Copy:
    """The steps of one copy, and what they share."""

    def __init__(self, administrator: Administrator, source: str, target: str) -> None:
        self._administrator = administrator
        self._source = source
        self._target = target
        self._both = (target, source)

    def run(self) -> None:
        """Copy what others need before those."""
        self._administrator.execute(_FREE)
        kinds = dict(self._administrator.rows(f"SHOW FULL TABLES FROM {_quoted(self._source)}"))
        for name in (name for name, kind in kinds.items() if kind == "SEQUENCE"):
            self._sequence(name)
        tables = [name for name, kind in kinds.items() if kind in {"BASE TABLE", "SYSTEM VERSIONED"}]
        for name in tables:
            self._administrator.execute(f"CREATE TABLE {_quoted(name)} LIKE {self._there(name)}")
        self._name_checks()
        self._rows(tables)
        self._foreign_keys()
        self._programs(_ROUTINES)
        self._views([name for name, kind in kinds.items() if kind == "VIEW"])
        self._programs(_TRIGGERS)
        self._programs(_EVENTS)

    def _sequence(self, name: str) -> None:
        self._administrator.execute(self._shown("SEQUENCE", name, 1))
        position = self._administrator.value(f"SELECT next_not_cached_value FROM {self._there(name)}")
        self._administrator.rows(f"SELECT SETVAL({_quoted(name)}, {position}, 0)")

    def _rows(self, tables: Iterable[str]) -> None:
        """Copy the rows, but for what is generated from other columns, and where the counters stand."""
        columns = _lists(self._asked(_COLUMNS))
        for table in tables:
            names = ", ".join(map(_quoted, columns[table]))
            self._administrator.execute(
                f"INSERT INTO {_quoted(table)} ({names}) SELECT {names} FROM {self._there(table)}"
            )
        for table, counter in self._asked(_COUNTERS):
            if table in columns:
                self._administrator.execute(f"ALTER TABLE {_quoted(table)} AUTO_INCREMENT = {counter}")

    def _name_checks(self) -> None:
        """Give checks the names that they have there: MySQL made up others for tables that are like those."""
        ours, theirs = (_lists(self._administrator.rows(_CHECKS.format(source=name))) for name in self._both)
        different = [table for table, names in theirs.items() if ours.get(table) != names]
        for table in different:
            drops = ", ".join(f"DROP CONSTRAINT {_quoted(name)}" for name in ours[table])
            self._administrator.execute(f"ALTER TABLE {_quoted(table)} {drops}")
        for table in different:
            adds = ", ".join(f"ADD {check}" for check in _CHECK.findall(self._shown("TABLE", table, 1)))
            self._administrator.execute(f"ALTER TABLE {_quoted(table)} {adds}")

    def _foreign_keys(self) -> None:
        keys: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        for table, name, *rest in self._asked(_FOREIGN_KEYS):
            keys.setdefault((table, name), []).append(tuple(rest))
        for (table, name), parts in keys.items():
            schema, parent = parts[0][3:5]
            schema = self._target if schema == self._source else schema
            columns, others = (", ".join(_quoted(part[at]) for part in parts) for at in (2, 5))
            rules = zip(("DELETE", "UPDATE"), parts[0], strict=False)
            actions = (f" ON {event} {rule}" for event, rule in rules if rule not in _DOES_NOTHING)
            self._administrator.execute(
                f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(name)} FOREIGN KEY ({columns}) "
                f"REFERENCES {_quoted(schema)}.{_quoted(parent)} ({others})" + "".join(actions)
            )

    def _views(self, names: list[str]) -> None:
        """Make the views, those that others are made of first."""
        while names:
            left, failed = [], None
            for name in names:
                try:
                    self._administrator.execute(self._shown("VIEW", name, 1))
                except DatabaseUnavailable as err:
                    left.append(name)
                    failed = err
            if failed is not None and left == names:
                raise failed
            names = left

    def _programs(self, query: str) -> None:
        """Make triggers, routines or events, each under the mode in which it was made."""
        for kind, name, mode in self._asked(query):
            statement = self._shown(kind, name, _STATEMENT.get(kind, 2))
            self._administrator.execute(f"SET SESSION sql_mode = '{mode}'")
            try:
                self._administrator.execute(statement)
            finally:
                self._administrator.execute(_FREE)

    def _asked(self, query: str) -> list[tuple[Any, ...]]:
        return self._administrator.rows(query.format(source=self._source))

    def _shown(self, kind: str, name: str, at: int) -> str:
        """Return the statement that makes an object, for the other database."""
        text = str(self._administrator.rows(f"SHOW CREATE {kind} {self._there(name)}")[0][at])
        return text.replace(f"{_quoted(self._source)}.", f"{_quoted(self._target)}.")

    def _there(self, name: str) -> str:
        return f"{_quoted(self._source)}.{_quoted(name)}"


def _lists(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Gather the second values of rows by the first."""
    found: dict[str, list[str]] = {}
    for key, value in rows:
        found.setdefault(key, []).append(value)
    return found


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
