"""Columns that do not come back as they were."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id serial PRIMARY KEY", "name varchar(60) NOT NULL", "bio text")


def alter(up: str, down: str) -> Rev:
    """Make a revision of two changes to the author table."""
    return Rev("b2", sql(f"ALTER TABLE author {up}"), sql(f"ALTER TABLE author {down}"))


CASES = (
    Case(
        "column-left",
        "adds a column, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", 'op.add_column("author", sa.Column("ref_code", sa.String()))')],
        {("schema-not-restored", "b2"): "author.ref_code", ("reupgrade-failed", "b2"): "ref_code"},
    ),
    Case(
        "column-renamed",
        "renames a column, and the downgrade is `pass`",
        [AUTHOR, Rev("b2", 'op.alter_column("author", "bio", new_column_name="about")')],
        {("schema-not-restored", "b2"): "named about", ("reupgrade-failed", "b2"): "bio"},
        hint="new_column_name='bio'",
    ),
    Case(
        "column-too-many-dropped",
        "adds one column, and the downgrade drops one more, copied from another revision",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("site", sa.Text()))',
                'op.drop_column("author", "site")\nop.drop_column("author", "bio")',
            ),
        ],
        {("schema-not-restored", "b2"): "author.bio"},
        hint="Keep the column",
    ),
    Case(
        "column-length",
        "widens a VARCHAR, and the downgrade gives it another length than it had",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.alter_column("author", "name", type_=sa.Text())',
                'op.alter_column("author", "name", type_=sa.String(100))',
            ),
        ],
        {("schema-not-restored", "b2"): "author.name"},
    ),
    Case(
        "column-type",
        "makes a key a BIGINT, and the downgrade leaves it so",
        [AUTHOR, Rev("b2", 'op.alter_column("author", "id", type_=sa.BigInteger())')],
        {("schema-not-restored", "b2"): "author.id"},
    ),
    Case(
        "column-precision",
        "gives a NUMERIC more digits, and the downgrade gives it none",
        [
            table("a1", "price", "id integer PRIMARY KEY", "amount numeric(10, 2) NOT NULL"),
            Rev(
                "b2",
                'op.alter_column("price", "amount", type_=sa.Numeric(14, 4))',
                'op.alter_column("price", "amount", type_=sa.Numeric())',
            ),
        ],
        {("schema-not-restored", "b2"): "price.amount"},
    ),
    Case(
        "column-time-zone",
        "makes a TIMESTAMP WITH TIME ZONE a date, and the downgrade forgets the time zone",
        [
            table("a1", "visit", "id integer PRIMARY KEY", "at timestamptz NOT NULL"),
            Rev(
                "b2",
                'op.alter_column("visit", "at", type_=sa.Date(), postgresql_using="at::date")',
                'op.alter_column("visit", "at", type_=sa.DateTime())',
            ),
        ],
        {("schema-not-restored", "b2"): "visit.at"},
    ),
    Case(
        "column-array",
        "turns an array into text, and the downgrade makes an array of another type",
        [
            table("a1", "post", "id integer PRIMARY KEY", "tags varchar(20)[]"),
            Rev(
                "b2",
                sql("ALTER TABLE post ALTER tags TYPE text USING array_to_string(tags, ',')"),
                sql("ALTER TABLE post ALTER tags TYPE text[] USING string_to_array(tags, ',')"),
            ),
        ],
        {("schema-not-restored", "b2"): "post.tags"},
    ),
    Case(
        "column-collation",
        "makes a name plain text, and the downgrade loses the collation that it had",
        [
            table("a1", "country", "id integer PRIMARY KEY", 'code varchar(2) COLLATE "C" NOT NULL'),
            Rev(
                "b2",
                'op.alter_column("country", "code", type_=sa.Text())',
                'op.alter_column("country", "code", type_=sa.String(2))',
            ),
        ],
        {("schema-not-restored", "b2"): "country.code"},
    ),
    Case(
        "not-null-left",
        "sets NOT NULL, and the downgrade does not drop it",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("UPDATE author SET bio = '' WHERE bio IS NULL")
                + "\n"
                + sql("ALTER TABLE author ALTER bio SET NOT NULL"),
                sql("ALTER TABLE author ALTER bio SET DEFAULT NULL"),
            ),
        ],
        {("schema-not-restored", "b2"): "author.bio"},
    ),
    Case(
        "not-null-lost",
        "drops a column that was NOT NULL, and the downgrade adds it again as nullable",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.drop_column("author", "name")',
                'op.add_column("author", sa.Column("name", sa.String(60)))',
            ),
        ],
        {("schema-not-restored", "b2"): "author.name"},
    ),
    Case(
        "default-lost",
        "changes a server default, and the downgrade drops it instead of giving the old one back",
        [
            table("a1", "job", "id integer PRIMARY KEY", "state text NOT NULL DEFAULT 'new'"),
            Rev(
                "b2",
                'op.alter_column("job", "state", server_default="waiting")',
                'op.alter_column("job", "state", server_default=None)',
            ),
        ],
        {("schema-not-restored", "b2"): "job.state"},
    ),
    Case(
        "default-quoted-twice",
        "gives the old server default back with quotes of its own: `'new'` becomes `'''new'''`",
        [
            table("a1", "job", "id integer PRIMARY KEY", "state text NOT NULL DEFAULT 'new'"),
            Rev(
                "b2",
                'op.alter_column("job", "state", server_default="waiting")',
                """op.alter_column("job", "state", server_default="'new'")""",
            ),
        ],
        {("schema-not-restored", "b2"): "job.state"},
    ),
    Case(
        "default-of-the-moment",
        "takes a server default from the clock, when the migration runs, so that every database gets another",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("since", sa.DateTime(), server_default=str(datetime.now())))',
                'op.drop_column("author", "since")',
                head="from datetime import datetime\n",
            ),
        ],
        {("schema-not-repeated", "b2"): "author.since"},
        hint="sa.func.now()",
    ),
    Case(
        "identity",
        "makes an identity GENERATED BY DEFAULT for an import, and the downgrade leaves it so",
        [
            table("a1", "invoice", "id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
            Rev("b2", sql("ALTER TABLE invoice ALTER id SET GENERATED BY DEFAULT")),
        ],
        {("schema-not-restored", "b2"): "invoice.id"},
    ),
    Case(
        "identity-lost",
        "turns a key into a UUID, and the downgrade makes it an integer that nothing fills",
        [
            table("a1", "invoice", "id serial PRIMARY KEY", "total integer"),
            Rev(
                "b2",
                """
                op.drop_column("invoice", "id")
                op.add_column("invoice", sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()")))
                op.create_primary_key("invoice_pkey", "invoice", ["id"])
                """,
                """
                op.drop_column("invoice", "id")
                op.add_column("invoice", sa.Column("id", sa.Integer(), nullable=False))
                op.create_primary_key("invoice_pkey", "invoice", ["id"])
                """,
            ),
        ],
        {("schema-not-restored", "b2"): "invoice.id", ("downgrade-failed", "b2"): "only when invoice has rows"},
    ),
    Case(
        "generated-column",
        "drops a generated column, and the downgrade adds an ordinary one",
        [
            table("a1", "line", "n integer", "price integer", "total integer GENERATED ALWAYS AS (n * price) STORED"),
            Rev(
                "b2",
                'op.drop_column("line", "total")',
                'op.add_column("line", sa.Column("total", sa.Integer()))',
            ),
        ],
        {("schema-not-restored", "b2"): "line.total"},
    ),
    Case(
        "column-comment",
        "replaces a column's comment, and the downgrade drops it",
        [
            Rev(
                "a1",
                'op.create_table("author", sa.Column("name", sa.Text(), comment="as printed"))',
                'op.drop_table("author")',
            ),
            Rev(
                "b2",
                'op.alter_column("author", "name", comment="as on the cover")',
                'op.alter_column("author", "name", comment=None)',
            ),
        ],
        {("schema-not-restored", "b2"): "author.name"},
    ),
)
