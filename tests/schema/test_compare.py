"""Two schemas compared, and what is told of it: plain data only."""

from __future__ import annotations

import pytest

from pytest_stairway.schema import Change, Difference, Facts, Key, Schema, Verdict, compare_schemas, reader_for
from pytest_stairway.schema.generic import Reader as GenericReader

TABLE = Key("table", "user")
EMAIL = Key("column", "email", "user")
NAME = Key("column", "name", "user")
INDEX = Key("index", "ix_user_email", "user")


def schema(objects: dict[Key, Facts], dialect: str = "postgresql", default_schema: str = "public") -> Schema:
    return Schema(dialect, Schema.of(dialect, objects).parts, default_schema)


def differences(before: dict[Key, Facts], after: dict[Key, Facts], dialect: str = "postgresql") -> list[Difference]:
    return list(compare_schemas(schema(before, dialect), schema(after, dialect)))


def words(before: dict[Key, Facts], after: dict[Key, Facts]) -> list[str]:
    return [each.words("after the downgrade") for each in differences(before, after)]


class TestComparing:
    def test_the_same_object_is_not_looked_at(self) -> None:
        class Untouchable(dict):
            def __eq__(self, _: object) -> bool:
                raise AssertionError

            __hash__ = None

        part = Untouchable()
        one = Schema("postgresql", {"user": part})
        assert compare_schemas(one, one) == ()
        assert compare_schemas(one, Schema("postgresql", {"user": part})) == ()

    def test_missing_and_unexpected(self) -> None:
        assert words({TABLE: {}, EMAIL: {}}, {TABLE: {}, INDEX: {}}) == [
            "column user.email: missing after the downgrade",
            "index ix_user_email on user: still there after the downgrade",
        ]

    def test_a_table_takes_all_that_is_in_it_along(self) -> None:
        assert words({TABLE: {}, EMAIL: {}, INDEX: {}}, {}) == ["table user: missing after the downgrade"]
        assert words({}, {TABLE: {}, EMAIL: {}, INDEX: {}}) == ["table user: still there after the downgrade"]

    def test_a_schema_takes_all_that_is_in_it_along(self) -> None:
        inside = {
            Key("schema", "shop"): {},
            Key("table", "sale", "", "shop"): {},
            Key("column", "id", "sale", "shop"): {},
        }
        assert words({}, inside) == ["schema shop: still there after the downgrade"]

    def test_a_column_takes_its_sequence_along(self) -> None:
        serial = {TABLE: {}, Key("column", "id", "user"): {}, Key("sequence", "id", "user"): {"name": "user_id_seq"}}
        assert words(serial, {TABLE: {}}) == ["column user.id: missing after the downgrade"]

    def test_a_table_that_became_a_view(self) -> None:
        view = Key("view", "user")
        assert words({TABLE: {}, EMAIL: {}, INDEX: {}}, {view: {}, EMAIL: {}}) == [
            "table user: missing after the downgrade",
            "view user: still there after the downgrade",
        ]

    @pytest.mark.parametrize(
        ("name", "verdict"), [("user_email_key", Verdict.SAME_MEANING), ("uq_user_email", Verdict.DIFFERENT)]
    )
    def test_what_comes_back_under_another_name(self, name: str, verdict: Verdict) -> None:
        facts = {"definition": "UNIQUE (email)"}
        before = {TABLE: {}, Key("unique constraint", name, "user"): facts}
        (found,) = differences(before, {TABLE: {}, Key("unique constraint", "account_email_key", "user"): facts})
        assert found.verdict is verdict
        assert found.words("after the downgrade") == (
            f"unique constraint {name} on user: named account_email_key after the downgrade"
        )

    def test_each_is_paired_with_one_other(self) -> None:
        one, two, three = (Key("index", name, "user") for name in ("a", "b", "c"))
        found = differences({TABLE: {}, one: {}, two: {}}, {TABLE: {}, three: {}})
        assert {each.change for each in found} == {Change.RENAMED, Change.MISSING}

    def test_columns_in_another_order_are_told_once(self) -> None:
        def order(*names: str):
            columns = {Key("column", name, "user"): {"position": str(at)} for at, name in enumerate(names, 1)}
            return {TABLE: {}} | columns

        (found,) = differences(order("a", "b", "c"), order("a", "c", "b"))
        assert found.verdict is Verdict.ORDER_ONLY
        assert found.words() == "table user: column order a, b, c before, a, c, b after"
        assert [each.change for each in differences(order("a", "b", "c"), order("b", "c"))] == [Change.MISSING]

    def test_consequences_of_a_change_are_not_told(self) -> None:
        before = {EMAIL: {"nullability": "NOT NULL", "not-null constraint": "x"}}
        assert words(before, {EMAIL: {"nullability": "nullable"}}) == [
            "column user.email: NOT NULL before, nullable after"
        ]

    def test_another_dialect_has_no_rules(self) -> None:
        (found,) = differences({EMAIL: {"default": "0"}}, {EMAIL: {"default": "'0'::numeric"}}, "oracle")
        assert found.verdict is Verdict.DIFFERENT


