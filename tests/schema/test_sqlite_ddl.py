"""SQLite's statements are read for what no PRAGMA tells, however they are written."""

from __future__ import annotations

import pytest

from pytest_stairway.schema.difference import Verdict
from pytest_stairway.schema.sqlite_ddl import parse_index, parse_table
from pytest_stairway.schema.sqlite_meaning import weigh
from pytest_stairway.schema.sqlite_tokens import fold, render, tokenize

from .sqlite_lab import connected, schema_of


@pytest.mark.parametrize(
    ("sql", "rendered"),
    [
        ("a   >\n1", "a > 1"),
        ("a>1 -- why\n and /* because */ b", "a > 1 and b"),
        ('"a"+[b c]+`d`', 'a + "b c" + d'),
        ('"select"', '"select"'),
        ('"a""b"', '"a""b"'),
        ("'it''s  \"so\"'", "'it''s  \"so\"'"),
        ("lower ( a ) in ( 1,2 )", "lower(a) in (1, 2)"),
        ("a=-1 and -b-+2", "a = -1 and -b - +2"),
        ("x'0F'||0x1f||1.5e-3||.5", "x'0F' || 0x1f || 1.5e-3 || .5"),
        ("new . a->>'$.b'", "new.a ->> '$.b'"),
        ("größe>0", "größe > 0"),
        ("1_000", "1_000"),
        ("/* never ends", ""),
    ],
)
def test_rendering(sql: str, rendered: str) -> None:
    assert render(tokenize(sql)) == rendered
    assert render(tokenize(rendered)) == rendered


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("((A <> 1))", "a != 1"),
        ('"A" == [b]', "a = B"),
        ("x IS NOT NULL", "X is not null"),
        ("((a) + (b))", "(a) + (b)"),
    ],
)
def test_the_same_in_other_words_folds_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("'A'", "'a'"), ("a", "'a'"), ('"b c"', "b c"), ("(a) + (b)", "a) + (b"), ("1", "1.0")]
)
def test_what_is_not_the_same_folds_to_something_else(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("attribute", "before", "after", "verdict"),
    [
        ("default", "'0'", "0", Verdict.SAME_MEANING),
        ("default", "TRUE", "1", Verdict.SAME_MEANING),
        ("default", "NULL", None, Verdict.SAME_MEANING),
        ("default", "current_timestamp", "CURRENT_TIMESTAMP", Verdict.SAME_MEANING),
        ("default", "'00'", "0", Verdict.DIFFERENT),
        ("default", "'1.0'", "1.0", Verdict.DIFFERENT),
        ("default", "'x'", None, Verdict.DIFFERENT),
        ("type", "INT", "INTEGER", Verdict.SAME_MEANING),
        ("type", "CHARACTER VARYING(20)", "VARCHAR(20)", Verdict.SAME_MEANING),
        ("type", "TINYINT", "INTEGER", Verdict.DIFFERENT),
        ("type", "VARCHAR(20)", "VARCHAR(21)", Verdict.DIFFERENT),
        ("type", "VARCHAR(20)", "VARCHAR", Verdict.DIFFERENT),
        ("not-null constraint", "nn", None, Verdict.SAME_MEANING),
        ("definition", "(A > 0)", "(a > 0)", Verdict.SAME_MEANING),
        ("definition", "(a > 0)", "(a > 1)", Verdict.DIFFERENT),
        ("collation", "NOCASE", None, Verdict.DIFFERENT),
    ],
)
def test_weighing(attribute: str, before: str, after: str | None, verdict: Verdict) -> None:
    assert weigh(attribute, before, after) is verdict


NASTY = """
CREATE TABLE "check, (unique" (
    [primary] INTEGER CONSTRAINT "pk (a)" PRIMARY KEY ASC ON CONFLICT REPLACE AUTOINCREMENT,
    "a b" DOUBLE PRECISION (10, 2) CONSTRAINT nn NOT NULL ON CONFLICT FAIL DEFAULT -1.5 COLLATE "nocase" CHECK ("a b" <> ','),
    c DEFAULT (1 + (2)) CONSTRAINT cc UNIQUE ON CONFLICT ROLLBACK REFERENCES p MATCH FULL ON DELETE SET NULL ON UPDATE SET DEFAULT
        NOT DEFERRABLE INITIALLY IMMEDIATE CONSTRAINT later CHECK (c IN ('CHECK (', ')')),
    'd' TEXT AS (lower("a b") || ')') STORED, -- , UNIQUE (c)
    e NULL DEFAULT current_date REFERENCES p (x) ON DELETE NO ACTION NOT NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT u UNIQUE ("a b" COLLATE NOCASE DESC, c) ON CONFLICT IGNORE CONSTRAINT k CHECK ((e > 0)) ON CONFLICT ABORT
    FOREIGN KEY (c, e) REFERENCES q (y, z)
) /* , STRICT */
"""


