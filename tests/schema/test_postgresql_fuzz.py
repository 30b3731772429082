"""Random DDL: what is read after a step is what reading everything gives."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from pytest_stairway.schema import compare_schemas

from .postgresql_ddl import SETTING, statement
from .postgresql_lab import end_step

if TYPE_CHECKING:
    from .postgresql_lab import Lab

SEED = int(os.environ.get("STAIRWAY_FUZZ_SEED", "1"))
STEPS = int(os.environ.get("STAIRWAY_FUZZ_STEPS", "200"))


@pytest.mark.parametrize("mode", ["plain", "savepoints"])
def test_what_is_read_after_a_step_is_all_there_is(lab: Lab, mode: str) -> None:
    """Savepoints let a step go on after a statement that fails, and make transactions unlike those expected."""
    random = Random(f"{mode} {SEED}")
    lab.run(*SETTING)
    lab.read()
    incremental = 0
    for _ in range(STEPS):
        statements = [statement(random) for _ in range(random.choice((1, 1, 2)))]
        taken = take(lab, statements) if mode == "plain" else take_what_works(lab, statements)
        if not taken:
            lab.connection.rollback()
            lab.read(thorough=True)
            continue
        incremental += lab.reader.touched_tables is not None
        found, everything = lab.read(), lab.full()
        assert found == everything, (taken, [each.words() for each in compare_schemas(everything, found)])
    assert incremental > STEPS // 10


def take(lab: Lab, statements: list[str]) -> list[str]:
    """Run a step; nothing of it stays where a statement fails."""
    try:
        lab.step(*statements)
    except DBAPIError:
        return []
    return statements


def take_what_works(lab: Lab, statements: list[str]) -> list[str]:
    """Run a step, without the statements that fail."""
    connection = lab.connection
    taken = []
    lab.reader.begin_step(connection)
    for each in statements:
        savepoint = connection.begin_nested()
        try:
            connection.exec_driver_sql(each, execution_options={"no_parameters": True})
        except DBAPIError:
            savepoint.rollback()
        else:
            savepoint.commit()
            taken.append(each)
    end_step(lab.reader, connection)
    return taken
