"""What a driver's error says besides its message: the state, and which table and constraint it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stairway.exceptions import chain_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Complaint", "complaint_of", "number_of", "sqlstate_of"]


_FIRST_NUMBER = 1000
"""Of those servers' own; lower ones are the operating system's."""


class Complaint(NamedTuple):
    """What the server said, in its own fields."""

    sqlstate: str | None = None
    schema: str | None = None
    table: str | None = None
    constraint: str | None = None


def complaint_of(error: BaseException) -> Complaint:
    """Find what the server said, in an error or in what it was raised from."""
    found = Complaint()
    for each in _with_originals(error):
        told = getattr(each, "diag", each)
        fields = _dictionary_of(each)
        found = Complaint(  # an adapter around a driver may know the state only
            found.sqlstate or sqlstate_of(each),
            found.schema or getattr(told, "schema_name", None) or fields.get("s"),
            found.table or getattr(told, "table_name", None) or fields.get("t"),
            found.constraint or getattr(told, "constraint_name", None) or fields.get("n"),
        )
    return found


def sqlstate_of(error: BaseException) -> str | None:
    """Give the five characters by which PostgreSQL names an error, from any driver; None where there are none."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or _dictionary_of(error).get("C")
    return str(state) if state else None


def number_of(error: BaseException) -> int | None:
    """Give the number by which MariaDB or MySQL names an error, from any driver; None where there is none."""
    original = getattr(error, "orig", None) or error
    number = getattr(original, "errno", None) or next(iter(getattr(original, "args", ())), None)
    return number if isinstance(number, int) and number >= _FIRST_NUMBER else None


def _with_originals(error: BaseException) -> Iterator[BaseException]:
    for each in chain_of(error):
        original = getattr(each, "orig", None)
        if isinstance(original, BaseException):
            yield from chain_of(original)
        yield each


def _dictionary_of(error: BaseException) -> dict[str, Any]:
    """Give what pg8000 raises instead of attributes."""
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}
