"""Moments of today in SQL, which a clock has put there unless they stand in the revision file."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from pytest_stairway.offline.clocks import dated_today
from pytest_stairway.offline.rendering import Part, Statement

NOW = dt.datetime.now().astimezone()


def statement(value: str) -> Statement:
    return Statement(text=f"UPDATE notes SET made = {value};", part=Part.MIGRATION, step=0)


WRITTEN = [
    NOW.date().isoformat(),
    f"{NOW:%d.%m.%Y}",
    f"{NOW:%d/%m/%Y}",
    f"{NOW:%m/%d/%Y}",
    f"{NOW:%Y%m%d}",
    str(int(time.time())),
    f"{time.time():.3f}",
    str(int(time.time() * 1000)),
]


@pytest.mark.parametrize("value", WRITTEN)
def test_a_moment_of_today_is_found_however_it_is_written(value: str) -> None:
    assert dated_today([statement(value)], "") is not None


@pytest.mark.parametrize("value", WRITTEN)
def test_what_stands_in_the_file_comes_from_no_clock(value: str) -> None:
    assert dated_today([statement(value)], f"op.execute('UPDATE notes SET made = {value}')") is None


@pytest.mark.parametrize(
    "value", ["1999-12-31", "31.12.1999", "1234567890", "4155551234", "12345678901", "0.1795294807"]
)
def test_other_days_and_numbers_are_left_alone(value: str) -> None:
    assert dated_today([statement(value)], "") is None
