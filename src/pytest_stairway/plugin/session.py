"""What the plugin does in a pytest session that asks for it: collect, order, run, gather, tell."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.acceptance import add_unused
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, StairwayError, UsageError
from pytest_stairway.plugin.gathering import ATTRIBUTE, Gathering
from pytest_stairway.plugin.items import VOLUME, HistoryFile, RevisionFile, StairwayItem, Teller
from pytest_stairway.plugin.preparation import ADDRESS, prepare
from pytest_stairway.plugin.selection import NARROWED
from pytest_stairway.reporters.json import write_json
from pytest_stairway.reporters.terminal import render_header, render_summary

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_stairway.databases.head_start import HeadStart
    from pytest_stairway.plugin.selection import Selection
    from pytest_stairway.project import Project

__all__ = ["SessionPlugin", "register"]

EXPECTED = "stairway_expected"
"""The key in an xdist worker's output: how many answers there should be."""


def register(config: pytest.Config, head_start: HeadStart | None = None) -> None:
    """Read the options, find the history, and take part in the session where there is something to do.

    Args:
        config: pytest's.
        head_start: has begun what a server needs.

    Raises:
        pytest.UsageError: an option or a range cannot be used, or there is no configuration.
    """
    worker = getattr(config, "workerinput", {})
    with contextlib.ExitStack() as unless_used:
        if head_start is not None:
            unless_used.callback(head_start.close)
        try:
            project, selection = prepare(config, address=worker.get(ADDRESS))
        except UsageError as error:
            raise pytest.UsageError(f"stairway: {error}") from error
        if not selection:
            return
        unless_used.pop_all()
        project.head_start = head_start
        config.pluginmanager.register(SessionPlugin(config, project, selection), "stairway-session")


