"""Describes who may do what in a database of MariaDB or MySQL.

Users and roles belong to the server, so only what is granted to them on this database and on what is in it is told.
These servers keep what was granted on an object that was dropped since; that is nothing to whoever looks at the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from pytest_stairway.schema.model import Facts, Key, Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_stairway.schema.mysql_queries import Session

__all__ = ["GRANTING", "describe_privileges", "read_privileges"]

GRANTING = ("grant", "revoke", "user", "role")
"""What stands in the server's names of the statements that may change privileges."""
_KIND = "privileges of"
_GRANTED = """
SELECT grantee, '', '', privilege_type, is_grantable
FROM information_schema.schema_privileges WHERE table_schema = {database}
UNION ALL SELECT grantee, table_name, '', privilege_type, is_grantable
FROM information_schema.table_privileges WHERE table_schema = {database}
UNION ALL SELECT grantee, table_name, column_name, privilege_type, is_grantable
FROM information_schema.column_privileges WHERE table_schema = {database}
"""
_OF_ROUTINES = """
SELECT CONCAT('''', user, '''@''', host, ''''), routine_name, routine_type, CONCAT(proc_priv)
FROM mysql.procs_priv WHERE db = {database}
"""
_IN_OTHER_WORDS = {"GRANT": "GRANT OPTION"}


def read_privileges(
    session: Session, database: str, routines: Iterable[Sequence[Any]], tables: Collection[str]
) -> Part:
    """Read what is granted in a database; of routines as far as the user may know of it.

    Args:
        session: asks the server.
        database: its name.
        routines: the routines, as name and kind and what else is known of each.
        tables: the names of tables, views and sequences.
    """
    try:
        of_routines = session.rows(_OF_ROUTINES, database)
    except DBAPIError:  # this list is for administrators
        of_routines = []
    kinds = {(kind.upper(), name): f"{kind.lower()} {name}" for name, kind, *_ in routines}
    names = {"": "", **{name: name for name in tables}}
    found = [
        (who, names[name], column, what, option) for who, name, column, what, option in _rows(session, database, names)
    ]
    for who, name, kind, words in of_routines:
        if (kind, name) in kinds:
            found += [(who, kinds[kind, name], "", _word(word), "NO") for word in words.upper().split(",")]
    return describe_privileges(found)


def _rows(session: Session, database: str, names: Mapping[str, str]) -> list[tuple[Any, ...]]:
    return [row for row in session.rows(_GRANTED, database) if row[1] in names]


def describe_privileges(rows: Iterable[Sequence[Any]]) -> Part:
    """Describe privileges.

    Args:
        rows: grantee, object (empty for the database), column (empty for the whole object), privilege, ``YES`` where it
            may be passed on.
    """
    words: dict[tuple[str, str], dict[str, set[str]]] = {}
    for grantee, name, column, privilege, option in rows:
        fact = f"columns of {privilege}" if column else "granted"
        granted = words.setdefault((grantee.replace("'", ""), name), {}).setdefault(fact, set())
        granted.add(column or privilege)
        if option == "YES":
            words[grantee.replace("'", ""), name].setdefault("granted", set()).add("GRANT OPTION")
    return {Key(_KIND, who, name): _facts(facts) for (who, name), facts in sorted(words.items())}


def _facts(words: Mapping[str, set[str]]) -> Facts:
    told = {fact: ", ".join(sorted(values - {"USAGE"})) for fact, values in words.items()}
    return {fact: value for fact, value in told.items() if value}


def _word(word: str) -> str:
    return _IN_OTHER_WORDS.get(word, word)
