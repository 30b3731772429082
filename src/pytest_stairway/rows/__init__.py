"""Rows: made so that they satisfy every constraint, captured around each step, compared by value."""

from __future__ import annotations

from pytest_stairway.rows.capture import RowReader
from pytest_stairway.rows.captured import Rows, TableRows
from pytest_stairway.rows.compare import compare_rows
from pytest_stairway.rows.difference import RowChange, RowDifference
from pytest_stairway.rows.generate import Population, RowGenerator, Unpopulated
from pytest_stairway.rows.known import KnownTable, known_tables
from pytest_stairway.rows.memory import Refusal
from pytest_stairway.rows.supply import Supply
from pytest_stairway.rows.texts import Words, builtin_words, faker_words

__all__ = [
    "KnownTable",
    "Population",
    "Refusal",
    "RowChange",
    "RowDifference",
    "RowGenerator",
    "RowReader",
    "Rows",
    "Supply",
    "TableRows",
    "Unpopulated",
    "Words",
    "builtin_words",
    "compare_rows",
    "faker_words",
    "known_tables",
]
