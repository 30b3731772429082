"""Knows what would mend an error, by what databases, drivers and Alembic say of it."""

from __future__ import annotations

import re

__all__ = ["hint_of"]

HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\bexecute\(\) takes .*positional argument"),
        "op.execute() takes one statement and no parameters: give them by text(…).bindparams(…), or run "
        "op.get_bind().execute(text(…), parameters)",
    ),
    (
        re.compile(r"unsafe use of new value|New enum values must be committed"),
        "A new enum value can be used once it is committed: add it in `with op.get_context().autocommit_block():`, or "
        "set transaction_per_migration=True in env.py",
    ),
    (
        re.compile(r"Can't emit DROP CONSTRAINT for constraint .* it has no name"),
        "op.drop_constraint() needs a name: name the constraint in upgrade(), or the one that the database made",
    ),
    (
        re.compile(r"extension \"\w+\" is not available|could not open extension control file"),
        "This server has no such extension: take one that has it by --stairway-database (binaries of a system package "
        "with contrib, or a server's URL)",
    ),
    (
        re.compile(r"role \"[^\"]+\" does not exist"),
        "The throwaway server has only its own roles: let a migration create this one where it is missing, or name a "
        "server that has it by --stairway-database",
    ),
    (
        re.compile(r"(?:relation|table:?) \"?alembic_version\"? (?:does not exist|not found)"),
        "The migration has changed the search path (pg_dump's set_config('search_path', '', false) does): take that "
        "line out, or give context.configure() a version_table_schema",
    ),
    (
        re.compile(r"DatabaseError\W.*\bnot authorized"),
        "ATTACH of a file would leave the throwaway database, so SQLite is not let: attach ':memory:' in tests, or "
        "give the second database an engine of its own",
    ),
    (
        re.compile(r"cannot run inside a transaction block"),
        "Run the statement in `with op.get_context().autocommit_block():`",
    ),
    (
        re.compile(r"value too long for type character varying\(\d+\)"),
        "If it is the version table's column that is too short, shorten the revision's identifier",
    ),
    (
        re.compile(r"No support for ALTER of constraints in SQLite|near \"(?:ALTER|CONSTRAINT|DROP)\": syntax error"),
        "SQLite can do this only by copying the table: use `with op.batch_alter_table(…)`",
    ),
)
"""What is known about messages that databases and Alembic give."""


def hint_of(error: BaseException) -> str | None:
    """Give the remedy, where the message is a known one."""
    text = f"{type(error).__name__}: {error}"
    return next((hint for pattern, hint in HINTS if pattern.search(text)), None)
