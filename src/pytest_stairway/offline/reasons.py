"""Knows why SQL that Alembic writes offline is not what ``alembic upgrade`` does.

Each entry was seen with Alembic: what is recognised by, what it says, and what mends it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import CompileError, NoInspectionAvailable

from pytest_stairway.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stairway.offline.rendering import Script, Statement

__all__ = [
    "LOST_HINT",
    "SKIPPED",
    "Reason",
    "changed_literal",
    "line_of_mode",
    "trailing_comment",
    "unbound",
    "why_different",
    "why_not_rendered",
    "why_not_run",
]

_QUOTED = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<tag>\$\w*\$).*?(?P=tag)|/\*.*?\*/""",
    re.DOTALL,
)
_PLACEHOLDER = re.compile(r"%\(\w+\)s|(?<![:\w]):[A-Za-z_]\w*|%s")
_MODE = frozenset({"is_offline_mode", "as_sql"})
_NAMED = (ast.Attribute, ast.Name)
_OF_TRANSACTIONS = re.compile(
    r"MockConnection' object has no attribute '(?:begin|begin_nested|commit|execution_options|rollback)'"
)
_READS = re.compile(r"'NoneType' object (?:has no attribute|is not)|MockConnection|is not iterable")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and the remedy."""

    says: str
    hint: str
    statement: Statement | None = None
    """The statement that is to blame, where it is not the one that was noticed."""


_NEEDS_CONNECTION = Reason(
    phrase("it reads from the database, which needs a connection"),
    phrase(
        "Offline there is no result to read: write it as SQL (INSERT … SELECT, UPDATE … FROM or with a join, on "
        "PostgreSQL a DO block), or leave this revision to `alembic upgrade`"
    ),
)
_COMMITS = Reason(
    phrase("it works on the transaction of the connection itself, and offline there is no connection"),
    phrase(
        "Let Alembic end the transaction: `with op.get_context().autocommit_block():` does so online and in the SQL. "
        "Where env.py has begun one before context.configure(), let env.py commit that first"
    ),
)
_NO_LITERAL = Reason(
    phrase("there is no literal for a value of this type"),
    phrase(
        "Write the statement as text with the literal in it and a cast: op.execute(\"INSERT … VALUES ('…'::jsonb)\")"
    ),
)
_NO_TYPE = Reason(
    phrase("nothing says of which type a value is"),
    phrase(
        "Give the column its type where the revision declares it, sa.column('NAME', sa.Integer), or the value: "
        "sa.literal(VALUE, sa.Integer)"
    ),
)
_COMMENT = (
    phrase("the statement ends in a `--` comment, which swallows its semicolon"),
    phrase("Take the comment out of the end of op.execute(…), or put a line break after it"),
)
_UNBOUND = (
    phrase("a parameter is written as a placeholder"),
    phrase("Give context.configure() literal_binds=True in env.py's offline branch"),
)
LOST_HINT = phrase("Bind them to the statement: op.execute(sa.text(…).bindparams(…)), or op.bulk_insert() for rows")
_LOST = Reason(phrase("bound parameters are lost"), LOST_HINT)
_TAB = Reason(
    phrase("Alembic writes a tab in a literal as four spaces"),
    phrase("Write the tab as SQL: chr(9), on MariaDB and MySQL CHAR(9)"),
)
_PERCENT = Reason(
    phrase("a % in the statement is doubled"),
    phrase('Give context.configure() dialect_opts={"paramstyle": "named"} in env.py\'s offline branch'),
)
SKIPPED = Reason(
    phrase("the revision does less in offline mode: it asks context.is_offline_mode()"),
    phrase("Let the SQL do it as well: write what is left out as SQL, without asking for the mode"),
)


def why_not_rendered(error: BaseException) -> Reason | None:
    """Tell why a migration raised in offline mode; None where nobody knows better than the error."""
    if isinstance(error, AttributeError) and _OF_TRANSACTIONS.search(str(error)):
        return _COMMITS
    if isinstance(error, NoInspectionAvailable) or (
        isinstance(error, (AttributeError, TypeError)) and _READS.search(str(error))
    ):
        return _NEEDS_CONNECTION
    if isinstance(error, (CompileError, NotImplementedError)) and "literal" in str(error):
        return _NO_TYPE if "datatype NULL" in str(error) else _NO_LITERAL
    return None


def why_not_run(script: Script, statement: Statement | None, said: str) -> Reason | None:
    """Tell why a script failed at a statement; None where nobody knows better than the server."""
    suspects = list(_up_to(script.statements, statement))
    for each in reversed(suspects):
        if trailing_comment(each.text):
            return Reason(*_COMMENT, statement=each)
    if statement is not None and unbound(statement.text) and "syntax error" in said:
        return _LOST if statement.lost else Reason(*_UNBOUND)
    return None


def _up_to(statements: Iterable[Statement], last: Statement | None) -> Iterator[Statement]:
    for each in statements:
        yield each
        if each is last:
            return


def why_different(
    suspect: Statement | None,
    values: tuple[frozenset[str | None], frozenset[str | None]] | None,
) -> Reason | None:
    """Tell why the SQL came to another result; None where nobody knows.

    Args:
        suspect: the statement that most likely made the difference.
        values: what stands online, and what stands there after the SQL.
    """
    if suspect is not None and suspect.lost:
        return _LOST
    if values is not None and (reason := changed_literal(*values)):
        return reason
    return None


def line_of_mode(source: str, *, besides: str) -> int | None:
    """Find where a revision file asks for the mode, and so may do something else offline; None where it does not.

    Args:
        source: the file.
        besides: a function that is not run.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):  # it is loaded, so somebody is writing it just now
        return None
    run = (each for each in body if not (isinstance(each, ast.FunctionDef) and each.name == besides))
    lines = [
        node.lineno for each in run for node in ast.walk(each) if isinstance(node, _NAMED) and _name(node) in _MODE
    ]
    return min(lines, default=None)


def _name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def changed_literal(online: frozenset[str | None], offline: frozenset[str | None]) -> Reason | None:
    """Tell whether a literal is another in the SQL, by what it leaves, whatever stands beside it in the values.

    Args:
        online: what stands online alone.
        offline: what stands after the SQL alone.
    """
    before, after = ("\n".join(text for text in texts if text) for texts in (online, offline))
    if "\t" in before and "\t" not in after and "    " in after:
        return _TAB
    if "%" in before and "%%" not in before and "%%" in after:
        return _PERCENT
    return None


def trailing_comment(text: str) -> bool:
    """Tell whether a statement's terminator stands in a comment."""
    *_, last = _QUOTED.sub("''", text).split("\n")
    return "--" in last and not text.startswith("--")


def unbound(text: str) -> bool:
    """Tell whether a statement still has a placeholder in it."""
    return _PLACEHOLDER.search(_QUOTED.sub("''", text)) is not None
