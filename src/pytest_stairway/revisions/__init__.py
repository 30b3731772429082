"""The revision graph: loaded once, its order, its ranges, and what is wrong with its structure."""

from __future__ import annotations

from pytest_stairway.revisions.history import History, Revision
from pytest_stairway.revisions.loading import load_history
from pytest_stairway.revisions.structure import check_structure

__all__ = ["History", "Revision", "check_structure", "load_history"]
