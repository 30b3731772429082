"""The parts that need no database: expressions, patterns, values, order."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_stairway.rows.borrow import borrowed_tables
from pytest_stairway.rows.expressions import columns_in, conjuncts, constants, functions_in, replace_names
from pytest_stairway.rows.kinds import constant_default, values_of
from pytest_stairway.rows.mine import mined
from pytest_stairway.rows.order import groups_in_order
from pytest_stairway.rows.patterns import like_samples, samples
from pytest_stairway.rows.scalars import _TYPES, scalar
from pytest_stairway.rows.shape import Column, ColumnType, TableShape
from pytest_stairway.rows.texts import builtin_words, faker_words


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("((a > 0) AND (b < 5))", ["a > 0", "b < 5"]),
            ("a > 0", ["a > 0"]),
            ("(a > 0 AND b > 0) OR c", ["(a > 0 AND b > 0) OR c"]),
            ("a BETWEEN 1 AND 5 AND b", ["a BETWEEN 1 AND 5", "b"]),
            ("CASE WHEN a AND b THEN c END AND d", ["CASE WHEN a AND b THEN c END", "d"]),
            ("a = 'x AND y' AND \"AND\" > 1", ["a = 'x AND y'", '"AND" > 1']),
            ("(a AND (b AND c))", ["a", "b", "c"]),
            ("", []),
        ],
    )
    def test_conditions_are_split_at_their_outermost_ands(self, text: str, parts: list[str]) -> None:
        assert conjuncts(text) == parts

    def test_columns_are_neither_types_nor_functions_nor_strings(self) -> None:
        names = ("date", "length", "a b", "c", "'d'")
        assert columns_in("""length(c) > 1 AND x::date = 'date' -- "a b\"""", names) == ("c",)
        assert columns_in('"a b" > 1 AND length > 2', names) == ("length", "a b")
        assert columns_in("C > 1", names, fold_case=True) == ("c",)

    def test_names_are_replaced_outside_strings(self) -> None:
        assert replace_names("VALUE > 'VALUE' AND \"VALUE\" IS NULL", {"VALUE": "x"}) == "x > 'VALUE' AND x IS NULL"

    def test_constants_are_found(self) -> None:
        found = constants(
            ["(a >= '-5'::integer) AND length(b) <= 10", "c = ANY (ARRAY['x'::text, 'it''s'])", "d > -2.5"]
        )
        assert found.strings == ("-5", "x", "it's")
        assert found.numbers == ("10", "-2.5")
        assert found.lengths
        assert not constants(["a IS NULL"])

    def test_escapes_in_strings_are_read(self) -> None:
        assert constants([r"a ~ E'^\\d\\n\'"]).strings[0].startswith(r"^\d")

    def test_functions_are_found(self) -> None:
        assert set(functions_in("is_valid(a) AND length(b) > 1")) == {"is_valid", "length"}

    @pytest.mark.parametrize(
        ("default", "constant"),
        [
            ("'draft'::character varying", "draft"),
            ("0", "0"),
            ("(0)::numeric", None),
            ("'0'::numeric", "0"),
            ("-1", "-1"),
            ("('-1'::integer)", "-1"),
            ("true", "true"),
            ("'{}'::text[]", "{}"),
            ("now()", None),
            ("CURRENT_TIMESTAMP", None),
            ("nextval('s'::regclass)", None),
            ("'a' || 'b'", None),
            (None, None),
        ],
    )
    def test_constant_defaults(self, default: str | None, constant: str | None) -> None:
        assert constant_default(default) == constant


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern",
        [
            r"^[a-z]+$",
            r"^\d{3}-\d{2}-\d{4}$",
            r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$",
            r"^(foo|ba[rz])?x{2,}$",
            r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
            r"^#(?:[0-9a-fA-F]{3}){1,2}$",
            r"^(\w+)-\1$",
            r"^\+?[1-9]\d{1,14}$",
            r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
            r"^v\d+\.\d+(\.\d+)?(-[a-z]+)?$",
            r"[.]{3}\$\(x\)",
            r"^[]a-]+$",
            r"^.+?b$",
        ],
    )
    def test_samples_match(self, pattern: str) -> None:
        made = samples(pattern)
        assert made
        assert all(re.search(pattern, text) for text in made)

    def test_classes_are_those_of_posix(self) -> None:
        assert all(re.fullmatch("[A-Za-z]+[0-9]", text) for text in samples("^[[:alpha:]]+[[:digit:]]$"))

    @pytest.mark.parametrize("pattern", ["(", "[", "a{", "\\", "*", "(?<=a)b", "[^\\x00-\\xff]", "(?i)abc", "***:abc"])
    def test_what_cannot_be_read_gives_something_or_nothing(self, pattern: str) -> None:
        assert isinstance(samples(pattern), list)

    @given(st.text(max_size=30))
    def test_no_pattern_raises(self, pattern: str) -> None:
        assert isinstance(samples(pattern), list)

    def test_like(self) -> None:
        assert like_samples("%_@_%.__%")[1] == "abca@aabc.aaabc"
        assert like_samples(r"100\%") == ["100%"] * 3
        assert like_samples("a?*", glob=True)[:2] == ["aa", "aaabc"]

    def test_glob_with_sets(self) -> None:
        assert all(re.match("[0-9a-f]x", text) for text in like_samples("[0-9a-f]x*", glob=True))


