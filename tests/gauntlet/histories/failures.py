"""Steps that raise, and what is still found after them."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "name text")
BOOK = table("b2", "book", "id integer PRIMARY KEY", "author_id integer REFERENCES author")
LEFT = {("schema-not-restored", "d4"): "author.site", ("reupgrade-failed", "d4"): "site"}


def site(down_revision: str) -> Rev:
    """Make a revision that leaves a column."""
    return Rev("d4", 'op.add_column("author", sa.Column("site", sa.Text()))', down_revision=down_revision)


CASES = (
    Case(
        "column-not-there",
        "the downgrade drops a column that never was: `op.drop_column('users', 'title')`",
        [
            table("a1", "users", "id integer PRIMARY KEY"),
            Rev("b2", 'op.add_column("users", sa.Column("name", sa.Text()))', 'op.drop_column("users", "title")'),
        ],
        {("downgrade-failed", "b2"): "title"},
        hint="users has",
    ),
    Case(
        "constraint-not-there",
        "the downgrade drops a constraint by a name that the database never gave it",
        [
            AUTHOR,
            table("b2", "book", "id integer PRIMARY KEY", "author_id integer"),
            Rev(
                "c3",
                'op.create_foreign_key(None, "book", "author", ["author_id"], ["id"])',
                'op.drop_constraint("fk_book_author_id_author", "book", type_="foreignkey")',
            ),
        ],
        {("downgrade-failed", "c3"): "fk_book_author_id_author"},
        hint="book_author_id_fkey",
    ),
    Case(
        "constraint-without-name",
        "the downgrade is as autogenerate left it: `op.drop_constraint(None, …)`",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_unique_constraint(None, "author", ["id"])',
                'op.drop_constraint(None, "author", type_="unique")',
            ),
        ],
        {("downgrade-failed", "b2"): "name"},
        hint="author_",
    ),
    Case(
        "parent-table-first",
        "the downgrade drops tables in the order in which they were made",
        [
            Rev(
                "a1",
                sql("CREATE TABLE author (id integer PRIMARY KEY)")
                + "\n"
                + sql("CREATE TABLE book (author_id integer REFERENCES author)"),
                'op.drop_table("author")\nop.drop_table("book")',
            ),
        ],
        {("downgrade-failed", "a1"): "author"},
    ),
    Case(
        "type-before-column",
        "the downgrade drops an enum type before the column that has it",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE TYPE kind AS ENUM ('poet')") + "\n" + sql("ALTER TABLE author ADD kind kind"),
                sql("DROP TYPE kind") + '\nop.drop_column("author", "kind")',
            ),
        ],
        {("downgrade-failed", "b2"): "kind"},
    ),
    Case(
        "name-not-imported",
        "the downgrade uses `postgresql.JSONB`, and nobody imported it",
        [
            table("a1", "page", "id integer PRIMARY KEY", "body jsonb"),
            Rev(
                "b2",
                'op.drop_column("page", "body")',
                'op.add_column("page", sa.Column("body", postgresql.JSONB()))',
            ),
        ],
        {("downgrade-failed", "b2"): "postgresql", ("data-dropped", "b2"): "body"},
        hint="from sqlalchemy.dialects import postgresql",
    ),
    Case(
        "downgrade-missing",
        "the revision has no `downgrade()` at all",
        [
            AUTHOR,
            Rev(
                "b2",
                text='from alembic import op\n\nrevision = "b2"\ndown_revision = "a1"\n\n\ndef upgrade():\n    op.execute("SELECT 1")\n',
            ),
        ],
        {("downgrade-failed", "b2"): "downgrade"},
        hint="irreversible",
    ),
    Case(
        "no-cast-back",
        "makes an integer column text, which PostgreSQL casts by itself; back it does not",
        [
            table("a1", "town", "zip integer"),
            Rev(
                "b2",
                'op.alter_column("town", "zip", type_=sa.Text())',
                'op.alter_column("town", "zip", type_=sa.Integer())',
            ),
        ],
        {("downgrade-failed", "b2"): "zip"},
        hint="postgresql_using='zip::integer'",
    ),
    Case(
        "default-cannot-be-cast",
        "makes a flag of an integer column, and the column's default is in the way",
        [
            table("a1", "author", "active integer NOT NULL DEFAULT 1"),
            Rev(
                "b2",
                'op.alter_column("author", "active", type_=sa.Boolean(), postgresql_using="active = 1")',
                'op.alter_column("author", "active", type_=sa.Integer(), postgresql_using="active::int")',
            ),
        ],
        {("upgrade-failed", "b2"): "active"},
        hint="Drop the default of active first",
    ),
    Case(
        "concurrently-in-a-transaction",
        "builds an index CONCURRENTLY without an `autocommit_block()`",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_index("ix_author_name", "author", ["name"], postgresql_concurrently=True)',
                'op.drop_index("ix_author_name")',
            ),
        ],
        {("upgrade-failed", "b2"): "CONCURRENTLY"},
    ),
    Case(
        "pasted-dump",
        "begins with a pasted `pg_dump`, which empties the search path, and Alembic's own table is not found any more",
        [
            Rev(
                "a1",
                sql("SELECT pg_catalog.set_config('search_path', '', false)")
                + "\n"
                + sql("CREATE TABLE public.author (id integer PRIMARY KEY)"),
                sql("DROP TABLE public.author"),
            ),
            Rev("b2", 'op.add_column("author", sa.Column("site", sa.Text()))', 'op.drop_column("author", "site")'),
        ],
        {("upgrade-failed", "a1"): "alembic_version"},
    ),
    Case(
        "irreversible",
        "the downgrade says that there is none: `raise NotImplementedError`",
        [AUTHOR, Rev("b2", 'op.drop_column("author", "name")', 'raise NotImplementedError("names are gone")')],
        {("irreversible", "b2"): "names are gone"},
    ),
    Case(
        "accepted-in-vain",
        "the revision still accepts something that was mended long ago",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("site", sa.Text()))',
                'op.drop_column("author", "site")  # stairway: accept schema-not-restored: the site stays',
            ),
        ],
        {("unused-acceptance", "b2"): "schema-not-restored"},
    ),
    Case(
        "not-reached",
        "one branch cannot go up; what the other one leaves is found all the same",
        [
            AUTHOR,
            Rev("b2", 'op.drop_column("author", "title")'),
            Rev("c3", 'op.drop_column("author", "subtitle")'),
            site("a1"),
            Rev("e5", 'op.drop_table("author")', down_revision=("c3", "d4")),
        ],
        {("upgrade-failed", "b2"): "title", **LEFT},
    ),
    Case(
        "on-from-there",
        "one revision cannot go down; what the one after it leaves is found all the same",
        [
            AUTHOR,
            BOOK,
            Rev("c3", 'op.add_column("book", sa.Column("isbn", sa.Text()))', 'op.drop_column("book", "isnb")'),
            site("c3"),
        ],
        {("downgrade-failed", "c3"): "isnb", **LEFT},
        hint="Did you mean isbn?",
    ),
)
