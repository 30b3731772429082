"""Templates that stay on a PostgreSQL server: sealed databases under a name that stands for their key.

What a template is, its comment says: when it was last used, and what the server looked like outside of databases when
it was made (roles, mostly).  A template is of use only where that is still the same.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["KEPT_PATTERN", "MOST_ON_SERVER", "Kept", "kept_templates", "leave_only", "prune", "touch"]

KEPT_PATTERN = "^stairway_kept_[0-9a-f]{32}$"
MOST_ON_SERVER = 16
"""How many templates stay on a server that somebody named."""
MOST_IN_CLUSTER = 4
"""How many templates stay on a server of our own, which is copied as a whole."""

_COMMENT = "pytest-stairway keeps this template for later runs: "
_LIST = f"""
    SELECT datname::text, shobj_description(oid, 'pg_database') FROM pg_database
    WHERE datname ~ '{KEPT_PATTERN}' AND NOT datallowconn
    AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)"""
_STRANGERS = """
    SELECT datname::text, datistemplate FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')"""
_ROLES = "SELECT rolname::text FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'"
_GLOBALS = """
    SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
        SELECT r::text FROM pg_roles r UNION ALL SELECT m::text FROM pg_auth_members m
        UNION ALL SELECT t::text FROM pg_tablespace t
        UNION ALL SELECT s::text FROM pg_db_role_setting s WHERE setdatabase = 0) AS lines (line)"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One template."""

    name: str
    used: float = 0
    surroundings: str = ""
    """Stands for the server's roles and the like when it was made."""
    roles: tuple[str, ...] = ()
    """The roles that there were then."""


def kept_templates(administrator: Administrator) -> list[Kept]:
    """Return the whole templates of our role, the latest used first."""
    found = [_told(name, comment or "") for name, comment in administrator.rows(_LIST)]
    return sorted(found, key=lambda each: (-each.used, each.name))


def _told(name: str, comment: str) -> Kept:
    try:
        told = json.loads(comment.removeprefix(_COMMENT))
        return Kept(name, float(told["used"]), told["surroundings"], tuple(told["roles"]))
    except (ValueError, LookupError, TypeError):
        return Kept(name)


def touch(administrator: Administrator, name: str, *, made: bool = False) -> None:
    """Note that a template is used, or was just made."""
    known = {each.name: each for each in kept_templates(administrator)}.get(name, Kept(name))
    surroundings, roles = known.surroundings, list(known.roles)
    if made:
        surroundings, roles = administrator.value(_GLOBALS), [role for (role,) in administrator.rows(_ROLES)]
    told = json.dumps({"used": round(time.time(), 3), "surroundings": surroundings, "roles": roles})
    text = f"{_COMMENT}{told}".replace("'", "''")
    administrator.execute(f"COMMENT ON DATABASE \"{name}\" IS '{text}'")


def prune(administrator: Administrator, templates: Iterable[Kept]) -> None:
    """Drop templates; one that is in use stays for now."""
    for each in templates:
        with contextlib.suppress(DatabaseUnavailable):
            administrator.execute(f'ALTER DATABASE "{each.name}" WITH IS_TEMPLATE false')
            administrator.execute(f'DROP DATABASE "{each.name}"')


def leave_only(administrator: Administrator) -> list[str]:
    """Bring a server of our own to where it was when its newest template was made, and name the templates left.

    Every database but the templates goes, and every role that came later; so do templates that were made when the
    server looked different.  None stay where it cannot be brought back.
    """
    templates = kept_templates(administrator)
    if not templates:
        return []
    newest = templates[0]
    names = {each.name for each in templates}
    for name, sealed in administrator.rows(_STRANGERS):
        if name not in names:
            if sealed:
                administrator.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
            administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    for (role,) in administrator.rows(_ROLES):
        if role not in newest.roles:
            quoted = role.replace('"', '""')
            administrator.execute(f'DROP ROLE "{quoted}"')
    if administrator.value(_GLOBALS) != newest.surroundings:
        return []
    fit = [each for each in templates if each.surroundings == newest.surroundings]
    prune(administrator, [each for each in templates if each not in fit[:MOST_IN_CLUSTER]])
    return [each.name for each in fit[:MOST_IN_CLUSTER]]
