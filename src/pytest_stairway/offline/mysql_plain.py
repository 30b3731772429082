"""Knows which statements the clients of MariaDB and MySQL send exactly as they are written, and sessions like theirs.

The clients have commands of their own, drop comments, and cut at semicolons.  Whatever is not recognised is not plain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import text

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pytest_stairway.offline.rendering import Script

__all__ = ["is_like_a_client", "is_plain", "is_plain_script"]

_STARTS = re.compile(r"\s*(?:ALTER|CREATE|DELETE|DROP|INSERT|RENAME|REPLACE|SELECT|TRUNCATE|UPDATE)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|'')*'|\"(?:[^\"\\]|\"\")*\"|`[^`]*`")
_OF_CLIENTS = re.compile(r"""[\\'"`#;@]|--|/\*|\bDELIMITER\b""", re.IGNORECASE)
"""What is left where quotes do not match, comments, commands, variables and the end of a statement."""
_LEAVES_SOMETHING = re.compile(r"\b(?:TEMPORARY|LAST_INSERT_ID|GET_LOCK)\b", re.IGNORECASE)
_LIKE_A_CLIENT = text("""
    SELECT @@SESSION.autocommit = 0 AND @@SESSION.foreign_key_checks = 1 AND @@SESSION.unique_checks = 1
        AND @@SESSION.sql_mode = @@GLOBAL.sql_mode AND @@SESSION.time_zone = @@GLOBAL.time_zone
        AND @@SESSION.character_set_client = 'utf8mb4' AND @@SESSION.character_set_connection = 'utf8mb4'
        AND @@SESSION.collation_connection = (
            SELECT default_collate_name FROM information_schema.character_sets WHERE character_set_name = 'utf8mb4')""")


def is_plain_script(script: Script) -> bool:
    """Tell whether a script consists of plain statements, each of which is committed by itself."""
    parts = {each.part for each in script.statements}
    if parts & {Part.BEGIN, Part.COMMIT}:
        return False
    return all(is_plain(each.text) for each in script.statements if each.part is Part.MIGRATION)


def is_plain(statement: str) -> bool:
    """Tell whether the clients send a statement as it is written, and nothing of it stays in the session.

    Args:
        statement: with its semicolon.
    """
    bare = _QUOTED.sub("0", statement.strip())
    if not bare.endswith(";") or _OF_CLIENTS.search(bare.removesuffix(";")) or _LEAVES_SOMETHING.search(bare):
        return False
    return _STARTS.match(bare) is not None


def is_like_a_client(connection: Connection) -> bool:
    """Tell whether SQL means on this connection what it means on a client's."""
    return bool(connection.execute(_LIKE_A_CLIENT).scalar_one())
