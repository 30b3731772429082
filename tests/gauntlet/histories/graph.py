"""Revisions that do not hang together."""

from __future__ import annotations

from gauntlet.case import Case, Rev, sql, table

AUTHOR = table("a1", "author", "id integer PRIMARY KEY", "name text")
BOOK = table("b2", "book", "id integer PRIMARY KEY", down_revision="a1")
LONG = "c3_make_the_reference_code_of_every_author_unique"


def column(revision: str, name: str, down_revision: str | tuple[str, ...] | None = "a1") -> Rev:
    """Make a sound revision that adds a column to the author table."""
    return Rev(
        revision,
        f'op.add_column("author", sa.Column("{name}", sa.Text()))',
        f'op.drop_column("author", "{name}")',
        down_revision=down_revision,
    )


CASES = (
    Case(
        "two-heads",
        "two people made a revision from the same one, and nobody merged them",
        [AUTHOR, BOOK, column("c3", "born")],
        {("multiple-heads", None): "c3"},
    ),
    Case(
        "parent-missing",
        "the revision before was deleted, or never committed",
        [AUTHOR, column("c3", "born", "b2")],
        {("missing-parent", "c3"): "b2"},
    ),
    Case(
        "dependency-missing",
        "`depends_on` names a revision of a package that is not there",
        [AUTHOR, Rev("b2", depends_on="f00d")],
        {("missing-parent", "b2"): "f00d"},
    ),
    Case(
        "cycle",
        "a rebase of two branches has made each the other's parent",
        [AUTHOR, column("b2", "born", "c3"), column("c3", "died", "b2")],
        {("revision-cycle", "b2"): "b2 has down_revision"},
    ),
    Case(
        "own-parent",
        "a copied revision whose `down_revision` is itself",
        [AUTHOR, column("b2", "born", "b2")],
        {("revision-cycle", "b2"): "b2 has down_revision"},
    ),
    Case(
        "cycle-by-dependency",
        "two branches whose revisions wait for each other by `depends_on`",
        [
            AUTHOR,
            Rev("b2", down_revision="a1", depends_on="c3"),
            Rev("c3", down_revision="a1", depends_on="b2"),
        ],
        {("revision-cycle", "b2"): "depends_on c3"},
    ),
    Case(
        "duplicate-id",
        "a revision file was copied, and its id with it",
        [AUTHOR, column("b2", "born"), Rev("b2", down_revision="a1", file="b2_again")],
        {("duplicate-revision", "b2"): "b2_again.py"},
    ),
    Case(
        "id-too-long",
        "an id that tells a story, and does not fit the 32 characters of the version table",
        [AUTHOR, column(LONG, "ref_code"), Rev("d4", down_revision=LONG)],
        {("revision-id-too-long", LONG): "32"},
        hint="Shorten",
    ),
    Case(
        "import-of-yesterday",
        "a revision imports the application, which has moved on since",
        [AUTHOR, Rev("b2", head="from app.models import Author\n")],
        {("unloadable-revision", None): "app"},
        hint="Install app",
    ),
    Case(
        "conflict-markers",
        "a merge left its conflict markers in a revision",
        [AUTHOR, Rev("b2", "<<<<<<< HEAD\npass\n=======\npass\n>>>>>>> main")],
        {("unloadable-revision", None): "b2.py"},
        hint="conflict markers",
    ),
    Case(
        "no-identifiers",
        "a helper script lies among the revisions",
        [AUTHOR, Rev("b2", text="def helper():\n    return 1\n", file="helpers")],
        {("unloadable-revision", None): "helpers.py"},
    ),
    Case(
        "same-column-on-two-branches",
        "both branches of a merge add the same column",
        [AUTHOR, column("b2", "born"), column("c3", "born"), Rev("d4", down_revision=("b2", "c3"))],
        {("upgrade-failed", "c3"): "born"},
    ),
    Case(
        "merge-with-a-change",
        "a merge does work of its own, and its downgrade is `pass`",
        [
            AUTHOR,
            column("b2", "born"),
            column("c3", "died"),
            Rev(
                "d4",
                sql("UPDATE author SET born = '' WHERE born IS NULL")
                + "\n"
                + sql("ALTER TABLE author ALTER born SET NOT NULL"),
                down_revision=("b2", "c3"),
            ),
        ],
        {("schema-not-restored", "d4"): "author.born"},
    ),
)
