"""Which columns a trigger sets whenever a row is written."""

from __future__ import annotations

import pytest

from pytest_stairway.checks.touching import is_filled_by_trigger, is_set_by_trigger
from pytest_stairway.schema import Key, Schema

TRIGGER = "BEFORE UPDATE ON public.author FOR EACH ROW EXECUTE FUNCTION public.touch()"


def schema(trigger: str, function: str = "") -> Schema:
    parts = {
        "relation public.author": {Key("trigger", "touching", "author"): {"definition": trigger}},
        "group functions": {Key("function", "touch()"): {"definition": function}},
    }
    return Schema("postgresql", parts, "public")


@pytest.mark.parametrize(
    "function",
    [
        "BEGIN NEW.updated_at = now(); RETURN NEW; END",
        "BEGIN new.updated_at := now(); RETURN NEW; END",
        'BEGIN NEW."updated_at" := clock_timestamp(); RETURN NEW; END',
        "BEGIN NEW.updated_at = timezone('utc', now()); RETURN NEW; END",
        "BEGIN NEW.updated_at := (current_timestamp AT TIME ZONE 'UTC'); RETURN NEW; END",
        "BEGIN NEW.updated_at = OLD.updated_at + 1; RETURN NEW; END",
    ],
)
def test_the_function_that_a_trigger_calls_sets_the_column(function: str) -> None:
    assert is_set_by_trigger(schema(TRIGGER, function), "author", "updated_at")


@pytest.mark.parametrize(
    "trigger",
    [
        "AFTER UPDATE ON author BEGIN UPDATE author SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id; END",
        "AFTER UPDATE ON author BEGIN UPDATE author SET name = name, `updated_at` = datetime() WHERE id = NEW.id; END",
        "BEFORE UPDATE SET NEW.updated_at = NOW()",
    ],
)
def test_the_trigger_itself_sets_the_column(trigger: str) -> None:
    assert is_set_by_trigger(schema(trigger), "author", "updated_at")


@pytest.mark.parametrize(
    ("trigger", "function"),
    [
        (TRIGGER, "BEGIN IF NEW.updated_at == OLD.updated_at THEN RETURN NULL; END IF; RETURN NEW; END"),
        (TRIGGER, "BEGIN NEW.last_updated_at = now(); RETURN NEW; END"),
        (TRIGGER, "BEGIN NEW.updated_at = date_trunc('day', NEW.updated_at); NEW.seen_at = now(); RETURN NEW; END"),
        ("BEFORE UPDATE SET NEW.updated_at = UPPER(NEW.updated_at), NEW.seen_at = NOW()", ""),
        (TRIGGER.replace("touch", "other"), "BEGIN NEW.updated_at = now(); RETURN NEW; END"),
        (TRIGGER.replace("UPDATE", "INSERT"), "BEGIN NEW.updated_at = now(); RETURN NEW; END"),
        ("AFTER UPDATE ON author BEGIN DELETE FROM log WHERE updated_at = 1; END", ""),
    ],
)
def test_what_does_not_set_it_is_no_excuse(trigger: str, function: str) -> None:
    assert not is_set_by_trigger(schema(trigger, function), "author", "updated_at")


def test_a_trigger_of_another_table_is_no_excuse() -> None:
    assert not is_set_by_trigger(schema(TRIGGER, "BEGIN NEW.updated_at = now(); END"), "writer", "updated_at")


@pytest.mark.parametrize(
    ("trigger", "function"),
    [
        (TRIGGER, "BEGIN INSERT INTO audit (author_id) VALUES (NEW.id); RETURN NEW; END"),
        (TRIGGER, 'BEGIN INSERT INTO public."audit" SELECT NEW.*; RETURN NEW; END'),
        ("AFTER UPDATE ON author BEGIN INSERT INTO audit VALUES (NEW.id); END", ""),
    ],
)
def test_a_trigger_of_any_table_fills_another(trigger: str, function: str) -> None:
    assert is_filled_by_trigger(schema(trigger, function), "audit")


@pytest.mark.parametrize("function", ["BEGIN INSERT INTO audits VALUES (1); END", "BEGIN DELETE FROM audit; END", ""])
def test_what_inserts_elsewhere_does_not_fill_it(function: str) -> None:
    assert not is_filled_by_trigger(schema(TRIGGER, function), "audit")
