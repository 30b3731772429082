"""What goes well one by one, and not in the one transaction of a deployment."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

STATUS = Rev(
    "a1",
    sql("CREATE TYPE status AS ENUM ('draft', 'sent')") + "\n" + sql("CREATE TABLE mail (id integer, status status)"),
    'op.drop_table("mail")\n' + sql("DROP TYPE status"),
)
READ = Rev(
    "b2",
    sql("ALTER TYPE status ADD VALUE 'read'"),
    """
    op.execute("ALTER TYPE status RENAME TO status_old")
    op.execute("CREATE TYPE status AS ENUM ('draft', 'sent')")
    op.execute("ALTER TABLE mail ALTER status TYPE status USING status::text::status")
    op.execute("DROP TYPE status_old")
    """,
)
USE_READ = Rev(
    "c3",
    sql("UPDATE mail SET status = 'read' WHERE status = 'sent'"),
    sql("UPDATE mail SET status = 'sent' WHERE status = 'read'"),
)

MAIL = 'op.create_table("mail", sa.Column("status", sa.Enum("draft", "sent", name="status")))'
NO_MAIL = 'op.drop_table("mail")\nsa.Enum(name="status").drop(op.get_bind())'

CASES = (
    Case(
        "enum-value-too-new",
        "one revision adds an enum value, the next one uses it: not in one transaction",
        [STATUS, READ, USE_READ],
        {("release-failed", "c3"): "read"},
    ),
    Case(
        "pending-trigger-events",
        "one revision inserts rows under a deferred foreign key, the next one alters the table: not in one transaction",
        [
            table("a1", "node", "id integer PRIMARY KEY", "parent integer REFERENCES node INITIALLY DEFERRED"),
            Rev("b2", sql("INSERT INTO node VALUES (1, 1)"), sql("DELETE FROM node")),
            Rev("c3", 'op.add_column("node", sa.Column("title", sa.Text()))', 'op.drop_column("node", "title")'),
        ],
        {("release-failed", "c3"): "node"},
        hint="SET CONSTRAINTS ALL IMMEDIATE",
    ),
    Case(
        "enum-made-twice",
        "an enum type is dropped and made again by a later revision; in one run Alembic remembers having made it",
        [
            table("a1", "author", "id integer PRIMARY KEY"),
            Rev("b2", MAIL, NO_MAIL),
            Rev("c3", NO_MAIL, MAIL),
            Rev("d4", MAIL, NO_MAIL),
        ],
        {("release-failed", "d4"): "status", ("data-dropped", "c3"): "table mail"},
        hint="create_type=False",
    ),
    Case(
        "search-path-for-the-transaction",
        "one revision sets the search path for its transaction; the next one's table depends on who shares it",
        [
            Rev("a1", sql("CREATE SCHEMA billing"), sql("DROP SCHEMA billing")),
            Rev(
                "b2",
                sql("SET LOCAL search_path TO billing, public") + "\n" + sql("CREATE TABLE invoice (id integer)"),
                sql("DROP TABLE billing.invoice"),
            ),
            table("c3", "author", "id integer PRIMARY KEY"),
        ],
        {("release-differs", "c3"): "table author"},
    ),
)
