"""Two captures compared."""

from __future__ import annotations

from pytest_stairway.rows import RowChange, Rows, TableRows, compare_rows


def table(name: str, columns: str, *rows: tuple[object, ...], key: str = "id", types: str = "") -> TableRows:
    names = tuple(columns.split())
    return TableRows(
        name=name,
        columns=names,
        types=tuple(types.split()) or ("text",) * len(names),
        key=tuple(key.split()),
        rows=tuple(tuple(None if cell is None else str(cell) for cell in row) for row in rows),
        count=len(rows),
    )


def rows(*tables: TableRows) -> Rows:
    return Rows({each.name: each for each in tables})


AUTHOR = table("author", "id name ref_code", (1, "Ada", "a1"), (2, "Grace", None), (3, "Zoë", "c3"))


def told(before: Rows, after: Rows) -> list[tuple[RowChange, str, str | None, int]]:
    return [(d.change, d.table, d.column, d.rows) for d in compare_rows(before, after)]


def words(before: Rows, after: Rows) -> list[str]:
    return [difference.words() for difference in compare_rows(before, after)]


class TestKeyed:
    def test_nothing_differs(self) -> None:
        again = table("author", "id name ref_code", (3, "Zoë", "c3"), (1, "Ada", "a1"), (2, "Grace", None))
        assert told(rows(AUTHOR), rows(AUTHOR)) == []
        assert told(rows(AUTHOR), rows(again)) == []

    def test_a_changed_value_is_told_with_its_row(self) -> None:
        after = table("author", "id name ref_code", (1, "Ada", "ff"), (2, "Grace", "gg"), (3, "Zoë", "hh"))
        (difference,) = compare_rows(rows(AUTHOR), rows(after))
        assert difference.words() == "author id=1: ref_code 'a1' before, 'ff' after; 3 of 3 rows"
        assert difference.object == "table author, column ref_code"
        assert (difference.filled, difference.overwritten, difference.emptied) == (1, 2, 0)

    def test_an_emptied_value(self) -> None:
        after = table("author", "id name ref_code", (1, "Ada", None), (2, "Grace", None), (3, "Zoë", "c3"))
        (difference,) = compare_rows(rows(AUTHOR), rows(after))
        assert difference.words() == "author id=1: ref_code 'a1' before, NULL after; 1 of 3 rows"
        assert difference.emptied == 1

    def test_rows_lost_and_added(self) -> None:
        after = table(
            "author", "id name ref_code", (1, "Ada", "a1"), (2, "Grace", None), (4, "Mei", "d4"), (5, "Lin", "e5")
        )
        assert words(rows(AUTHOR), rows(after)) == [
            "table author: rows lost, such as author id=3: name 'Zoë', ref_code 'c3'; 1 of 3 rows",
            "table author: rows added, such as author id=4: name 'Mei', ref_code 'd4'; 2 of 4 rows",
        ]

    def test_a_key_of_two_columns(self) -> None:
        before = table("t", "a b c", (1, 1, "x"), (1, 2, "y"), key="a b")
        after = table("t", "a b c", (1, 1, "x"), (1, 2, "z"), key="a b")
        assert words(rows(before), rows(after)) == ["t (a=1, b=2): c 'y' before, 'z' after; 1 of 2 rows"]

    def test_new_keys_for_the_same_rows_are_changed_values(self) -> None:
        after = table("author", "id name ref_code", (7, "Ada", "a1"), (8, "Grace", None), (9, "Zoë", "c3"))
        assert told(rows(AUTHOR), rows(after)) == [(RowChange.VALUES_CHANGED, "author", "id", 3)]

    def test_another_primary_key_is_no_loss(self) -> None:
        before = table("t", "id code", (1, "x"), (2, "y"))
        after = table("t", "id code", (1, "x"), (2, "y"), key="code")
        assert told(rows(before), rows(after)) == []

    def test_a_key_that_is_gone_leaves_the_rest_comparable(self) -> None:
        before = table("t", "id code n", (1, "x", 5), (2, "y", 6))
        after = table("t", "code n", ("x", 5), ("y", 7), key="code")
        assert told(rows(before), rows(after)) == [
            (RowChange.COLUMN_DROPPED, "t", "id", 2),
            (RowChange.VALUES_CHANGED, "t", "n", 1),
        ]

    def test_long_values_are_cut_where_they_differ(self) -> None:
        before = table("t", "id a", (1, "x" * 100 + "y" + "z" * 100))
        after = table("t", "id a", (1, "x" * 100 + "Y" + "z" * 100))
        (text,) = words(rows(before), rows(after))
        assert "…'xxxxxxxxxxyzz" in text
        assert "…'xxxxxxxxxxYzz" in text
        assert len(text) < 160

    def test_lines_are_not_broken(self) -> None:
        (text,) = words(rows(table("t", "id a", (1, "a\nb"))), rows(table("t", "id a", (1, "a\tb"))))
        assert "\n" not in text


