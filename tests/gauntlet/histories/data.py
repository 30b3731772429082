"""What happens to rows: schemas come back, and values or rows do not."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case, Rev, sql, table

Lite = partial(Case, dialect="sqlite")

AUTHOR = table(
    "a1",
    "author",
    "id serial PRIMARY KEY",
    "name varchar(60) NOT NULL",
    "ref_code text",
    "born timestamptz",
    "age bigint",
)
PLAIN_AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "name varchar(60) NOT NULL", "ref_code text")
ROLE = table("a1", "role", "id serial PRIMARY KEY", "name text NOT NULL")
RANDOM = "substring(md5(CAST(random() AS varchar)) FROM 1 FOR 6)"
ADD_CODE = 'op.add_column("author", sa.Column("code", sa.Text()))'
DROP_CODE = 'op.drop_column("author", "code")'


def lines(*statements: str) -> str:
    """Render several statements."""
    return "\n".join(map(sql, statements))


CASES = (
    Case(
        "backfill-over-values",
        "a backfill without `WHERE … IS NULL` overwrites what is there",
        [AUTHOR, Rev("b2", sql("UPDATE author SET ref_code = 'author-' || id"))],
        {("values-not-restored", "b2"): "the upgrade overwrites them"},
    ),
    Case(
        "overwritten-and-stuck",
        "overwrites and deletes rows, and the downgrade fails, so that nobody knows whether they would come back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines("DELETE FROM author WHERE born IS NULL", "UPDATE author SET name = upper(name) || '!'"),
                sql("SELECT 1/0"),
            ),
        ],
        {
            ("downgrade-failed", "b2"): "division by zero",
            ("rows-deleted", "b2"): "of 5 rows",
            ("values-overwritten", "b2"): "column name",
        },
    ),
    Case(
        "table-made-again",
        "drops a table and makes it again, the same to the last letter: all rows are gone",
        [ROLE, Rev("b2", lines("DROP TABLE role", "CREATE TABLE role (id serial PRIMARY KEY, name text NOT NULL)"))],
        {("rows-lost", "b2"): "5 of 5 rows"},
    ),
    Case(
        "column-made-again",
        "drops the last column and adds it again, the same to the last letter: all values are gone",
        [AUTHOR, Rev("b2", lines("ALTER TABLE author DROP age", "ALTER TABLE author ADD age bigint"))],
        {("values-not-restored", "b2"): "column age"},
    ),
    Case(
        "random-codes",
        "fills a new column with random codes, which the downgrade drops and the second upgrade makes anew",
        [AUTHOR, Rev("b2", ADD_CODE + "\n" + sql(f"UPDATE author SET code = {RANDOM}"), DROP_CODE)],
        {("not-repeatable", "b2"): "5 of 5 rows"},
    ),
    Case(
        "stamped-by-the-clock",
        "adds a column whose default is the clock: every way down and up dates all rows anew",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ADD joined timestamptz NOT NULL DEFAULT clock_timestamp()"),
                sql("ALTER TABLE author DROP joined"),
            ),
        ],
        {("not-repeatable", "b2"): "author id=1: joined"},
    ),
    Case(
        "rename-by-drop",
        "a column is renamed the way autogenerate sees it: one is dropped, another is added",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.drop_column("author", "ref_code")\nop.add_column("author", sa.Column("code", sa.Text()))',
                'op.drop_column("author", "code")\nop.add_column("author", sa.Column("ref_code", sa.Text()))',
            ),
        ],
        {("data-dropped", "b2"): "ref_code"},
    ),
    Case(
        "copied-there-only",
        "copies a column to its new name and drops the old one; the downgrade makes the old one and copies nothing",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD code text",
                    "UPDATE author SET code = ref_code",
                    "ALTER TABLE author DROP ref_code",
                ),
                lines("ALTER TABLE author DROP code", "ALTER TABLE author ADD ref_code text"),
            ),
        ],
        {("values-not-restored", "b2"): "NULL after"},
    ),
    Case(
        "table-copied-there-only",
        "copies a table to its new name and drops the old one; the downgrade makes an empty one",
        [
            table("a1", "author", "id integer PRIMARY KEY", "name text NOT NULL"),
            Rev(
                "b2",
                lines(
                    "CREATE TABLE writer (id integer PRIMARY KEY, name text NOT NULL)",
                    "INSERT INTO writer SELECT * FROM author",
                    "DROP TABLE author",
                ),
                lines("DROP TABLE writer", "CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL)"),
            ),
        ],
        {("rows-lost", "b2"): "5 of 5 rows"},
    ),
    Case(
        "rows-without-codes-deleted",
        "deletes the rows that would not satisfy the constraint that it adds",
        [
            AUTHOR,
            Rev(
                "b2",
                lines("DELETE FROM author WHERE ref_code IS NULL", "ALTER TABLE author ALTER ref_code SET NOT NULL"),
                sql("ALTER TABLE author ALTER ref_code DROP NOT NULL"),
            ),
        ],
        {("rows-lost", "b2"): "the upgrade deletes them"},
    ),
    Case(
        "seed-deletes-all",
        "seeds a role, and the downgrade deletes every role",
        [ROLE, Rev("b2", sql("INSERT INTO role (name) VALUES ('admin')"), sql("DELETE FROM role"))],
        {("rows-lost", "b2"): "table role"},
    ),
    Case(
        "seed-not-unique",
        "seeds a role whose name is not unique, and the downgrade is `pass`: it is there twice",
        [ROLE, Rev("b2", sql("INSERT INTO role (name) VALUES ('admin')"))],
        {("not-repeatable", "b2"): "'admin'"},
    ),
    Case(
        "truncated",
        "a table is emptied, because its contents can be made again",
        [AUTHOR, Rev("b2", sql("TRUNCATE author"))],
        {("rows-lost", "b2"): "5 of 5 rows"},
    ),
    Case(
        "cut-to-fit",
        "narrows a column and cuts what does not fit",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ALTER name TYPE varchar(4) USING left(name, 4)"),
                sql("ALTER TABLE author ALTER name TYPE varchar(60)"),
            ),
        ],
        {("values-not-restored", "b2"): "column name"},
    ),
    Case(
        "cents-lost",
        "turns an amount into an integer, and back",
        [
            table("a1", "invoice", "id serial PRIMARY KEY", "total numeric(12, 2) NOT NULL"),
            Rev(
                "b2",
                sql("ALTER TABLE invoice ALTER total TYPE bigint"),
                sql("ALTER TABLE invoice ALTER total TYPE numeric(12, 2)"),
            ),
        ],
        {("values-not-restored", "b2"): "total", ("downgrade-failed", "b2"): "at the edges"},
    ),
    Case(
        "time-of-day-lost",
        "turns a moment into a date, and back",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ALTER born TYPE date"),
                sql("ALTER TABLE author ALTER born TYPE timestamptz"),
            ),
        ],
        {("values-not-restored", "b2"): "born"},
    ),
    Case(
        "not-null-without-backfill",
        "sets NOT NULL on a column in which there are NULLs",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ALTER ref_code SET NOT NULL"),
                sql("ALTER TABLE author ALTER ref_code DROP NOT NULL"),
            ),
        ],
        {("upgrade-failed", "b2"): "only when author has rows"},
    ),
    Case(
        "new-column-not-null",
        "adds a column that is NOT NULL and has no default",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("email", sa.Text(), nullable=False))',
                'op.drop_column("author", "email")',
            ),
        ],
        {("upgrade-failed", "b2"): "only when author has rows"},
    ),
    Case(
        "unique-over-duplicates",
        "adds a unique constraint to a column in which there are duplicates",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_unique_constraint("uq_author_name", "author", ["name"])',
                'op.drop_constraint("uq_author_name", "author")',
            ),
        ],
        {("upgrade-failed", "b2"): "only when author has rows"},
    ),
    Case(
        "check-over-rows",
        "adds a check that rows which are there do not satisfy",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ADD CONSTRAINT ck_code CHECK (ref_code LIKE 'A-%')"),
                'op.drop_constraint("ck_code", "author")',
            ),
        ],
        {("upgrade-failed", "b2"): "only when author has rows"},
    ),
    Case(
        "number-too-large",
        "turns a bigint into an integer",
        [
            table("a1", "page", "id serial PRIMARY KEY", "bytes bigint NOT NULL"),
            Rev(
                "b2",
                sql("ALTER TABLE page ALTER bytes TYPE integer"),
                sql("ALTER TABLE page ALTER bytes TYPE bigint"),
            ),
        ],
        {("upgrade-failed", "b2"): "at the edges"},
    ),
    Case(
        "not-null-on-the-way-back",
        "drops a column, and the downgrade adds it NOT NULL without a default",
        [
            table("a1", "author", "id serial PRIMARY KEY", "name text NOT NULL"),
            Rev(
                "b2",
                'op.drop_column("author", "name")',
                'op.add_column("author", sa.Column("name", sa.Text(), nullable=False))',
            ),
        ],
        {("downgrade-failed", "b2"): "only when author has rows", ("data-dropped", "b2"): "name"},
    ),
    Case(
        "split-half-put-back",
        "splits a name in two, and the downgrade puts the first half back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD first text, ADD last text",
                    "UPDATE author SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2) || '.'",
                    "ALTER TABLE author DROP name",
                ),
                lines(
                    "ALTER TABLE author ADD name varchar(60)",
                    "UPDATE author SET name = first",
                    "ALTER TABLE author DROP first, DROP last, ALTER name SET NOT NULL",
                ),
            ),
        ],
        {("data-dropped", "b2"): "the downgrade brings back others: author id=1: name 'Amber 0' before, 'Amber' after"},
    ),
    Case(
        "moved-there-only",
        "moves a column to a table of its own; the downgrade drops that table and brings the column back empty",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "CREATE TABLE code (author_id integer PRIMARY KEY REFERENCES author, ref_code text)",
                    "INSERT INTO code SELECT id, ref_code FROM author",
                    "ALTER TABLE author DROP ref_code",
                ),
                lines("DROP TABLE code", "ALTER TABLE author ADD ref_code text"),
            ),
        ],
        {("values-not-restored", "b2"): "ref_code"},
    ),
    Case(
        "table-dropped",
        "drops a table that nobody is said to use; the downgrade makes it empty",
        [
            table("a1", "draft", "id serial PRIMARY KEY", "body text"),
            Rev("b2", 'op.drop_table("draft")', sql("CREATE TABLE draft (id serial PRIMARY KEY, body text)")),
        ],
        {("data-dropped", "b2"): "table draft"},
    ),
    Case(
        "label-merged",
        "takes a label out of an enum type and gives its rows another one",
        [
            table(
                "a1",
                "mail",
                "id serial PRIMARY KEY",
                "status text NOT NULL CHECK (status IN ('draft', 'queued', 'sent'))",
            ),
            Rev("b2", sql("UPDATE mail SET status = 'draft' WHERE status = 'queued'")),
        ],
        {("values-not-restored", "b2"): "'queued' before, 'draft' after"},
    ),
    Case(
        "duplicates-dropped",
        "deletes rows that are equal in a name, so that it can be unique from now on",
        [
            ROLE,
            Rev(
                "b2",
                lines(
                    "DELETE FROM role a USING role b WHERE a.id > b.id AND a.name = b.name",
                    "ALTER TABLE role ADD CONSTRAINT uq_role_name UNIQUE (name)",
                ),
                sql("ALTER TABLE role DROP CONSTRAINT uq_role_name"),
            ),
        ],
        {("rows-lost", "b2"): "the upgrade deletes them"},
    ),
    Case(
        "empty-made-null",
        "makes NULL of empty texts, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", sql("UPDATE author SET ref_code = NULL WHERE ref_code = ''"))],
        {("values-not-restored", "b2"): "ref_code '' before, NULL after"},
    ),
    Case(
        "network-mask-lost",
        "writes an address as text by host(), which leaves the mask out",
        [
            table("a1", "client", "id serial PRIMARY KEY", "address inet"),
            Rev(
                "b2",
                sql("ALTER TABLE client ALTER address TYPE text USING host(address)"),
                sql("ALTER TABLE client ALTER address TYPE inet USING address::inet"),
            ),
        ],
        {("values-not-restored", "b2"): "column address"},
    ),
    Case(
        "attribute-made-again",
        "drops an attribute of a composite type, and the downgrade adds it again, empty in all rows",
        [
            Rev(
                "a1",
                lines(
                    "CREATE TYPE place AS (street text, city text)",
                    "CREATE TABLE shop (id serial PRIMARY KEY, place place)",
                ),
                lines("DROP TABLE shop", "DROP TYPE place"),
            ),
            Rev(
                "b2",
                sql("ALTER TYPE place DROP ATTRIBUTE city CASCADE"),
                sql("ALTER TYPE place ADD ATTRIBUTE city text CASCADE"),
            ),
        ],
        {("values-not-restored", "b2"): "column place"},
    ),
    Case(
        "label-of-a-type-merged",
        "merges two labels of an enum type, and the downgrade, which has both again, gives all rows one of them",
        [
            Rev(
                "a1",
                lines(
                    "CREATE TYPE status AS ENUM ('draft', 'sent', 'failed')",
                    "CREATE TABLE mail (id serial PRIMARY KEY, status status NOT NULL)",
                ),
                lines("DROP TABLE mail", "DROP TYPE status"),
            ),
            Rev(
                "b2",
                lines(
                    "ALTER TABLE mail ALTER status TYPE text",
                    "DROP TYPE status",
                    "CREATE TYPE status AS ENUM ('draft', 'done')",
                    "UPDATE mail SET status = 'done' WHERE status <> 'draft'",
                    "ALTER TABLE mail ALTER status TYPE status USING status::status",
                ),
                lines(
                    "ALTER TABLE mail ALTER status TYPE text",
                    "DROP TYPE status",
                    "CREATE TYPE status AS ENUM ('draft', 'sent', 'failed')",
                    "UPDATE mail SET status = 'sent' WHERE status = 'done'",
                    "ALTER TABLE mail ALTER status TYPE status USING status::status",
                ),
            ),
        ],
        {("values-not-restored", "b2"): "'failed' before, 'sent' after"},
    ),
    Case(
        "normalized",
        "writes names in small letters, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", sql("UPDATE author SET name = lower(name)"))],
        {("values-not-restored", "b2"): "name"},
    ),
    Case(
        "emptied-on-the-way-back",
        "fills a column where it is NULL, and the downgrade empties it everywhere",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("UPDATE author SET ref_code = 'author-' || id WHERE ref_code IS NULL"),
                sql("UPDATE author SET ref_code = NULL"),
            ),
        ],
        {("values-not-restored", "b2"): "NULL after"},
    ),
    Case(
        "children-gone",
        "deletes rows, and with them those of a table that refers to them",
        [
            table("a1", "author", "id serial PRIMARY KEY", "name text"),
            table(
                "b2", "book", "id serial PRIMARY KEY", "author_id integer NOT NULL REFERENCES author ON DELETE CASCADE"
            ),
            Rev("c3", sql("DELETE FROM author WHERE name IS NULL OR id > 2")),
        ],
        {("rows-lost", "c3"): "table book"},
    ),
    Case(
        "swapped",
        "swaps the values of two columns, and the downgrade does not",
        [
            table("a1", "place", "id serial PRIMARY KEY", "lat numeric NOT NULL", "lon numeric NOT NULL"),
            Rev("b2", sql("UPDATE place SET lat = lon, lon = lat")),
        ],
        {("values-not-restored", "b2"): "column l"},
    ),
    Case(
        "nothing-fits",
        "a trigger refuses every row, so that nothing can be said of the table's data",
        [
            Rev(
                "a1",
                lines(
                    "CREATE TABLE audit (id serial PRIMARY KEY)",
                    "CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN RAISE 'the audit is closed'; END $$",
                    "CREATE TRIGGER closed BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION closed()",
                ),
                lines("DROP TABLE audit", "DROP FUNCTION closed()"),
            ),
        ],
        {("not-populated", "a1"): "the audit is closed"},
    ),
    Lite(
        "lite-backfill-over-values",
        "a backfill without `WHERE … IS NULL` overwrites what is there",
        [PLAIN_AUTHOR, Rev("b2", sql("UPDATE author SET ref_code = 'author-' || id"))],
        {("values-not-restored", "b2"): "ref_code"},
    ),
    Lite(
        "lite-not-null-without-backfill",
        "a batch migration sets NOT NULL on a column in which there are NULLs",
        [
            PLAIN_AUTHOR,
            Rev(
                "b2",
                'with op.batch_alter_table("author") as batch:\n    batch.alter_column("ref_code", nullable=False)',
                'with op.batch_alter_table("author") as batch:\n    batch.alter_column("ref_code", nullable=True)',
            ),
        ],
        {("upgrade-failed", "b2"): "only when"},
    ),
    Lite(
        "lite-rows-deleted",
        "deletes rows, and the downgrade is `pass`",
        [PLAIN_AUTHOR, Rev("b2", sql("DELETE FROM author WHERE id > 2"))],
        {("rows-lost", "b2"): "of 5 rows"},
    ),
)
