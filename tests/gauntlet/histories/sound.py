"""Sound histories that look suspicious: nothing may be found in them."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id serial PRIMARY KEY", "name varchar(60) NOT NULL", "age integer")


def column(revision: str, name: str, down_revision: str | tuple[str, ...] | None = "a1", **more: str) -> Rev:
    """Make a revision that adds a column to the author table."""
    return Rev(
        revision,
        f'op.add_column("author", sa.Column("{name}", sa.Text()))',
        f'op.drop_column("author", "{name}")',
        down_revision=down_revision,
        **more,
    )


def lines(*statements: str) -> str:
    """Render several statements."""
    return "\n".join(sql(statement) for statement in statements)


NO_WAY_BACK = 'raise NotImplementedError("ages are gone")'

NEW_STATUS = """
op.execute("ALTER TYPE status RENAME TO status_old")
op.execute("CREATE TYPE status AS ENUM ('draft', 'sent')")
op.execute("ALTER TABLE mail ALTER status TYPE status USING status::text::status")
op.execute("DROP TYPE status_old")
"""
STATUS = Rev(
    "a1",
    'op.create_table("mail", sa.Column("id", sa.Integer()), sa.Column("status", sa.Enum("draft", "sent", name="status")))',
    'op.drop_table("mail")\nsa.Enum(name="status").drop(op.get_bind())',
)
ADD_READ = Rev(
    "b2",
    "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE status ADD VALUE IF NOT EXISTS 'read'\")",
    NEW_STATUS,
)
USE_READ = Rev(
    "c3",
    sql("UPDATE mail SET status = 'read' WHERE status = 'sent'"),
    sql("UPDATE mail SET status = 'sent' WHERE status = 'read'"),
)
TOUCH = "CREATE OR REPLACE FUNCTION touch() RETURNS timestamptz LANGUAGE sql AS 'SELECT {}()'"

LITE = partial(Case, dialect="sqlite")

CASES = (
    Case(
        "merge",
        "two branches and their merge",
        [
            AUTHOR,
            column("b2", "born"),
            column("c3", "died"),
            Rev("d4", down_revision=("b2", "c3")),
            column("e5", "bio", "d4"),
        ],
    ),
    Case(
        "two-bases",
        "two bases, joined by a merge",
        [
            AUTHOR,
            table("b2", "shop", "id integer PRIMARY KEY", down_revision=None),
            Rev("c3", down_revision=("a1", "b2")),
        ],
    ),
    Case(
        "labelled-branches",
        "two labelled branches that are meant to stay two, one depending on the other",
        [
            Rev("a1", AUTHOR.up, AUTHOR.down, branch_labels="people"),
            Rev(
                "b2",
                sql("CREATE TABLE book (author_id integer REFERENCES author)"),
                'op.drop_table("book")',
                down_revision=None,
                branch_labels="books",
                depends_on="a1",
            ),
            column("c3", "born", "a1"),
        ],
        options={"stairway_max_heads": 2},
    ),
    Case(
        "empty-revision",
        "a revision that does nothing",
        [AUTHOR, Rev("b2"), column("c3", "born", "b2")],
    ),
    Case(
        "concurrent-index",
        "an index built CONCURRENTLY in an `autocommit_block()`",
        [
            AUTHOR,
            Rev(
                "b2",
                """
                with op.get_context().autocommit_block():
                    op.create_index("ix_author_name", "author", ["name"], postgresql_concurrently=True)
                """,
                """
                with op.get_context().autocommit_block():
                    op.drop_index("ix_author_name", "author", postgresql_concurrently=True)
                """,
            ),
            column("c3", "born", "b2"),
        ],
    ),
    Case(
        "declared-irreversible",
        "a revision without a way back, declared so in its file with the reason",
        [
            AUTHOR,
            Rev("b2", 'op.drop_column("author", "age")', f"# stairway: irreversible: nobody keeps ages\n{NO_WAY_BACK}"),
            column("c3", "born", "b2"),
        ],
    ),
    Case(
        "irreversible-by-option",
        "a revision without a way back, named by `stairway_irreversible`",
        [AUTHOR, Rev("b2", 'op.drop_column("author", "age")', NO_WAY_BACK), column("c3", "born", "b2")],
        options={"stairway_irreversible": "b2"},
    ),
    Case(
        "accepted",
        "a revision whose file says, with the reason, that its downgrade leaves something on purpose",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE SCHEMA IF NOT EXISTS archive"),
                "pass  # stairway: accept schema-not-restored: the archive outlives a downgrade",
            ),
        ],
    ),
    Case("enum-dropped", "an enum type that its table made, dropped explicitly by the downgrade", [STATUS]),
    Case(
        "enum-value",
        "an enum value added in an `autocommit_block()`, used by the next revision, and taken away by making the type anew",
        [STATUS, ADD_READ, USE_READ],
    ),
    Case(
        "transaction-per-migration",
        "an enum value added and used by the next revision, where `env.py` has each in a transaction of its own",
        [STATUS, Rev("b2", sql("ALTER TYPE status ADD VALUE 'read'"), NEW_STATUS), USE_READ],
        configure="transaction_per_migration=True",
    ),
    Case(
        "column-order",
        "a column is dropped, and stands last when it comes back",
        [
            AUTHOR,
            Rev("b2", 'op.drop_column("author", "age")', sql("ALTER TABLE author ADD age integer")),
            column("c3", "born", "b2"),
        ],
        files={"rows.py": 'ROWS = {"author.age": [None]}'},
        options={"stairway_rows_file": "rows.py"},
    ),
    Case(
        "type-and-back",
        "a type changed and changed back leaves casts in a check and in an index over an expression",
        [
            table("a1", "price", "amount integer CONSTRAINT positive CHECK (amount > 5)"),
            Rev(
                "b2",
                sql("CREATE INDEX ix_amount ON price ((amount + 1)) WHERE amount > 9"),
                sql("DROP INDEX ix_amount"),
            ),
            Rev(
                "c3",
                'op.alter_column("price", "amount", type_=sa.Numeric(10, 2))',
                'op.alter_column("price", "amount", type_=sa.Integer())',
            ),
        ],
    ),
    Case(
        "default-cast",
        "a type changed and changed back leaves another cast in the default",
        [
            table("a1", "job", "state varchar(20) DEFAULT 'new'", "n integer DEFAULT 0"),
            Rev(
                "b2",
                lines("ALTER TABLE job ALTER state TYPE text", "ALTER TABLE job ALTER n TYPE numeric"),
                lines("ALTER TABLE job ALTER state TYPE varchar(20)", "ALTER TABLE job ALTER n TYPE integer"),
            ),
        ],
    ),
    Case(
        "names-of-the-database",
        "a table is replaced by a copy of it, whose keys and sequences have names that the database made up",
        [
            table("a1", "author", "id serial PRIMARY KEY", "email text UNIQUE", "boss integer REFERENCES author"),
            Rev(
                "b2",
                'op.rename_table("author", "writer")',
                lines(
                    "CREATE TABLE author (id serial PRIMARY KEY, email text UNIQUE, boss integer REFERENCES author)",
                    "INSERT INTO author SELECT * FROM writer",
                    "DROP TABLE writer",
                ),
            ),
        ],
    ),
    Case(
        "grant-and-revoke",
        "a grant and its revoke leave a privilege list that spells out the default",
        [AUTHOR, Rev("b2", sql("GRANT SELECT ON author TO PUBLIC"), sql("REVOKE SELECT ON author FROM PUBLIC"))],
    ),
    Case(
        "function-put-back",
        "a function and a view are replaced, and put back",
        [
            Rev(
                "a1",
                lines(TOUCH.format("now"), "CREATE VIEW v AS SELECT touch() AS t"),
                lines("DROP VIEW v", "DROP FUNCTION touch()"),
            ),
            Rev(
                "b2",
                lines(TOUCH.format("clock_timestamp"), "CREATE OR REPLACE VIEW v AS SELECT touch() AS t, 1 AS n"),
                lines("DROP VIEW v", TOUCH.format("now"), "CREATE VIEW v AS SELECT touch() AS t"),
            ),
        ],
    ),
    Case(
        "seeds-removed",
        "seed rows, by `bulk_insert` and by an ORM session that commits, removed by the downgrade",
        [
            table("a1", "role", "name text UNIQUE"),
            Rev(
                "b2",
                """
                op.bulk_insert(sa.table("role", sa.column("name")), [{"name": "admin"}])
                session = Session(bind=op.get_bind())
                session.execute(sa.text("INSERT INTO role VALUES (:name)"), {"name": "guest"})
                session.commit()
                """,
                sql("DELETE FROM role WHERE name IN ('admin', 'guest')"),
                head="from sqlalchemy.orm import Session\n",
            ),
        ],
    ),
    Case(
        "check-validated-later",
        "a check is added NOT VALID, and validated by the next revision; the downgrade goes the same way back",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ADD CONSTRAINT grown CHECK (age > 17) NOT VALID"),
                'op.drop_constraint("grown", "author")',
            ),
            Rev(
                "c3",
                sql("ALTER TABLE author VALIDATE CONSTRAINT grown"),
                lines(
                    "ALTER TABLE author DROP CONSTRAINT grown",
                    "ALTER TABLE author ADD CONSTRAINT grown CHECK (age > 17) NOT VALID",
                ),
            ),
        ],
        files={"rows.py": 'ROWS = {"author.age": [18, 41, None]}'},
        options={"stairway_rows_file": "rows.py"},
    ),
    Case(
        "partition-dropped",
        "a partition is added with an index over all of them, and both go again",
        [
            Rev("a1", sql("CREATE TABLE event (at date NOT NULL) PARTITION BY RANGE (at)"), 'op.drop_table("event")'),
            Rev(
                "b2",
                lines(
                    "CREATE TABLE event_2030 PARTITION OF event FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
                    "CREATE INDEX ix_event_at ON event (at)",
                ),
                'op.drop_index("ix_event_at")\nop.drop_table("event_2030")',
            ),
        ],
    ),
    Case(
        "version-table-elsewhere",
        "a version table of another name, in a schema that `env.py` makes; objects that autogenerate is told to leave alone",
        [
            AUTHOR,
            Rev("b2", sql("CREATE TABLE ops.audit (id integer)"), 'op.drop_table("audit", schema="ops")'),
        ],
        env_head="""
            def include_object(object_, name, type_, reflected, compare_to):
                return name != "audit"
        """,
        env="""\
