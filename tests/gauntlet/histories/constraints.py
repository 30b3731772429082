"""Keys and checks that come back under another name, weaker, or not at all."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "email text CONSTRAINT uq_author_email UNIQUE")
BOOK = table(
    "b2",
    "book",
    "id integer PRIMARY KEY",
    "author_id integer CONSTRAINT fk_book_author REFERENCES author ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
    "price integer CONSTRAINT ck_book_price CHECK (price > 0)",
)
DROP_AUTHOR = 'op.drop_constraint("fk_book_author", "book")'


def foreign_key(*options: str) -> str:
    """Render a downgrade that gives the book's foreign key back with `options`."""
    return f'op.create_foreign_key("fk_book_author", "book", "author", ["author_id"], ["id"], {", ".join(options)})'


CASES = (
    Case(
        "unique-name",
        "drops a unique constraint, and the downgrade makes it without its name",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.drop_constraint("uq_author_email", "author")',
                'op.create_unique_constraint(None, "author", ["email"])',
            ),
        ],
        {("schema-not-restored", "b2"): "uq_author_email", ("reupgrade-failed", "b2"): "uq_author_email"},
    ),
    Case(
        "unique-as-index",
        "drops a unique constraint, and the downgrade makes a unique index of that name",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.drop_constraint("uq_author_email", "author")',
                'op.create_index("uq_author_email", "author", ["email"], unique=True)',
            ),
        ],
        {("schema-not-restored", "b2"): "uq_author_email", ("reupgrade-failed", "b2"): "uq_author_email"},
        hint="Take out of downgrade()",
    ),
    Case(
        "unique-nulls",
        "drops a unique constraint that allowed one NULL; the one that comes back allows many",
        [
            table("a1", "seat", "no integer CONSTRAINT uq_seat UNIQUE NULLS NOT DISTINCT"),
            Rev(
                "b2", 'op.drop_constraint("uq_seat", "seat")', 'op.create_unique_constraint("uq_seat", "seat", ["no"])'
            ),
        ],
        {("schema-not-restored", "b2"): "uq_seat"},
    ),
    Case(
        "foreign-key-cascade",
        "drops a foreign key, and the one that comes back has no ON DELETE CASCADE",
        [AUTHOR, BOOK, Rev("c3", DROP_AUTHOR, foreign_key("deferrable=True", 'initially="DEFERRED"'))],
        {("schema-not-restored", "c3"): "fk_book_author"},
    ),
    Case(
        "foreign-key-deferrable",
        "drops a deferred foreign key, and the one that comes back is checked at once",
        [AUTHOR, BOOK, Rev("c3", DROP_AUTHOR, foreign_key('ondelete="CASCADE"'))],
        {("schema-not-restored", "c3"): "fk_book_author"},
    ),
    Case(
        "foreign-key-lost",
        "drops a column together with its foreign key, and the downgrade adds the column alone",
        [
            AUTHOR,
            BOOK,
            Rev(
                "c3",
                'op.drop_column("book", "author_id")',
                'op.add_column("book", sa.Column("author_id", sa.Integer()))',
            ),
        ],
        {("schema-not-restored", "c3"): "fk_book_author", ("data-dropped", "c3"): "author_id"},
    ),
    Case(
        "check-condition",
        "loosens a check constraint, and the downgrade forgets to tighten it",
        [
            AUTHOR,
            BOOK,
            Rev(
                "c3",
                """
                op.drop_constraint("ck_book_price", "book")
                op.create_check_constraint("ck_book_price", "book", "price >= 0")
                """,
            ),
        ],
        {("schema-not-restored", "c3"): "ck_book_price"},
    ),
    Case(
        "check-not-validated",
        "drops a check constraint, and the one that comes back is NOT VALID",
        [
            AUTHOR,
            BOOK,
            Rev(
                "c3",
                'op.drop_constraint("ck_book_price", "book")',
                sql("ALTER TABLE book ADD CONSTRAINT ck_book_price CHECK (price > 0) NOT VALID"),
            ),
        ],
        {("schema-not-restored", "c3"): "ck_book_price"},
    ),
    Case(
        "primary-key-columns",
        "widens a primary key, and the downgrade makes it of the wrong column",
        [
            table(
                "a1",
                "member",
                "team integer",
                "person integer NOT NULL UNIQUE",
                "CONSTRAINT pk_member PRIMARY KEY (team)",
            ),
            Rev(
                "b2",
                """
                op.drop_constraint("pk_member", "member")
                op.create_primary_key("pk_member", "member", ["team", "person"])
                """,
                """
                op.drop_constraint("pk_member", "member")
                op.create_primary_key("pk_member", "member", ["person"])
                """,
            ),
        ],
        {("schema-not-restored", "b2"): "pk_member"},
    ),
    Case(
        "exclusion-condition",
        "drops an exclusion constraint, and the one that comes back has lost its WHERE",
        [
            table(
                "a1",
                "booking",
                "during tsrange",
                "cancelled boolean",
                "CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) WHERE (NOT cancelled)",
            ),
            Rev(
                "b2",
                'op.drop_constraint("no_overlap", "booking")',
                sql("ALTER TABLE booking ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&)"),
            ),
        ],
        {("schema-not-restored", "b2"): "no_overlap"},
    ),
)
