"""Estimates how often a migration that draws values by lot makes two rows collide.

The failed transaction is played once more without the unique key, and what it leaves is counted: of n values drawn
from D, n (n - 1) / 2 D pairs are expected to be equal, whatever the expression is that draws them.
"""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError

from pytest_stairway.phrases import phrase
from pytest_stairway.rehearsal.keys import named_key, told_key
from pytest_stairway.rehearsal.model import Estimate, Failure
from pytest_stairway.rows.backend import display_name, quote, run
from pytest_stairway.rows.postgresql_relations import default_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pytest_stairway.rehearsal.keys import Key, UniqueColumn
    from pytest_stairway.rehearsal.watching import Sent

__all__ = ["estimate_chance", "estimate_collision", "likely_values"]

DRAWS = 3
"""How often is drawn at most, until two values are equal."""
FEW = 10
"""Fewer equal pairs say little."""
MOST = 0.9
"""Such a share of the values must look alike: those that were there before need not."""
SAMPLE = 2000
"""So many values show what they look like."""
TOLERANCE = 2.0
"""By this factor may what was counted differ from what the values look like."""

_ALPHABETS = (
    (phrase("digits"), 10, "[0-9]"),
    (phrase("hex characters"), 16, "[0-9a-f]"),
    (phrase("hex characters"), 16, "[0-9A-F]"),
    (phrase("lower-case letters"), 26, "[a-z]"),
    (phrase("capital letters"), 26, "[A-Z]"),
    (phrase("lower-case letters and digits"), 36, "[0-9a-z]"),
    (phrase("capital letters and digits"), 36, "[0-9A-Z]"),
    (phrase("letters"), 52, "[A-Za-z]"),
    (phrase("letters and digits"), 62, "[0-9A-Za-z]"),
)
_NUMBERS = (
    phrase("no"),
    phrase("one"),
    phrase("two"),
    phrase("three"),
    phrase("four"),
    phrase("five"),
    phrase("six"),
    phrase("seven"),
    phrase("eight"),
    phrase("nine"),
    phrase("ten"),
    phrase("eleven"),
    phrase("twelve"),
)


class _Drawn(NamedTuple):
    """What one draw gave."""

    values: int
    pairs: int
    """Pairs of rows with equal keys."""
    duplicates: int
    digest: int
    """The same for the same values."""


def estimate_collision(connection: Connection, sent: Sequence[Sent], failure: Failure) -> Estimate | None:
    """Estimate how often a step fails because two rows have one key.

    Args:
        connection: to the database as it was before the step; everything is taken back.
        sent: the step's statements, as they were sent, up to the one that failed.
        failure: of that one.

    Returns:
        None where it was no collision, or cannot be played once more.
    """
    return _weigh(connection, sent, failure) if failure.is_collision and sent else None


def estimate_chance(connection: Connection, sent: Sequence[Sent], place: UniqueColumn) -> Estimate | None:
    """Estimate how often a step fails that has just passed, because it fills a unique key by lot.

    Args:
        connection: to the database as it was before the step; everything is taken back.
        sent: the step's statements, as they were sent.
        place: what it fills.

    Returns:
        None where nothing is drawn by lot, or the statements cannot be played once more.
    """
    passed = Failure(words="", table=f"{place.schema}.{place.table}", constraint=place.index)
    estimate = _weigh(connection, sent, passed) if sent else None
    return estimate if estimate is not None and estimate.by_lot else None


def _weigh(connection: Connection, sent: Sequence[Sent], failure: Failure) -> Estimate | None:
    """Play the statements a few times, and see how often values are equal."""
    draws: list[_Drawn] = []
    while len(draws) < 2 or (len(draws) < DRAWS and not any(draw.pairs for draw in draws)):  # noqa: PLR2004 - to compare
        found = _draw_and_take_back(connection, sent, failure)
        if found is None:
            return None
        key, drawn, likely = found
        draws.append(drawn)
    table = display_name(key.schema, key.name, default_schema(connection))
    return _estimate(table, failure.constraint, key, draws, likely)


