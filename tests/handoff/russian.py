"""Finds the English that is left in a bundle in Russian."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handoff.release_lab import Bundle

_SENTENCE = re.compile(r"(?<![\w`.-])[A-Za-z]?[a-z']+(?:[ ,:;()]+[A-Za-z]?[a-z']+){2,}(?![\w`.-])")
"""Three words or more, one after the other: names of programs, files and commands are fewer."""

ALLOWED = (
    r"```(?:sh|sql)\n.*?```",  # what is to be typed
    r"`` .*? ``|`[^`\n]*`",  # names, statements and what a database said
    r"^\d+\. .*$(?<=[^:.])",  # the revisions' own messages
    r"^ *SQL: .*$",
    r"^ *File .*\n.*$|^ *on \w+$",  # the migrations' own frames
    r"psql \d[\w.]*|\((?:PostgreSQL|MariaDB|SQLite) [^|\n]*?\)+",  # programs and servers, with their versions
)
"""What stays as it is, in README.md."""


def english_in(bundle: Bundle, *, said: Iterable[str] = ()) -> list[str]:
    """Find runs of English words in README.md, in the head of report.html, and in what is ours of the SQL files.

    Args:
        bundle: one in Russian.
        said: regular expressions of what users and databases say.
    """
    texts = [bundle.text("README.md"), *_page(bundle.text("report.html"))]
    texts += [line for name in bundle.names if name.endswith(".sql") for line in _ours(bundle.text(name))]
    found = []
    for text in texts:
        for pattern in (*said, *ALLOWED):
            text = re.sub(pattern, "…", text, flags=re.DOTALL | re.MULTILINE)  # noqa: PLW2901 - step by step
        found += _SENTENCE.findall(text)
    return sorted(set(found))


def _page(page: str) -> Iterator[str]:
    """Give what a page says beside the README."""
    yield from re.findall(r"<title>.*?</title>|<h[123]>.*?</h[123]>|<p class=.*?</p>", page)


def _ours(text: str) -> Iterator[str]:
    """Give what stands in comments and literals of a file, without Alembic's comments."""
    for comment in re.findall(r"--(?! Running) .*", text):
        yield comment.removeprefix("--")
    for literal in re.findall(r"'((?:[^']|'')*)'|CONSTRAINT \"((?:[^\"]|\"\")*)\"", text):
        yield "".join(literal)
