"""Knows what would mend an error, by what databases, drivers and Alembic say of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_stairway.findings import Direction

__all__ = ["hint_of"]


@dataclass(frozen=True, slots=True)
class _Known:
    """A message that is known, and what to do about it."""

    pattern: str
    """Of the error's type, its words and its statement, in this order."""
    hint: str
    """Names in braces are the pattern's groups."""
    directions: frozenset[Direction] = frozenset(Direction)
    """Where it is so."""
    in_one_run: bool = False
    """Only where several revisions are applied in one run."""

    def hint_for(self, text: str) -> str | None:
        """Give the hint, where the message is this one."""
        found = re.search(self.pattern, text, re.DOTALL)
        return self.hint.format(**found.groupdict()) if found else None


KNOWN: tuple[_Known, ...] = (
    # -- what Alembic and SQLAlchemy say
    _Known(
        r"\bexecute\(\) takes .*positional argument",
        "Give parameters by text(…).bindparams(…), or run op.get_bind().execute(text(…), parameters): op.execute() "
        "takes one statement and no parameters",
    ),
    _Known(
        r"A value is required for bind parameter '(?P<name>\d\w*)'",
        r"Write \\: (\: in a raw string) for the colon before {name}: a colon before a word is taken for a parameter",
    ),
    _Known(
        r"A value is required for bind parameter '(?P<name>\w+)'",
        r"Give :{name} its value by sa.text(…).bindparams({name}=…); where the colon is part of a text, write \\: "
        r"(\: in a raw string)",
    ),
    _Known(
        r"Can't emit DROP CONSTRAINT for constraint .* it has no name",
        "Give op.drop_constraint() a name: name the constraint in upgrade(), or take the one that the database made",
    ),
    _Known(
        r"drop_constraint\(\) missing 1 required positional argument: 'table_name'",
        "Name the table, too: op.drop_constraint('NAME', 'TABLE')",
    ),
    _Known(
        r"NameError: name '(?P<name>postgresql|mysql|sqlite|mssql|oracle)' is not defined",
        "Import it in the revision: from sqlalchemy.dialects import {name}",
    ),
    _Known(r"NameError: name '(?P<name>\w+)' is not defined", "Import {name} in the revision, or correct its name"),
    # -- rows in the way
    _Known(
        r"value too long for type character varying\((?P<length>\d+)\).*ALTER COLUMN (?P<column>\S+) TYPE",
        "Shorten or delete the rows that do not fit before the type is changed, or cut them: "
        "postgresql_using='left({column}, {length})'",
    ),
    _Known(
        r"(?:out of range|numeric field overflow).*ALTER COLUMN (?P<column>\S+) TYPE",
        "Change or delete the rows that do not fit before the type is changed",
    ),
    _Known(
        r"invalid input value for enum (?P<type>\S+): ",
        "Turn the values that {type} does not have into ones that it has, or delete their rows, before the type is "
        "changed",
    ),
    _Known(
        r"column \"(?P<column>[^\"]+)\" of relation \"(?P<table>[^\"]+)\" contains null values.*ADD COLUMN",
        "Give the rows that are there a value: add the column with a server_default, or as nullable, fill it, and then "
        "op.alter_column('{table}', '{column}', nullable=False)",
    ),
    _Known(
        r"column \"(?P<column>[^\"]+)\" of relation \"(?P<table>[^\"]+)\" contains null values",
        "Fill the rows that have none first: UPDATE {table} SET {column} = … WHERE {column} IS NULL",
    ),
    _Known(
        r"could not create unique index",
        "Make the values unique, or delete what is there twice, before the index or constraint is made",
    ),
    _Known(
        r"is violated by some row",
        "Mend the rows that break the rule before the constraint is made",
    ),
    _Known(
        r"UniqueViolation|UNIQUE constraint failed|duplicate key value",
        "Delete in downgrade() the rows that upgrade() inserts, by the very values that it inserts",
        frozenset({Direction.REUPGRADE}),
    ),
    _Known(
        r"UniqueViolation|UNIQUE constraint failed|duplicate key value",
        "Delete in upgrade() the rows that downgrade() inserts again, or let it insert only what is not there",
        frozenset({Direction.DOWNGRADE}),
    ),
    # -- types
    _Known(
        r"default for column \"(?P<column>[^\"]+)\" cannot be cast automatically",
        "Drop the default of {column} first (server_default=None), change the type, then set the new default",
    ),
    _Known(
        r"column \"(?P<column>[^\"]+)\" cannot be cast automatically to type (?P<type>[^\n]+)",
        "Say how to convert it: op.alter_column(…, postgresql_using='{column}::{type}')",
    ),
    _Known(
        r"unsafe use of new value|New enum values must be committed",
        "Commit a new enum value before it is used: add it in `with op.get_context().autocommit_block():`, or set "
        "transaction_per_migration=True in env.py",
    ),
    _Known(
        r"DuplicateObject\w*: .*type \"(?P<type>[^\"]+)\" already exists",
        "Make the type once: a column of sa.Enum makes it with its table; where it is there already, give the column "
        "postgresql.ENUM(…, name='{type}', create_type=False)",
        frozenset({Direction.UPGRADE}),
    ),
    _Known(
        r"DuplicateObject\w*: .*type \"(?P<type>[^\"]+)\" already exists",
        "Drop the type in upgrade() with its table, sa.Enum(name='{type}').drop(op.get_bind()), or give the column "
        "postgresql.ENUM(…, name='{type}', create_type=False) in downgrade()",
        frozenset({Direction.DOWNGRADE}),
    ),
    _Known(
        r"type \"(?P<type>[^\"]+)\" does not exist",
        "Make the type by itself, postgresql.ENUM(…, name='{type}').create(op.get_bind()), and give the column "
        "create_type=False: in one run Alembic makes a type with a table the first time only",
        in_one_run=True,
    ),
    # -- order
    _Known(
        r"cannot drop .* because other objects depend on it",
        "Drop first what depends on it, which DETAIL names: downgrade() undoes upgrade() from its end to its beginning",
        frozenset({Direction.DOWNGRADE}),
    ),
    _Known(
        r"cannot drop .* because other objects depend on it",
        "Drop first what depends on it, which DETAIL names",
    ),
    _Known(r"error in index (?P<index>\S+) after drop column", "Drop the index first: op.drop_index('{index}')"),
    _Known(
        r"because it has pending trigger events",
        "Let the deferred constraints be checked first: op.execute('SET CONSTRAINTS ALL IMMEDIATE'), or set "
        "transaction_per_migration=True in env.py",
    ),
    # -- what the throwaway server lacks, or is not let do
    _Known(
        r"function uuid_generate_\w+\(.*\) does not exist",
        'Create the extension in a revision before (CREATE EXTENSION "uuid-ossp"), or use gen_random_uuid(), which '
        "PostgreSQL has itself",
    ),
    _Known(
        r"type \"(?:\w+\.)?(?P<type>citext|hstore|ltree|cube|vector)\" does not exist",
        "Create the extension in a revision before: op.execute('CREATE EXTENSION IF NOT EXISTS {type}')",
    ),
    _Known(
        r"operator class \"(?:\w+\.)?(?:gin|gist)_trgm_ops\" does not exist",
        "Create the extension in a revision before: op.execute('CREATE EXTENSION IF NOT EXISTS pg_trgm')",
    ),
    _Known(
        r"extension \"[^\"]+\" is not available|could not open extension control file",
        "Take a server that has the extension by --stairway-database: binaries of a system package with contrib, or a "
        "server's URL",
    ),
    _Known(
        r"role \"[^\"]+\" does not exist",
        "Let a migration create the role where it is missing (the throwaway server has only its own), or name a server "
        "that has it by --stairway-database",
    ),
    _Known(
        r"(?:relation|table:?) \"?alembic_version\"? (?:does not exist|not found)",
        "Leave the search path as it is (a pasted pg_dump empties it by set_config('search_path', '', false)), or give "
        "context.configure() a version_table_schema",
    ),
    _Known(
        r"DatabaseError\W.*\bnot authorized",
        "Attach ':memory:' in tests, or give the second database an engine of its own: ATTACH of a file would leave "
        "the throwaway database, so SQLite is not let",
    ),
    _Known(
        r"cannot run inside a transaction block",
        "Run the statement in `with op.get_context().autocommit_block():`",
    ),
    _Known(
        r"No support for ALTER of constraints in SQLite|near \"(?:ALTER|CONSTRAINT|DROP)\": syntax error",
        "Use `with op.batch_alter_table(…)`: SQLite can do this only by copying the table",
    ),
    # -- what MariaDB and MySQL say
    _Known(
        r"column '(?P<column>[^']+)' can't have a default value",
        "Write the default as an expression, in parentheses: server_default=sa.text(\"('…')\")",
    ),
    _Known(
        r"Cannot drop index '(?P<index>[^']+)': needed in a foreign key constraint",
        "Drop the foreign key first, which needs an index of its columns, or create another index for it",
    ),
    _Known(
        r"column '(?P<column>[^']+)' used in key specification without a key length",
        "Say how much of it is indexed: op.create_index(…, mysql_length={{'{column}': 191}})",
    ),
    _Known(
        r"Specified key was too long; max key length is (?P<bytes>\d+) bytes",
        "Index less of the text, whose characters take up to 4 of the {bytes} bytes: "
        "op.create_index(…, mysql_length={{'COLUMN': 191}})",
    ),
    _Known(
        r"there can be only one auto column and it must be defined as a key",
        "Take AUTO_INCREMENT from the column before its key goes: op.alter_column(…, autoincrement=False)",
    ),
    _Known(
        r"in foreign key constraint '[^']+' are incompatible|Foreign key constraint is incorrectly formed",
        "Give both columns the same type, signedness and character set, and an index to the one that is referred to",
    ),
    _Known(
        r"log_bin_trust_function_creators",
        "Name a server of our own by --stairway-database (binaries or container), or let that one trust the user: "
        "SET GLOBAL log_bin_trust_function_creators = 1",
    ),
    # -- what is missing altogether
    *(
        _Known(
            missing,
            "Create {name} in a revision before; where the database had it before Alembic came, give its schema as it "
            "was then by --stairway-base-schema FILE",
            frozenset({Direction.UPGRADE}),
        )
        for missing in (
            r"(?<! of )relation \"(?P<name>[\w.]+)\" does not exist",
            r"no such table: (?:main\.)?(?P<name>\w+)",
            r"Table '[^'.]+\.(?P<name>\w+)' doesn't exist",
        )
    ),
)
"""In the order in which they are tried."""


def hint_of(error: BaseException, direction: Direction | None = None, *, in_one_run: bool = False) -> str | None:
    """Give the remedy, where the message is a known one.

    Args:
        error: what was raised.
        direction: the step that raised it; None where it was none.
        in_one_run: several revisions were applied in one run.
    """
    text = f"{type(error).__name__}: {_innermost_name(error)}{error}"
    known = (
        each
        for each in KNOWN
        if (direction is None or direction in each.directions) and (in_one_run or not each.in_one_run)
    )
    return next((hint for each in known if (hint := each.hint_for(text))), None)


def _innermost_name(error: BaseException) -> str:
    """Name the driver's error, beside SQLAlchemy's that is around it."""
    origin = getattr(error, "orig", None)
    return f"{type(origin).__name__}: " if origin is not None else ""
