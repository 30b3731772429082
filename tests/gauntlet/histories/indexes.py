"""Indexes that come back as other indexes."""

from __future__ import annotations

from typing import Any

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "email text", "tags jsonb", "born date", "deleted boolean")


def index(name: str, says: str, had: str, gets: str, **more: Any) -> Case:
    """Make a case of an index that a revision drops and its downgrade makes otherwise."""
    return Case(
        name,
        says,
        [
            AUTHOR,
            Rev("b2", sql(had), 'op.drop_index("ix_author")'),
            Rev("c3", 'op.drop_index("ix_author")', gets),
        ],
        {("schema-not-restored", "c3"): "ix_author"},
        **more,
    )


CASES = (
    Case(
        "index-left",
        "the downgrade drops an index by a wrong name, and IF EXISTS hides it",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_index("ix_author_email", "author", ["email"])',
                'op.drop_index("ix_authors_email", if_exists=True)',
            ),
        ],
        {("schema-not-restored", "b2"): "ix_author_email", ("reupgrade-failed", "b2"): "ix_author_email"},
        hint="op.drop_index('ix_author_email', table_name='author')",
    ),
    Case(
        "index-lost-with-column",
        "drops a column and with it the index over it; the downgrade adds the column alone",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_index("ix_author_born", "author", ["born", "email"])',
                'op.drop_index("ix_author_born")',
            ),
            Rev("c3", 'op.drop_column("author", "born")', 'op.add_column("author", sa.Column("born", sa.Date()))'),
        ],
        {("schema-not-restored", "c3"): "ix_author_born", ("data-dropped", "c3"): "born"},
    ),
    Case(
        "index-name",
        "drops an index that was named by a convention, and the one that comes back has another name",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.create_index("ix_author_email", "author", ["email"])',
                'op.drop_index("ix_author_email")',
            ),
            Rev(
                "c3",
                'op.drop_index("ix_author_email")',
                'op.create_index("author_email_idx", "author", ["email"])',
            ),
        ],
        {("schema-not-restored", "c3"): "ix_author_email", ("reupgrade-failed", "c3"): "ix_author_email"},
        hint="ix_author_email",
    ),
    index(
        "index-unique",
        "drops a unique index, and the one that comes back is not unique",
        "CREATE UNIQUE INDEX ix_author ON author (email)",
        'op.create_index("ix_author", "author", ["email"])',
        files={"rows.py": 'ROWS = {"author.email": lambda number: f"{number}@example.org"}'},
        options={"stairway_rows_file": "rows.py"},
    ),
    index(
        "index-where",
        "drops a partial index, and the one that comes back has lost its WHERE",
        "CREATE INDEX ix_author ON author (email) WHERE NOT deleted",
        'op.create_index("ix_author", "author", ["email"])',
    ),
    index(
        "index-expression",
        "drops an index over `lower(email)`, and the one that comes back is over `email`",
        "CREATE INDEX ix_author ON author (lower(email))",
        'op.create_index("ix_author", "author", ["email"])',
    ),
    index(
        "index-method",
        "drops a GIN index, and a B-tree comes back",
        "CREATE INDEX ix_author ON author USING gin (tags)",
        'op.create_index("ix_author", "author", ["tags"])',
    ),
    index(
        "index-operator-class",
        "drops an index for LIKE, and the one that comes back has lost `text_pattern_ops`",
        "CREATE INDEX ix_author ON author (email text_pattern_ops)",
        'op.create_index("ix_author", "author", ["email"])',
    ),
    index(
        "index-include-and-order",
        "drops a covering index, and the one that comes back has lost DESC and INCLUDE",
        "CREATE INDEX ix_author ON author (born DESC) INCLUDE (email)",
        'op.create_index("ix_author", "author", ["born"])',
    ),
)
