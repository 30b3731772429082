"""Puts a bundle's story into words: README.md for whoever runs the files, report.html for whoever decides about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from pytest_stairway.handoff.catalogue import translations
from pytest_stairway.handoff.words import CHECKS, CHECKS_OF_SCHEMA
from pytest_stairway.phrases import figure, joined, say

if TYPE_CHECKING:
    from pytest_stairway.handoff.story import Story
    from pytest_stairway.phrases import Language

__all__ = ["render_html", "render_readme"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")
_EMPTY_LINES = re.compile(r"\n{3,}")


def render_readme(story: Story) -> str:
    """Write README.md."""
    checks = CHECKS if story.evidence.compares_rows else CHECKS | CHECKS_OF_SCHEMA
    text = _templates(translations(story.language)).get_template("README.md.j2").render(s=story, checks=checks)
    return _EMPTY_LINES.sub("\n\n", text).strip() + "\n"


def render_html(story: Story, readme: str) -> str:
    """Write report.html: the README and the files themselves, on one page that needs nothing else."""
    body = Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(readme))  # noqa: S704 - it escapes
    return _templates(translations(story.language), html=True).get_template("report.html.j2").render(s=story, body=body)


def _templates(language: Language, *, html: bool = False) -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_stairway.handoff", "texts"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701 - Markdown is escaped by the filters below
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(language, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "code": lambda text: _code(say(text, language)),
        "figure": lambda number, form: say(figure(number, form), language),
        "row": lambda parts: joined(parts, "; "),
        "text": lambda text: _text(say(text, language)),
    }
    return environment


def _code(text: str) -> str:
    """Write Markdown's code, in a line and in a table's cell; nothing for nothing."""
    if not text:
        return ""
    text = " ".join(text.split()).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _text(text: str) -> str:
    """Write a text in which nothing is Markdown's."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
