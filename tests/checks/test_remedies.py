"""What is said to mend a difference: the very operation, where there is one."""

from __future__ import annotations

import pytest

from pytest_stairway.checks.operations import drop, execute, rename
from pytest_stairway.checks.remedies import remedy_for
from pytest_stairway.findings import Direction
from pytest_stairway.schema import Change, Difference, Key

AUTHOR = Key("table", "author")


def changed(key: Key, attribute: str, before: str | None, after: str | None) -> str:
    difference = Difference(key=key, change=Change.CHANGED, attribute=attribute, before=before, after=after)
    return remedy_for(difference, Direction.DOWNGRADE)


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        (Key("table", "sale", "", "shop"), "op.drop_table('sale', schema='shop')"),
        (Key("column", "bio", "author"), "op.drop_column('author', 'bio')"),
        (Key("index", "ix", "author"), "op.drop_index('ix', table_name='author')"),
        (Key("foreign key", "fk", "author"), "op.drop_constraint('fk', 'author', type_='foreignkey')"),
        (Key("exclusion constraint", "ex", "author"), "op.drop_constraint('ex', 'author')"),
        (Key("enum type", "mood"), "sa.Enum(name='mood').drop(op.get_bind())"),
        (Key("trigger", "touch", "author"), "op.execute('DROP TRIGGER touch ON author')"),
        (Key("policy", "own rows", "user", "shop"), "op.execute('DROP POLICY \"own rows\" ON shop.user')"),
        (Key("function", "Touch(integer)"), "op.execute('DROP FUNCTION \"Touch\"(integer)')"),
        (Key("materialized view", "top", "", "shop"), "op.execute('DROP MATERIALIZED VIEW shop.top')"),
        (Key("check constraint", "(n > 0)", "author"), None),
        (Key("operator", "<<<"), None),
    ],
)
def test_how_something_is_dropped(key: Key, operation: str | None) -> None:
    assert drop(key) == operation


@pytest.mark.parametrize(
    ("key", "operation"),
    [
        (AUTHOR, "op.rename_table('other', 'author')"),
        (Key("column", "bio", "author"), "op.alter_column('author', 'other', new_column_name='bio')"),
        (Key("index", "ix", "sale", "shop"), "op.execute('ALTER INDEX shop.other RENAME TO ix')"),
        (Key("unique constraint", "uq", "author"), "op.execute('ALTER TABLE author RENAME CONSTRAINT other TO uq')"),
        (Key("enum type", "mood"), "op.execute('ALTER TYPE other RENAME TO mood')"),
    ],
)
def test_how_something_gets_its_name_back(key: Key, operation: str) -> None:
    assert rename(key, "other") == operation


def test_what_the_downgrade_itself_makes_is_not_to_be_dropped() -> None:
    index = Key("index", "ix", "author")
    left = Difference(key=index, change=Change.UNEXPECTED, lasting=True)
    made = Difference(key=index, change=Change.UNEXPECTED, lasting=False)
    assert "op.drop_index" in remedy_for(left, Direction.DOWNGRADE)
    assert remedy_for(made, Direction.DOWNGRADE).startswith("Take out of downgrade() what makes the index")


def test_what_the_upgrade_left_alone_is_not_to_be_created() -> None:
    dropped = Difference(key=AUTHOR, change=Change.MISSING, lasting=True)
    kept = Difference(key=AUTHOR, change=Change.MISSING, lasting=False)
    assert "op.create_table('author', …)" in remedy_for(dropped, Direction.DOWNGRADE)
    assert remedy_for(kept, Direction.DOWNGRADE).startswith("Keep the table in downgrade()")


def test_what_the_upgrade_does_not_change_is_to_be_left_alone() -> None:
    key = Key("column", "bio", "author")
    facts = {"attribute": "nullability", "before": "nullable", "after": "NOT NULL"}
    changed_later = Difference(key=key, change=Change.CHANGED, lasting=False, **facts)
    assert remedy_for(changed_later, Direction.DOWNGRADE).startswith("Leave the nullability alone in downgrade()")