class TestValues:
    @pytest.mark.parametrize("name", sorted(_TYPES))
    def test_typical_values_differ_as_far_as_they_say(self, name: str) -> None:
        values = scalar(name)
        assert values is not None
        count = min(values.size or 40, 40)
        assert len({values.nth(n) for n in range(count)}) == count

    @pytest.mark.parametrize("length", [1, 2, 3, 10, 60])
    @pytest.mark.parametrize("column", ["name", "email", "code", "x", "homepage_url"])
    def test_texts_fit_and_differ(self, column: str, length: int) -> None:
        values = values_of(ColumnType(name="varchar", sql="varchar", modifiers=(length,)), column)
        made = [values.nth(n) for n in range(min(30, 36**length))]
        assert len({text.casefold().strip() for text in made}) == len(made)
        assert all(len(text) <= length for text in (*made, *values.edges, *values.varied))

    @pytest.mark.parametrize("modifiers", [(5, 2), (2, 2), (3, 0), (1, 0), (4, -2), (30, 10)])
    def test_numbers_have_their_precision(self, modifiers: tuple[int, int]) -> None:
        precision, scale = modifiers
        values = values_of(ColumnType(name="numeric", sql="numeric", modifiers=modifiers), "n")
        for text in (*(values.nth(n) for n in range(50)), *values.edges):
            whole, _, fraction = text.lstrip("-").partition(".")
            assert len(fraction) <= max(scale, 0)
            assert Decimal(text).copy_abs() < Decimal(10) ** (precision - scale)
            assert scale >= 0 or int(whole) % 10**-scale == 0

    def test_a_name_may_say_which_numbers_a_column_holds(self) -> None:
        month = values_of(ColumnType(name="int4", sql="integer"), "birth_month")
        assert {month.nth(n) for n in range(30)} == {str(n) for n in range(1, 13)}

    def test_an_array_by_default_holds_arrays(self) -> None:
        assert values_of(ColumnType(name="jsonb", sql="jsonb"), "a", default="'[]'::jsonb").nth(0).startswith("[")
        assert values_of(ColumnType(name="jsonb", sql="jsonb"), "a").nth(0).startswith("{")

    def test_constants_suggest_their_neighbours(self) -> None:
        integer = ColumnType(name="int4", sql="integer")
        assert set(mined(constants(["a > 17"]), integer)) == {"16", "17", "18"}
        amount = ColumnType(name="numeric", sql="numeric", modifiers=(5, 2))
        assert "17.01" in mined(constants(["a > 17"]), amount)
        assert "99999" not in mined(constants(["a < 99999"]), amount)
        day = ColumnType(name="date", sql="date")
        assert set(mined(constants(["a > '2024-02-29'::date"]), day)) == {"2024-02-28", "2024-02-29", "2024-03-01"}
        assert mined(constants(["a > '2024-02-31'", "a > '9999-12-31'"]), day) == ()

    def test_a_length_suggests_texts_of_about_that_length(self) -> None:
        text = ColumnType(name="text", sql="text")
        assert {len(value) for value in mined(constants(["length(a) = 5"]), text)} >= {4, 5, 6}

    def test_builtin_words(self) -> None:
        assert "@" in (builtin_words("Email", 1) or "")
        assert builtin_words("zzz", 1) is None

    def test_faker_is_an_option(self) -> None:
        pytest.importorskip("faker")
        words = faker_words(seed=1)
        assert "@" in (words("email", 1) or "")
        assert words("first_name", 3) == faker_words(seed=1)("first_name", 3)


class TestOrder:
    def test_what_is_needed_comes_first(self) -> None:
        assert groups_in_order({"c": ["b"], "b": ["a"], "a": []}) == [["a"], ["b"], ["c"]]

    def test_a_circle_is_one_group(self) -> None:
        assert groups_in_order({"x": ["b"], "a": ["b"], "b": ["c", "d"], "c": ["a"], "d": []}) == [
            ["d"],
            ["a", "b", "c"],
            ["x"],
        ]

    def test_a_long_chain_is_no_problem(self) -> None:
        edges = {str(n): [str(n + 1)] for n in range(5000)}
        assert len(groups_in_order(edges)) == 5000

    def test_others_are_left_out(self) -> None:
        assert groups_in_order({"a": ["elsewhere"]}) == [["a"]]


class TestBorrowing:
    @pytest.mark.parametrize(
        ("column", "tables", "expected"),
        [
            ("flow_run_id", ["flow_run", "run"], "flow_run"),
            ("author_id", ["authors"], "authors"),
            ("category_id", ["categories"], "categories"),
            ("run_id", ["flow_run"], "flow_run"),
            ("run_id", ["flow_run", "task_run"], None),
            ("external_id", ["author"], None),
            ("author", ["author"], None),
            ("me_id", ["me"], None),
        ],
    )
    def test_the_table_that_a_name_means(self, column: str, tables: list[str], expected: str | None) -> None:
        shape: Any = TableShape(
            name="me",
            table="me",
            sql='"me"',
            read_from='"me"',
            columns=(Column(name=column, type=ColumnType(name="uuid", sql="uuid")),),
        )
        assert borrowed_tables(shape, tables) == ({column: expected} if expected else {})
