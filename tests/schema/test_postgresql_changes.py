"""Each kind of change to a PostgreSQL schema is seen, in words, and by the reader that looks only at what moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .postgresql_cases import ADDED, BASE, Case
from .postgresql_lab import told

if TYPE_CHECKING:
    from .postgresql_lab import Lab


@pytest.mark.parametrize("case", ADDED.values(), ids=list(ADDED))
def test_a_change_is_told(lab: Lab, case: Case) -> None:
    lab.run(*BASE, *filter(None, case.before.split("; ")))
    before = lab.read()
    after = lab.step(*statements(case.change))
    assert after == lab.full()
    words = [
        line.replace(" after the downgrade", "").replace(" postgres ", " postgres ") for line in told(before, after)
    ]
    expected = case.told.split("\n")
    assert len(words) == len(expected), words
    assert all(word.startswith(start) for word, start in zip(sorted(words), sorted(expected), strict=True)), words


def statements(text: str) -> list[str]:
    """Split at semicolons, but those of a body."""
    return [text] if text.startswith("DO ") else text.split("; ")
