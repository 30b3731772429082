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


def words(
    before: dict[Key, Facts],
    after: dict[Key, Facts],
    between: dict[Key, Facts] | None = None,
    dialect: str = "postgresql",
) -> list[str]:
    upgraded = None if between is None else schema(between, dialect)
    found = compare_schemas(schema(before, dialect), schema(after, dialect), between=upgraded)
    return [each.words("after the downgrade") for each in found]


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


def table(name: str, **columns: str) -> dict[Key, Facts]:
    """Make a table of columns and their types."""
    made: dict[Key, Facts] = {Key("table", name): {}}
    for position, (column, type_) in enumerate(columns.items(), 1):
        made[Key("column", column, name)] = {"type": type_, "position": str(position)}
    return made


class TestRenames:
    def test_a_renamed_column(self) -> None:
        before, after = table("user", id="integer", bio="text"), table("user", id="integer", about="text")
        assert words(before, after) == ["column user.bio: named about after the downgrade"]
        assert words(before, after, after) == ["column user.bio: still named about after the downgrade"]

    def test_a_renamed_table_and_all_that_is_in_it(self) -> None:
        index = {"definition": "btree (id)"}
        before = table("author", id="integer") | {Key("index", "ix", "author"): index}
        after = table("writer", id="integer") | {Key("index", "ix", "writer"): index}
        assert words(before, after) == ["table author: named writer after the downgrade"]

    def test_texts_that_name_what_was_renamed(self) -> None:
        def objects(table_: str, column: str) -> dict[Key, Facts]:
            return {
                **table(table_, **{column: "integer"}),
                Key("index", "ix", table_): {"definition": f"btree ({column})"},
                **table("book", writer="integer"),
                Key("foreign key", "fk", "book"): {"definition": f"FOREIGN KEY (writer) REFERENCES {table_}({column})"},
            }

        renamed = "table user: named author after the downgrade"
        assert words(objects("user", "id"), objects("author", "id")) == [renamed]
        assert words(objects("author", "id"), objects("author", "key")) == [
            "column author.id: named key after the downgrade"
        ]

    def test_names_in_quotes(self) -> None:
        fk = Key("foreign key", "fk", "book")
        before = {**table("user", id="int"), fk: {"definition": 'FOREIGN KEY (a) REFERENCES "user"(id)'}}
        after = {**table("author", id="int"), fk: {"definition": "FOREIGN KEY (a) REFERENCES author(id)"}}
        assert words(before, after) == ["table user: named author after the downgrade"]

    def test_the_sequence_of_a_renamed_column(self) -> None:
        def serial(name: str) -> dict[Key, Facts]:
            return table("user", **{name: "integer"}) | {Key("sequence", name, "user"): {"name": "user_id_seq"}}

        assert words(serial("id"), serial("no")) == ["column user.id: named no after the downgrade"]

    def test_another_type_is_no_rename(self) -> None:
        found = words(table("user", bio="text"), table("user", about="integer"))
        assert found == [
            "column user.about: still there after the downgrade",
            "column user.bio: missing after the downgrade",
        ]

    def test_a_table_of_other_columns_is_no_rename(self) -> None:
        assert len(words(table("author", id="integer"), table("writer", no="integer"))) == 2

    def test_of_two_that_are_alike_the_position_tells(self) -> None:
        before, after = table("user", a="text", b="text"), table("user", x="text", y="text")
        assert words(before, after) == [
            "column user.a: named x after the downgrade",
            "column user.b: named y after the downgrade",
        ]

    def test_of_two_tables_that_are_alike_nobody_can_tell(self) -> None:
        before = table("a", id="integer") | table("b", id="integer")
        assert len(words(before, table("x", id="integer") | table("y", id="integer"))) == 4

    def test_what_was_there_under_both_names_is_no_rename(self) -> None:
        before, between = table("address", street="text", town="text"), table("address", street="t", town="t", zip="t")
        assert words(before, table("address", street="text", zip="text"), between) == [
            "column address.town: missing after the downgrade",
            "column address.zip: still there after the downgrade",
        ]

    def test_a_renamed_enum_type(self) -> None:
        values = {"values": "'a', 'b'"}
        assert words({Key("enum type", "mood"): values}, {Key("enum type", "temper"): values}) == [
            "enum type mood: named temper after the downgrade"
        ]


