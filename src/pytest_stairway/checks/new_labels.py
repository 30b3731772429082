"""Tells which labels a revision adds to enum types: before the next revision, only rows that are made up hold them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.revisions.source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stairway.revisions import Revision

__all__ = ["labels_added_by"]

_ADDED = re.compile(r"\bADD\s+VALUE\s+(?:IF\s+NOT\s+EXISTS\s+)?\\?'((?:[^'\n]|'')*?)\\?'(?!')", re.IGNORECASE)


def labels_added_by(revisions: Iterable[Revision]) -> frozenset[str]:
    """Find the labels that revisions add by ``ALTER TYPE … ADD VALUE``, as their files have it.

    Args:
        revisions: some revisions.
    """
    texts = (read_text(revision.path) for revision in revisions)
    return frozenset(label.replace("''", "'") for text in texts for label in _ADDED.findall(text))
