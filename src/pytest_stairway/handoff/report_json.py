"""The bundle for programs: ``report.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway import __version__
from pytest_stairway.handoff.bundle import checksum
from pytest_stairway.offline.rendering import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.handoff.files import SqlFile
    from pytest_stairway.handoff.proof import Check
    from pytest_stairway.handoff.release import Release
    from pytest_stairway.project import Project

__all__ = ["FORMAT_VERSION", "render_json"]

FORMAT_VERSION = 1
"""Keys are only ever added within one."""


def render_json(release: Release, project: Project, texts: Mapping[str, str]) -> str:
    """Write the report.

    Args:
        release: the release.
        project: whose revisions it is made of.
        texts: the bundle's other files, by name.
    """
    return json.dumps(_report(release, project, texts), ensure_ascii=False, indent=2) + "\n"


def _report(release: Release, project: Project, texts: Mapping[str, str]) -> dict[str, Any]:
    proof = release.proof
    return {
        "format_version": FORMAT_VERSION,
        "tool": {"name": "pytest-stairway", "version": __version__, "command": "handoff"},
        "proven": release.proven,
        "from": sorted(release.span.start),
        "to": sorted(release.span.end),
        "database": {"dialect": release.dialect, "product": release.product, "description": release.server},
        "client": proof.runner if proof else None,
        "revisions": [{"revision": name, "message": project.history[name].message} for name in release.span.revisions],
        "files": {name: checksum(text) for name, text in sorted(texts.items())},
        "statements": {file.name: _statements(file) for file in release.files.all},
        "irreversible": release.files.irreversible,
        "atomic": release.files.atomic,
        "limits": dict(release.limits),
        "rows_compared": release.compares_rows,
        "start": _start(release),
        "population": _population(release),
        "checks": [_check(check) for check in (proof.checks if proof else ())],
        "changes": _changes(release),
        "rehearsal": {"rows": release.settings.handoff_rehearse, "steps": [asdict(each) for each in release.rehearsal]},
        "findings": [finding.as_dict() for finding in release.findings],
        "seconds": round(release.seconds, 3),
    }


def _statements(file: SqlFile) -> list[dict[str, Any]]:
    """List what the server runs, with the revision that each statement belongs to."""
    told = []
    for each in file.statements():
        if each is not None and each.part is not Part.COMMENT:
            revision = None if each.step is None else file.script.steps[each.step].revision
            told.append({"sql": each.text, "revision": revision, "part": each.part.value})
    return told


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "ok": check.ok,
        "file": check.file,
        "exit_code": check.code,
        "seconds": None if check.seconds is None else round(check.seconds, 3),
        "said": check.said or None,
        "changing": list(check.changing),
        "accepted": list(check.accepted),
    }


def _start(release: Release) -> dict[str, Any] | None:
    """Tell where the database of the proof came from; None where it was never made."""
    if release.start is None:
        return None
    dump = release.settings.handoff_from_dump
    return {"dump": Path(dump).name if dump else None, "stamped": release.start.stamped}


def _population(release: Release) -> dict[str, Any] | None:
    population = release.start.population if release.start else None
    if population is None:
        return None
    return {
        "tables": population.tables,
        "populated": list(population.populated),
        "unpopulated": {each.table: each.reason for each in population.unpopulated},
    }


def _changes(release: Release) -> dict[str, list[str]] | None:
    proof = release.proof
    if proof is None:
        return None
    return {
        "schema": [each.words("after the upgrade", unexpected="new") for each in proof.changed],
        "rows": [each.words() for each in proof.rows_changed],
        "dropped_by_downgrade": [each.words() for each in proof.dropped_rows],
        "not_restored_schema": [each.words("after the downgrade") for each in proof.lost_schema],
        "not_restored_rows": [each.words() for each in proof.lost_rows],
    }
