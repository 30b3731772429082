"""The machine-readable report.

Within one ``format_version`` keys are only ever added.

1: the first.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway import __version__
from pytest_stairway.exceptions import UsageError
from pytest_stairway.findings import Severity

if TYPE_CHECKING:
    from pytest_stairway.report import Report

__all__ = ["FORMAT_VERSION", "as_json", "require_writable", "write_json"]

FORMAT_VERSION = 1


def as_json(report: Report) -> dict[str, Any]:
    """Give a report in the public form."""
    history = report.history
    database = report.database
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "pytest-stairway", "version": __version__},
        "database": None
        if database is None
        else {
            "dialect": database.dialect,
            "server_version": database.server_version,
            "provider": database.provider,
        },
        "history": None
        if history is None
        else {"revisions": history.revisions, "heads": list(history.heads), "bases": list(history.bases)},
        "revisions": [revision.as_dict() for revision in report.revisions.values()],
        "rehearsals": list(report.rehearsals),
        "findings": [finding.as_dict() for finding in report.findings],
        "rows": None
        if report.coverage is None
        else {"tables": report.coverage[1], "populated_tables": report.coverage[0]},
        "kept_databases": [asdict(each) for each in report.kept],
        "notes": list(report.notes),
        "summary": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "accepted": sum(1 for finding in report.findings if finding.accepted),
            "seconds": round(report.seconds, 3),
        },
    }


def require_writable(path: str | Path, *, source: str) -> None:
    """See that a report can be written, before there is one.

    Folders on the way are made, as pytest does for its own reports.

    Args:
        path: the file.
        source: the option that names it.

    Raises:
        UsageError: it cannot.
    """
    path = Path(path)
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise UsageError(f"{source} names {path}, which cannot be written: {error.strerror or error}") from error


def write_json(report: Report, path: str | Path) -> None:
    """Write a report to a file.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_text(json.dumps(as_json(report), indent=2) + "\n", encoding="utf-8")
