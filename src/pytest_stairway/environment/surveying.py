"""Surveys `env.py` on a database of its own, and tells by which address it comes to its databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox

if TYPE_CHECKING:
    from pytest_stairway.databases import Server
    from pytest_stairway.environment.environment import Survey
    from pytest_stairway.revisions import History

__all__ = ["Surveyed", "survey_alone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A survey, and the addresses that it led to."""

    survey: Survey
    addresses: tuple[str, ...]
    """As a sandbox knows them; several where `env.py` migrates several databases."""


def survey_alone(history: History, server: Server) -> Surveyed:
    """Run `env.py` without any revision on a database that is dropped right after.

    Raises:
        StairwayError: as `Environment.survey`.
    """
    sandbox = Sandbox(lambda _contact: server, label="survey")
    try:
        survey = Environment(history, sandbox=sandbox).survey()
        found = dict.fromkeys(sandbox.address_of(context.url) or "" for context in survey.contexts)
        return Surveyed(survey=survey, addresses=tuple(found))
    finally:
        sandbox.reset()
