"""The pytest items: one on each revision file, and those of the history as a whole on Alembic's configuration."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stairway.acceptance import accept
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, StairwayError
from pytest_stairway.frames import own_traceback
from pytest_stairway.lenience import lenient
from pytest_stairway.project import Answer
from pytest_stairway.report import Outcome
from pytest_stairway.reporters.failure import Failure, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytest_stairway.findings import Finding
    from pytest_stairway.project import Project
    from pytest_stairway.revisions import Revision
    from pytest_stairway.volume import Volume

VOLUME = "volume"
"""The name of the item that rehearses a revision."""

__all__ = ["VOLUME", "FindingsFailed", "HistoryFile", "RevisionFile", "StairwayItem", "Teller", "require_database"]


class FindingsFailed(Exception):
    """An item's findings, raised so that pytest counts it as failed; it is shown in our words."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("; ".join(finding.message for finding in answer.findings))
        self.answer = answer


class Teller:
    """What the items of one process share: the project that they ask, and what has been told already.

    An `env.py` that cannot be run is found anew by every item; the first one tells it.

    Args:
        project: the project under test.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.volume = _volume(project)
        self._told: dict[tuple[Finding, ...], str] = {}

    def told_by(self, answer: Answer, nodeid: str) -> str | None:
        """Name the item that has told of the same fault of the whole history; None makes this one the first."""
        if answer.blocked_by is not None or not any(each.code == "environment-failed" for each in answer.findings):
            return None
        first = self._told.setdefault(answer.findings, nodeid)
        return None if first == nodeid else first


class StairwayItem(pytest.Item):
    """Something that a `Project` is asked.

    Args:
        teller: shared by all items.
        ask: the question.
        about: what it looks at, for people.
        line: where it stands in its file, from 1.
        revision: the revision that it is about.
        walks: needs a database.
        words: more words that ``-k`` finds it by.
    """

    def __init__(
        self,
        *,
        teller: Teller,
        ask: Callable[[], Answer],
        about: str,
        line: int | None = None,
        revision: str | None = None,
        walks: bool = True,
        words: Iterable[str] = (),
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._teller = teller
        self._ask = ask
        self._about = about
        self._line = line
        self._walks = walks
        self.revision = revision
        self.answer: Answer | None = None
        self.extra_keyword_matches.update(words)
        self.add_marker("stairway")

    def setup(self) -> None:
        """Start the database, or join it: without one this item is an error, not a failure of its migration."""
        if self._walks:
            require_database(self._teller.project)

    def runtest(self) -> None:
        """Ask, and fail, skip or pass by the answer."""
        with lenient():
            answer = self._teller.project.settle(accept(self._ask(), self._teller.project))
        told_by = self._teller.told_by(answer, self.nodeid)
        if told_by is not None:
            self.answer = _silenced(answer)
            pytest.skip(f"not reached: {told_by} tells why")
        self.answer = answer
        if answer.rehearsal is not None:
            from pytest_stairway.reporters.rehearsal import render_rehearsal

            self.add_report_section("call", "rehearsal", "\n".join(render_rehearsal(answer.rehearsal)))
        if answer.failed(strict=self._teller.project.settings.strict):
            raise FindingsFailed(answer).with_traceback(own_traceback(answer.error))
        if answer.blocked_by is not None:
            pytest.skip(f"not reached: {answer.blocked_by} cannot be upgraded")
        if answer.note is not None:
            pytest.skip(answer.note)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Show findings in our words, and everything else as pytest does."""
        error = excinfo.value
        if isinstance(error, FindingsFailed):
            answer = error.answer
            return Failure(answer.findings, path=self.shown_path, line=self.shown_line, kept=answer.kept)
        if isinstance(error, HistoryUnusable):
            return Failure(error.findings, path=self.shown_path, line=self.shown_line)
        if isinstance(error, StairwayError):
            return Problem(str(error), path=self.shown_path, line=self.shown_line)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where the item stands."""
        return self.path, None if self._line is None else self._line - 1, f"{self.name} ({self._about})"

    @property
    def shown_path(self) -> str:
        """The item's file, as reports write it."""
        return os.path.relpath(self.path, self.config.invocation_params.dir)

    @property
    def shown_line(self) -> int:
        """The item's line in it."""
        return self._line or 1


