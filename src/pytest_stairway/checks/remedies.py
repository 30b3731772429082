"""Says what to write so that a schema is what it should be: the hints beside differences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.checks.operations import (
    CONSTRAINTS,
    alter_column,
    create,
    drop,
    execute,
    identifier,
    qualified,
    rename,
    target,
)
from pytest_stairway.findings import Direction
from pytest_stairway.schema import Change
from pytest_stairway.schema.mysql_meaning import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stairway.schema import Difference, Key

__all__ = ["remedy_for"]

REPEAT = "Make upgrade() give the same whatever was there before, and let downgrade() take all of it back"
FROZEN = (
    "Let the database make the value, server_default=sa.func.now() or sa.text('gen_random_uuid()'): what Python "
    "computes is frozen at the moment when the migration runs"
)
NO_VALUE_IS_DROPPED = (
    "Make the type anew in downgrade(), because PostgreSQL drops no value: rename it, create the old one, ALTER COLUMN "
    "… TYPE … USING …::text::…, drop the renamed one; or say `# stairway: accept schema-not-restored: REASON`"
)
LITERAL = re.compile(r"'[^']*'(::[\w \"]+)?")
GRANT_OPTION = " with grant option"
TRIGGERS = {
    "enabled": "ENABLE",
    "disabled": "DISABLE",
    "enabled on replicas": "ENABLE REPLICA",
    "always enabled": "ENABLE ALWAYS",
}
BATCH = {"column", *CONSTRAINTS}
"""What SQLite alters only by copying the table."""
REPLACED = {"function", "procedure", "view"}
"""Kinds for which there is CREATE OR REPLACE."""


def remedy_for(difference: Difference, direction: Direction, *, dialect: str = "postgresql") -> str:
    """Say what would mend a difference.

    Args:
        difference: what is not as it was.
        direction: the step after which it was seen.
        dialect: SQLAlchemy's name of the dialect.
    """
    if direction is Direction.REUPGRADE:
        return _repeat(difference)
    said = REMEDIES[difference.change](difference)
    in_batch = dialect == "sqlite" and difference.key.kind in BATCH and "op." in said
    return f"{said}, in `with op.batch_alter_table({difference.key.parent!r}):`" if in_batch else said


def _repeat(difference: Difference) -> str:
    texts = (difference.before or "", difference.after or "")
    frozen = difference.attribute == "default" and all(LITERAL.fullmatch(text) for text in texts)
    return FROZEN if frozen else REPEAT


def _take_away(difference: Difference) -> str:
    kind = difference.key.kind
    if difference.lasting is False:
        return f"Take out of downgrade() what makes the {kind}: it was not there before the upgrade"
    said = _with(f"Drop the {kind} in downgrade()", drop(difference.key))
    return f"{said}; no table or column takes its type along" if kind == "enum type" else said


def _make_again(difference: Difference) -> str:
    kind = difference.key.kind
    if difference.lasting is False:
        return f"Keep the {kind} in downgrade(), as it was: it was there before upgrade() already"
    made = _with(f"Create the {kind} again in downgrade()", create(difference.key))
    return f"{made}; or say `# stairway: irreversible: REASON`"


def _name_back(difference: Difference) -> str:
    kind, name = difference.key.kind, difference.after or ""
    if difference.lasting is False:
        return f"Create the {kind} in downgrade() under the name that it had: {difference.key.name}"
    return _with(f"Rename the {kind} back in downgrade()", rename(difference.key, name))


def _put_back(difference: Difference) -> str:
    attribute = difference.attribute or ""
    if difference.lasting is False:
        return f"Leave the {attribute or 'definition'} alone in downgrade(): upgrade() does not change it"
    if attribute.startswith("privileges of ") and difference.key.kind != "default privileges":
        return _privileges(difference, attribute.removeprefix("privileges of "))
    known = PUT_BACK.get((difference.key.kind, attribute)) or PUT_BACK.get(("", attribute))
    return known(difference) if known else f"Put the {attribute or 'definition'} back in downgrade()"


def _with(said: str, operation: str | None) -> str:
    return f"{said}: {operation}" if operation else said


# -- what changed -------------------------------------------------------------------------------------------------


def _definition(difference: Difference) -> str:
    kind = difference.key.kind
    if kind in REPLACED:
        return f"Put the old {kind} back in downgrade(): CREATE OR REPLACE {kind.upper()} … as it was"
    return _with(f"Create the {kind} in downgrade() as it was before the upgrade", create(difference.key))


def _column(argument: Callable[[str | None], str]) -> Callable[[Difference], str]:
    """Make the remedy that is an argument of op.alter_column()."""

    def remedy(difference: Difference) -> str:
        changed = alter_column(difference.key, argument(difference.before))
        return f"Put the {difference.attribute} back in downgrade(): {changed}"

    return remedy


def _default(difference: Difference) -> str:
    key, before = difference.key, difference.before
    if before == "nextval(its own sequence)":
        owned = f"CREATE SEQUENCE … OWNED BY {qualified(key.parent, key.schema)}.{identifier(key.name)}"
        return f"Give the column its sequence back in downgrade(), {owned}, and the default nextval(…)"
    default = "None" if before in {None, NO_DEFAULT} else f"sa.text({before!r})"
    if (before, difference.after) == (None, NO_DEFAULT):
        default = "sa.text('NULL')"  # DROP DEFAULT takes even that away
    return f"Put the default back in downgrade(): {alter_column(key, f'server_default={default}')}"


def _generated(difference: Difference) -> str:
    if difference.before is None:
        return f"Make {difference.key.name} an ordinary column again in downgrade(): drop it and add it anew"
    return f"Add {difference.key.name} in downgrade() with sa.Computed(…), as it was before the upgrade"


def _identity(difference: Difference) -> str:
    before = difference.before
    identity = "None" if before is None else f"sa.Identity(always={before == 'ALWAYS'})"
    return f"Put the identity back in downgrade(): {alter_column(difference.key, f'server_default={identity}')}"


def _table_comment(difference: Difference) -> str:
    key = difference.key
    schema = f", schema={key.schema!r}" if key.schema else ""
    if difference.before is None:
        return f"Drop the comment in downgrade(): op.drop_table_comment({key.name!r}{schema})"
    return f"Put the comment back in downgrade(): op.create_table_comment({key.name!r}, {difference.before!r}{schema})"


def _values(difference: Difference) -> str:
    before, after = (set((text or "").split(", ")) for text in (difference.before, difference.after))
    if before < after:
        return NO_VALUE_IS_DROPPED
    return "Make the type anew in downgrade(), with the values that it had, in their order"


def _row_level_security(difference: Difference) -> str:
    words = {None: "DISABLE", "enabled": "ENABLE", "forced": "FORCE", "forced but not enabled": "DISABLE"}
    if (difference.before, difference.after) == ("enabled", "forced"):
        words["enabled"] = "NO FORCE"
    table = qualified(difference.key.name, difference.key.schema)
    statement = f"ALTER TABLE {table} {words.get(difference.before, 'DISABLE')} ROW LEVEL SECURITY"
    return f"Put it back in downgrade(): {execute(statement)}"


def _firing(difference: Difference) -> str:
    key, word = difference.key, TRIGGERS.get(difference.before or "")
    if key.kind != "trigger" or word is None:
        return "Put the firing back in downgrade()"
    statement = f"ALTER TABLE {qualified(key.parent, key.schema)} {word} TRIGGER {identifier(key.name)}"
    return f"Put it back in downgrade(): {execute(statement)}"


def _privileges(difference: Difference, grantee: str) -> str:
    before, after = (_granted(text) for text in (difference.before, difference.after))
    if "none" in before | after:
        return f"Put the privileges of {grantee} back in downgrade(), by GRANT and REVOKE"
    who = grantee if grantee == "PUBLIC" else identifier(grantee)
    what, columns = _securable(difference.key)
    statements = []
    if after - before:
        statements.append(f"REVOKE {_listed(after - before, columns)} ON {what} FROM {who}")
    if before - after:
        statements.append(f"GRANT {_listed(before - after, columns)} ON {what} TO {who}")
    return f"Put the privileges back in downgrade(): {', '.join(map(execute, statements))}"


def _granted(text: str | None) -> set[str]:
    return {word.removesuffix(GRANT_OPTION) for word in text.split(", ")} if text else set()


def _securable(key: Key) -> tuple[str, str]:
    """Write what is granted on, and the list of columns where it is one."""
    if key.kind == "column":
        return qualified(key.parent, key.schema), f" ({identifier(key.name)})"
    return target(key), ""


def _listed(privileges: set[str], columns: str) -> str:
    return ", ".join(f"{each}{columns}" for each in sorted(privileges))


PUT_BACK: dict[tuple[str, str], Callable[[Difference], str]] = {
    ("", "definition"): _definition,
    ("column", "type"): _column(lambda _before: "type_=…"),
    ("column", "nullability"): _column(lambda before: f"nullable={before != 'NOT NULL'}"),
    ("column", "comment"): _column(lambda before: f"comment={before!r}"),
    ("column", "default"): _default,
    ("column", "generated"): _generated,
    ("column", "identity"): _identity,
    ("table", "comment"): _table_comment,
    ("enum type", "values"): _values,
    ("", "row level security"): _row_level_security,
    ("", "firing"): _firing,
}
"""By kind and attribute; the kind is empty where any will do."""

REMEDIES: dict[Change, Callable[[Difference], str]] = {
    Change.MISSING: _make_again,
    Change.UNEXPECTED: _take_away,
    Change.RENAMED: _name_back,
    Change.CHANGED: _put_back,
}
