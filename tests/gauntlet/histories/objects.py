"""Functions, triggers, views, policies, grants, schemas: what migrations make in SQL of their own."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "name text", "touched timestamptz")

TOUCH = sql("""
    CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$
""")
TOUCH_AUTHOR = sql("CREATE TRIGGER touch_author BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION touch()")
TRIGGER = f"{TOUCH}\n{TOUCH_AUTHOR}"
DROP_TRIGGER = sql("DROP TRIGGER touch_author ON author")
DROP_FUNCTION = sql("DROP FUNCTION touch()")

NAMES = Rev("b2", sql("CREATE VIEW names AS SELECT name FROM author"), sql("DROP VIEW names"))

CASES = (
    Case(
        "function-left",
        "the downgrade drops a trigger, and leaves the function behind it",
        [AUTHOR, Rev("b2", TRIGGER, DROP_TRIGGER)],
        {("schema-not-restored", "b2"): "function touch"},
    ),
    Case(
        "trigger-left",
        "adds a trigger for a function that was there, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", TOUCH, DROP_FUNCTION), Rev("c3", TOUCH_AUTHOR)],
        {("schema-not-restored", "c3"): "touch_author", ("reupgrade-failed", "c3"): "touch_author"},
    ),
    Case(
        "trigger-disabled",
        "disables a trigger for a backfill, and neither direction enables it again",
        [
            AUTHOR,
            Rev("b2", TRIGGER, f"{DROP_TRIGGER}\n{DROP_FUNCTION}"),
            Rev("c3", sql("ALTER TABLE author DISABLE TRIGGER touch_author")),
        ],
        {("schema-not-restored", "c3"): "touch_author"},
        hint="ENABLE TRIGGER touch_author",
    ),
    Case(
        "trigger-after-function",
        "the downgrade drops the function before the trigger that uses it",
        [AUTHOR, Rev("b2", TRIGGER, f"{DROP_FUNCTION}\n{DROP_TRIGGER}")],
        {("downgrade-failed", "b2"): "touch"},
    ),
    Case(
        "function-not-put-back",
        "replaces a function's body, and the downgrade is `pass`",
        [
            AUTHOR,
            Rev("b2", TOUCH, DROP_FUNCTION),
            Rev("c3", TOUCH.replace("now()", "clock_timestamp()")),
        ],
        {("schema-not-restored", "c3"): "function touch"},
    ),
    Case(
        "view-not-put-back",
        "replaces a view, and the downgrade drops it instead of putting the old one back",
        [
            AUTHOR,
            NAMES,
            Rev("c3", sql("CREATE OR REPLACE VIEW names AS SELECT name, id FROM author"), sql("DROP VIEW names")),
        ],
        {("schema-not-restored", "c3"): "view names"},
        hint="Keep the view",
    ),
    Case(
        "view-dropped-by-cascade",
        "drops a view with CASCADE, and the downgrade does not know of the view on top of it",
        [
            AUTHOR,
            NAMES,
            Rev(
                "c3",
                sql("CREATE VIEW short_names AS SELECT name FROM names WHERE length(name) < 9"),
                sql("DROP VIEW short_names"),
            ),
            Rev("d4", sql("DROP VIEW names CASCADE"), sql("CREATE VIEW names AS SELECT name FROM author")),
        ],
        {("schema-not-restored", "d4"): "view short_names"},
    ),
    Case(
        "view-in-the-way",
        "builds a view over a new column; the downgrade drops the column and not the view",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("born", sa.Date()))\n'
                + sql("CREATE VIEW births AS SELECT born FROM author"),
                'op.drop_column("author", "born")',
            ),
        ],
        {("downgrade-failed", "b2"): "births"},
        hint="Drop first what depends on it",
    ),
    Case(
        "materialized-view-index",
        "makes a materialized view anew, and the downgrade forgets its unique index",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE MATERIALIZED VIEW names AS SELECT id, name FROM author")
                + "\n"
                + sql("CREATE UNIQUE INDEX ix_names ON names (id)"),
                sql("DROP MATERIALIZED VIEW names"),
            ),
            Rev(
                "c3",
                sql("DROP MATERIALIZED VIEW names")
                + "\n"
                + sql("CREATE MATERIALIZED VIEW names AS SELECT id, name, touched FROM author")
                + "\n"
                + sql("CREATE UNIQUE INDEX ix_names ON names (id)"),
                sql("DROP MATERIALIZED VIEW names")
                + "\n"
                + sql("CREATE MATERIALIZED VIEW names AS SELECT id, name FROM author"),
            ),
        ],
        {("schema-not-restored", "c3"): "ix_names"},
    ),
    Case(
        "policy-left",
        "the downgrade disables row level security, and leaves the policy for the day that it is enabled again",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ENABLE ROW LEVEL SECURITY")
                + "\n"
                + sql("CREATE POLICY own_rows ON author USING (name = current_user)"),
                sql("ALTER TABLE author DISABLE ROW LEVEL SECURITY"),
            ),
        ],
        {("schema-not-restored", "b2"): "own_rows", ("reupgrade-failed", "b2"): "own_rows"},
    ),
    Case(
        "row-security-left",
        "the downgrade drops the policy and leaves row level security on: nobody sees a row any more",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ENABLE ROW LEVEL SECURITY")
                + "\n"
                + sql("CREATE POLICY own_rows ON author USING (name = current_user)"),
                sql("DROP POLICY own_rows ON author"),
            ),
        ],
        {("schema-not-restored", "b2"): "row level security"},
        hint="DISABLE ROW LEVEL SECURITY",
    ),
    Case(
        "grant-left",
        "grants a right, and the downgrade does not revoke it",
        [AUTHOR, Rev("b2", sql("GRANT SELECT ON author TO PUBLIC"))],
        {("schema-not-restored", "b2"): "author"},
        hint="REVOKE SELECT ON author FROM PUBLIC",
    ),
    Case(
        "schema-left",
        "makes a schema for a table, and the downgrade drops the table alone",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE SCHEMA IF NOT EXISTS billing")
                + '\nop.create_table("invoice", sa.Column("id", sa.Integer()), schema="billing")',
                'op.drop_table("invoice", schema="billing")',
            ),
        ],
        {("schema-not-restored", "b2"): "schema billing"},
    ),
    Case(
        "partition-left",
        "adds a partition, and the downgrade detaches it without dropping it",
        [
            Rev(
                "a1",
                sql("CREATE TABLE event (at date NOT NULL) PARTITION BY RANGE (at)"),
                'op.drop_table("event")',
            ),
            Rev(
                "b2",
                sql("CREATE TABLE event_2030 PARTITION OF event FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')"),
                sql("ALTER TABLE event DETACH PARTITION event_2030"),
            ),
        ],
        {("schema-not-restored", "b2"): "event_2030", ("reupgrade-failed", "b2"): "event_2030"},
    ),
    Case(
        "table-renamed",
        "renames a table, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", 'op.rename_table("author", "writer")')],
        {("schema-not-restored", "b2"): "named writer", ("reupgrade-failed", "b2"): "author"},
        hint="op.rename_table('writer', 'author')",
    ),
    Case(
        "table-too-many-dropped",
        "the downgrade was copied and drops the table of the revision before as well",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE TABLE book (id integer PRIMARY KEY, author_id integer REFERENCES author)"),
                'op.drop_table("book")\nop.drop_table("author")',
            ),
        ],
        {("schema-not-restored", "b2"): "table author", ("reupgrade-failed", "b2"): "author"},
        hint="Keep the table",
    ),
    Case(
        "table-comment",
        "rewrites a table's comment, and the downgrade is `pass`",
        [
            Rev(
                "a1",
                'op.create_table("author", sa.Column("id", sa.Integer()), comment="who writes")',
                'op.drop_table("author")',
            ),
            Rev("b2", 'op.create_table_comment("author", "who wrote", existing_comment="who writes")'),
        ],
        {("schema-not-restored", "b2"): "table author"},
    ),
    Case(
        "statistics-left",
        "drops extended statistics with a column, and the downgrade brings the column alone",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE STATISTICS author_stats ON name, touched FROM author"),
                sql("DROP STATISTICS author_stats"),
            ),
            Rev(
                "c3",
                'op.drop_column("author", "touched")',
                'op.add_column("author", sa.Column("touched", sa.DateTime(timezone=True)))',
            ),
        ],
        {("schema-not-restored", "c3"): "author_stats", ("data-dropped", "c3"): "touched"},
    ),
)