class RevisionFile(pytest.File):
    """A revision file of the history."""

    teller: Teller
    revision: Revision | None
    """None where the history cannot be loaded."""

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, teller: Teller, revision: Revision | None) -> RevisionFile:
        """Make the node of a file."""
        nodeid = _nodeid(parent, path)
        file: RevisionFile = cls.from_parent(parent, path=path, nodeid=nodeid, name=_name(parent, path, nodeid))
        file.teller, file.revision = teller, revision
        return file

    def collect(self) -> Iterator[StairwayItem]:
        """Give the item that walks this revision; where they are asked for, those of its offline SQL and many rows."""
        project, revision = self.teller.project, self.revision
        if revision is None:
            yield StairwayItem.from_parent(
                self, name="roundtrip", teller=self.teller, ask=project.check_history, about="its history", walks=False
            )
            return
        yield self._item("roundtrip", project.check_revision, revision)
        if project.settings.offline:
            yield self._item("offline", project.check_offline, revision)
        if self.teller.volume is not None:
            yield self._item(VOLUME, self.teller.volume.check, revision)

    def _item(self, name: str, ask: Callable[[Revision], Answer], revision: Revision) -> StairwayItem:
        walked = revision.revision not in self.teller.project.minimum
        item: StairwayItem = StairwayItem.from_parent(
            self,
            name=name,
            teller=self.teller,
            ask=functools.partial(ask if walked else _leave_alone, revision),
            about=f"{revision.revision} {revision.message}".rstrip(),
            line=self._line(revision),
            revision=revision.revision,
            walks=walked,
            words=(revision.revision, *revision.branch_labels),
        )
        return item

    def _line(self, revision: Revision) -> int | None:
        """Find the line of ``upgrade()`` in the loaded module, without reading the file again."""
        module = self.teller.project.history.script.get_revision(revision.revision).module
        code = getattr(getattr(module, "upgrade", None), "__code__", None)
        return None if code is None else code.co_firstlineno


class HistoryFile(pytest.File):
    """Alembic's configuration, on which the items of the whole history hang."""

    teller: Teller

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, teller: Teller) -> HistoryFile:
        """Make the node of the configuration."""
        nodeid = _nodeid(parent, path)
        file: HistoryFile = cls.from_parent(parent, path=path, nodeid=nodeid, name=_name(parent, path, nodeid))
        file.teller = teller
        return file

    def collect(self) -> Iterator[StairwayItem]:
        """Give the items of the whole history; where it cannot be loaded, the one that says so."""
        project = self.teller.project
        yield self._item("history", project.check_history, "the graph of revisions and env.py", walks=False)
        if not project.is_usable or not project.goes_through_whole:
            return
        yield self._item("leftovers", project.check_leftovers, "what is left when every revision is downgraded")
        yield self._item("models", project.check_models, "target_metadata against the migrated database")
        for start in project.releases:
            ask = functools.partial(project.check_release, start)
            yield self._item(f"release[{start}]", ask, f"from {start} to the heads in one run")

    def _item(self, name: str, ask: Callable[[], Answer], about: str, *, walks: bool = True) -> StairwayItem:
        return StairwayItem.from_parent(self, name=name, teller=self.teller, ask=ask, about=about, walks=walks)


def _volume(project: Project) -> Volume | None:
    """Make what rehearses revisions, where that is asked for."""
    if project.settings.volume is None:
        return None
    from pytest_stairway.volume import Volume

    return Volume(project, project.settings.volume)


def _nodeid(parent: pytest.Collector, path: Path) -> str:
    """Give a file the same id whether it was named or hangs directly on the session."""
    return os.path.relpath(path, parent.config.rootpath).replace(os.sep, "/")


def _name(parent: pytest.Collector, path: Path, nodeid: str) -> str:
    return nodeid if isinstance(parent, pytest.Session) else path.name


def _leave_alone(revision: Revision) -> Answer:
    return Answer(note=f"{revision.revision} lies at or below stairway_minimum: it is only upgraded, never walked")


def _silenced(answer: Answer) -> Answer:
    """Leave of an answer what another item does not tell."""
    revision = answer.revision
    return replace(answer, findings=(), revision=revision and replace(revision, outcome=Outcome.NOT_REACHED))


def require_database(project: Project) -> None:
    """Start the server, or join it.

    Raises:
        DatabaseUnavailable: there is none to be had, and nobody said that this is fine.
    """
    try:
        project.server  # noqa: B018 - started when first asked for
    except HistoryUnusable:
        return  # the question's answer tells it
    except DatabaseUnavailable as error:
        if not project.settings.skip_without_database:
            raise
        pytest.skip(str(error).partition("\n")[0])
