"""``stairway handoff``: makes a release, writes its bundle, and tells how it went."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError
from pytest_stairway.handoff.bundle import REPORT, require_bundle_folder, write_bundle
from pytest_stairway.handoff.release import make_release
from pytest_stairway.handoff.report_json import render_json
from pytest_stairway.handoff.telling import tell_story
from pytest_stairway.reporters.failure import render_findings

if TYPE_CHECKING:
    from pytest_stairway.handoff.release import Release
    from pytest_stairway.handoff.settings import HandoffSettings
    from pytest_stairway.project import Project

__all__ = ["handoff"]

PROVEN, NOT_PROVEN = 0, 1


def handoff(project: Project, written: str, settings: HandoffSettings) -> int:
    """Make the bundle of a range.

    Args:
        project: the project.
        written: the range, as somebody wrote it.
        settings: the options.

    Returns:
        The exit code: 0 where the bundle is proven.
    """
    folder = Path(settings.handoff_output)
    require_bundle_folder(folder)
    _require_extra()
    release = make_release(project, written, settings)
    write_bundle(folder, _files(release, project))
    _tell(release, folder)
    return PROVEN if release.proven else NOT_PROVEN


def _require_extra() -> None:
    """See that what the texts need is installed, before anything else is done."""
    missing = [name for name in ("babel", "jinja2", "markdown_it") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"stairway handoff needs {', '.join(missing)}: python -m pip install 'pytest-stairway[handoff]'"
        )


def _files(release: Release, project: Project) -> dict[str, str]:
    from pytest_stairway.handoff.pages import render_html, render_readme

    texts = {file.name: file.marked(release.language, proven=release.proven) for file in release.files.all}
    story = tell_story(release, project, texts)
    readme = render_readme(story)
    texts |= {"README.md": readme, "report.html": render_html(story, readme)}
    return {**texts, REPORT: render_json(release, project, texts)}


def _tell(release: Release, folder: Path) -> None:
    """Write what the console shows."""
    start, end = (", ".join(sorted(heads)) or "base" for heads in (release.span.start, release.span.end))
    number = len(release.span.up)
    lines = [f"{start} -> {end}: {number} revision{'s' if number != 1 else ''}, {release.server}"]
    for check in release.proof.checks if release.proof else ():
        said = f" ({check.said})" if check.said and not check.ok else ""
        lines.append(f"  {'ok    ' if check.ok else 'FAILED'}  {check.name}{said}")
    if release.findings:
        lines += ["", render_findings(release.findings), ""]
    word = "proven" if release.proven else "NOT PROVEN"
    lines.append(f"{word}: {folder} ({release.seconds:.1f} s)")
    sys.stdout.write("\n".join(lines).replace("--stairway-", "--") + "\n")