class TestColumns:
    def test_a_dropped_column_tells_how_much_it_held(self) -> None:
        after = table("author", "id name", (1, "Ada"), (2, "Grace"), (3, "Zoë"))
        (difference,) = compare_rows(rows(AUTHOR), rows(after))
        assert (difference.change, difference.column, difference.rows, difference.total) == (
            RowChange.COLUMN_DROPPED,
            "ref_code",
            2,
            3,
        )
        assert (
            difference.words()
            == "table author, column ref_code: column dropped, such as author id=1: ref_code 'a1'; 2 of 3 values"
        )
        assert difference.holds_data

    def test_a_dropped_column_without_values_holds_no_data(self) -> None:
        before = table("t", "id a", (1, None), (2, None))
        (difference,) = compare_rows(rows(before), rows(table("t", "id", (1,), (2,))))
        assert not difference.holds_data

    def test_an_added_column_tells_what_it_was_filled_with(self) -> None:
        before = table("author", "id name", (1, "Ada"), (2, "Grace"), (3, "Zoë"))
        assert told(rows(before), rows(AUTHOR)) == [(RowChange.COLUMN_ADDED, "author", "ref_code", 2)]

    def test_a_renamed_column_is_no_loss(self) -> None:
        after = table("author", "id name code", (1, "Ada", "a1"), (2, "Grace", None), (3, "Zoë", "c3"))
        (difference,) = compare_rows(rows(AUTHOR), rows(after))
        assert (difference.change, difference.column, difference.to) == (RowChange.COLUMN_RENAMED, "ref_code", "code")
        assert difference.words() == "table author, column ref_code: renamed to code"

    def test_a_renamed_primary_key(self) -> None:
        after = table(
            "author", "author_id name ref_code", (1, "Ada", "a1"), (2, "Grace", None), (3, "Zoë", "c3"), key="author_id"
        )
        assert told(rows(AUTHOR), rows(after)) == [(RowChange.COLUMN_RENAMED, "author", "id", 3)]

    def test_of_two_candidates_the_one_with_the_likelier_name(self) -> None:
        before = table("t", "id first_name", (1, "Ada"), (2, "Grace"))
        after = table("t", "id other forename", (1, "Ada", "Ada"), (2, "Grace", "Grace"))
        assert told(rows(before), rows(after)) == [
            (RowChange.COLUMN_RENAMED, "t", "first_name", 2),
            (RowChange.COLUMN_ADDED, "t", "other", 2),
        ]

    def test_a_default_over_and_over_is_not_a_rename(self) -> None:
        before = table("t", "id a", (1, 0), (2, 0))
        after = table("t", "id b", (1, 0), (2, 0))
        assert [d.change for d in compare_rows(rows(before), rows(after))] == [
            RowChange.COLUMN_DROPPED,
            RowChange.COLUMN_ADDED,
        ]

    def test_values_that_moved_to_another_table_are_not_lost(self) -> None:
        before = rows(table("person", "id name email", (1, "Ada", "a@x"), (2, "Grace", "g@x")))
        after = rows(
            table("person", "id name", (1, "Ada"), (2, "Grace")),
            table("address", "id person_id email", (1, 1, "a@x"), (2, 2, "g@x")),
        )
        assert words(before, after) == [
            "table address: table added, such as address id=1: person_id '1', email 'a@x'; 2 of 2 rows",
            "table person, column email: values stand in address.email",
        ]

    def test_a_converted_value_that_means_the_same_is_the_same(self) -> None:
        before = table("t", "id a b c", (1, "1.50", "true", '{"a": 1}'), types="integer numeric boolean json")
        after = table("t", "id a b c", (1, "1.5", "t", '{"a":1}'), types="integer double text jsonb")
        assert told(rows(before), rows(after)) == []

    def test_a_converted_value_that_differs_is_told_as_converted(self) -> None:
        before = table("t", "id a", (1, "1.57"), types="integer numeric")
        after = table("t", "id a", (1, "2"), types="integer integer")
        (difference,) = compare_rows(rows(before), rows(after))
        assert difference.converted

    def test_text_is_compared_to_the_letter(self) -> None:
        assert len(compare_rows(rows(table("t", "id a", (1, "1.50"))), rows(table("t", "id a", (1, "1.5"))))) == 1

    def test_json_is_compared_by_what_it_says(self) -> None:
        before = table("t", "id a", (1, '{"a": 1, "b": 2}'), types="integer json")
        after = table("t", "id a", (1, '{"b":2,"a":1}'), types="integer json")
        assert told(rows(before), rows(after)) == []