def _draw_and_take_back(
    connection: Connection, sent: Sequence[Sent], failure: Failure
) -> tuple[Key, _Drawn, tuple[str, int] | None] | None:
    run(connection, "SAVEPOINT stairway_draw")
    try:
        key = _play(connection, sent, failure)
        return (
            None if key is None else (key, _count(connection, key), likely_values(connection, key.table, key.columns))
        )
    except DBAPIError:
        return None  # a statement that cannot be sent once more, by another driver or at all
    finally:
        run(connection, "ROLLBACK TO SAVEPOINT stairway_draw")


def _play(connection: Connection, sent: Sequence[Sent], failure: Failure) -> Key | None:
    """Send the statements once more; the unique key goes as soon as it is there."""
    *first, last = sent
    key = _without_key(connection, failure)
    for each in first:
        _send(connection, each)
        key = key or _without_key(connection, failure)
    if key is None and failure.is_collision:
        return told_key(connection, failure)  # the last statement was to make it
    _send(connection, last)
    return key or _without_key(connection, failure)


def _without_key(connection: Connection, failure: Failure) -> Key | None:
    key = named_key(connection, failure)
    if key is not None:
        run(connection, f"{key.drop} CASCADE")
    return key


def _send(connection: Connection, sent: Sent) -> None:
    connection.exec_driver_sql(sent.sql, sent.parameters or None)


def _count(connection: Connection, key: Key) -> _Drawn:
    names = ", ".join(map(quote, key.columns))
    known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in key.columns)
    query = f"""
        SELECT coalesce(sum(n), 0)::int8, coalesce(sum(n * (n - 1) / 2), 0)::int8, coalesce(sum(n - 1), 0)::int8,
         coalesce(sum(digest), 0)::text
        FROM (SELECT count(*) AS n, count(*) * hashtext(ROW({names})::text)::int8 AS digest
              FROM {key.table} WHERE {known} GROUP BY {names}) AS counted"""
    values, pairs, duplicates, digest = run(connection, query)[0]
    return _Drawn(values, pairs, duplicates, int(digest))


def likely_values(connection: Connection, table: str, columns: Sequence[str]) -> tuple[str, int] | None:
    """Tell what texts of one length look like they are drawn from.

    Args:
        connection: where.
        table: what stands after FROM.
        columns: of the key.

    Returns:
        In words, and how many values there are; None where nothing is to be seen.
    """
    if len(columns) != 1:
        return None
    texts = _some_values(connection, table, quote(columns[0]))
    length = statistics.mode(map(len, texts)) if texts else 0
    if not 0 < length < len(_NUMBERS):
        return None
    for name, size, pattern in _ALPHABETS:
        fits = re.compile(f"{pattern}{{{length}}}").fullmatch
        if sum(1 for text in texts if fits(text)) > MOST * len(texts):
            power = f"{size}^{length}"
            said = phrase(
                "%(count)s %(characters)s are %(power)s values", count=_NUMBERS[length], characters=name, power=power
            )
            return said, size**length
    return None


def _some_values(connection: Connection, table: str, column: str) -> list[str]:
    """Read a few values from anywhere in a table; all of them where there are few."""
    query = f"""
        SELECT left({column}::text, {len(_NUMBERS)}) FROM {table}
        WHERE {column} IS NOT NULL AND random() * (SELECT count(*) FROM {table}) < {SAMPLE}"""
    return [text for (text,) in run(connection, query)]


def _estimate(
    table: str, constraint: str | None, key: Key, draws: Sequence[_Drawn], likely: tuple[str, int] | None
) -> Estimate | None:
    pairs = sum(draw.pairs for draw in draws)
    tries = sum(draw.values * (draw.values - 1) / 2 for draw in draws)
    counted = tries / pairs if pairs else None
    fits = likely is not None and (counted is None or pairs < FEW or 1 / TOLERANCE < likely[1] / counted < TOLERANCE)
    values = likely[1] if likely is not None and fits else counted
    if values is None:
        return None
    return Estimate(
        table=table,
        columns=key.columns,
        constraint=constraint,
        values=values,
        description=likely[0] if likely is not None and fits else None,
        drawn=draws[0].values,
        duplicates=max(draw.duplicates for draw in draws),
        by_lot=len({draw.digest for draw in draws}) > 1,
    )
