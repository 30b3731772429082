"""Models that are not what the migrations make, and models that only look so."""

from __future__ import annotations

from textwrap import dedent

from gauntlet.case import Case, Rev, sql

__all__ = ["CASES"]

HEAD = """\
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
metadata = target_metadata = sa.MetaData({naming})
"""


def drift(  # a case has as many sides
    name: str,
    says: str,
    migration: str,
    models: str,
    finds: str,
    *,
    configure: str = "",
    naming: str = "",
    dialect: str = "postgresql",
) -> Case:
    """Tell a case by what its migration executes, by its models, and by what must be found: nothing for a sound one."""
    body = "\n".join(sql(statement) for statement in dedent(migration).strip().split(";\n") if statement.strip())
    return Case(
        name,
        says,
        (Rev("a1", body),),
        {("model-drift", None): finds} if finds else {},
        env_head=HEAD.format(naming=naming) + dedent(models).strip(),
        configure=configure,
        dialect=dialect,
        models_only=True,
    )


AUTHOR = "CREATE TABLE author (id serial PRIMARY KEY, name varchar NOT NULL)"
ID = 'sa.Column("id", sa.Integer, primary_key=True)'
NAME = 'sa.Column("name", sa.String, nullable=False)'


def author(*columns: str) -> str:
    """Write a model of the table author."""
    return f'sa.Table("author", metadata, {", ".join((ID, *columns))})'


