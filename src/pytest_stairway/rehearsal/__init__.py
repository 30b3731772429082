"""Rehearsals: a revision up and down on as many rows as production has, watched statement by statement."""

from __future__ import annotations

from pytest_stairway.rehearsal.filling import Filler
from pytest_stairway.rehearsal.locks import Lock
from pytest_stairway.rehearsal.model import (
    Estimate,
    Failure,
    Filling,
    Passing,
    Rehearsal,
    Run,
    Statement,
    TableLock,
    TableWork,
)
from pytest_stairway.rehearsal.rehearse import rehearse
from pytest_stairway.rehearsal.running import Watched, prepare, watch

__all__ = [
    "Estimate",
    "Failure",
    "Filler",
    "Filling",
    "Lock",
    "Passing",
    "Rehearsal",
    "Run",
    "Statement",
    "TableLock",
    "TableWork",
    "Watched",
    "prepare",
    "rehearse",
    "watch",
]