class TestConsequences:
    def test_what_goes_with_a_column_that_is_left(self) -> None:
        after = table("user", id="integer", email="text") | {
            INDEX: {"definition": "btree (email)"},
            Key("unique constraint", "uq", "user"): {"definition": "UNIQUE (id, email)"},
            Key("check constraint", "ck", "user"): {"definition": "CHECK (id > 0)"},
        }
        assert words(table("user", id="integer"), after) == [
            "check constraint ck on user: still there after the downgrade",
            "column user.email: still there after the downgrade",
        ]

    def test_what_a_missing_column_had_is_told(self) -> None:
        before = table("user", id="integer", email="text") | {INDEX: {"definition": "btree (email)"}}
        assert len(words(before, table("user", id="integer"))) == 2

    def test_a_default_takes_its_sequence_along(self) -> None:
        key, sequence = Key("column", "id", "user"), Key("sequence", "id", "user")
        before = {TABLE: {}, key: {"default": "nextval(its own sequence)"}, sequence: {"name": "user_id_seq"}}
        assert words(before, {TABLE: {}, key: {}}) == [
            "column user.id: default nextval(its own sequence) before, no default after"
        ]

    def test_partitions_have_what_their_table_has(self) -> None:
        def partitioned(**facts: str) -> dict[Key, Facts]:
            inherits = {"inherits": "public.event", "partition bound": "FOR VALUES IN (1)"}
            return {
                Key("table", "event"): {},
                Key("column", "at", "event"): {"type": "date", **facts},
                Key("table", "event_1"): inherits,
                Key("column", "at", "event_1"): {"type": "date", "inherited": "yes", **facts},
            }

        assert words(partitioned(), partitioned(nullability="NOT NULL")) == [
            "column event.at: no nullability before, NOT NULL after"
        ]
        without = {key: facts for key, facts in partitioned().items() if key.kind != "column"}
        assert words(without, partitioned()) == ["column event.at: still there after the downgrade"]

    def test_a_partition_of_its_own(self) -> None:
        column = Key("column", "at", "event_1")
        attached = {Key("table", "event_1"): {"inherits": "event"}, column: {"inherited": "yes"}}
        assert words(attached, {Key("table", "event_1"): {}, column: {}}) == [
            "table event_1: inherits event before, no inherits after"
        ]

    def test_storage_follows_from_the_type_that_a_domain_stands_for(self) -> None:
        column = Key("column", "zip", "user")
        before = {Key("domain", "zip"): {"type": "text"}, column: {"type": "zip", "storage": "extended"}}
        after = {Key("domain", "zip"): {"type": "integer"}, column: {"type": "zip", "storage": "plain"}}
        assert words(before, after) == ["domain zip: type text before, integer after"]


class TestWords:
    def test_what_was_made_by_the_downgrade_is_not_called_left(self) -> None:
        assert words({TABLE: {}}, {TABLE: {}, INDEX: {}}, {TABLE: {}}) == [
            "index ix_user_email on user: there after the downgrade, and not before"
        ]

    def test_when_something_came_about(self) -> None:
        first, second, third = ({EMAIL: {"type": type_}} for type_ in ("text", "integer", "date"))

        def lasting(between: dict[Key, Facts]) -> bool | None:
            (found,) = compare_schemas(schema(first), schema(second), between=schema(between))
            return found.lasting

        assert lasting(second) is True
        assert lasting(first) is False
        assert lasting(third) is None
        assert lasting({}) is None
        missing, kept = ({TABLE: {}, INDEX: {}}, {TABLE: {}})
        assert [each.lasting for each in compare_schemas(schema(missing), schema(kept), between=schema(missing))] == [
            False
        ]

    def test_other_names_of_the_two(self) -> None:
        (found,) = differences({EMAIL: {"type": "text"}}, {EMAIL: {"type": "integer"}})
        assert found.words(then="one revision at a time", now="in one run") == (
            "column user.email: type text one revision at a time, integer in one run"
        )

    def test_no_such_fact(self) -> None:
        assert words({EMAIL: {"default": "1"}, NAME: {}}, {EMAIL: {}, NAME: {"comment": "x"}}) == [
            "column user.email: default 1 before, no default after",
            "column user.name: no comment before, comment 'x' after",
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