DRIFT = (
    drift(
        "models-missing-table",
        "a table is dropped from the models, and no migration drops it",
        f"{AUTHOR};\nCREATE TABLE invoice (id serial PRIMARY KEY)",
        author(NAME),
        "table invoice: in the database, not in the models",
    ),
    drift(
        "models-new-table",
        "a new model has no migration",
        AUTHOR,
        author(NAME) + '\nsa.Table("invoice", metadata, sa.Column("id", sa.Integer, primary_key=True))',
        "table invoice: in the models, not in the database",
    ),
    drift(
        "models-nobody-imported",
        "`env.py` imports the base and none of the models, so that `target_metadata` is empty",
        AUTHOR,
        "",
        "target_metadata has no table, the database has table author",
    ),
    drift(
        "models-new-column",
        "a new attribute of a model has no migration",
        AUTHOR,
        author(NAME, 'sa.Column("born", sa.Date)'),
        "column author.born: in the models, not in the database",
    ),
    drift(
        "models-left-column",
        "an attribute is gone from a model, and its column stays",
        "CREATE TABLE author (id serial PRIMARY KEY, name varchar NOT NULL, born date)",
        author(NAME),
        "column author.born: in the database, not in the models",
    ),
    drift(
        "models-type",
        "the model's type is another",
        AUTHOR,
        author('sa.Column("name", sa.Text, nullable=False)'),
        "column author.name: type varchar in the database, text in the models",
    ),
    drift(
        "models-length",
        "the model's length is another",
        "CREATE TABLE author (id serial PRIMARY KEY, name varchar(50) NOT NULL)",
        author('sa.Column("name", sa.String(80), nullable=False)'),
        "type varchar(50) in the database, varchar(80) in the models",
    ),
    drift(
        "models-time-zone",
        "`DateTime` where the model says `DateTime(timezone=True)`",
        "CREATE TABLE author (id serial PRIMARY KEY, at timestamp)",
        author('sa.Column("at", sa.DateTime(timezone=True))'),
        "type timestamp without time zone in the database, timestamp with time zone in the models",
    ),
    drift(
        "models-nullability",
        "the model is nullable, the column is not",
        AUTHOR,
        author('sa.Column("name", sa.String)'),
        "column author.name: NOT NULL in the database, nullable in the models",
    ),
    drift(
        "models-default",
        "a server default in the model that no migration sets",
        AUTHOR,
        author('sa.Column("name", sa.String, nullable=False, server_default="nobody")'),
        "no default in the database, default 'nobody'::character varying in the models",
    ),
    drift(
        "models-other-default",
        "a server default that is another in the model",
        "CREATE TABLE author (id serial PRIMARY KEY, books integer DEFAULT 0)",
        author('sa.Column("books", sa.Integer, server_default="1")'),
        "default 0 in the database, 1 in the models",
    ),
    drift(
        "models-check",
        "the text of a check constraint is another in the model",
        "CREATE TABLE author (id serial PRIMARY KEY, age integer, CONSTRAINT ck_age CHECK (age > 0))",
        author('sa.Column("age", sa.Integer)', 'sa.CheckConstraint("age >= 0", name="ck_age")'),
        "check constraint ck_age on author",
    ),
    drift(
        "models-new-check",
        "a check constraint of the model has no migration",
        "CREATE TABLE author (id serial PRIMARY KEY, age integer)",
        author('sa.Column("age", sa.Integer)', 'sa.CheckConstraint("age > 0", name="ck_age")'),
        "check constraint ck_age on author: in the models, not in the database",
    ),
    drift(
        "models-enum-value",
        "a value is added to an enum in Python only",
        "CREATE TYPE mood AS ENUM ('sad', 'ok');\nCREATE TABLE author (id serial PRIMARY KEY, mood mood)",
        author('sa.Column("mood", sa.Enum("sad", "ok", "happy", name="mood"))'),
        "enum type mood: values 'sad', 'ok' in the database, 'sad', 'ok', 'happy' in the models",
    ),
    drift(
        "models-enum-order",
        "the values of an enum stand in another order in the model, and so sort otherwise",
        "CREATE TYPE mood AS ENUM ('sad', 'ok');\nCREATE TABLE author (id serial PRIMARY KEY, mood mood)",
        author('sa.Column("mood", sa.Enum("ok", "sad", name="mood"))'),
        "enum type mood",
    ),
    drift(
        "models-partial-index",
        "the condition of a partial index is another in the model",
        f"{AUTHOR};\nCREATE INDEX ix_name ON author (name) WHERE name <> ''",
        author(NAME) + '\nsa.Index("ix_name", metadata.tables["author"].c.name)',
        "index ix_name on author",
    ),
    drift(
        "models-expression-index",
        "an index on an expression that is another in the model",
        f"{AUTHOR};\nCREATE INDEX ix_name ON author (lower(name))",
        author(NAME) + '\nsa.Index("ix_name", sa.func.upper(metadata.tables["author"].c.name))',
        "index ix_name on author",
    ),
    drift(
        "models-unique-index",
        "an index is unique in the model only",
        f"{AUTHOR};\nCREATE INDEX ix_name ON author (name)",
        author(NAME) + '\nsa.Index("ix_name", metadata.tables["author"].c.name, unique=True)',
        "index ix_name on author",
    ),
    drift(
        "models-unique",
        "a unique constraint of the model has no migration",
        AUTHOR,
        author(NAME, 'sa.UniqueConstraint("name", name="uq_name")'),
        "unique constraint uq_name on author: in the models, not in the database",
    ),
    drift(
        "models-index-method",
        "an index has another method in the model",
        "CREATE TABLE author (id serial PRIMARY KEY, tags jsonb);\nCREATE INDEX ix_tags ON author (tags)",
        author('sa.Column("tags", pg.JSONB)')
        + '\nsa.Index("ix_tags", metadata.tables["author"].c.tags, postgresql_using="gin")',
        "index ix_tags on author",
    ),
    drift(
        "models-foreign-key-action",
        "`ON DELETE CASCADE` in the model only",
        f"{AUTHOR};\nCREATE TABLE book (id serial PRIMARY KEY, author_id integer CONSTRAINT fk REFERENCES author)",
        author(NAME)
        + '\nsa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("author_id", '
        'sa.ForeignKey("author.id", name="fk", ondelete="CASCADE")))',
        "foreign key fk on book",
    ),
    drift(
        "models-computed",
        "a computed column has another expression in the model",
        "CREATE TABLE author (id serial PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)",
        author('sa.Column("a", sa.Integer)', 'sa.Column("b", sa.Integer, sa.Computed("a * 3", persisted=True))'),
        "column author.b: generated expression ((a * 2)) STORED in the database, ((a * 3)) STORED in the models",
    ),
    drift(
        "models-sequence",
        "a sequence of its own has another increment in the models",
        "CREATE SEQUENCE numbers INCREMENT BY 1;\nCREATE TABLE author (id serial PRIMARY KEY, name varchar(50) NOT NULL)",
        author(NAME) + '\nsa.Sequence("numbers", increment=2, metadata=metadata)',
        "sequence numbers",
    ),
    drift(
        "models-computed-kind",
        "a computed column is stored in the database, and computed when it is read in the model",
        "CREATE TABLE author (id serial PRIMARY KEY, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)",
        author('sa.Column("a", sa.Integer)', 'sa.Column("b", sa.Integer, sa.Computed("a * 2", persisted=False))'),
        "column author.b: generated expression ((a * 2)) STORED in the database",
    ),
    drift(
        "models-identity",
        "an identity column where the model has a serial",
        "CREATE TABLE author (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name varchar NOT NULL)",
        author(NAME),
        "identity BY DEFAULT in the database, no identity in the models",
    ),
    drift(
        "models-identity-always",
        "an identity column that is always generated in the model",
        "CREATE TABLE author (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
        'sa.Table("author", metadata, sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True))',
        "column author.id: identity BY DEFAULT in the database, ALWAYS in the models",
    ),
    drift(
        "models-collation",
        "a collation in the model only",
        "CREATE TABLE author (id serial PRIMARY KEY, name varchar NOT NULL)",
        author('sa.Column("name", sa.String(collation="C"), nullable=False)'),
        "column author.name: no collation in the database",
    ),
    drift(
        "models-comment",
        "a comment on a column that is another in the model",
        f"{AUTHOR};\nCOMMENT ON COLUMN author.name IS 'as printed'",
        author('sa.Column("name", sa.String, nullable=False, comment="as spoken")'),
        "column author.name: comment 'as printed' in the database, 'as spoken' in the models",
    ),
    drift(
        "models-table-comment",
        "a comment on a table in the model only",
        AUTHOR,
        f'sa.Table("author", metadata, {ID}, {NAME}, comment="who writes")',
        "table author: no comment in the database, comment 'who writes' in the models",
    ),
    drift(
        "models-primary-key",
        "the primary key has one column more in the model",
        "CREATE TABLE author (id integer, name varchar NOT NULL, PRIMARY KEY (id))",
        'sa.Table("author", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), '
        'sa.Column("name", sa.String, primary_key=True))',
        "primary key author_pkey on author",
    ),
    drift(
        "models-schema",
        "a table that the model has in a schema, and a migration in none",
        "CREATE SCHEMA billing;\nCREATE TABLE invoice (id serial PRIMARY KEY)",
        'sa.Table("invoice", metadata, sa.Column("id", sa.Integer, primary_key=True), schema="billing")',
        "table billing.invoice: in the models, not in the database",
        configure="include_schemas=True",
    ),
    drift(
        "models-second-schema",
        "a column in another schema is another in the model",
        "CREATE SCHEMA billing;\nCREATE TABLE billing.invoice (id serial PRIMARY KEY, total integer)",
        'sa.Table("invoice", metadata, sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("total", sa.Numeric(10, 2)), schema="billing")',
        "column billing.invoice.total: type integer in the database, numeric(10,2) in the models",
        configure="include_schemas=True",
    ),
    drift(
        "models-convention",
        "a naming convention gives another name than the migration did",
        "CREATE TABLE author (id serial CONSTRAINT pk_author PRIMARY KEY, name varchar CONSTRAINT name_once UNIQUE)",
        author('sa.Column("name", sa.String, unique=True)'),
        "unique constraint name_once on author: named name_once in the database, uq_author_name in the models",
        naming='naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}',
    ),
    drift(
        "models-sequence-type",
        "a key is made a bigint, and its sequence stays an integer one",
        "CREATE TABLE author (id serial PRIMARY KEY);\nALTER TABLE author ALTER id TYPE bigint",
        'sa.Table("author", metadata, sa.Column("id", sa.BigInteger, primary_key=True))',
        "sequence of author.id: type integer in the database, bigint in the models",
    ),
    drift(
        "models-array",
        "an array where the model has one value",
        "CREATE TABLE author (id serial PRIMARY KEY, tags varchar[])",
        author('sa.Column("tags", sa.String)'),
        "type varchar[] in the database, varchar in the models",
    ),
    drift(
        "models-deferrable",
        "a foreign key that is deferrable in the model only",
        f"{AUTHOR};\nCREATE TABLE book (id serial PRIMARY KEY, author_id integer CONSTRAINT fk REFERENCES author)",
        author(NAME)
        + '\nsa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("author_id", '
        'sa.ForeignKey("author.id", name="fk", deferrable=True, initially="DEFERRED")))',
        "foreign key fk on book",
    ),
    drift(
        "models-not-creatable",
        "a model uses a type that no migration makes",
        AUTHOR,
        author(NAME, 'sa.Column("place", pg.ENUM("a", name="place", create_type=False))'),
        'the models cannot be created: UndefinedObject: type "place" does not exist',
    ),
    drift(
        "models-second-metadata",
        "of a list of metadata the second one has a column more",
        f"{AUTHOR};\nCREATE TABLE book (id serial PRIMARY KEY)",
        author(NAME)
        + '\nother = sa.MetaData()\nsa.Table("book", other, sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("title", sa.Text))\ntarget_metadata = [metadata, other]',
        "column book.title: in the models, not in the database",
    ),
    drift(
        "models-sqlite-column",
        "a new attribute of a model has no migration",
        "CREATE TABLE author (id INTEGER NOT NULL PRIMARY KEY)",
        author('sa.Column("born", sa.Date)'),
        "column author.born: in the models, not in the database",
        dialect="sqlite",
    ),
    drift(
        "models-sqlite-check",
        "the text of a check constraint is another in the model",
        "CREATE TABLE author (id INTEGER NOT NULL PRIMARY KEY, age INTEGER, CONSTRAINT ck_age CHECK (age > 0))",
        author('sa.Column("age", sa.Integer)', 'sa.CheckConstraint("age >= 0", name="ck_age")'),
        "check constraint ck_age on author",
        dialect="sqlite",
    ),
    drift(
        "models-mariadb-enum",
        "a value is added to an enum in Python only",
        """
        CREATE TABLE author (id integer NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL DEFAULT 'x',
        done bool, mood enum('a', 'b'), CONSTRAINT uq UNIQUE (name));
        CREATE TABLE book (id integer NOT NULL AUTO_INCREMENT PRIMARY KEY, author_id integer,
        at datetime DEFAULT CURRENT_TIMESTAMP, CONSTRAINT fk_book FOREIGN KEY (author_id) REFERENCES author (id))
        """,
        author(
            'sa.Column("name", sa.String(50), nullable=False, unique=True, server_default="x")',
            'sa.Column("done", sa.Boolean)',
            'sa.Column("mood", sa.Enum("a", "b", "c"))',
        )
        + '\nsa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("author_id", '
        'sa.ForeignKey("author.id")), sa.Column("at", sa.DateTime, server_default=sa.func.now()))',
        "column author.mood: type",
        dialect="mysql",
    ),
)

