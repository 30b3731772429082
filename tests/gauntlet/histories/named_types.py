"""Enum types, domains and sequences: what a table uses and does not take along when it goes."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

STATUS = Rev(
    "a1",
    sql("CREATE TYPE status AS ENUM ('draft', 'sent')") + "\n" + sql("CREATE TABLE mail (id integer, status status)"),
    'op.drop_table("mail")\n' + sql("DROP TYPE status"),
)

CASES = (
    Case(
        "enum-left",
        "a table's downgrade drops the table, and leaves the enum type that its column made",
        [
            Rev(
                "a1",
                'op.create_table("mail", sa.Column("status", sa.Enum("draft", "sent", name="status")))',
                'op.drop_table("mail")',
            ),
        ],
        {("schema-not-restored", "a1"): "enum type status", ("reupgrade-failed", "a1"): "status"},
    ),
    Case(
        "enum-left-by-column",
        "adds a column of a new enum type, and the downgrade drops the column alone",
        [
            table("a1", "mail", "id integer PRIMARY KEY"),
            Rev(
                "b2",
                """
                priority = sa.Enum("low", "high", name="priority")
                priority.create(op.get_bind())
                op.add_column("mail", sa.Column("priority", priority))
                """,
                'op.drop_column("mail", "priority")',
            ),
        ],
        {("schema-not-restored", "b2"): "enum type priority", ("reupgrade-failed", "b2"): "priority"},
        hint="no table or column takes its type along",
    ),
    Case(
        "enum-value-left",
        "adds a value to an enum type, and the downgrade is `pass`",
        [STATUS, Rev("b2", sql("ALTER TYPE status ADD VALUE 'read'"))],
        {("schema-not-restored", "b2"): "enum type status", ("reupgrade-failed", "b2"): "read"},
        hint="PostgreSQL drops no value",
    ),
    Case(
        "enum-value-left-unnoticed",
        "the same with IF NOT EXISTS, so that nothing ever fails",
        [STATUS, Rev("b2", sql("ALTER TYPE status ADD VALUE IF NOT EXISTS 'read'"))],
        {("schema-not-restored", "b2"): "enum type status"},
    ),
    Case(
        "enum-order",
        "the downgrade makes the enum type anew, with its values in another order",
        [
            STATUS,
            Rev(
                "b2",
                sql("ALTER TABLE mail ALTER status TYPE text") + "\n" + sql("DROP TYPE status"),
                'sa.Enum("sent", "draft", name="status").create(op.get_bind())\n'
                + sql("ALTER TABLE mail ALTER status TYPE status USING status::status"),
            ),
        ],
        {("schema-not-restored", "b2"): "enum type status"},
    ),
    Case(
        "enum-becomes-text",
        "turns an enum column into text and drops the type; the downgrade makes the type and not the column",
        [
            STATUS,
            Rev(
                "b2",
                sql("ALTER TABLE mail ALTER status TYPE text") + "\n" + sql("DROP TYPE status"),
                'sa.Enum("draft", "sent", name="status").create(op.get_bind())',
            ),
        ],
        {("schema-not-restored", "b2"): "mail.status"},
    ),
    Case(
        "domain-left",
        "a table's downgrade leaves the domain that was made for it",
        [
            Rev(
                "a1",
                sql("CREATE DOMAIN zip AS text CHECK (VALUE ~ '^[0-9]{5}$')")
                + "\n"
                + sql("CREATE TABLE town (zip zip)"),
                'op.drop_table("town")',
            ),
        ],
        {("schema-not-restored", "a1"): "domain zip", ("reupgrade-failed", "a1"): "zip"},
    ),
    Case(
        "composite-attribute",
        "adds an attribute to a composite type, and the downgrade drops the wrong one",
        [
            Rev("a1", sql("CREATE TYPE address AS (street text, town text)"), sql("DROP TYPE address")),
            Rev(
                "b2",
                sql("ALTER TYPE address ADD ATTRIBUTE zip text"),
                sql("ALTER TYPE address DROP ATTRIBUTE town"),
            ),
        ],
        {("schema-not-restored", "b2"): "address.town", ("reupgrade-failed", "b2"): "zip"},
    ),
    Case(
        "sequence-left",
        "numbers a column from a sequence, and the downgrade drops the column alone",
        [
            table("a1", "invoice", "id integer PRIMARY KEY"),
            Rev(
                "b2",
                """
                op.execute(sa.schema.CreateSequence(sa.Sequence("invoice_no")))
                number = sa.Column("number", sa.Integer(), server_default=sa.text("nextval('invoice_no')"))
                op.add_column("invoice", number)
                """,
                'op.drop_column("invoice", "number")',
            ),
        ],
        {("schema-not-restored", "b2"): "sequence invoice_no", ("reupgrade-failed", "b2"): "invoice_no"},
    ),
    Case(
        "sequence-step",
        "lets a sequence count by hundreds, and the downgrade is `pass`",
        [
            Rev("a1", sql("CREATE SEQUENCE invoice_no"), sql("DROP SEQUENCE invoice_no")),
            Rev("b2", sql("ALTER SEQUENCE invoice_no INCREMENT 100")),
        ],
        {("schema-not-restored", "b2"): "sequence invoice_no"},
    ),
)
