"""The baseline file: findings that a history is adopted with, each accepted with a reason.

```toml
version = 1

[[accepted]]
code = "schema-not-restored"
revision = "a5390146783a"
direction = "downgrade"
object = "enum type status"
reason = "as it stood when the baseline was written"
```

An entry speaks of every finding with its code, revision, direction and object, whatever the message says.  The entries
are sorted by these, so that two versions of the file compare well.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.exceptions import UsageError
from pytest_stairway.findings import CODES, Direction, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["FILE_NAME", "REASON", "Acceptance", "Baseline", "merge", "read_baseline", "write_baseline"]

FILE_NAME = "stairway-baseline.toml"
"""What it is called next to Alembic's configuration."""

VERSION = 1
REASON = "as it stood when the baseline was written"
"""Of every entry, until somebody writes a better one."""

HEADER = """\
# What pytest-stairway finds in this history, and what is accepted as it stands: only what is new fails.
# Written by `stairway baseline`, which keeps the reasons that you write here.

version = 1
"""

KEYS = ("code", "revision", "direction", "object", "reason")
DIRECTIONS = tuple(direction.value for direction in Direction)
_TABLE = re.compile(r"^\s*\[\[\s*accepted\s*\]\]")

Subject = tuple[str, str, str, str]
"""Revision, direction, code and object, by which findings are told apart; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """One entry."""

    code: str
    reason: str
    revision: str | None = None
    """None for the history as a whole."""
    direction: str | None = None
    object: str | None = None
    line: int | None = None
    """Where the entry stands in the file, from 1."""

    @property
    def subject(self) -> Subject:
        """What it speaks of."""
        return self.revision or "", self.direction or "", self.code, self.object or ""

    @classmethod
    def of(cls, finding: Finding, reason: str) -> Acceptance:
        """Accept a finding."""
        direction = finding.direction.value if finding.direction else None
        return cls(
            code=finding.code, reason=reason, revision=finding.revision, direction=direction, object=finding.object
        )


class Baseline:
    """The entries of one file.

    Args:
        path: the file; None where there is none.
        entries: what it accepts.
    """

    def __init__(self, path: Path | None = None, entries: Iterable[Acceptance] = ()) -> None:
        self.path = path
        self.entries = tuple(entries)
        self._by_subject = {entry.subject: entry for entry in self.entries}

    def entry_for(self, finding: Finding) -> Acceptance | None:
        """Find the entry that accepts a finding; nothing accepts an acceptance that is not needed."""
        if finding.code == "unused-acceptance" or finding.severity is Severity.INFO:
            return None
        return self._by_subject.get(Acceptance.of(finding, "").subject)


def read_baseline(path: Path, *, source: str) -> Baseline:
    """Read a baseline.

    Args:
        path: the file.
        source: the option that names it.

    Raises:
        UsageError: it is not there, or not what a baseline is; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = _toml().loads(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"the baseline {path} ({source}) cannot be read: {why}") from error
    more = document.keys() - {"version", "accepted"}
    if document.get("version") != VERSION or more:
        found = f"{', '.join(sorted(more))} in it" if more else f"version {document.get('version')}"
        raise UsageError(
            f"{path} ({source}) is no baseline: `version = {VERSION}` and [[accepted]] expected, {found} found"
        )
    tables = document.get("accepted", [])
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _TABLE.match(line)]
    if not isinstance(tables, list) or len(lines) != len(tables):
        raise UsageError(f"{path}: each entry begins with a line [[accepted]]")
    entries = [_read(table, path, line) for table, line in zip(tables, lines, strict=True)]
    _require_different(entries, path)
    return Baseline(path, entries)


def _read(table: Mapping[str, Any], path: Path, line: int) -> Acceptance:
    place = f"{path}, line {line}"
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{place}: {key!r} is not understood; an entry has {', '.join(KEYS)}")
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{place}: {key} takes a text, not {value!r}")
    for key in ("code", "reason"):
        if key not in table:
            raise UsageError(f"{place}: the {key} is missing")
    if table["code"] not in CODES:
        raise UsageError(f"{place}: there is no code {table['code']!r}; `docs/findings.md` lists them")
    if table.get("direction", DIRECTIONS[0]) not in DIRECTIONS:
        raise UsageError(f"{place}: direction is {', '.join(DIRECTIONS)}, not {table['direction']!r}")
    return Acceptance(**table, line=line)


def _require_different(entries: Iterable[Acceptance], path: Path) -> None:
    seen: dict[Subject, Acceptance] = {}
    for entry in entries:
        first = seen.setdefault(entry.subject, entry)
        if first is not entry:
            raise UsageError(f"{path}, line {entry.line}: says the same as line {first.line}; leave one of them")


def merge(old: Baseline, findings: Iterable[Finding], *, kept: Iterable[Acceptance], reason: str) -> Baseline:
    """Accept what was found, and forget what was not found any more.

    Args:
        old: the baseline so far, whose reasons are kept.
        findings: everything that was found.
        kept: entries that stay, found or not.
        reason: of new entries.
    """
    entries = {entry.subject: entry for entry in kept}
    for finding in findings:
        if finding.code == "unused-acceptance" or finding.severity is Severity.INFO or finding.accepted:
            continue
        new = Acceptance.of(finding, reason)
        entries.setdefault(new.subject, old.entry_for(finding) or new)
    return Baseline(old.path, sorted(entries.values(), key=lambda entry: entry.subject))


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline.

    Raises:
        UsageError: the file cannot be written.
    """
    tables = [f"\n[[accepted]]\n{''.join(_pairs(entry))}" for entry in baseline.entries]
    try:
        path.write_text(HEADER + "".join(tables), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the baseline {path} cannot be written: {error.strerror or error}") from error


def _pairs(entry: Acceptance) -> Iterable[str]:
    """Write what an entry says; JSON's strings are TOML's, but for one control character."""
    for key in KEYS:
        value = getattr(entry, key)
        if value is not None:
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f")


def _toml() -> Any:
    """Import the parser of Python's own, or the one that pytest needs on 3.10."""
    return importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
