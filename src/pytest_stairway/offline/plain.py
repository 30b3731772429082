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
    from collections.abc import Iterable, Iterator

    from pytest_stairway.offline.rendering import Script

__all__ = ["does_the_same_online", "is_plain", "is_plain_script", "sets_timeouts"]

_STARTS = re.compile(
    r"\s*(?:ALTER|COMMENT\s+ON|CREATE|DELETE|DO|DROP|GRANT|INSERT|MERGE|REVOKE|SELECT|TRUNCATE|UPDATE|WITH)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)""", re.DOTALL)
_COMMENT = re.compile(
    rf"{_QUOTED.pattern}|(?P<comment>--[^\n\r]*[\n\r]|/\*(?:(?!/\*|\*/).)*\*/)",
    re.DOTALL,
)
"""A comment that ends within the statement, or a quoted text, in which none begins."""
_OF_PSQL = re.compile(r"""\\|'|"|\$\w*\$|--|/\*|(?<!:):(?=[\w'"{])""")
"""What is left where quotes do not match, comments that are nested or do not end, commands and variables."""
_ESCAPES = re.compile(r"(?<![\w'])[EU]&?'", re.IGNORECASE)
_LEAVES_SOMETHING = re.compile(
    r"set_config|search_path|session_replication_role|standard_conforming_strings|\bTEMP(?:ORARY)?\b|\bpg_temp|"
    r"\bSET\s+(?:SESSION|LOCAL|ROLE)\b|\bCONCURRENTLY\b",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(
    r"(?:\A|(?<=;))\s*(?:SET\s+(?:SESSION\s+|LOCAL\s+)?(?:lock|statement)_timeout\s*(?:=|\bTO\b)\s*"
    r"(?:'[^'\\]*'|[\d.]+|DEFAULT)|RESET\s+(?:lock|statement)_timeout)\s*;",
    re.IGNORECASE,
)
"""A statement that any client sends as it is written, and whose settings are brought back: see `sets_timeouts`."""
_NAMES_TIMEOUT = re.compile(r"\b(?:lock|statement)_timeout\b", re.IGNORECASE)
_WRITTEN_OTHERWISE = re.compile(r"[\t%]|(?<!:):(?!:)")
"""What Alembic or a driver may send as something else than what stands in the revision file."""
_OPERATIONS = frozenset(
    (
        *("add_column", "alter_column", "drop_column", "create_table", "drop_table", "rename_table", "f"),
        *("create_index", "drop_index", "create_table_comment", "drop_table_comment", "drop_constraint"),
        *("create_check_constraint", "create_exclude_constraint", "create_foreign_key", "create_primary_key"),
        "create_unique_constraint",
    )
)
_OF_TYPES = frozenset({"create", "drop"})
_PACKAGES = frozenset({"__future__", "collections", "sqlalchemy", "typing"})


def is_plain_script(script: Script) -> bool:
    """Tell whether a script is one transaction of plain statements."""
    parts = [each.part for each in script.statements]
    if not script.is_atomic or parts[-1] is not Part.COMMIT or Part.MIGRATION in parts[: parts.index(Part.BEGIN)]:
        return False
    return all(is_plain(each.text) for each in script.statements if each.part is Part.MIGRATION)


def is_plain(text: str) -> bool:
    """Tell whether psql sends a statement as it is written, and nothing of it but timeouts stays in the session.

    Args:
        text: with its semicolon.
    """
    said = _COMMENT.sub(lambda found: "\n" if found["comment"] else found[0], text)
    rest = _TIMEOUT.sub("", said)
    return (rest != said and not rest.strip()) or _is_plain(rest)


def sets_timeouts(texts: Iterable[str]) -> bool:
    """Tell whether statements may set the timeouts of their session."""
    return any(map(_NAMES_TIMEOUT.search, texts))


def _is_plain(text: str) -> bool:
    if _LEAVES_SOMETHING.search(text) or ("\\" in text and _ESCAPES.search(text)):
        return False
    bare = _QUOTED.sub("0", text)
    if _OF_PSQL.search(bare) or not bare.rstrip().endswith(";"):
        return False
    statements = [each for each in bare.split(";") if each.strip()]
    return bool(statements) and all(map(_STARTS.match, statements))


def does_the_same_online(source: str) -> bool:
    """Tell whether a revision file does online what its SQL does, so that it does not matter on which rows.

    That is so where it calls operations on the schema, executes statements that stand in it as they are sent, and does
    nothing else.

    Args:
        source: the file's text.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a revision without its source
        return False
    names = {"op", *_names_of_connections(tree)}
    understood = {id(name) for node in ast.walk(tree) for name in _understood(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names and id(node) not in understood:
            return False
        if isinstance(node, (ast.If, ast.IfExp, ast.Try, ast.With)) or not _brings_in_nothing_else(node):
            return False
    return True


def _names_of_connections(tree: ast.AST) -> Iterator[str]:
    """Give the names by which a file calls what ``op.get_bind()`` gives."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_bind(node.value):
            yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))


def _understood(node: ast.AST) -> Iterator[ast.expr]:
    """Give the `op`, or the connection, of an expression or a statement that is understood."""
    if isinstance(node, ast.Attribute) and node.attr in _OPERATIONS:
        yield node.value
    elif isinstance(node, ast.Assign) and _is_bind(node.value):
        yield from _ops_and_names(node.targets[0], node.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from _of_call(node.value)


def _of_call(call: ast.Call) -> Iterator[ast.expr]:
    """Give the same of a call whose result nobody looks at: ``execute()``, or ``create()`` and ``drop()`` of a type."""
    if not isinstance(call.func, ast.Attribute) or len(call.args) != 1 or call.keywords:
        return
    if call.func.attr == "execute" and _is_sent_as_written(call.args[0]):
        yield from _ops_and_names(call.func.value)
    elif call.func.attr in _OF_TYPES:
        yield from _ops_and_names(call.args[0])


def _ops_and_names(*expressions: ast.expr) -> Iterator[ast.expr]:
    """Give the names in expressions that are nothing but a name, or ``op.get_bind()``."""
    for each in expressions:
        if isinstance(each, ast.Name):
            yield each
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and _is_bind(each):
            yield each.func.value


def _is_bind(node: ast.expr) -> bool:
    """Tell whether an expression is ``op.get_bind()``."""
    return isinstance(node, ast.Call) and ast.unparse(node) == "op.get_bind()"


def _is_sent_as_written(argument: ast.expr) -> bool:
    """Tell whether what is executed is a text, or ``sa.text()`` of one, that nobody changes on the way."""
    if isinstance(argument, ast.Call) and len(argument.args) == 1 and not argument.keywords:
        function = argument.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return name == "text" and isinstance(argument.args[0], ast.Constant) and _is_sent_as_written(argument.args[0])
    constant = argument.value if isinstance(argument, ast.Constant) else None
    return isinstance(constant, str) and not _WRITTEN_OTHERWISE.search(constant)


def _brings_in_nothing_else(node: ast.AST) -> bool:
    """Tell whether a node is no import, or one of types and of operations by their usual name."""
    if isinstance(node, ast.Import):
        return all(each.name.split(".")[0] in _PACKAGES for each in node.names)
    if not isinstance(node, ast.ImportFrom):
        return True
    if node.module == "alembic":
        return [(each.name, each.asname) for each in node.names] == [("op", None)]
    return not node.level and (node.module or "").split(".")[0] in _PACKAGES
