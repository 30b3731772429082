"""SQLite: what a batch migration loses when it makes a table anew, and what it cannot do without one."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case as AnyCase
from gauntlet.case import Rev, sql, table

Case = partial(AnyCase, dialect="sqlite")

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "name varchar(60) NOT NULL", "email text")


def batch(*lines: str) -> str:
    """Render a batch migration of the author table."""
    return "\n    ".join(['with op.batch_alter_table("author") as batch:', *lines])


WIDER = Rev(
    "c3",
    batch('batch.alter_column("name", type_=sa.String(100))'),
    batch('batch.alter_column("name", type_=sa.String(60))'),
)


def index_lost(name: str, says: str, index: str) -> AnyCase:
    """Make a case of an index that does not survive a batch migration of another column."""
    return Case(
        name,
        says,
        [
            AUTHOR,
            Rev("b2", sql(f"CREATE INDEX ix_author ON author {index}"), sql("DROP INDEX IF EXISTS ix_author")),
            WIDER,
        ],
        {("schema-not-restored", "c3"): "ix_author"},
    )


CASES = (
    Case(
        "batch-unique-over-rows",
        "a batch migration makes a column unique in which rows may be equal",
        [
            AUTHOR,
            Rev("b2", batch('batch.create_unique_constraint("u", ["name"])'), batch('batch.drop_constraint("u")')),
        ],
        {("upgrade-failed", "b2"): "only when author has rows that are equal in name"},
    ),
    index_lost("batch-index-expression", "a batch migration loses an index over an expression", "(lower(email))"),
    index_lost("batch-index-descending", "a batch migration loses an index's DESC", "(email DESC)"),
    index_lost("batch-index-collation", "a batch migration loses an index's COLLATE", "(email COLLATE NOCASE)"),
    Case(
        "batch-check",
        "a batch migration loses a CHECK that has no name",
        [table("a1", "author", "id integer PRIMARY KEY", "name varchar(60) NOT NULL CHECK (length(name) > 0)"), WIDER],
        {("schema-not-restored", "c3"): "length(name) > 0"},
    ),
    Case(
        "batch-trigger",
        "a batch migration makes the table anew, and its trigger goes with the old one",
        [
            AUTHOR,
            Rev(
                "b2",
                sql(
                    "CREATE TRIGGER lower_email AFTER INSERT ON author BEGIN UPDATE author SET email = lower(email); END"
                ),
                sql("DROP TRIGGER IF EXISTS lower_email"),
            ),
            WIDER,
        ],
        {("schema-not-restored", "c3"): "trigger lower_email"},
    ),
    Case(
        "batch-autoincrement",
        "a batch migration loses AUTOINCREMENT: ids are given twice from then on",
        [table("a1", "author", "id integer PRIMARY KEY AUTOINCREMENT", "name varchar(60) NOT NULL"), WIDER],
        {("schema-not-restored", "c3"): "author"},
    ),
    Case(
        "batch-foreign-key",
        "a batch migration drops a column with its foreign key, and brings back the column alone",
        [
            table("a1", "team", "id integer PRIMARY KEY"),
            table(
                "b2",
                "author",
                "id integer PRIMARY KEY",
                "team_id integer",
                "CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES team (id)",
            ),
            Rev(
                "c3",
                batch('batch.drop_constraint("fk_team", type_="foreignkey")', 'batch.drop_column("team_id")'),
                batch('batch.add_column(sa.Column("team_id", sa.Integer()))'),
            ),
        ],
        {
            ("schema-not-restored", "c3"): "team",
            ("reupgrade-failed", "c3"): "fk_team",
            ("data-dropped", "c3"): "team_id",
        },
        hint="batch_alter_table('author')",
    ),
    Case(
        "constraint-without-batch",
        "the downgrade drops a constraint without a batch, which SQLite cannot; Alembic's NotImplementedError is no word of the author's",
        [
            AUTHOR,
            Rev(
                "b2",
                batch('batch.create_unique_constraint("uq_email", ["email"])'),
                'op.drop_constraint("uq_email", "author")',
            ),
        ],
        {("downgrade-failed", "b2"): "SQLite", ("upgrade-failed", "b2"): "rows that are equal in email"},
    ),
    Case(
        "alter-without-batch",
        "alters a column without a batch",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.alter_column("author", "name", nullable=True)',
                'op.alter_column("author", "name", nullable=False)',
            ),
        ],
        {("upgrade-failed", "b2"): "ALTER"},
    ),
    Case(
        "index-before-column",
        "the downgrade drops a column and leaves its index to the database, as PostgreSQL allows",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("born", sa.Date()))\nop.create_index("ix_born", "author", ["born"])',
                'op.drop_column("author", "born")',
            ),
        ],
        {("downgrade-failed", "b2"): "born"},
        hint="op.drop_index('ix_born')",
    ),
    Case(
        "half-an-upgrade",
        "fails after its first statement, which SQLite keeps",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE TABLE book (id integer PRIMARY KEY)") + "\n" + sql("INSERT INTO bok VALUES (1)"),
                'op.drop_table("book")',
            ),
            table("c3", "shelf", "id integer PRIMARY KEY", down_revision="a1"),
            Rev("d4", down_revision=("b2", "c3")),
        ],
        {("upgrade-failed", "b2"): "bok"},
    ),
)
