"""What the subcommands of ``stairway`` do with a project."""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway import cleaning, databases
from pytest_stairway.acceptance import accept, add_unused, was_looked_for
from pytest_stairway.baseline import FILE_NAME, Baseline, merge, read_baseline, write_baseline
from pytest_stairway.databases.sweeping import describe_cache
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, UsageError
from pytest_stairway.findings import Severity
from pytest_stairway.report import Report
from pytest_stairway.reporters.failure import render_finding, render_findings, render_kept
from pytest_stairway.reporters.json import require_writable, write_json
from pytest_stairway.reporters.rehearsal import render_rehearsal
from pytest_stairway.reporters.terminal import render_header, render_summary
from pytest_stairway.revisions.source import shown
from pytest_stairway.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.baseline import Acceptance
    from pytest_stairway.project import Answer, Project
    from pytest_stairway.revisions import Revision
    from pytest_stairway.settings import Settings

__all__ = ["baseline", "check", "clean", "doctor", "history", "rehearse", "tell_unusable"]

OK, FOUND, UNUSABLE = 0, 1, 2
CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36, "bold": 1}
WIDTH = 80
ROWS = 100_000
"""On so many a revision is rehearsed, where nobody says another number."""


class Console:
    """Standard output: colours where somebody can see them."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text: str, **markup: bool) -> str:
        """Colour a text."""
        codes = ";".join(str(CODES[name]) for name, true in markup.items() if true)
        return f"\x1b[{codes}m{text}\x1b[0m" if self._colours and codes else text

    def section(self, title: str, sep: str = "=") -> None:
        """Write a separating line with a title."""
        self.line(self.paint(f" {title} ".center(WIDTH, sep), bold=True))

    def line(self, msg: str = "") -> None:
        """Write a line, at once: a walk takes its time.  Options go without pytest's prefix here."""
        sys.stdout.write(msg.replace("--stairway-", "--") + "\n")
        sys.stdout.flush()


def check(project: Project) -> int:
    """Walk revisions, and tell what was found."""
    console, settings = Console(), project.settings
    report = _walk(project, console)
    render_summary(report, console, paint=console.paint, written=settings.json)
    return FOUND if report.failed(strict=settings.strict) else OK


def baseline(project: Project, *, output: str | None, reason: str) -> int:
    """Walk revisions, and write what was found to a file that accepts it as it stands.

    Args:
        project: the project.
        output: the file, instead of the one that the settings name.
        reason: of new entries.
    """
    console = Console()
    named = output or project.settings.baseline
    path = Path(named) if named else project.configuration.with_name(FILE_NAME)
    old = read_baseline(path, source="the baseline so far") if path.exists() else Baseline()
    require_writable(path, source="the baseline")
    project.baseline = Baseline()  # nothing is accepted while it is being written
    report = _walk(project, console)
    if not project.is_usable or any(finding.code == "environment-failed" for finding in report.findings):
        raise UsageError("no baseline is written, because the history or env.py cannot be used")
    new = merge(old, report.findings, kept=_kept(old, report, project), reason=reason)
    write_baseline(new, path)
    console.line(_told(old, new, path))
    return OK


def _kept(old: Baseline, report: Report, project: Project) -> list[Acceptance]:
    """Tell which entries stay, because nothing was learned about them: a range leaves out half of what can be found."""
    if project.settings.range is not None or project.settings.shard is not None:
        return list(old.entries)
    return [entry for entry in old.entries if not was_looked_for(entry, report, project)]


def _told(old: Baseline, new: Baseline, path: Path) -> str:
    before, after = ({entry.subject for entry in each.entries} for each in (old, new))
    number = len(after)
    told = f"{number} accepted finding{'s' if number != 1 else ''} written to {shown(str(path))}"
    changes = [f"{len(after - before)} new"] if after - before else []
    changes += [f"{len(before - after)} gone"] if before - after else []
    return f"{told} ({', '.join(changes)})" if changes else told


