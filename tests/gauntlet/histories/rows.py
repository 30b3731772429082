"""Seed rows, and schemas that depend on rows."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

ROLE = table("a1", "role", "id serial PRIMARY KEY", "name text NOT NULL UNIQUE")
ADMIN = sql("INSERT INTO role (name) VALUES ('admin')")
NO_ADMIN = sql("DELETE FROM role WHERE name = 'admin'")

CASES = (
    Case(
        "seed-not-found-again",
        "seeds a row, and the downgrade looks for it under another spelling",
        [ROLE, Rev("b2", ADMIN, sql("DELETE FROM role WHERE name = 'Admin'"))],
        {("reupgrade-failed", "b2"): "admin"},
        hint="Delete in downgrade() the rows",
    ),
    Case(
        "seed-kept",
        "seeds a row, and the downgrade is `pass`",
        [ROLE, Rev("b2", ADMIN)],
        {("reupgrade-failed", "b2"): "admin"},
        hint="Delete in downgrade() the rows",
    ),
    Case(
        "seed-in-the-way",
        "sets NOT NULL on a new column of a table that was seeded by an earlier revision",
        [
            ROLE,
            Rev("b2", ADMIN, NO_ADMIN),
            Rev(
                "c3",
                'op.add_column("role", sa.Column("rank", sa.Integer(), nullable=False))',
                'op.drop_column("role", "rank")',
            ),
        ],
        {("upgrade-failed", "c3"): "rank"},
        hint="op.alter_column('role', 'rank', nullable=False)",
    ),
    Case(
        "seed-does-not-fit-back",
        "widens a column and seeds a long value; the downgrade narrows the column before it deletes the row",
        [
            table("a1", "role", "name varchar(8)"),
            Rev(
                "b2",
                'op.alter_column("role", "name", type_=sa.Text())\n' + sql("INSERT INTO role VALUES ('administrator')"),
                'op.alter_column("role", "name", type_=sa.String(8))\n'
                + sql("DELETE FROM role WHERE name = 'administrator'"),
            ),
        ],
        {("downgrade-failed", "b2"): "character varying(8)"},
        hint="postgresql_using='left(name, 8)'",
    ),
    Case(
        "parameter-list",
        'passes rows to `op.execute(sa.text("… :role …"), [{"role": …}])`, which takes no parameters',
        [
            ROLE,
            Rev("b2", 'op.execute(sa.text("INSERT INTO role (name) VALUES (:role)"), [{"role": "admin"}])', NO_ADMIN),
            table("c3", "member", "id integer PRIMARY KEY"),
        ],
        {("upgrade-failed", "b2"): "execute()"},
        hint="bindparams",
    ),
    Case(
        "colon-in-json",
        'writes JSON in a plain string, and `:1` in `{"a":1}` is taken for a parameter',
        [
            table("a1", "setting", "value jsonb"),
            Rev("b2", sql("""INSERT INTO setting VALUES ('{"a":1}')"""), sql("DELETE FROM setting")),
        ],
        {("upgrade-failed", "b2"): "parameter"},
        hint="for the colon before 1",
    ),
    Case(
        "kept-when-filled",
        "drops a table only when it is empty, and a later revision's seed stays in it",
        [
            Rev(
                "a1",
                sql("CREATE TABLE role (name text)"),
                """
                if op.get_bind().scalar(sa.text("SELECT count(*) FROM role")) == 0:
                    op.drop_table("role")
                """,
            ),
            Rev("b2", ADMIN),
        ],
        {("leftovers", "a1"): "table role", ("not-repeatable", "b2"): "1 of"},
    ),
    Case(
        "schema-of-a-renamed-tenant",
        "drops the schemas of the tenants that it finds, and a later revision has renamed one",
        [
            Rev(
                "a1",
                sql("CREATE TABLE tenant (name text)") + "\n" + sql("INSERT INTO tenant VALUES ('acme'), ('initech')"),
                'op.drop_table("tenant")',
            ),
            Rev(
                "b2",
                """
                for name in op.get_bind().scalars(sa.text("SELECT name FROM tenant")).all():
                    op.execute(f"CREATE SCHEMA {name}")
                """,
                """
                for name in op.get_bind().scalars(sa.text("SELECT name FROM tenant")).all():
                    op.execute(f"DROP SCHEMA IF EXISTS {name}")
                """,
            ),
            Rev("c3", sql("UPDATE tenant SET name = 'acme_inc' WHERE name = 'acme'")),
        ],
        {("leftovers", "b2"): "schema acme"},
        options={"stairway_rows": 0},  # a name of a tenant must be one of a schema
    ),
    Case(
        "rows-file-mistyped",
        "the user's rows file names a column that no revision has",
        [ROLE],
        {("unused-rows", None): "the table role has no column nmae"},
        hint="Did you mean name?",
        files={"rows.py": "ROWS = {'role.nmae': ['admin', 'reader']}\n"},
        options={"stairway_rows_file": "rows.py"},
    ),
    Case(
        "rows-file-refused",
        "a row of the user's has no value in a column that must have one",
        [ROLE],
        {("refused-rows", "a1"): "ROWS['role']: the database does not take {'name': None}: null value"},
        files={"rows.py": "ROWS = {'role': [{'name': None}]}\n"},
        options={"stairway_rows_file": "rows.py"},
    ),
)
