"""Sound histories that look as if they lost data: nothing may be found in them."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case, Rev, sql, table
from gauntlet.histories.data import lines

Lite = partial(Case, dialect="sqlite")

AUTHOR = table("a1", "author", "id serial PRIMARY KEY", "name text NOT NULL", "ref_code text", "age integer")

CASES = (
    Case(
        "column-renamed-and-back",
        "a column is renamed",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.alter_column("author", "name", new_column_name="full_name")',
                'op.alter_column("author", "full_name", new_column_name="name")',
            ),
        ],
    ),
    Case(
        "table-renamed-and-back",
        "a table and one of its columns are renamed",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.rename_table("author", "writer")\nop.alter_column("writer", "ref_code", new_column_name="code")',
                'op.alter_column("writer", "code", new_column_name="ref_code")\nop.rename_table("writer", "author")',
            ),
        ],
    ),
    Case(
        "column-copied-and-back",
        "a column is copied to its new name and dropped, and copied back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD code text",
                    "UPDATE author SET code = ref_code",
                    "ALTER TABLE author DROP ref_code",
                ),
                lines(
                    "ALTER TABLE author ADD ref_code text",
                    "UPDATE author SET ref_code = code",
                    "ALTER TABLE author DROP code",
                ),
            ),
        ],
    ),
    Case(
        "split-put-back",
        "a column moves to a table of its own, and back exactly",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "CREATE TABLE code (author_id integer PRIMARY KEY REFERENCES author, ref_code text)",
                    "INSERT INTO code SELECT id, ref_code FROM author",
                    "ALTER TABLE author DROP ref_code",
                ),
                lines(
                    "ALTER TABLE author ADD ref_code text",
                    "UPDATE author SET ref_code = code.ref_code FROM code WHERE author_id = id",
                    "DROP TABLE code",
                ),
            ),
        ],
    ),
    Case(
        "name-split-put-back",
        "a name is split in two at a place that is kept, and put together again",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD first text, ADD rest text",
                    "UPDATE author SET first = left(name, 3), rest = substr(name, 4)",
                    "ALTER TABLE author DROP name",
                ),
                lines(
                    "ALTER TABLE author ADD name text",
                    "UPDATE author SET name = first || rest",
                    "ALTER TABLE author DROP first, DROP rest, ALTER name SET NOT NULL",
                ),
            ),
        ],
    ),
    Case(
        "backfill-of-a-new-column",
        "a new column is filled from others, the same way each time",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD slug text",
                    "UPDATE author SET slug = 'author-' || id || '-' || lower(name)",
                    "ALTER TABLE author ALTER slug SET NOT NULL",
                    "ALTER TABLE author ADD CONSTRAINT uq_slug UNIQUE (slug)",
                ),
                sql("ALTER TABLE author DROP slug"),
            ),
        ],
    ),
    Case(
        "backfill-of-nulls",
        "a backfill fills what is NULL, even with random values; the downgrade keeps them",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "UPDATE author SET ref_code = md5(random()::text) WHERE ref_code IS NULL",
                    "ALTER TABLE author ALTER ref_code SET NOT NULL",
                ),
                sql("ALTER TABLE author ALTER ref_code DROP NOT NULL"),
            ),
        ],
    ),
    Case(
        "seeds-with-numbers-removed",
        "seeds get their numbers and their dates from the database, other ones each time, and are removed",
        [
            table("a1", "role", "id serial PRIMARY KEY", "name text NOT NULL UNIQUE", "made timestamptz DEFAULT now()"),
            Rev(
                "b2",
                sql("INSERT INTO role (name) VALUES ('admin'), ('guest')"),
                sql("DELETE FROM role WHERE name IN ('admin', 'guest')"),
            ),
        ],
    ),
    Case(
        "seeds-with-fixed-keys",
        "seeds bring their keys along, which may be those of generated rows",
        [
            table("a1", "role", "id integer PRIMARY KEY", "name text NOT NULL"),
            Rev(
                "b2",
                sql("INSERT INTO role VALUES (1, 'admin'), (2, 'guest')"),
                sql("DELETE FROM role WHERE id IN (1, 2)"),
            ),
        ],
    ),
    Case(
        "default-restored",
        "a column is dropped and restored with its default, on rows that had the default",
        [
            table("a1", "author", "id serial PRIMARY KEY", "active boolean NOT NULL DEFAULT true"),
            Rev(
                "b2",
                'op.drop_column("author", "active")',
                sql("ALTER TABLE author ADD active boolean NOT NULL DEFAULT true"),
            ),
        ],
        files={"rows.py": 'ROWS = {"author.active": [True]}'},
        options={"stairway_rows_file": "rows.py"},
    ),
    Case(
        "scaled-and-back",
        "amounts become cents, and amounts again",
        [
            table("a1", "invoice", "id serial PRIMARY KEY", "total numeric(12, 2) NOT NULL"),
            Rev(
                "b2",
                sql("ALTER TABLE invoice ALTER total TYPE bigint USING total * 100"),
                sql("ALTER TABLE invoice ALTER total TYPE numeric(12, 2) USING total / 100.0"),
            ),
        ],
    ),
    Case(
        "type-there-and-back",
        "a flag becomes a word and a moment loses its zone, and both come back",
        [
            table("a1", "post", "id serial PRIMARY KEY", "live boolean", "at timestamptz"),
            Rev(
                "b2",
                lines(
                    "ALTER TABLE post ALTER live TYPE text USING CASE live WHEN true THEN 'live' WHEN false THEN 'draft' END",
                    "ALTER TABLE post ALTER at TYPE timestamp USING at AT TIME ZONE 'UTC'",
                ),
                lines(
                    "ALTER TABLE post ALTER live TYPE boolean USING live = 'live'",
                    "ALTER TABLE post ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC'",
                ),
            ),
        ],
    ),
    Case(
        "archived-and-back",
        "rows move to an archive, and back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "CREATE TABLE archive AS SELECT * FROM author WHERE age IS NULL",
                    "DELETE FROM author WHERE age IS NULL",
                ),
                lines("INSERT INTO author SELECT * FROM archive", "DROP TABLE archive"),
            ),
        ],
    ),
    Case(
        "normalized-and-back",
        "a text becomes a row of a table of its own, and a text again",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "CREATE TABLE code (id serial PRIMARY KEY, text text NOT NULL UNIQUE)",
                    "INSERT INTO code (text) SELECT DISTINCT ref_code FROM author WHERE ref_code IS NOT NULL ORDER BY 1",
                    "ALTER TABLE author ADD code_id integer REFERENCES code",
                    "UPDATE author SET code_id = code.id FROM code WHERE text = ref_code",
                    "ALTER TABLE author DROP ref_code",
                ),
                lines(
                    "ALTER TABLE author ADD ref_code text",
                    "UPDATE author SET ref_code = text FROM code WHERE code.id = code_id",
                    "ALTER TABLE author DROP code_id",
                    "DROP TABLE code",
                ),
            ),
        ],
    ),
    Case(
        "cleanup-accepted",
        "rows that are too old are deleted for good, and the revision says so",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("DELETE FROM author WHERE age IS NULL"),
                "pass  # stairway: accept rows-lost: nobody wants them back",
            ),
        ],
    ),
    Case(
        "touched-by-a-trigger",
        "a backfill of a new column, in a table where a trigger notes when a row was written, there and in a log",
        [
            Rev(
                "a1",
                lines(
                    "CREATE TABLE author (id serial PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())",
                    "CREATE TABLE log (id serial PRIMARY KEY, author integer, at timestamptz NOT NULL DEFAULT now())",
                    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN NEW.updated_at := now(); INSERT INTO log (author) VALUES (NEW.id); RETURN NEW; END $$",
                    "CREATE TRIGGER touching BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION touch()",
                ),
                lines("DROP TABLE author", "DROP FUNCTION touch()", "DROP TABLE log"),
            ),
            Rev(
                "b2",
                lines("ALTER TABLE author ADD nick text", "UPDATE author SET nick = name"),
                sql("ALTER TABLE author DROP nick"),
            ),
        ],
    ),
    Case(
        "counted-by-a-trigger",
        "a trigger counts rows in another table, also those that a later column is tried with; that table changes then",
        [
            table("a1", "counter", "id serial PRIMARY KEY", "total integer NOT NULL DEFAULT 0"),
            Rev(
                "b2",
                lines(
                    "CREATE TABLE author (id serial PRIMARY KEY, name text)",
                    "CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN UPDATE counter SET total = (total + 1) % 1000; RETURN NEW; END $$",
                    "CREATE TRIGGER counting AFTER INSERT OR UPDATE ON author FOR EACH ROW EXECUTE FUNCTION count_up()",
                ),
                lines("DROP TABLE author", "DROP FUNCTION count_up()"),
            ),
            Rev("c3", sql("ALTER TABLE author ADD age integer"), sql("ALTER TABLE author DROP age")),
            Rev("d4", sql("ALTER TABLE counter ADD unit text"), sql("ALTER TABLE counter DROP unit")),
        ],
    ),
    Lite(
        "lite-renamed",
        "a batch migration renames a column, and changes another one's type",
        [
            table("a1", "author", "id integer PRIMARY KEY", "name varchar(60) NOT NULL", "age integer"),
            Rev(
                "b2",
                'with op.batch_alter_table("author") as batch:\n'
                '    batch.alter_column("name", new_column_name="full_name")\n'
                '    batch.alter_column("age", type_=sa.BigInteger())',
                'with op.batch_alter_table("author") as batch:\n'
                '    batch.alter_column("full_name", new_column_name="name")\n'
                '    batch.alter_column("age", type_=sa.Integer())',
            ),
        ],
    ),
    Lite(
        "lite-backfill",
        "a batch migration fills what is NULL and sets NOT NULL",
        [
            table("a1", "author", "id integer PRIMARY KEY", "name varchar(60)"),
            Rev(
                "b2",
                sql("UPDATE author SET name = 'author-' || id WHERE name IS NULL")
                + '\nwith op.batch_alter_table("author") as batch:\n    batch.alter_column("name", nullable=False)',
                'with op.batch_alter_table("author") as batch:\n    batch.alter_column("name", nullable=True)',
            ),
        ],
    ),
    Lite(
        "lite-touched-by-a-trigger",
        "a backfill of a new column, in a table where a trigger notes when a row was written",
        [
            Rev(
                "a1",
                lines(
                    "CREATE TABLE author (id integer PRIMARY KEY, name text, updated_at timestamp)",
                    "CREATE TRIGGER touching AFTER UPDATE OF name ON author BEGIN "
                    "UPDATE author SET updated_at = strftime('%f', 'now') WHERE id = NEW.id; END",
                ),
                lines("DROP TABLE author"),
            ),
            Rev(
                "b2",
                lines("UPDATE author SET name = 'anonymous' WHERE name IS NULL"),
                "pass",
            ),
        ],
    ),
    Lite(
        "lite-counted-by-a-trigger",
        "a trigger counts rows in another table, also those that a later column is tried with; that table changes then",
        [
            table("a1", "counter", "id integer PRIMARY KEY", "total integer NOT NULL DEFAULT 0"),
            Rev(
                "b2",
                lines(
                    "CREATE TABLE author (id integer PRIMARY KEY, name text)",
                    "CREATE TRIGGER counting AFTER INSERT ON author BEGIN "
                    "UPDATE counter SET total = (total + 1) % 1000; END",
                ),
                lines("DROP TABLE author"),
            ),
            Rev("c3", sql("ALTER TABLE author ADD age integer"), sql("ALTER TABLE author DROP age")),
            Rev("d4", sql("ALTER TABLE counter ADD unit text"), sql("ALTER TABLE counter DROP unit")),
        ],
    ),
)