def _walk(project: Project, console: Console) -> Report:
    """Ask everything, telling the answers as they come."""
    report, started, settings, complete = Report(), time.perf_counter(), project.settings, False
    if settings.json is not None:
        require_writable(settings.json, source=settings.source("json"))
    project.baseline  # noqa: B018 - a mistake in it is told first
    if project.is_usable:
        project.verify()
    for line in render_header(project, started=True):
        console.line(line)
    try:
        for name, asked in _answers(project):
            answer = project.settle(accept(asked, project))
            report.take(answer.as_dict())
            _tell(name, answer, project, console)
        all_asked = settings.range is settings.shard is None and project.is_usable
        complete = all_asked and len(report.revisions) == len(project.selected)
    finally:
        report.seconds = time.perf_counter() - started
        project.complete(report)
        if complete:
            add_unused(report, project)
        if settings.json is not None:
            write_json(report, settings.json)
    return report


def _answers(project: Project) -> Iterator[tuple[str, Answer]]:
    """Ask everything that was asked for; a range leaves out what concerns the history as a whole."""
    first = project.check_history()
    yield "history", first
    if not project.is_usable or any(finding.code == "environment-failed" for finding in first.findings):
        return
    project.plan(revision.revision for revision in project.selected)
    for revision in project.selected:
        yield f"{revision.revision} {revision.message}".rstrip(), project.check_revision(revision)
    if project.settings.volume is not None:
        volume = Volume(project, project.settings.volume)
        for revision in project.selected:
            yield f"{revision.revision} on {volume.rows:,} rows", volume.check(revision)
    if project.settings.range is None and project.goes_through_whole:
        yield "leftovers", project.check_leftovers()
        yield "models", project.check_models()
        for start in project.releases:
            yield f"release from {start}", project.check_release(start)
    for revision in project.selected if project.settings.offline else ():
        yield f"{revision.revision} offline", project.check_offline(revision)


def _tell(name: str, answer: Answer, project: Project, console: Console) -> None:
    """Write an answer's line, and what failed below it."""
    failed = answer.failed(strict=project.settings.strict)
    word, colour = _verdict(answer, failed=failed)
    console.line(f"  {console.paint(f'{word:<12}', **{colour: True})}{name}")
    if failed:
        told = [render_findings(answer.findings, console.paint), *render_kept(answer.kept, console.paint)]
        console.line("\n" + "\n".join(told) + "\n")


def _verdict(answer: Answer, *, failed: bool) -> tuple[str, str]:
    if failed:
        return "FAILED", "red"
    if answer.blocked_by:
        return "not reached", "yellow"
    return ("skipped", "yellow") if answer.note else ("ok", "green")


def rehearse(project: Project) -> int:
    """Rehearse revisions on many rows, and tell what was seen."""
    console, report, settings, started = Console(), Report(), project.settings, time.perf_counter()
    if settings.json is not None:
        require_writable(settings.json, source=settings.source("json"))
    project.verify()
    volume = Volume(project, settings.volume or ROWS)
    heads = tuple(project.history.get(head) for head in project.history.heads)
    for line in render_header(project, started=True):
        console.line(line)
    for revision in project.selected if settings.range is not None else heads:
        answer = accept(volume.check(revision), project)
        report.take(answer.as_dict())
        _tell_rehearsal(revision, answer, console)
    report.seconds = time.perf_counter() - started
    project.complete(report)
    if settings.json is not None:
        write_json(report, settings.json)
    render_summary(report, console, paint=console.paint, written=settings.json)
    return FOUND if report.failed(strict=settings.strict) else OK


def _tell_rehearsal(revision: Revision, answer: Answer, console: Console) -> None:
    console.section(f"{revision.revision} {revision.message}".rstrip(), sep="-")
    lines = [answer.note or ""] if answer.rehearsal is None else render_rehearsal(answer.rehearsal, paint=console.paint)
    for line in lines:
        console.line(line)
    errors = [finding for finding in answer.findings if finding.severity is Severity.ERROR]
    if errors:
        console.line("\n" + render_findings(errors, console.paint) + "\n")


