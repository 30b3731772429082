"""The porter: whoever knocks gets the one address, and nobody waits for somebody who is gone."""

from __future__ import annotations

import secrets
import threading
from multiprocessing.connection import Client

import pytest

from pytest_stairway.plugin.porter import Porter, ask_porter


def test_everybody_gets_the_same_address() -> None:
    asked = []

    def find_address() -> str:
        asked.append(threading.get_ident())
        return "here"

    porter = Porter(find_address)
    assert [ask_porter(porter.door) for _ in range(3)] == ["here"] * 3
    assert len(asked) == 3
    porter.close()


def test_where_there_is_no_server_there_is_no_address() -> None:
    def find_address() -> str:
        raise RuntimeError("no server")

    porter = Porter(find_address)
    assert ask_porter(porter.door) is None
    assert ask_porter(porter.door) is None
    porter.close()


def test_strangers_and_those_who_leave_are_no_trouble() -> None:
    porter = Porter(lambda: "here")
    place, key = porter.door
    assert ask_porter((place, secrets.token_bytes(16).hex())) is None
    Client(place, authkey=bytes.fromhex(key)).close()
    assert ask_porter(porter.door) == "here"
    porter.close()


@pytest.mark.parametrize("times", [1, 2])
def test_after_closing_time_nobody_answers(times: int) -> None:
    porter = Porter(lambda: "here")
    for _ in range(times):
        porter.close()
    assert ask_porter(porter.door) is None