@pytest.mark.parametrize(
    ("attribute", "before", "after", "says"),
    [
        ("type", "text", "integer", "op.alter_column('author', 'bio', type_=…)"),
        ("nullability", "NOT NULL", "nullable", "nullable=False"),
        ("default", None, "1", "server_default=None"),
        ("default", "'new'::text", None, "server_default=sa.text(\"'new'::text\")"),
        ("default", "nextval(its own sequence)", None, "CREATE SEQUENCE … OWNED BY author.bio"),
        ("comment", None, "x", "comment=None"),
        ("generated", "(a) STORED", None, "sa.Computed"),
        ("generated", None, "(a) STORED", "ordinary column"),
        ("identity", "ALWAYS", None, "sa.Identity(always=True)"),
        ("privileges of app", "SELECT", "SELECT, UPDATE", "op.execute('REVOKE UPDATE (bio) ON author FROM app')"),
        ("collation", '"C"', None, "Put the collation back"),
    ],
)
def test_how_a_column_is_put_back(attribute: str, before: str | None, after: str | None, says: str) -> None:
    assert says in changed(Key("column", "bio", "author"), attribute, before, after)


@pytest.mark.parametrize(
    ("key", "before", "after", "says"),
    [
        (AUTHOR, None, "SELECT", "op.execute('REVOKE SELECT ON author FROM PUBLIC')"),
        (AUTHOR, "SELECT", None, "op.execute('GRANT SELECT ON author TO PUBLIC')"),
        (AUTHOR, "SELECT with grant option", "INSERT", "REVOKE INSERT ON author FROM PUBLIC"),
        (Key("schema", "shop"), None, "USAGE", "op.execute('REVOKE USAGE ON SCHEMA shop FROM PUBLIC')"),
        (Key("function", "f()"), None, "none", "by GRANT and REVOKE"),
    ],
)
def test_privileges(key: Key, before: str | None, after: str | None, says: str) -> None:
    assert says in changed(key, "privileges of PUBLIC", before, after)


@pytest.mark.parametrize(
    ("key", "attribute", "before", "after", "says"),
    [
        (AUTHOR, "comment", "who", None, "op.create_table_comment('author', 'who')"),
        (AUTHOR, "comment", None, "who", "op.drop_table_comment('author')"),
        (AUTHOR, "row level security", "enabled", "forced", "NO FORCE ROW LEVEL SECURITY"),
        (AUTHOR, "row level security", "forced", "enabled", "author FORCE ROW LEVEL SECURITY"),
        (Key("trigger", "t", "author"), "firing", "disabled", "enabled", "ALTER TABLE author DISABLE TRIGGER t"),
        (Key("enum type", "mood"), "values", "'a'", "'a', 'b'", "PostgreSQL drops no value"),
        (Key("enum type", "mood"), "values", "'a', 'b'", "'b', 'a'", "in their order"),
        (Key("function", "f()"), "definition", "x", "y", "CREATE OR REPLACE FUNCTION"),
        (Key("index", "ix", "author"), "definition", "x", "y", "op.create_index('ix', 'author', …)"),
    ],
)
def test_how_others_are_put_back(key: Key, attribute: str, before: str | None, after: str | None, says: str) -> None:
    assert says in changed(key, attribute, before, after)


def test_a_default_that_python_computes_is_frozen() -> None:
    key = Key("column", "since", "author")
    times = {"before": "'2026-01-01'::date", "after": "'2026-01-02'::date"}
    frozen = Difference(key=key, change=Change.CHANGED, attribute="default", **times)
    assert "server_default=sa.func.now()" in remedy_for(frozen, Direction.REUPGRADE)
    other = Difference(key=key, change=Change.CHANGED, attribute="type", before="'x'", after="'y'")
    assert "server_default" not in remedy_for(other, Direction.REUPGRADE)


def test_sqlite_alters_columns_in_a_batch() -> None:
    left = Difference(key=Key("column", "bio", "author"), change=Change.UNEXPECTED)
    assert "with op.batch_alter_table('author'):" in remedy_for(left, Direction.DOWNGRADE, dialect="sqlite")
    assert "batch" not in remedy_for(left, Direction.DOWNGRADE, dialect="postgresql")


def test_statements_are_quoted_as_python_needs_it() -> None:
    assert execute("SELECT 'x'") == "op.execute(\"SELECT 'x'\")"