def clean(settings: Settings) -> int:
    """Remove what is kept between runs and what dead ones have left, and say what."""
    console, removed = Console(), 0
    for line in cleaning.clean(settings):
        console.line(f"removed {line}")
        removed += 1
    if not removed:
        console.line("there is nothing to remove")
    return OK


def doctor(project: Project) -> int:
    """Show what would be used, and what is missing."""
    console = Console()
    versions = [f"{name} {version(name)}" for name in ("pytest-stairway", "alembic", "sqlalchemy", "pytest")]
    console.line(f"versions: Python {platform.python_version()}, {', '.join(versions)}")
    console.line(f"configuration: {shown(project.configuration)} ({project.settings.source('config')})")
    for option, source in project.settings.sources.items():
        if option not in ("config", "database"):
            console.line(f"{option}: {getattr(project.settings, option)} ({source})")
    try:
        console.line(f"history: {_size(project)}")
        console.line(f"env.py connects to: {project.contact} (which is never used)")
    except HistoryUnusable as error:
        console.line("\n" + render_findings(error.findings, console.paint) + "\n")
        _survey(console, None)
        return FOUND
    _survey(console, project.contact.dialect)
    _cache(project, console)
    for line in cleaning.describe_retained(project.settings):
        console.line(f"{line} (stairway clean removes it)")
    return _choice(project, console)


def _size(project: Project) -> str:
    history = project.history
    number = len(history.revisions)
    return f"{number} revision{'s' if number != 1 else ''}, heads {', '.join(history.heads) or 'none'}"


def _survey(console: Console, dialect: str | None) -> None:
    """List the ways to get a database."""
    console.line(f"databases for {dialect}:" if dialect else "databases:")
    for each in databases.survey(dialect):
        mark = console.paint("ok", green=True) if each.available else console.paint("--", yellow=True)
        console.line(f"  {mark}  {each.name:<10} {each.detail}")
        if not each.available and each.remedy:
            console.line(f"{'':17}mend it by: {each.remedy}")


def _cache(project: Project, console: Console) -> None:
    """Tell what is kept between runs."""
    if project.settings.no_cache:
        console.line(f"cache: off ({project.settings.source('no_cache')})")
        return
    folder = databases.cache_folder(project.settings.cache_dir)
    if folder is None:
        console.line("cache: none, because the folder for it cannot be made; --cache-dir names another one")
        return
    console.line(f"cache: {folder} (stairway clean empties it)")
    for line in describe_cache(folder):
        console.line(f"      {line}")


def _choice(project: Project, console: Console) -> int:
    try:
        provider = project.provider
    except DatabaseUnavailable as error:
        console.line(console.paint(str(error).partition("\n")[0], red=True))
        return UNUSABLE
    named = project.settings.database
    why = f"named by {project.settings.source('database')}" if named else provider.why
    console.line(f"database: {console.paint(provider.name, bold=True)} ({why})")
    return OK


def history(project: Project) -> int:
    """Show the revisions, and what is wrong with their graph."""
    console = Console()
    for revision in project.selected:
        console.line(_described(revision, console))
    findings = project.check_history().findings
    if findings:
        raise HistoryUnusable(findings)
    return OK


def _described(revision: Revision, console: Console) -> str:
    """Tell one revision the way ``alembic history`` does."""
    parents = ", ".join(revision.down_revision) or "base"
    marks = {"head": revision.is_head, "branchpoint": revision.is_branch_point, "mergepoint": revision.is_merge}
    words = [*sorted(revision.branch_labels), *(word for word, true in marks.items() if true)]
    needs = f", needs {', '.join(revision.depends_on)}" if revision.depends_on else ""
    told = f" ({', '.join(words)})" if words else ""
    return f"{parents} -> {console.paint(revision.revision, yellow=True)}{told}{needs}: {revision.message}"


def tell_unusable(error: HistoryUnusable) -> int:
    """Tell why a history cannot be used."""
    for finding in error.findings:
        sys.stderr.write(render_finding(finding).replace("--stairway-", "--") + "\n")
    return FOUND