class SessionPlugin:
    """The hooks of one pytest session.

    Args:
        config: pytest's.
        project: the project under test.
        selection: what of it is asked for.
    """

    def __init__(self, config: pytest.Config, project: Project, selection: Selection) -> None:
        self._config = config
        self.project = project
        self._selection = selection
        self._teller = Teller(project)
        self._gathering = Gathering(config, project)
        self._is_worker = hasattr(config, "workerinput")
        self._expected: int | None = None
        """How many answers a run that leaves nothing out will give; None for one that does."""
        part = project.settings.range or project.settings.shard
        self._narrowed = not selection.whole or part is not None

    def pytest_report_header(self) -> list[str]:
        """Tell what is walked, and on which database."""
        return render_header(self.project, started=not self._config.option.collectonly)

    # -- collection -----------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add what is asked for and was not named to what the session finds by its arguments."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result = [*(report.result or ()), *self._nodes(collector)]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Pass over the revision files that are not asked for, before anybody looks at each of them."""
        return True if self._is_revision(collection_path) and not self._selection.names(collection_path) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        """Take a revision file for what it is, and keep others from importing it as a test module."""
        collectors = yield
        if self._selection.names(file_path):
            node = self._history if self._is_configuration(file_path) else self._revision
            return [node(parent, file_path)]
        return [] if self._is_revision(file_path) else collectors

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Take a folder of revisions for a folder, not for a package that is imported before its items run."""
        if self.project.is_usable and str(path) in self.project.history.version_locations:
            folder: pytest.Collector = pytest.Dir.from_parent(parent, path=path)
            return folder
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bring our items into the history's order, each once."""
        ours = {item.nodeid: item for item in items if isinstance(item, StairwayItem)}
        if ours:
            first = next(place for place, item in enumerate(items) if isinstance(item, StairwayItem))
            places = {revision: place for place, revision in enumerate(self.project.order, 1)}
            others = [item for item in items[first:] if not isinstance(item, StairwayItem)]
            items[first:] = [*sorted(ours.values(), key=lambda item: _place(item, places)), *others]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the walk what will be asked for; an xdist worker is asked for some of it only."""
        ours = [item for item in session.items if isinstance(item, StairwayItem)]
        self.project.plan([item.revision for item in ours if item.revision is not None], ahead=not self._is_worker)
        self._expected = None if self._narrowed else len(ours)
        if self._is_worker:
            self._config.workeroutput[EXPECTED] = self._expected  # type: ignore[attr-defined]  # xdist's

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note that something of ours is left out."""
        self._narrowed |= any(isinstance(item, StairwayItem) for item in items)

    # -- running --------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Give Alembic back before a test of somebody else's, which may use it."""
        if not isinstance(item, StairwayItem):
            self.project.pause()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let `env.py` come to its end where what it prints and logs there still belongs to an item of ours."""
        if isinstance(item, StairwayItem) and not isinstance(nextitem, StairwayItem):
            self.project.pause()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put an item's answer on its report, as plain data that also comes from other processes."""
        report = yield
        if isinstance(item, StairwayItem):
            _complete(report, item, call)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the answers, also those of other processes, before anybody shows them."""
        if not self._is_worker:
            self._gathering.take(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give an xdist worker the address of the one server."""
        node.workerinput[NARROWED] = not self._selection.whole
        try:
            node.workerinput[ADDRESS] = self.project.server.address
        except (HistoryUnusable, DatabaseUnavailable):
            node.workerinput[ADDRESS] = None  # each worker will find out, and say so

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Let each xdist worker walk a piece of the history, where nobody says how it is to be shared."""
        if config.getvalue("dist") != "load":
            return None
        from pytest_stairway.plugin.distribution import PieceScheduling

        return PieceScheduling(config, log, self.project)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear from an xdist worker how many answers there should be; every worker collects all items."""
        self._expected = getattr(node, "workeroutput", {}).get(EXPECTED)

    # -- the end --------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what was asked for, and close the walk."""
        try:
            if not self._is_worker and not self._config.option.collectonly:
                self._complete(session)
        finally:
            self.project.close()
            self._gathering.report.notes.extend(self.project.notes)

    def _complete(self, session: pytest.Session) -> None:
        """Complete the report, and fail for a warning of it that no item can know of."""
        report, settings = self._gathering.complete(), self.project.settings
        if self._expected is not None and report.items >= self._expected:
            add_unused(report, self.project)
        if session.exitstatus == pytest.ExitCode.OK and report.failed(strict=settings.strict):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if settings.json is not None:
            write_json(report, settings.json)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell at a glance what was seen."""
        if self._gathering.began:
            paint = self._config.get_terminal_writer().markup
            written = self.project.settings.json
            render_summary(self._gathering.report, terminalreporter, paint=paint, written=written)

    # -- what the hooks need --------------------------------------------------------------------------------------

    def _nodes(self, session: pytest.Session) -> Iterator[pytest.Collector]:
        """Make the nodes of everything that is asked for though it was not named."""
        if self._selection.whole:
            yield self._history(session, self.project.configuration)
        for revision in self._selection.unnamed(self.project):
            yield self._revision(session, Path(revision.path))

    def _history(self, parent: pytest.Collector, path: Path) -> HistoryFile:
        return HistoryFile.of(parent, path, self._teller)

    def _revision(self, parent: pytest.Collector, path: Path) -> RevisionFile:
        revision = self.project.history.at_path(path) if self.project.is_usable else None
        return RevisionFile.of(parent, path, self._teller, revision)

    def _is_revision(self, path: Path) -> bool:
        return self.project.is_usable and self.project.history.at_path(path) is not None

    def _is_configuration(self, path: Path) -> bool:
        return path.name == self.project.configuration.name and path.samefile(self.project.configuration)


def _place(item: StairwayItem, places: dict[str, int]) -> tuple[int, int, str]:
    """Give an item's place: the history first, then the revisions, then what needs them all; others at the end."""
    last = {"offline": 1, VOLUME: 2}.get(item.name, 0)  # two runs of env.py cannot take turns without ending each time
    if item.revision is not None:
        return last, places[item.revision], ""
    return (0, 0, "") if item.name in ("history", "roundtrip") else (0, len(places) + 1, item.name)


def _complete(report: pytest.TestReport, item: StairwayItem, call: pytest.CallInfo[None]) -> None:
    """Say on a report what its item found, or why it could not look, and where that is."""
    error = call.excinfo.value if call.excinfo is not None else None
    setattr(report, ATTRIBUTE, {})
    if call.when == "call" and item.answer is not None:
        setattr(report, ATTRIBUTE, item.answer.as_dict())
    elif isinstance(error, StairwayError):
        setattr(report, ATTRIBUTE, {"problem": str(error)})
    if report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = (str(item.path), item.shown_line, report.longrepr[2])
