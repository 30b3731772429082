"""What a look at migrations can say: `Finding` and the public list of its codes.

A code is a slug that explains itself.  Users select, ignore and accept findings by it, so a code is never reused for
something else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

__all__ = ["CODES", "REHEARSED", "Code", "Direction", "Finding", "Severity"]


class Severity(str, Enum):
    """How much a finding weighs."""

    ERROR = "error"
    """Fails the item that it belongs to."""
    WARNING = "warning"
    """Is shown, and fails only under ``--stairway-strict``."""
    INFO = "info"
    """Is shown in reports."""


class Direction(str, Enum):
    """The step at which something was found."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REUPGRADE = "reupgrade"


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the public list."""

    severity: Severity
    says: str


def _error(says: str) -> Code:
    return Code(Severity.ERROR, says)


def _warning(says: str) -> Code:
    return Code(Severity.WARNING, says)


CODES: dict[str, Code] = {
    "unloadable-revision": _error("a revision file cannot be imported"),
    "environment-failed": _error(
        "`env.py`, the ini file or its logging section cannot be used: the line, the cause, what Alembic expects there"
    ),
    "missing-parent": _error("`down_revision` or `depends_on` names a revision that does not exist"),
    "duplicate-revision": _error("two files carry one revision id"),
    "revision-cycle": _error("revisions depend on each other in a loop"),
    "multiple-heads": _error("more heads than the configuration allows"),
    "revision-id-too-long": _error("the id does not fit the version table's column on this dialect"),
    "upgrade-failed": _error(
        "`upgrade()` raised; says whether it does so only when a table has rows, and which one; a warning where "
        "only rows that were made up are in its way"
    ),
    "downgrade-failed": _error("`downgrade()` raised"),
    "reupgrade-failed": _error("`upgrade()` worked once but not after the downgrade"),
    "irreversible": _warning("`downgrade()` declares that it cannot; the walk goes on"),
    "schema-not-restored": _error("after the downgrade the schema is not what it was before the upgrade"),
    "schema-not-repeated": _error("the second upgrade gives another schema than the first"),
    "rows-lost": _error("rows that were there before are gone after up and down, though the table itself stayed"),
    "values-not-restored": _error(
        "values that were there before differ after up and down, in columns that the upgrade itself did not drop"
    ),
    "data-dropped": _warning(
        "the upgrade drops a column or table that holds data, or the downgrade drops what upgrades filled and will not "
        "fill the same way again"
    ),
    "values-overwritten": _warning("the upgrade changes values, not NULL, that were there before"),
    "rows-deleted": _warning("the upgrade deletes rows"),
    "not-repeatable": _warning("the second upgrade fills other values than the first (random codes, the clock)"),
    "not-populated": _warning(
        "a table could not be given rows, so nothing is known about its data; says why and how to supply rows"
    ),
    "release-failed": _error("upgrading from a released revision to the heads in one run fails, as a deployment would"),
    "release-differs": _error("upgrading in one run gives another schema than upgrading one by one"),
    "model-drift": _error(
        "the migrated database and `target_metadata` differ: each difference is named, with the operations that would "
        "mend it"
    ),
    "leftovers": _error("objects are left when every revision has been downgraded; says which revision made them"),
    "offline-failed": _error("the SQL for `alembic upgrade --sql` cannot be written, or fails when it is run"),
    "offline-differs": _error(
        "that SQL runs, but gives another schema or other rows than `alembic upgrade` or `alembic downgrade`"
    ),
    "offline-unstable": _warning(
        "written twice, that SQL is not the same: a clock or a random value is frozen into it"
    ),
    "fails-at-volume": _error(
        "the upgrade or downgrade works on a few rows and fails on many: collisions, overflow, timeouts"
    ),
    "lock-upgrade": _warning(
        "a transaction takes a weaker lock on a table, then a stronger one: deadlock-prone under traffic"
    ),
    "blocks-reads": _warning("readers and writers of a table wait: how long, at how many rows, for which statement"),
    "blocks-writes": _warning("writers of a table wait: how long, at how many rows, for which statement"),
    "table-rewrite": _warning("a statement writes a whole table anew"),
    "unused-rows": _warning("the rows file names a table or a column that no revision has"),
    "refused-rows": _warning("the database does not take a row or a value of the rows file"),
    "unused-acceptance": _warning("something is accepted or declared that no longer happens"),
}
"""Every code with its severity and what it says; the table in the documentation is made from it."""

REHEARSED = frozenset({"fails-at-volume", "lock-upgrade", "blocks-reads", "blocks-writes", "table-rewrite"})
"""The codes of which only a rehearsal on many rows can tell; a walk says nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    Raises:
        KeyError: the code is not one of `CODES`.
    """

    code: str
    """One of `CODES`."""
    message: str
    """In words: what was expected and what was found."""
    severity: Severity = field(default=None)  # type: ignore[assignment]  # the code's own unless given
    """The code's own unless given."""
    revision: str | None = None
    """The revision's full identifier; None for the history as a whole."""
    direction: Direction | None = None
    dialect: str | None = None
    """SQLAlchemy's name of the dialect, where the finding depends on one."""
    object: str | None = None
    """What it is about: ``table author, column ref_code``."""
    hint: str | None = None
    """The remedy, or the option by which the finding is accepted."""
    path: str | None = None
    """The file it stands in, as the user would write it."""
    line: int | None = None
    """The line in `path`, from 1."""
    detail: str | None = None
    """The migration's own frames and statement, on several lines."""
    accepted: bool = False
    """Somebody said, with a reason, that this is by design."""
    reason: str | None = None
    """Why it is accepted."""

    def __post_init__(self) -> None:
        code = CODES[self.code]
        if self.severity is None:
            object.__setattr__(self, "severity", code.severity)

    def as_dict(self) -> dict[str, Any]:
        """Give the finding as plain data, as JSON has it."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """Read what `as_dict` gave."""
        direction = Direction(data["direction"]) if data["direction"] else None
        return cls(**{**data, "severity": Severity(data["severity"]), "direction": direction})


def _plain(value: Any) -> Any:
    """Give what a serializer knows: no member of an enumeration, and no phrase."""
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, str) else value
