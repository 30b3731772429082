"""When two texts of PostgreSQL mean the same, and when they only look it."""

from __future__ import annotations

import pytest

from pytest_stairway.schema import Verdict
from pytest_stairway.schema.postgresql_meaning import weigh
from pytest_stairway.schema.postgresql_privileges import privileges
from pytest_stairway.schema.postgresql_render import _facts

TYPES = {"i": "integer", "n": "numeric(8,2)", "t": "text", "v": "varchar(10)", "d": "date", "Odd": "integer"}

SAME = [
    ("CHECK ((i > 5))", "CHECK (((i)::numeric > (5)::numeric))"),
    ('CHECK (("Odd" > 5))', 'CHECK ((("Odd")::bigint > 5))'),
    ("CHECK (((i * 2) > 5))", "CHECK ((((i)::numeric * (2)::numeric) > (5)::numeric))"),
    ("CHECK ((abs(i) > 5))", "CHECK (((abs(i))::numeric > (5)::numeric))"),
    ("CHECK ((t <> 'x'::text))", "CHECK (((t)::text <> ('x'::character varying)::text))"),
    ("CHECK ((lower((v)::text) = 'a/b'::text))", "CHECK ((lower(v) = 'a/b'::text))"),
    ("CHECK ((now() > d))", "CHECK ((CURRENT_TIMESTAMP > d))"),
    ("CHECK ((changed > 5))", "CHECK (((changed)::numeric > (5)::numeric))"),
    (
        "CHECK (((v)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
        "CHECK (((v)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
    ),
    ("btree (lower((v)::text)) WHERE (i > 5)", "btree (lower(v)) WHERE ((i)::numeric > (5)::numeric)"),
]
DIFFERENT = [
    ("CHECK ((i > 5))", "CHECK ((i > 6))"),
    ("CHECK ((i > 5))", "CHECK ((n > 5))"),
    ("CHECK ((i < n))", "CHECK (((i)::text < (n)::text))"),
    ("CHECK ((n > 5))", "CHECK (((n)::integer > 5))"),
    ("CHECK (((i / 2) > 1))", "CHECK ((((i)::numeric / (2)::numeric) > (1)::numeric))"),
    ("CHECK ((v = 'abc'))", "CHECK (((v)::character varying(2) = 'abc'))"),
    ("CHECK ((t = '2020-01-01'))", "CHECK (((t)::date = '2020-01-01'))"),
    ("CHECK (((i * n) + 1) > 0)", "CHECK ((i * (n + 1)) > 0)"),
    ("CHECK (f(i, n))", "CHECK (f((i), g(n)))"),
    ("CHECK ((t = 'a  b'))", "CHECK ((t = 'a b'))"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_casts_that_keep_the_value(before: str, after: str) -> None:
    assert weigh("definition", before, after, TYPES) is Verdict.SAME_MEANING
    assert weigh("definition", after, before, TYPES) is Verdict.SAME_MEANING


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_what_only_looks_the_same(before: str, after: str) -> None:
    assert weigh("definition", before, after, TYPES) is Verdict.DIFFERENT
    assert weigh("definition", after, before, TYPES) is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("'x'::character varying", "'x'::text", Verdict.SAME_MEANING),
        ("'0'::numeric", "0", Verdict.SAME_MEANING),
        ("'-1'::integer", "(-1)", Verdict.SAME_MEANING),
        ("'{}'::jsonb", "'{}'::json", Verdict.SAME_MEANING),
        ("now()", "CURRENT_TIMESTAMP", Verdict.SAME_MEANING),
        ("'0'::numeric", "1", Verdict.DIFFERENT),
        ("1.5", "(1.5)::integer", Verdict.DIFFERENT),
        ("'2020-01-01 10:00'::timestamp without time zone", "'2020-01-01 10:00'::date", Verdict.DIFFERENT),
        ("0", None, Verdict.DIFFERENT),
    ],
)
def test_defaults(before: str, after: str | None, verdict: Verdict) -> None:
    assert weigh("default", before, after, TYPES) is verdict
    assert weigh("default", after, before, TYPES) is verdict


@pytest.mark.parametrize(
    ("attribute", "before", "after", "verdict"),
    [
        ("not-null constraint", "user_id_not_null", "account_id_not_null", Verdict.SAME_MEANING),
        ("not-null constraint", "user_id_not_null", "user_id_not_null NO INHERIT", Verdict.DIFFERENT),
        ("not-null constraint", "must", "user_id_not_null", Verdict.DIFFERENT),
        ("name", "user_id_seq", "user_id_seq1", Verdict.SAME_MEANING),
        ("name", "counter", "user_id_seq", Verdict.DIFFERENT),
        ("comment", "0", "'0'::numeric", Verdict.DIFFERENT),
    ],
)
def test_names_that_the_server_made_up(attribute: str, before: str, after: str, verdict: Verdict) -> None:
    assert weigh(attribute, before, after) is verdict


@pytest.mark.parametrize(
    ("own", "default", "told"),
    [
        ("me=arw/me", "me=arw/me", {}),
        ("me=war/me", "me=arw/me", {}),
        ("me=arw/me\x1fyou=r*/me", "me=arw/me", {"privileges of you": "SELECT with grant option"}),
        ('me=arw/me\x1f"y=o""u"=r/me', "me=arw/me", {'privileges of y=o"u': "SELECT"}),
        ("=X/me", "=X/me\x1fme=X/me", {"privileges of me": "none"}),
        ("", "=X/me", {"privileges of PUBLIC": "none"}),
        ("you=r/me\x1fyou=w/other", "", {"privileges of you": "SELECT, UPDATE"}),
    ],
)
def test_privileges_are_told_where_they_are_not_the_default(own: str, default: str, told: dict[str, str]) -> None:
    assert privileges(f"{own}\x1e{default}") == told


def test_a_servers_own_stamp_is_no_option_of_a_column() -> None:
    """PostgreSQL 15.20 writes one to every column, with another number at each change."""
    told = [_facts(("options",), (text,)) for text in ("pg_attver=5", "pg_attver=5, n_distinct=9", "n_distinct=9")]
    assert told == [{}, {"options": "n_distinct=9"}, {"options": "n_distinct=9"}]