SOUND = (
    drift(
        "models-serial",
        "a sequence made by hand for a key, where the model has a serial",
        """
        CREATE SEQUENCE author_numbers AS integer;
        CREATE TABLE author (id integer DEFAULT nextval('author_numbers') PRIMARY KEY, name varchar NOT NULL);
        ALTER SEQUENCE author_numbers OWNED BY author.id
        """,
        author(NAME),
        "",
    ),
    drift(
        "models-same-identity",
        "an identity column written out in full in the model",
        "CREATE TABLE author (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
        'sa.Table("author", metadata, sa.Column("id", sa.Integer, sa.Identity(start=1, increment=1, minvalue=1, '
        "maxvalue=2147483647, cycle=False), primary_key=True))",
        "",
    ),
    drift(
        "models-enums-otherwise-ordered",
        "enums and tables that the migration makes in another order than the models",
        """
        CREATE TYPE size AS ENUM ('s', 'l');
        CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE author (id serial PRIMARY KEY, size size, mood mood, moods mood[])
        """,
        author(
            'sa.Column("mood", sa.Enum("sad", "ok", name="mood"))',
            'sa.Column("size", sa.Enum("s", "l", name="size"))',
            'sa.Column("moods", sa.ARRAY(sa.Enum("sad", "ok", name="mood")))',
        ),
        "",
    ),
    drift(
        "models-default-cast",
        "server defaults `'0'` against `'0'::integer` and `now()` against `CURRENT_TIMESTAMP`",
        """
        CREATE TABLE author (id serial PRIMARY KEY, books integer DEFAULT '0'::integer, at timestamptz DEFAULT
        CURRENT_TIMESTAMP, name text DEFAULT 'x', doc jsonb DEFAULT '{}', done boolean DEFAULT 'f')
        """,
        author(
            'sa.Column("books", sa.Integer, server_default="0")',
            'sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now())',
            'sa.Column("name", sa.Text, server_default=sa.text("\'x\'::varchar"))',
            'sa.Column("doc", pg.JSONB, server_default=sa.text("\'{}\'::jsonb"))',
            'sa.Column("done", sa.Boolean, server_default=sa.false())',
        ),
        "",
    ),
    drift(
        "models-varchar",
        "`varchar` without a length, and types by their other names",
        "CREATE TABLE author (id int4 PRIMARY KEY DEFAULT 1, name character varying, price decimal(8, 2), f float8)",
        'sa.Table("author", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, '
        'server_default="1"), sa.Column("name", sa.String), sa.Column("price", sa.Numeric(8, 2)), '
        'sa.Column("f", sa.Double))',
        "",
    ),
    drift(
        "models-unique-on-column",
        "a unique constraint declared on the column, and named by the migration",
        "CREATE TABLE author (id serial PRIMARY KEY, name varchar, CONSTRAINT uq_author_name UNIQUE (name))",
        author('sa.Column("name", sa.String, unique=True)'),
        "",
    ),
    drift(
        "models-check-rewritten",
        "a check that the server rewrites: `IN` becomes `= ANY (ARRAY…)`, `BETWEEN` two comparisons",
        """
        CREATE TABLE author (id serial PRIMARY KEY, status varchar, age integer,
        CONSTRAINT ck_status CHECK (status = ANY (ARRAY['a', 'b'])), CHECK ((age >= 1) AND (age <= 9)))
        """,
        author(
            'sa.Column("status", sa.String)',
            'sa.Column("age", sa.Integer)',
            "sa.CheckConstraint(\"status IN ('a', 'b')\", name='ck_status')",
            'sa.CheckConstraint("age BETWEEN 1 AND 9")',
        ),
        "",
    ),
    drift(
        "models-check-written-twice",
        "expressions that have gone through the server's parser once more: the type of their column was changed",
        """
        CREATE TABLE author (id serial PRIMARY KEY, status varchar(5), age integer,
            CONSTRAINT ck_status CHECK (status IN ('a', 'b') OR age % 2 = 0));
        CREATE INDEX ix_status ON author ((age / 2)) WHERE status IN ('a', 'b');
        ALTER TABLE author ALTER status TYPE varchar(9);
        ALTER TABLE author ADD even boolean GENERATED ALWAYS AS (((status)::text = ANY
            (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])) OR ((age % 2) = 0)) STORED
        """,
        author(
            'sa.Column("status", sa.String(9))',
            'sa.Column("age", sa.Integer)',
            "sa.CheckConstraint(\"status IN ('a', 'b') OR age % 2 = 0\", name='ck_status')",
            "sa.Index('ix_status', sa.text('(age / 2)'), postgresql_where=sa.text(\"status IN ('a', 'b')\"))",
            "sa.Column(\"even\", sa.Boolean, sa.Computed(\"status IN ('a', 'b') OR age % 2 = 0\", persisted=True))",
        ),
        "",
    ),
    drift(
        "models-column-order",
        "a column that was added later stands last, and in the model first",
        "CREATE TABLE author (name varchar NOT NULL);\nALTER TABLE author ADD id serial PRIMARY KEY",
        author(NAME),
        "",
    ),
    drift(
        "models-renamed-table",
        "a table that was renamed keeps the names that the server made up",
        """
        CREATE TABLE writer (id serial PRIMARY KEY, name varchar NOT NULL UNIQUE, boss integer REFERENCES writer);
        ALTER TABLE writer RENAME TO author
        """,
        author(
            'sa.Column("name", sa.String, nullable=False, unique=True)', 'sa.Column("boss", sa.ForeignKey("author.id"))'
        ),
        "",
    ),
    drift(
        "models-made-by-migrations",
        "a view, a trigger, a function and a materialized view that only migrations make",
        f"""
        {AUTHOR};
        CREATE VIEW names AS SELECT name FROM author;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE TRIGGER touch BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION touch()
        """,
        author(NAME),
        "",
    ),
    drift(
        "models-function-of-migration",
        "a default and a check that call a function which a migration makes",
        """
        CREATE FUNCTION code(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
        CREATE TABLE author (id serial PRIMARY KEY, code integer DEFAULT code(0), CONSTRAINT ck CHECK (code(code) > 0))
        """,
        author(
            'sa.Column("code", sa.Integer, server_default=sa.text("code(0)"))',
            'sa.CheckConstraint("code(code) > 0", name="ck")',
        ),
        "",
    ),
    drift(
        "models-include-object",
        "a table that `include_object` leaves out, and one that `include_name` does",
        f"{AUTHOR};\nCREATE TABLE legacy (id serial PRIMARY KEY);\nCREATE TABLE spatial (id serial PRIMARY KEY)",
        author(NAME)
        + "\ndef include_object(object, name, type_, reflected, compare_to): return name != 'legacy'"
        + "\ndef include_name(name, type_, parents): return name != 'spatial'",
        "",
        configure="include_object=include_object, include_name=include_name",
    ),
    drift(
        "models-view-as-table",
        "a model of a view, which `include_object` leaves out by its `info`",
        f"{AUTHOR};\nCREATE VIEW names AS SELECT name FROM author",
        author(NAME)
        + '\nsa.Table("names", metadata, sa.Column("name", sa.String), info={"is_view": True})'
        + "\ndef include_object(object, name, type_, *rest): return not object.info.get('is_view')",
        "",
        configure="include_object=include_object",
    ),
    drift(
        "models-compare-off",
        "types and server defaults that `env.py` does not want compared",
        "CREATE TABLE author (id serial PRIMARY KEY, name text DEFAULT 'x')",
        author('sa.Column("name", sa.String)'),
        "",
        configure="compare_type=False, compare_server_default=False",
    ),
    drift(
        "models-other-schema",
        "a schema of somebody else's, and no `include_schemas`",
        f"{AUTHOR};\nCREATE SCHEMA billing;\nCREATE TABLE billing.invoice (id serial PRIMARY KEY)",
        author(NAME),
        "",
    ),
    drift(
        "models-partitions",
        "partitions that a migration makes of a table that the model partitions",
        """
        CREATE TABLE event (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE event_2024 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE INDEX ix_at ON event (at)
        """,
        'sa.Table("event", metadata, sa.Column("id", sa.Integer, nullable=False), sa.Column("at", sa.Date, '
        'nullable=False, index=False), sa.Index("ix_at", "at"), postgresql_partition_by="RANGE (at)")',
        "",
    ),
    drift(
        "models-events",
        "models that make a function and a trigger by their events, as a migration does",
        f"""
        {AUTHOR};
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
        CREATE TRIGGER touch BEFORE UPDATE ON author FOR EACH ROW EXECUTE FUNCTION touch()
        """,
        author(NAME)
        + '\nsa.event.listen(metadata, "before_create", sa.DDL("CREATE FUNCTION touch() RETURNS trigger LANGUAGE '
        "plpgsql AS 'BEGIN RETURN new; END'\"))"
        + '\nsa.event.listen(metadata.tables["author"], "after_create", sa.DDL("CREATE TRIGGER touch BEFORE UPDATE ON '
        'author FOR EACH ROW EXECUTE FUNCTION touch()"))',
        "",
    ),
    drift(
        "models-concurrently",
        "an index that the model makes concurrently",
        f"{AUTHOR};\nCREATE INDEX ix_name ON author (name)",
        author(NAME) + '\nsa.Index("ix_name", metadata.tables["author"].c.name, postgresql_concurrently=True)',
        "",
    ),
    drift(
        "models-sqlite-sound",
        "unnamed constraints, a type by its other name, a default in quotes",
        "CREATE TABLE author (name VARCHAR(40) DEFAULT '0' NOT NULL UNIQUE, id INTEGER NOT NULL PRIMARY KEY, age INT)",
        author(
            'sa.Column("name", sa.String(40), server_default=sa.text("0"), nullable=False, unique=True)',
            'sa.Column("age", sa.Integer)',
        ),
        "",
        dialect="sqlite",
    ),
    drift(
        "models-mariadb-sound",
        "names that the server makes up where the models give none, and the migration does",
        """
        CREATE TABLE author (id integer NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL DEFAULT 'x',
        done bool, mood enum('a', 'b'), CONSTRAINT uq UNIQUE (name));
        CREATE TABLE book (id integer NOT NULL AUTO_INCREMENT PRIMARY KEY, author_id integer,
        at datetime DEFAULT CURRENT_TIMESTAMP, CONSTRAINT fk_book FOREIGN KEY (author_id) REFERENCES author (id))
        """,
        author(
            'sa.Column("name", sa.String(50), nullable=False, unique=True, server_default="x")',
            'sa.Column("done", sa.Boolean)',
            'sa.Column("mood", sa.Enum("a", "b"))',
        )
        + '\nsa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("author_id", '
        'sa.ForeignKey("author.id")), sa.Column("at", sa.DateTime, server_default=sa.func.now()))',
        "",
        dialect="mysql",
    ),
)

CASES = (*DRIFT, *SOUND)