class TestWords:
    def test_no_such_fact(self) -> None:
        assert words({EMAIL: {"default": "1"}, NAME: {}}, {EMAIL: {}, NAME: {"comment": "x"}}) == [
            "column user.email: default 1 before, no default after",
            "column user.name: no comment before, comment x after",
        ]

    def test_another_schema_is_named_and_the_default_one_is_not(self) -> None:
        key = Key("foreign key", "fk", "sale", "shop")
        told = words(
            {key: {"definition": "FOREIGN KEY (a) REFERENCES public.a(id)"}},
            {key: {"definition": "FOREIGN KEY (a) REFERENCES shop.a(id)"}},
        )
        assert told == [
            "foreign key fk on shop.sale: FOREIGN KEY (a) REFERENCES a(id) before, "
            "FOREIGN KEY (a) REFERENCES shop.a(id) after"
        ]

    def test_the_default_schema_is_named_where_it_makes_the_difference(self) -> None:
        assert words({EMAIL: {"type": "public.date"}}, {EMAIL: {"type": "date"}}) == [
            "column user.email: type public.date before, date after"
        ]

    def test_long_texts_are_cut_to_where_they_differ(self) -> None:
        body = "SELECT 1;\n" * 40
        before = {Key("function", "f()"): {"definition": f"{body}RETURN 1;\n{body}"}}
        after = {Key("function", "f()"): {"definition": f"{body}RETURN 2;\n{body}"}}
        (line,) = words(before, after)
        assert "\n" not in line
        assert len(line) < 330
        assert "RETURN 1;" in line
        assert "RETURN 2;" in line

    def test_other_moments(self) -> None:
        (found,) = differences({}, {TABLE: {}})
        assert found.words("when every revision is downgraded", unexpected="left") == (
            "table user: left when every revision is downgraded"
        )
        assert found.object == "table user"


class TestModel:
    def test_json(self) -> None:
        one = schema({TABLE: {"owner": "me"}, EMAIL: {"type": 'va"r'}, Key("table", "s", "", "shop"): {}})
        assert Schema.from_json(one.to_json()) == one
        assert one.to_json() == Schema.from_json(one.to_json()).to_json()

    def test_json_of_another_format(self) -> None:
        with pytest.raises(ValueError, match="format 99"):
            Schema.from_json('{"format_version": 99}')

    def test_looking_things_up(self) -> None:
        one = schema({TABLE: {"owner": "me"}, EMAIL: {}})
        assert one[TABLE] == {"owner": "me"}
        assert len(one) == 2
        assert set(one) == {TABLE, EMAIL}
        with pytest.raises(KeyError):
            one[INDEX]

    def test_a_dialect_without_a_reader_of_its_own(self) -> None:
        assert isinstance(reader_for("oracle"), GenericReader)
