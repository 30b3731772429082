"""The SQL files of a release: written by one run of `env.py` each way, guarded, and judged before anybody runs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.dialects import registry

from pytest_stairway import __version__
from pytest_stairway.handoff.guarded import guarded, guarded_steps
from pytest_stairway.handoff.pieces import as_text, comment
from pytest_stairway.offline.checks import Blame, check_rendering
from pytest_stairway.offline.rendering import render_offline
from pytest_stairway.phrases import ENGLISH, phrase, phrases, say
from pytest_stairway.walk.faults import is_irreversible, words_of
from pytest_stairway.walk.session import StepFailed

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_stairway.environment.environment import Environment
    from pytest_stairway.findings import Finding
    from pytest_stairway.handoff.pieces import Guarding, Piece
    from pytest_stairway.handoff.span import Span
    from pytest_stairway.offline.rendering import Script, Statement
    from pytest_stairway.phrases import Language

__all__ = ["Files", "SqlFile", "quoted", "write_files"]

NOT_PROVEN = phrase("NOT PROVEN: do not run this file; README.md says why")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlFile:
    """One file."""

    name: str
    script: Script
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What stands in it."""
        return as_text(self.pieces)

    def marked(self, language: Language, *, proven: bool) -> str:
        """Give its text, with a warning at its head unless it is proven."""
        return self.text if proven else f"{comment(say(NOT_PROVEN, language))}\n{self.text}"

    def statements(self) -> tuple[Statement | None, ...]:
        """Give each piece's statement of Alembic's; None for what is ours."""
        steps = {piece.step for piece in self.pieces}
        waiting = [each for each in self.script.statements if each.step in steps]
        return tuple(waiting.pop(0) if waiting and waiting[0].text == piece.text else None for piece in self.pieces)

    def at_line(self, line: int) -> Statement | None:
        """Find the statement of Alembic's that stands on a line, as psql counts them from 1; None for what is ours."""
        last = 0
        for piece, statement in zip(self.pieces, self.statements(), strict=True):
            last += piece.text.count("\n") + 2  # with the empty line after it
            if line < last:
                return statement
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """All files of one release."""

    upgrade: SqlFile | None = None
    """None where it cannot be written."""
    downgrade: SqlFile | None = None
    """None where it cannot be written, or a revision cannot be taken back."""
    atomic: bool = True
    """Whether the upgrade happens as a whole or not at all."""
    downgrade_atomic: bool = True
    """The same of the downgrade."""
    upgrade_parts: tuple[SqlFile, ...] = ()
    """The upgrade once more, a file for each revision, where one of the two does not happen as a whole."""
    downgrade_parts: tuple[SqlFile, ...] = ()
    """The same of the downgrade."""
    irreversible: str | None = None
    """A revision that cannot be taken back, by its own word."""
    findings: tuple[Finding, ...] = ()

    @property
    def all(self) -> tuple[SqlFile, ...]:
        """Every file."""
        files = (self.upgrade, self.downgrade, *self.upgrade_parts, *self.downgrade_parts)
        return tuple(each for each in files if each is not None)

    @property
    def scripts(self) -> tuple[Script, ...]:
        """What Alembic wrote, up and down."""
        return tuple(each.script for each in (self.upgrade, self.downgrade) if each is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes the files of one release.

    Args:
        environment: the user's `env.py`.
        guarding: what the database allows.
        dialect: SQLAlchemy's name of the dialect.
        per_migration: whether each revision gets a transaction of its own; None: what `env.py` says.
        language: of what stands at a file's head.
    """

    environment: Environment
    guarding: Guarding
    dialect: str
    per_migration: bool | None = None
    language: Language = ENGLISH

    def render(self, span: Span, *, upgrade: bool, per_migration: bool | None = None) -> Script:
        """Write one way."""
        chosen = self.per_migration if per_migration is None else per_migration
        start, end = sorted(span.start), sorted(span.end)
        return render_offline(
            self.environment,
            span.up if upgrade else span.down,
            start=span.start if upgrade else span.end,
            destination=((end if upgrade else start) or ["base"])[0],
            per_migration=chosen,
        )

    def file(self, name: str, script: Script) -> SqlFile:
        """Put the guard around a script."""
        return SqlFile(name=name, script=script, pieces=guarded(script, self.guarding, title=self._title(name, script)))

    def apart(self, span: Span, files: Files) -> Files:
        """Add both ways with a file for each revision, where one of them may stop in the middle: to go on, or back."""
        if files.atomic and files.downgrade_atomic:
            return files
        parts = (self._parts(span, files.upgrade, upgrade=True), self._parts(span, files.downgrade, upgrade=False))
        return replace(files, upgrade_parts=parts[0], downgrade_parts=parts[1])

    def _parts(self, span: Span, whole: SqlFile | None, *, upgrade: bool) -> tuple[SqlFile, ...]:
        """Write one way with a file for each revision, unless there is but one."""
        if whole is None or len(whole.script.steps) == 1:
            return ()
        script = self.render(span, upgrade=upgrade, per_migration=True)
        folder, width = "upgrade" if upgrade else "downgrade", len(str(len(script.steps)))
        names = [f"{folder}/{n:0{width}}_{step.revision}.sql" for n, step in enumerate(script.steps, 1)]
        titles = [self._title(name, part) for name, part in zip(names, script.parts(), strict=True)]
        pieces = guarded_steps(script, self.guarding, titles=titles)
        return tuple(SqlFile(name=name, script=script, pieces=each) for name, each in zip(names, pieces, strict=True))

    def _title(self, name: str, script: Script) -> list[str]:
        """Write a file's first lines."""
        start, end = (", ".join(sorted(heads)) or "base" for heads in (script.start, script.end))
        from_to = phrases(
            "%(file)s: from %(start)s to %(end)s, %(number)s revision",
            "%(file)s: from %(start)s to %(end)s, %(number)s revisions",
            len(script.steps),
            file=name,
            start=start,
            end=end,
        )
        by = phrase(
            "Written by Alembic, guarded by pytest-stairway %(version)s; README.md says how to run it.",
            version=__version__,
        )
        return [say(from_to, self.language), say(by, self.language)]


def write_files(writer: Writer, span: Span, *, irreversible: Collection[str] = ()) -> Files:
    """Write a release's files, and judge them as they stand.

    Args:
        writer: how.
        span: what lies between the two revisions.
        irreversible: revisions that are declared so.

    Raises:
        StairwayError: `env.py` cannot be run in offline mode.
    """
    up = writer.render(span, upgrade=True)
    files = Files(
        upgrade=None if up.failures else writer.file("upgrade.sql", up),
        atomic=writer.guarding.is_atomic(up),
        findings=check_rendering(Blame(up, writer.environment.history, writer.dialect)),
    )
    declared = next((name for name in reversed(span.revisions) if name in irreversible), None)
    if declared is not None:
        return writer.apart(span, replace(files, irreversible=declared))
    down, findings, refusing = _downgrade(writer, span)
    both = replace(
        files,
        downgrade=None if down.failures else writer.file("downgrade.sql", down),
        downgrade_atomic=bool(down.failures) or writer.guarding.is_atomic(down),
        irreversible=refusing,
        findings=(*files.findings, *findings),
    )
    return writer.apart(span, both)


def _downgrade(writer: Writer, span: Span) -> tuple[Script, tuple[Finding, ...], str | None]:
    """Write the way back; a downgrade that says that it cannot has not failed."""
    down = writer.render(span, upgrade=False)
    history = writer.environment.history
    refusals = {
        place: error
        for place, error in down.failures.items()
        if is_irreversible(StepFailed(error, "migration"), history[down.steps[place].revision])
    }
    blame = Blame(down, history, writer.dialect)
    rest = replace(down, failures={p: e for p, e in down.failures.items() if p not in refusals})
    findings = list(check_rendering(Blame(rest, history, writer.dialect)))
    for place, error in refusals.items():
        said = phrase("downgrade() declares that it cannot: %(said)s", said=words_of(error))
        hint = phrase("Say why in the revision: `# stairway: irreversible: REASON`")
        findings.append(blame.finding("irreversible", said, place=place, hint=hint, error=error))
    first = min(refusals, default=None)
    return down, tuple(findings), None if first is None else down.steps[first].revision


def quoted(dialect: str, version_table: tuple[str | None, str]) -> str:
    """Write the version table's name as SQL does."""
    preparer = registry.load(dialect)().identifier_preparer
    schema, name = version_table
    return ".".join(preparer.quote(part) for part in (schema, name) if part)
