"""What psql sends as it is written, and which revisions change the schema and nothing else."""

from __future__ import annotations

import pytest

from pytest_stairway.offline.plain import does_the_same_online, is_plain, sets_timeouts

PLAIN = {
    "ddl": "ALTER TABLE a ADD COLUMN c INTEGER DEFAULT '0'::integer NOT NULL;",
    "with a semicolon in a literal": "UPDATE a SET b = 'x;y';",
    "with a quote in a literal": "UPDATE a SET b = 'it''s :here and -- there';",
    "with a backslash in a literal": r"ALTER TABLE a ADD CHECK (b !~ '^\d+$');",
    "with dollar quotes": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ DECLARE x int; BEGIN x := 1; RETURN x; END $f$;",
    "with a quoted name": 'COMMENT ON COLUMN "a:b"."c\\d" IS \'e\';',
    "after an empty line": "\n\n    INSERT INTO a SELECT 'new';",
    "two statements": "DELETE FROM a WHERE b = 'new';\nDELETE FROM b;",
    "ended twice": "DELETE FROM b;\n  ;",
    "a timeout": "SET lock_timeout = '5s';",
    "a timeout of the session": "SET SESSION statement_timeout TO 5000;",
    "a timeout of the transaction": "\n  set local lock_timeout='1min';",
    "a timeout's end": "RESET statement_timeout;",
    "a timeout before another statement": "SET LOCAL lock_timeout = DEFAULT; INSERT INTO b VALUES (1);",
    "a timeout after another statement": "INSERT INTO b VALUES (1); SET statement_timeout = 0;",
    "a comment in the middle": "ALTER TABLE a -- it's \\gset; :c\n ADD more int;",
    "a comment at the beginning": "-- first: \"a\nCOMMENT ON TABLE b IS '-- not /* this';",
    "a comment over some lines": "UPDATE b /* it's\n:c; \\d */ SET x = 1;",
    "a timeout with a comment": "/* not for long */ SET lock_timeout = '5s';",
    "a block": "DO $$ BEGIN PERFORM 1; END $$;",
}

NOT_PLAIN = {
    "a comment at the end": "ALTER TABLE a ADD b int -- for later;",
    "a comment after the end": "DELETE FROM a; -- for later",
    "a comment that does not end": "UPDATE a SET b = 1 /* c;",
    "a comment in an escaped text": r"UPDATE a SET b = E'it\'s -- " + "\n';",
    "a command after a comment": "UPDATE a SET b = 1 -- c\n \\gset\n;",
    "a statement behind a timeout after a comment": "-- c;\nSET lock_timeout = 1; VACUUM a; \nDELETE FROM b;",
    "nothing but a comment": "-- c\n;",
    "a nested comment": "UPDATE a /* x /* y */ ; */ SET b = 1;",
    "a variable": "UPDATE a SET b = :HOST;",
    "a quoted variable": "UPDATE a SET b = :'HOST';",
    "a slice that could be a variable": "UPDATE a SET b = c[1:2];",
    "a command": "UPDATE a SET b = 1 \\gset\n;",
    "an escaped quote": r"UPDATE a SET b = E'it\'s; -- here';",
    "no semicolon": "UPDATE a SET b = 1",
    "an open quote": "UPDATE a SET b = 'x;",
    "an open dollar quote": "DO $$ BEGIN PERFORM 1;",
    "rows for COPY": "COPY a FROM STDIN;\n1\n\\.\n;",
    "a setting": "SET search_path TO b;",
    "a setting in a function": "SELECT set_config('search_path', 'b', false);",
    "a timeout of psql's": "SET lock_timeout = :timeout;",
    "a timeout and a setting": "SET lock_timeout = '5s'; SET search_path TO b;",
    "a timeout without its end": "SET lock_timeout = '5s'",
    "a setting after another statement": "DELETE FROM a; SET ROLE b;",
    "a temporary table": "CREATE TEMPORARY TABLE a (b int);",
    "an index that is built outside of transactions": "CREATE INDEX CONCURRENTLY a ON b (c);",
    "something unheard of": "VACUUM a;",
    "nothing": ";",
}


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_what_psql_can_only_read_one_way_is_plain(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("text", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_psql_may_read_otherwise_is_not(text: str) -> None:
    assert not is_plain(text)


def test_a_timeout_is_noticed_wherever_it_stands() -> None:
    assert sets_timeouts(["SELECT 1;", "DO $$ BEGIN SET Lock_Timeout = '1s'; END $$;"])
    assert not sets_timeouts(["ALTER TABLE a ADD timeout int;"])


SAME = """
import sqlalchemy as sa
from alembic import op

revision = "b"
down_revision: str | None = "a"

def upgrade() -> None:
    op.drop_column("a", "b")
    op.create_index(op.f("ix_a_c"), "a", [sa.text("lower(c)")])
    op.execute("DELETE FROM a WHERE c = ''::text")
    op.execute(sa.text("SET lock_timeout = '5s'"))
    sa.Enum("x", name="y").create(op.get_bind())
    op.get_bind().execute(sa.text("DELETE FROM a"))
    connection = op.get_bind()
    connection.execute(sa.text("DELETE FROM a"))

def downgrade() -> None:
    op.drop_index(op.f("ix_a_c"))
    op.add_column("a", sa.Column("b", sa.Integer))
"""


def test_a_file_that_does_the_same_online_is_recognised() -> None:
    assert does_the_same_online(SAME)


@pytest.mark.parametrize(
    "more",
    [
        "op.execute(f'UPDATE a SET b = {number()}')",
        "op.execute('UPDATE a SET b = :c')",
        "op.execute('UPDATE a SET b = 5 % 2')",
        "op.execute('UPDATE a SET b = \\'\\t\\'')",
        "op.execute(sa.text('UPDATE a SET b = 1').bindparams(x=1))",
        "op.execute(table.update().values(b=1))",
        "op.execute('UPDATE a SET b = 1', {'x': 1})",
        "op.bulk_insert(table, rows)",
        "rows = op.get_bind().execute(sa.text('SELECT 1'))",
        "op.get_bind().execute(sa.text('SELECT 1')).fetchall()",
        "bind = op.get_bind()\nhelper(bind)",
        "bind = op.get_bind()\nfor row in bind.execute(sa.text('SELECT 1')):\n    pass",
        "bind = op.get_bind()\nbind.execute(sa.text('DELETE FROM a WHERE b = 1'), {'b': 1})",
        "bind = other = op.get_bind()\nhelper(other)",
        "(bind := op.get_bind()).execute(statement)",
        "op.get_bind()",
        "helper(op)",
        "from application import helper",
        "from alembic import op as o",
        "from alembic.op import execute",
        "import alembic.op",
        "from . import helper",
        "getattr(op, name)()",
        "if offline:\n    op.drop_table('a')",
        "with op.batch_alter_table('a') as batch:\n    batch.drop_column('b')",
    ],
)
def test_a_file_that_may_do_more_is_not(more: str) -> None:
    assert not does_the_same_online(f"{SAME}\n{more}\n")
