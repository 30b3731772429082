"""What can go wrong around a walk, with the values in attributes.

A fault *in* a migration is never one of these: it is a `Finding`.  These are for what keeps us from looking: a
mistyped option, no database to be had, a connection that must not be made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.phrases import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stairway.findings import Finding

__all__ = [
    "ConnectionRefused",
    "DatabaseUnavailable",
    "DriverUnusable",
    "HistoryUnusable",
    "StairwayError",
    "UsageError",
    "chain_of",
]


class StairwayError(Exception):
    """Base of every error that this package raises on purpose."""


class UsageError(StairwayError):
    """An option, a range or a marker argument that cannot be used; the message names it and what is allowed."""


class DatabaseUnavailable(StairwayError):
    """No throwaway database can be had; the message lists each way, why it failed, and the command that mends it."""


class DriverUnusable(DatabaseUnavailable):
    """The driver lacks what this server asks of it, however long one waits; the message says what to install."""


class ConnectionRefused(StairwayError):
    """Something tried to reach a database that is not the throwaway one.

    Attributes:
        address: where it wanted to go, without its password.
        said: what was refused, and the address.
        remedy: what the user can do about it.
    """

    def __init__(self, message: str, *, address: str, remedy: str) -> None:
        super().__init__(f"{message}: {address}. {remedy}")
        self.address = address
        self.said = joined([message, address], ": ")
        self.remedy = remedy


class HistoryUnusable(StairwayError):
    """The history or its environment cannot be loaded; `findings` says where and why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Follow what an error was raised from; an application that unwraps errors can close the chain to a ring."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