from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.begin() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        version_table="history",
        version_table_schema="ops",
        include_schemas=True,
        include_object=lambda object_, name, type_, reflected, compare_to: name != "audit",
    )
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
    Case(
        "loggers-disabled",
        "`env.py` configures logging, which disables every logger that is already there",
        [AUTHOR, column("b2", "born")],
        env_head="from logging.config import fileConfig\nfileConfig(config.config_file_name)",
        logging="""
            [loggers]
            keys = root
            [handlers]
            keys = console
            [formatters]
            keys = plain
            [logger_root]
            level = WARNING
            handlers = console
            [handler_console]
            class = StreamHandler
            args = (sys.stderr,)
            formatter = plain
            [formatter_plain]
            format = %(message)s
        """,
    ),
    Case(
        "only-if-missing",
        "a revision that asks the inspector whether its column is there already",
        [
            AUTHOR,
            Rev(
                "b2",
                """
                if "born" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("author")}:
                    op.add_column("author", sa.Column("born", sa.Date()))
                """,
                'op.drop_column("author", "born")',
            ),
        ],
    ),
    Case(
        "long-id-in-a-wide-column",
        "an id of more than 32 characters, and an `env.py` that makes the version table wide enough",
        [AUTHOR, column("b2_make_the_reference_code_of_every_author_unique", "ref_code")],
        env="""\
from alembic import context
from sqlalchemy import create_engine, text

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(128) PRIMARY KEY)"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
    LITE(
        "long-id-on-sqlite",
        "an id of more than 32 characters where no column is ever too narrow",
        [AUTHOR, column("b2_make_the_reference_code_of_every_author_unique", "ref_code")],
    ),
    LITE(
        "batch",
        "a batch migration makes a table anew, with named constraints and a plain index; its text is another one then",
        [
            table(
                "a1",
                "author",
                "id integer PRIMARY KEY",
                "name varchar(60) NOT NULL",
                "email TEXT",
                "CONSTRAINT uq_email UNIQUE (email)",
                "CONSTRAINT named CHECK (name <> '')",
            ),
            Rev("b2", sql("CREATE INDEX ix_name ON author (name)"), sql("DROP INDEX ix_name")),
            Rev(
                "c3",
                'with op.batch_alter_table("author") as batch:\n    batch.alter_column("name", nullable=True)',
                'with op.batch_alter_table("author") as batch:\n    batch.alter_column("name", nullable=False)',
            ),
        ],
    ),
    LITE(
        "foreign-keys-off",
        "foreign keys are switched off while a table with children is made anew",
        [
            table("a1", "team", "id integer PRIMARY KEY", "name text"),
            table("b2", "author", "id integer PRIMARY KEY", "team_id integer REFERENCES team (id)"),
            Rev(
                "c3",
                """
                op.execute("PRAGMA foreign_keys = OFF")
                with op.batch_alter_table("team", recreate="always") as batch:
                    batch.alter_column("name", new_column_name="title")
                op.execute("PRAGMA foreign_keys = ON")
                """,
                """
                op.execute("PRAGMA foreign_keys = OFF")
                with op.batch_alter_table("team", recreate="always") as batch:
                    batch.alter_column("title", new_column_name="name")
                op.execute("PRAGMA foreign_keys = ON")
                """,
            ),
        ],
    ),
)
