"""Templates that stay in the data directory of a MariaDB or MySQL server of our own, for later runs.

These servers have no comments on databases everywhere, and cannot close one.  So an empty database beside a template
says that it is whole; a table in that one says when it was last used, and what the server looked like outside of
databases when it was made (users, mostly).  A template is of use only where that is still the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING

from pytest_stairway.databases.kept import KEPT_PATTERN, MOST_IN_CLUSTER, Kept
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["MARK", "has_privileges", "kept_templates", "leave_only", "prune", "touch"]

MARK = "_sealed"
"""Ends the name of the database that says that a template is complete."""
_ALL = "SELECT schema_name FROM information_schema.schemata"
_SYSTEM = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
_USERS = "SELECT user, host FROM mysql.user"
_LISTS = ("db", "tables_priv", "columns_priv", "procs_priv")
_GLOBALS = (
    *("SELECT * FROM mysql.global_priv ORDER BY host, user", "SELECT * FROM mysql.user ORDER BY host, user"),
    *("SELECT * FROM mysql.roles_mapping ORDER BY 1, 2, 3", "SELECT * FROM mysql.role_edges ORDER BY 1, 2, 3, 4"),
    *(f"SELECT * FROM mysql.{name} ORDER BY 1, 2, 3, 4" for name in ("global_grants", "default_roles", "component")),
    *("SELECT * FROM mysql.servers ORDER BY 1", "SELECT * FROM mysql.func ORDER BY 1", "SELECT * FROM mysql.plugin"),
    *(rf"SELECT * FROM mysql.{name} WHERE db NOT LIKE 'stairway\_%' ORDER BY 1, 2, 3, 4" for name in _LISTS),
)
"""What a server knows outside of its databases; MariaDB and MySQL each lack some of these tables."""


def kept_templates(administrator: Administrator) -> list[Kept]:
    """Return the whole templates, the latest used first."""
    names = [name for (name,) in administrator.rows(_ALL)]
    marks = [name.removesuffix(MARK) for name in names if name.endswith(MARK)]
    found = [_told(administrator, name) for name in marks if re.search(KEPT_PATTERN, name) and name in names]
    return sorted(filter(None, found), key=lambda each: (-each.used, each.name))


def _told(administrator: Administrator, name: str) -> Kept | None:
    try:
        told = json.loads(administrator.value(f"SELECT told FROM `{name}{MARK}`.template"))
        return Kept(name, float(told["used"]), told["surroundings"], tuple(told["roles"]))
    except (DatabaseUnavailable, ValueError, LookupError, TypeError):
        return None


def touch(administrator: Administrator, name: str, *, made: bool = False) -> None:
    """Note that a template is used, or was just made."""
    known = Kept(name) if made else (_told(administrator, name) or Kept(name))
    surroundings, roles = known.surroundings, list(known.roles)
    if made:
        administrator.execute(f"CREATE DATABASE IF NOT EXISTS `{name}{MARK}`")
        administrator.execute(f"CREATE TABLE IF NOT EXISTS `{name}{MARK}`.template (told LONGTEXT)")
        surroundings, roles = _surroundings(administrator), _users(administrator)
    told = json.dumps({"used": round(time.time(), 3), "surroundings": surroundings, "roles": roles})
    text = told.replace("\\", "\\\\").replace("'", "''")
    administrator.execute(f"DELETE FROM `{name}{MARK}`.template")
    administrator.execute(f"INSERT INTO `{name}{MARK}`.template VALUES ('{text}')")


def prune(administrator: Administrator, templates: Iterable[Kept]) -> None:
    """Drop templates, the marks first."""
    for each in templates:
        for name in (each.name + MARK, each.name):
            administrator.execute(f"DROP DATABASE IF EXISTS `{name}`")


def leave_only(administrator: Administrator) -> list[str]:
    """Bring a server of our own to where it was when its newest template was made, and name the templates left.

    Every other database goes, and every user who came later; so do templates that were made when the server looked
    different, and those on which something is granted: their copies would not have it.  None stay where the server
    cannot be brought back.
    """
    templates = kept_templates(administrator)
    if not templates:
        return []
    newest = templates[0]
    wanted = {name for each in templates for name in (each.name, each.name + MARK)} | _SYSTEM
    for (name,) in administrator.rows(_ALL):
        if name not in wanted:
            administrator.execute(f"DROP DATABASE `{name.replace('`', '``')}`")
    for user in _users(administrator):
        if user not in newest.roles:
            administrator.execute(f"DROP USER {user}")
    if _surroundings(administrator) != newest.surroundings:
        return []
    fit = [each for each in templates if each.surroundings == newest.surroundings]
    fit = [each for each in fit if not has_privileges(administrator, each.name)][:MOST_IN_CLUSTER]
    prune(administrator, [each for each in templates if each not in fit])
    return [each.name for each in fit]


def has_privileges(administrator: Administrator, name: str) -> bool:
    """Tell whether something is granted in a database, as far as our user may know."""
    for table in _LISTS:
        try:
            granted = administrator.value(f"SELECT COUNT(*) FROM mysql.{table} WHERE db = '{name}'")
        except DatabaseUnavailable:  # these lists are for administrators
            return False
        if granted:
            return True
    return False


def _users(administrator: Administrator) -> list[str]:
    return [f"'{user}'@'{host}'" if host else f"'{user}'" for user, host in administrator.rows(_USERS)]


def _surroundings(administrator: Administrator) -> str:
    """Stand for all that a server knows outside of its databases."""
    found = []
    for query in _GLOBALS:
        try:
            found.append(administrator.rows(query))
        except DatabaseUnavailable:  # there is no such table here
            found.append([])
    return hashlib.sha256(repr(found).encode()).hexdigest()