def test_a_nasty_table_is_read() -> None:
    table = parse_table(NASTY)
    assert list(table.columns) == ["primary", "a b", "c", "d", "e"]
    blank = table.columns["c"]
    column = table.columns["a b"]
    assert (column.collation, column.not_null_name, column.not_null_conflict) == ("NOCASE", "nn", "ON CONFLICT FAIL")
    assert (blank.collation, blank.generated, blank.not_null_name) == (None, None, None)
    assert table.columns["d"].generated == "(lower(\"a b\") || ')') STORED"
    assert table.options == ()
    assert [(each.kind, each.name, each.columns or each.check) for each in table.constraints] == [
        ("primary key", "pk (a)", ("primary",)),
        ("check constraint", None, "\"a b\" <> ','"),
        ("unique constraint", "cc", ("c",)),
        ("foreign key", None, ("c",)),
        ("check constraint", "later", "c IN ('CHECK (', ')')"),
        ("foreign key", None, ("e",)),
        ("unique constraint", "u", ("a b", "c")),
        ("check constraint", "k", "e > 0"),
        ("foreign key", None, ("c", "e")),
    ]
    assert [each.conflict for each in table.constraints if each.conflict] == [
        "ON CONFLICT REPLACE",
        "ON CONFLICT ROLLBACK",
        "ON CONFLICT IGNORE",
    ]
    assert [(each.match, each.deferred) for each in table.constraints if each.kind == "foreign key"] == [
        ("FULL", False),
        (None, True),
        (None, False),
    ]
    assert table.constraints[0].autoincrement


def test_sqlite_accepts_the_nasty_table_and_its_pragmas_agree() -> None:
    with connected(NASTY) as connection:
        schema = schema_of(connection)
    assert {
        f"{key.kind} {key.name}": facts["definition"]
        for key, facts in next(iter(schema.parts.values())).items()
        if "definition" in facts
    } == {
        "primary key pk (a)": '("primary") ON CONFLICT REPLACE AUTOINCREMENT',
        "unique constraint cc": "(c) ON CONFLICT ROLLBACK",
        "unique constraint u": '("a b" DESC, c) ON CONFLICT IGNORE',
        "check constraint (\"a b\" != ',')": "(\"a b\" <> ',')",
        "check constraint later": "(c IN ('CHECK (', ')'))",
        "check constraint k": "(e > 0)",
        "foreign key (c)": "(c) REFERENCES p MATCH FULL ON UPDATE SET DEFAULT ON DELETE SET NULL",
        "foreign key (e)": "(e) REFERENCES p (x) DEFERRABLE INITIALLY DEFERRED",
        "foreign key (c, e)": "(c, e) REFERENCES q (y, z)",
    }


def test_an_index_is_read() -> None:
    index = parse_index(
        "CREATE INDEX \"on (\" ON t ((a), lower(b) COLLATE nocase DESC, c ASC, (d || ',')) WHERE (e > 0)"
    )
    assert index.items == ("a", "lower(b)", "c", "d || ','")
    assert index.where == "e > 0"


def test_constraints_without_a_name_have_keys_that_do_not_hang_on_their_order() -> None:
    one = "CREATE TABLE t (a, b, CHECK (a > 0), CHECK (a>0), FOREIGN KEY (a) REFERENCES p (x), FOREIGN KEY (a) REFERENCES q (x))"
    other = "CREATE TABLE t (a, b, FOREIGN KEY (a) REFERENCES q (x), FOREIGN KEY (a) REFERENCES p (x), CHECK ((a > 0)))"
    with connected(one) as connection, connected(other) as second:
        assert schema_of(connection) == schema_of(second)
        assert {key.name for key in schema_of(connection) if key.kind == "foreign key"} == {"(a)", "(a) 2"}


def test_a_default_in_double_quotes_is_a_text() -> None:
    with connected("""CREATE TABLE t (a DEFAULT "it's", b DEFAULT 'it''s')""") as connection:
        part = schema_of(connection).parts["t"]
    assert [facts["default"] for facts in part.values() if "default" in facts] == ["'it''s'", "'it''s'"]
