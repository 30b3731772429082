"""Every text of a bundle stands in each language's catalogue, and nothing else does."""

# ruff: noqa: RUF001 - Russian

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

import pytest
from babel.messages.extract import extract, extract_from_dir
from babel.messages.pofile import read_po

import pytest_stairway
from pytest_stairway.handoff.catalogue import translations
from pytest_stairway.handoff.settings import LANGUAGES
from pytest_stairway.handoff.words import ATTRIBUTES, CHECKS, CHECKS_OF_SCHEMA, KINDS, REHEARSED, ROW_CHANGES
from pytest_stairway.phrases import ENGLISH, Phrase, figure, joined, phrase, phrases, say

SOURCE = Path(pytest_stairway.__file__).parent
TEXTS = resources.files("pytest_stairway.handoff").joinpath("texts")
FOREIGN = [language for language in LANGUAGES if language != "en"]
RUSSIAN = translations("ru")


def wanted() -> set[str]:
    """Every text that the templates ask for, and every phrase."""
    found = {*CHECKS.values(), *CHECKS_OF_SCHEMA.values(), *KINDS, *ATTRIBUTES, *REHEARSED, *ROW_CHANGES}
    for template in (each for each in TEXTS.iterdir() if each.name.endswith(".j2")):
        with template.open("rb") as file:
            found |= {first(text) for _, text, *_ in extract("jinja2.ext:babel_extract", file, options={})}
    keywords = {"phrase": None, "phrases": (1, 2)}
    return found | {
        first(text) for _, _, text, *_ in extract_from_dir(SOURCE, [("**.py", "python")], keywords=keywords)
    }


def first(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


@pytest.mark.parametrize("language", FOREIGN)
def test_every_text_is_translated_and_nothing_else_is(language: str) -> None:
    with TEXTS.joinpath(f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    assert {first(message.id) for message in catalogue if message.id} == wanted()
    for message in (each for each in catalogue if each.id):
        text = first(message.id)
        forms = [message.string] if isinstance(message.string, str) else message.string
        assert len(forms) == (catalogue.num_plurals if message.pluralizable else 1), text
        for form in forms:
            assert form, text
            assert set(re.findall(r"%\(\w+\)s", text)) == set(re.findall(r"%\(\w+\)s", form)), text
            assert set(re.findall(r"`[^`]+`", text)) == set(re.findall(r"`[^`]+`", form)), text


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_phrase_is_written_out_where_it_is_made_so_that_it_can_be_found(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("phrase", "phrases"):
            texts = node.args[:1] if node.func.id == "phrase" else node.args[:2]
            assert all(isinstance(text, ast.Constant) for text in texts), f"{path.name}, line {node.lineno}"


@pytest.mark.parametrize(
    ("number", "told"),
    [(1, "1 ревизия"), (3, "3 ревизии"), (11, "11 ревизий"), (1021, "1\N{NO-BREAK SPACE}021 ревизия")],
)
def test_a_number_and_what_it_counts_go_together(number: int, told: str) -> None:
    made = phrases(
        "%(file)s: from %(start)s to %(end)s, %(number)s revision",
        "%(file)s: from %(start)s to %(end)s, %(number)s revisions",
        number,
        file="f",
        start="a",
        end="b",
    )
    assert made == f"f: from a to b, {number:,} revision{'s' if number != 1 else ''}"
    assert say(made, RUSSIAN) == f"f: с a на b, {told}"


def test_only_phrases_and_figures_are_said_in_another_language() -> None:
    inner = phrase("no revision")
    made = phrase("%(revision)s, and what stands above it, could not be rehearsed.", revision=inner)
    assert made == "no revision, and what stands above it, could not be rehearsed."
    assert say(made, RUSSIAN).startswith("base и всё, что выше")
    assert say("no revision", RUSSIAN) == "no revision"
    assert say(joined(["new", inner, figure(1234.5, ",.2f")]), RUSSIAN) == "new, base, 1\N{NO-BREAK SPACE}234,50"
    assert say(joined([]), RUSSIAN) == ""
    assert say(made, ENGLISH) == made
    assert type(str(made)) is str
    assert isinstance(made, Phrase)


def test_a_phrase_without_values_stands_as_it_is() -> None:
    assert phrase("100 % of %(nothing)s") == "100 % of %(nothing)s"
