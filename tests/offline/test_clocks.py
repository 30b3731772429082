"""Moments of today in SQL, which a clock has put there unless they stand in the revision file."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.offline.clocks import dated_today
from pytest_stairway.offline.rendering import Part, Statement

if TYPE_CHECKING:
    from collections.abc import Callable


def statement(value: str) -> Statement:
    return Statement(text=f"UPDATE notes SET made = {value};", part=Part.MIGRATION, step=0)


WRITTEN: dict[str, Callable[[dt.datetime], str]] = {
    "a date": lambda now: now.date().isoformat(),
    "a date with points": lambda now: f"{now:%d.%m.%Y}",
    "a date with strokes": lambda now: f"{now:%d/%m/%Y}",
    "the month first": lambda now: f"{now:%m/%d/%Y}",
    "digits only": lambda now: f"{now:%Y%m%d}",
    "seconds": lambda now: str(int(now.timestamp())),
    "seconds and more": lambda now: f"{now.timestamp():.3f}",
    "milliseconds": lambda now: str(int(now.timestamp() * 1000)),
}


@pytest.fixture(params=WRITTEN.values(), ids=list(WRITTEN))
def value(request: pytest.FixtureRequest) -> str:
    """Return this moment, taken now: the day may have changed since the tests were collected."""
    written: str = request.param(dt.datetime.now().astimezone())
    return written


def test_a_moment_of_today_is_found_however_it_is_written(value: str) -> None:
    assert dated_today([statement(value)], "") is not None


def test_what_stands_in_the_file_comes_from_no_clock(value: str) -> None:
    assert dated_today([statement(value)], f"op.execute('UPDATE notes SET made = {value}')") is None


@pytest.mark.parametrize(
    "other", ["1999-12-31", "31.12.1999", "1234567890", "4155551234", "12345678901", "0.1795294807"]
)
def test_other_days_and_numbers_are_left_alone(other: str) -> None:
    assert dated_today([statement(other)], "") is None
