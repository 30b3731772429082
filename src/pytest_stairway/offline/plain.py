"""Knows which statements psql sends to the server exactly as they are written, so that any client does the same.

psql has a language of its own: variables, commands behind a backslash, its own idea of where a statement ends.  A
statement is plain where nothing of that can be meant, and where it leaves nothing behind in the session.  Whatever is
not recognised is not plain.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from pytest_stairway.offline.rendering import Script

__all__ = ["changes_schema_only", "is_plain", "is_plain_script"]

_STARTS = re.compile(
    r"\s*(?:ALTER|COMMENT\s+ON|CREATE|DELETE|DO|DROP|GRANT|INSERT|MERGE|REVOKE|SELECT|TRUNCATE|UPDATE|WITH)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)""", re.DOTALL)
_OF_PSQL = re.compile(r"""\\|'|"|\$\w*\$|--|/\*|(?<!:):(?=[\w'"{])""")
"""What is left where quotes do not match, comments, commands and variables."""
_ESCAPES = re.compile(r"(?<![\w'])[EU]&?'", re.IGNORECASE)
_LEAVES_SOMETHING = re.compile(
    r"set_config|search_path|session_replication_role|standard_conforming_strings|\bTEMP(?:ORARY)?\b|\bpg_temp|"
    r"\bSET\s+(?:SESSION|LOCAL|ROLE)\b|\bCONCURRENTLY\b",
    re.IGNORECASE,
)
_OPERATIONS = frozenset(
    (
        *("add_column", "alter_column", "drop_column", "create_table", "drop_table", "rename_table", "f"),
        *("create_index", "drop_index", "create_table_comment", "drop_table_comment", "drop_constraint"),
        *("create_check_constraint", "create_exclude_constraint", "create_foreign_key", "create_primary_key"),
        "create_unique_constraint",
    )
)
_PACKAGES = frozenset({"__future__", "collections", "sqlalchemy", "typing"})


def is_plain_script(script: Script) -> bool:
    """Tell whether a script is one transaction of plain statements."""
    parts = [each.part for each in script.statements]
    if not script.is_atomic or parts[-1] is not Part.COMMIT or Part.MIGRATION in parts[: parts.index(Part.BEGIN)]:
        return False
    return all(is_plain(each.text) for each in script.statements if each.part is Part.MIGRATION)


def is_plain(text: str) -> bool:
    """Tell whether psql sends a statement as it is written, and nothing of it stays in the session.

    Args:
        text: with its semicolon.
    """
    if _LEAVES_SOMETHING.search(text) or ("\\" in text and _ESCAPES.search(text)):
        return False
    bare = _QUOTED.sub("0", text)
    if _OF_PSQL.search(bare) or not bare.rstrip().endswith(";"):
        return False
    return all(_STARTS.match(each) for each in bare.split(";")[:-1])


def changes_schema_only(source: str) -> bool:
    """Tell whether a revision file calls operations on the schema and nothing else, so that no row can matter.

    Args:
        source: the file's text.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a revision without its source
        return False
    called = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in _OPERATIONS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "op" and id(node) not in called:
            return False
        if isinstance(node, (ast.If, ast.IfExp, ast.Try, ast.With)) or not _brings_in_nothing_else(node):
            return False
    return True


def _brings_in_nothing_else(node: ast.AST) -> bool:
    """Tell whether a node is no import, or one of types and of operations by their usual name."""
    if isinstance(node, ast.Import):
        return all(each.name.split(".")[0] in _PACKAGES for each in node.names)
    if not isinstance(node, ast.ImportFrom):
        return True
    if node.module == "alembic":
        return [(each.name, each.asname) for each in node.names] == [("op", None)]
    return not node.level and (node.module or "").split(".")[0] in _PACKAGES