class TestTables:
    def test_a_dropped_table_tells_its_rows(self) -> None:
        (difference,) = compare_rows(rows(AUTHOR), rows())
        assert (difference.change, difference.rows) == (RowChange.TABLE_DROPPED, 3)
        assert difference.words().startswith("table author: table dropped, such as author id=1: name 'Ada'")

    def test_an_added_table(self) -> None:
        assert told(rows(), rows(AUTHOR)) == [(RowChange.TABLE_ADDED, "author", None, 3)]

    def test_a_renamed_table_is_no_loss(self) -> None:
        after = table("writer", AUTHOR_COLUMNS, *AUTHOR.rows)
        assert words(rows(AUTHOR), rows(after)) == ["table author: renamed to writer"]

    def test_a_table_and_a_column_renamed_at_once(self) -> None:
        after = table("writer", "id name code", *AUTHOR.rows)
        assert [(d.change, d.column, d.to) for d in compare_rows(rows(AUTHOR), rows(after))] == [
            (RowChange.TABLE_RENAMED, None, "writer"),
            (RowChange.COLUMN_RENAMED, "ref_code", "code"),
        ]

    def test_empty_tables_are_not_taken_for_each_other(self) -> None:
        changes = told(rows(table("a", "id")), rows(table("b", "id")))
        assert [change for change, *_ in changes] == [RowChange.TABLE_DROPPED, RowChange.TABLE_ADDED]


AUTHOR_COLUMNS = "id name ref_code"


class TestWithoutKey:
    def test_rows_are_a_multiset(self) -> None:
        before = table("t", "a b", (1, "x"), (1, "x"), (2, "y"), key="")
        after = table("t", "a b", (2, "y"), (1, "x"), (1, "x"), key="")
        assert told(rows(before), rows(after)) == []

    def test_one_of_two_equal_rows_is_lost(self) -> None:
        before = table("t", "a b", (1, "x"), (1, "x"), (2, "y"), key="")
        after = table("t", "a b", (2, "y"), (1, "x"), key="")
        assert told(rows(before), rows(after)) == [(RowChange.ROWS_LOST, "t", None, 1)]

    def test_rows_are_paired_by_what_they_have_in_common(self) -> None:
        before = table("t", "a b c", (1, "x", "p"), (2, "y", "q"), key="")
        after = table("t", "a b c", (2, "y", "changed"), (1, "x", "p"), key="")
        assert words(rows(before), rows(after)) == ["t, a row: c 'q' before, 'changed' after; 1 of 2 rows"]

    def test_rows_with_nothing_in_common_are_lost_and_new(self) -> None:
        before = table("t", "a b", (1, "x"), key="")
        after = table("t", "a b", (2, "y"), key="")
        assert [change for change, *_ in told(rows(before), rows(after))] == [RowChange.ROWS_LOST, RowChange.ROWS_ADDED]

    def test_a_renamed_column(self) -> None:
        before = table("t", "a b", (1, "x"), (2, "y"), key="")
        after = table("t", "a c", (1, "x"), (2, "y"), key="")
        assert told(rows(before), rows(after)) == [(RowChange.COLUMN_RENAMED, "t", "b", 2)]
