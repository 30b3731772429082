"""Whole releases, made of small projects on the run's own server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gauntlet.case import Case, Rev, table, write
from offline.lab import env
from pytest_stairway.handoff.command import handoff
from pytest_stairway.handoff.settings import HandoffSettings
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stairway.databases import Server

NOTES = table("a", "notes", "id int PRIMARY KEY", "note text")
"""Where most releases of these tests start."""


@dataclass
class Bundle:
    """What a release left in its folder."""

    code: int
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.text("report.json"))
        return report

    @property
    def findings(self) -> list[tuple[str, str | None]]:
        return [(each["code"], each["revision"]) for each in self.report["findings"]]

    def finding(self, code: str) -> dict[str, Any]:
        (finding,) = [each for each in self.report["findings"] if each["code"] == code]
        assert isinstance(finding, dict)
        return finding

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def names(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}

    @property
    def failed(self) -> list[str]:
        return [each["name"] for each in self.report["checks"] if not each["ok"]]


class Releases:
    """Makes releases."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self.folder = folder
        self.server = server
        self.output = folder / "release"

    def project(self, *revisions: Rev, settings: dict[str, Any] | None = None, **case: Any) -> Project:
        case.setdefault("env", env())
        root = self.folder / "project"
        root.mkdir()
        ini = write(Case("project", "a project", revisions, **case), root)
        address = self.server.address if self.server else None
        return Project(Settings(config=str(ini), **(settings or {})), root, address=address)

    def make(
        self, *revisions: Rev, written: str = "a:head", options: dict[str, Any] | None = None, **case: Any
    ) -> Bundle:
        return self.of(self.project(*revisions, **case), written, **(options or {}))

    def of(self, project: Project, written: str, **options: Any) -> Bundle:
        try:
            options = {"handoff_rehearse": 0, **options}
            settings = HandoffSettings(handoff_output=str(self.output), **options)
            return Bundle(handoff(project, written, settings), self.output)
        finally:
            project.close()
