"""The options of ``stairway handoff`` alone, found as all others are: command line, environment, ini file."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pytest_stairway.exceptions import UsageError
from pytest_stairway.settings import Option, find_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HANDOFF_OPTIONS", "LANGUAGES", "HandoffSettings", "resolve_handoff"]

LANGUAGES = ("en", "ru")
TRANSACTIONS = ("all", "each")
_DURATION = re.compile(r"\d+ *(us|ms|s|min|h|d)?")

HANDOFF_OPTIONS: tuple[Option, ...] = (
    Option(
        name="handoff_output",
        metavar="DIR",
        default="release",
        help="the folder of the bundle; one that an earlier run has written is replaced (default: release)",
    ),
    Option(
        name="handoff_from_dump",
        metavar="FILE",
        help="prove the files on a database restored from this dump (pg_dump's, in any format, also with "
        "--schema-only), instead of one that the migrations have made",
    ),
    Option(
        name="handoff_transaction",
        metavar="all|each",
        help="one transaction for all revisions, or one for each (default: what env.py says)",
    ),
    Option(
        name="handoff_lock_timeout",
        metavar="TIME",
        default="5s",
        help="how long a statement may wait for a lock, with everybody else waiting behind it; 0 for ever "
        "(default: 5s)",
    ),
    Option(
        name="handoff_statement_timeout",
        metavar="TIME",
        default="15min",
        help="how long a statement may take; 0 for ever (default: 15min)",
    ),
    Option(
        name="handoff_rehearse",
        kind="number",
        metavar="ROWS",
        default=1000,
        least=0,
        help="how many rows each table gets for the rehearsal, which tells seconds and locks: as many as production "
        "has, or 0 for no rehearsal (default: 1000)",
    ),
    Option(
        name="handoff_language",
        metavar="en|ru",
        default="en",
        help="the language of README.md, report.html, and what is ours in the SQL files: comments, and what the guard "
        "says",
    ),
)
"""Every option, in the order in which the documentation lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffSettings:
    """The options' values."""

    handoff_output: str = "release"
    handoff_from_dump: str | None = None
    handoff_transaction: str | None = None
    handoff_lock_timeout: str = "5s"
    handoff_statement_timeout: str = "15min"
    handoff_rehearse: int = 1000
    handoff_language: str = "en"

    @property
    def per_migration(self) -> bool | None:
        """Whether each revision gets a transaction of its own; None where `env.py` decides."""
        return None if self.handoff_transaction is None else self.handoff_transaction == "each"


def resolve_handoff(
    command_line: Callable[[Option], Any], ini: Callable[[Option], Any], environ: Mapping[str, str] | None = None
) -> HandoffSettings:
    """Find each option's value.

    Raises:
        UsageError: one of them cannot be used; the message says where it stands and what is allowed.
    """
    values, sources = find_values(HANDOFF_OPTIONS, command_line, ini, environ)
    values = {name: value for name, value in values.items() if value is not None}
    for name, allowed in (("handoff_language", LANGUAGES), ("handoff_transaction", TRANSACTIONS)):
        if name in values and values[name] not in allowed:
            raise UsageError(f"{sources[name]} takes {' or '.join(allowed)}, not {values[name]!r}")
    for name in ("handoff_lock_timeout", "handoff_statement_timeout"):
        if name in values and not _DURATION.fullmatch(values[name]):
            raise UsageError(
                f"{sources[name]} takes a duration of PostgreSQL's (5s, 500ms, 2min), not {values[name]!r}"
            )
    return HandoffSettings(**values)


assert {option.name for option in HANDOFF_OPTIONS} == {field.name for field in fields(HandoffSettings)}
