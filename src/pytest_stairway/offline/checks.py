"""Turns what offline SQL does, and does not, into findings that name the statement and why.

Nothing here touches a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import ConnectionRefused
from pytest_stairway.findings import Direction, Finding
from pytest_stairway.offline.clocks import dated_today
from pytest_stairway.offline.reasons import (
    LOST_HINT,
    SKIPPED,
    changed_literal,
    line_of_mode,
    why_different,
    why_not_rendered,
    why_not_run,
)
from pytest_stairway.offline.rendering import Part
from pytest_stairway.phrases import joined, phrase
from pytest_stairway.revisions.source import read_text, shown
from pytest_stairway.rows import compare_rows
from pytest_stairway.schema import Verdict, compare_schemas
from pytest_stairway.walk.faults import line_in, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.offline.reasons import Reason
    from pytest_stairway.offline.rendering import Script, Statement, Step
    from pytest_stairway.phrases import Phrase
    from pytest_stairway.revisions import History
    from pytest_stairway.rows import RowDifference, Rows
    from pytest_stairway.schema import Difference, Schema

__all__ = ["Blame", "changed_literals", "check_rendering", "differing", "failed_to_run"]

_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Blame:
    """Makes findings about one script."""

    script: Script
    history: History
    dialect: str

    def finding(
        self,
        code: str,
        message: str,
        *,
        place: int | None,
        hint: str | None = None,
        statement: Statement | None = None,
        about: str | None = None,
        error: BaseException | None = None,
        line: int | None = None,
    ) -> Finding:
        """Make a finding about a step, or about the script as a whole."""
        step = None if place is None else self.script.steps[place]
        revision = None if step is None else self.history[step.revision]
        if line is None and revision is not None and step is not None:
            line = (line_in(error, revision.path) if error else None) or revision.line_of(step.direction)
        return Finding(
            code=code,
            revision=revision.revision if revision else None,
            direction=None if step is None else _direction(step),
            dialect=self.dialect,
            object=about,
            message=message,
            hint=hint,
            path=shown(revision.path) if revision else None,
            line=line,
            detail=f"SQL: {_excerpt(statement)}" if statement else None,
        )

    def source(self, place: int) -> str:
        """Read a step's revision file."""
        return read_text(self.history[self.script.steps[place].revision].path)

    def skipped(self, words: set[str], suspect: int | None) -> tuple[int, int] | None:
        """Find a step that may do less offline, and the line on which it asks for the mode.

        Args:
            words: what it would be about.
            suspect: the step that made the difference by all other appearances: another one must name all of this.
        """
        sources = {place: self.source(place) for place in range(len(self.script.steps))}
        lines = {place: line_of_mode(source, besides=self._other(place)) for place, source in sources.items()}
        asking = {place: line for place, line in lines.items() if line is not None}
        said = {place: words & set(re.findall(r"\w+", sources[place])) for place in asking}
        if suspect is not None:
            said = {place: named for place, named in said.items() if place == suspect or named == words != set()}
        if not said:
            return None
        best = suspect if suspect in said else max(said, key=lambda place: len(said[place]))
        assert best is not None  # whatever was found
        return best, asking[best]

    def _other(self, place: int) -> str:
        """Name the function of a step's revision that the step does not run."""
        return "downgrade" if self.script.steps[place].upgrade else "upgrade"


def check_rendering(blame: Blame) -> tuple[Finding, ...]:
    """Judge a script before it is run: what could not be written, what was lost, what is another each time."""
    script = blame.script
    found = [_not_rendered(blame, place, error) for place, error in script.failures.items()]
    found += [_lost(blame, each) for each in script.statements if each.lost and each.step not in script.failures]
    found += _unstable(blame)
    found += _dated(blame)
    return tuple(found)


def _not_rendered(blame: Blame, place: int, error: Exception) -> Finding:
    reason = why_not_rendered(error)
    said, hint = words_of(error), reason.hint if reason else None
    if isinstance(error, ConnectionRefused):
        said, hint = error.said, error.remedy
    message = _with_reason(phrase("the SQL cannot be written: %(said)s", said=said), reason)
    return blame.finding("offline-failed", message, place=place, hint=hint, error=error)


def _with_reason(message: Phrase, reason: Reason | None) -> Phrase:
    if reason is None:
        return message
    return phrase("%(what)s (%(why)s)", what=message, why=reason.says)


def _lost(blame: Blame, statement: Statement) -> Finding:
    given = ", ".join(statement.lost)
    return blame.finding(
        "offline-differs",
        phrase(
            "bound parameters are lost: the migration gives %(given)s, and Alembic writes the statement without",
            given=given,
        ),
        place=statement.step,
        hint=LOST_HINT,
        statement=statement,
    )


def _unstable(blame: Blame) -> Iterator[Finding]:
    seen: set[int | None] = set()
    for one, other in blame.script.unstable:
        either = one or other
        assert either is not None  # pairs are of what is there
        if either.step not in seen and either.step not in blame.script.failures:
            seen.add(either.step)
            yield blame.finding(
                "offline-unstable",
                phrase(
                    "written twice, the SQL is not the same: a clock or a random value is frozen into it, %(texts)s",
                    texts=_difference(one, other),
                ),
                place=either.step,
                hint=phrase(
                    "Let the database make the value: now(), gen_random_uuid(), random(); on MariaDB and MySQL "
                    "UUID(), RAND()"
                ),
                statement=either,
            )


def _dated(blame: Blame) -> Iterator[Finding]:
    known = {each.step for pair in blame.script.unstable for each in pair if each is not None}
    for place in range(len(blame.script.steps)):
        if place in known or place in blame.script.failures:
            continue
        statement = dated_today(blame.script.of_step(place), blame.source(place))
        if statement is not None:
            yield blame.finding(
                "offline-unstable",
                phrase(
                    "today's date is written into the SQL, and does not stand in the revision file: a clock is frozen "
                    "into it, and tomorrow it is another"
                ),
                place=place,
                hint=phrase("Let the database make the value: now(), current_date"),
                statement=statement,
            )


def _difference(one: Statement | None, other: Statement | None) -> Phrase:
    if one is None or other is None:
        return phrase("and the second time there are not as many statements")
    start = next((n for n, (a, b) in enumerate(zip(one.text, other.text, strict=False)) if a != b), 0)
    start = max(0, start - 10)
    return phrase(
        "…%(first)s… and …%(second)s…", first=one.text[start : start + 40], second=other.text[start : start + 40]
    )


def failed_to_run(blame: Blame, said: str, statement: Statement | None, *, how: str) -> Finding:
    """Tell that a script failed when it was run.

    Args:
        blame: the script.
        said: the server's words.
        statement: where the client stopped; None where nobody knows.
        how: what ran it: ``psql 18.4``.
    """
    reason = why_not_run(blame.script, statement, said)
    guilty = (reason.statement if reason else None) or statement
    place, line = guilty.step if guilty else None, None
    if reason is None and place is not None and "syntax error" not in said:
        skipped = blame.skipped(set(re.findall(r'"(\w+)"', said)), place)
        if skipped is not None and skipped[0] <= place:
            reason, (place, line) = SKIPPED, skipped
    return blame.finding(
        "offline-failed",
        _with_reason(phrase("the SQL fails when %(client)s runs it: %(said)s", client=how, said=said), reason),
        place=place,
        hint=reason.hint if reason else None,
        statement=guilty,
        line=line,
    )


def differing(blame: Blame, online: tuple[Schema, Rows], offline: tuple[Schema, Rows]) -> list[Finding]:
    """Compare what the online run and the SQL came to.

    Args:
        blame: the script.
        online: schema and rows after ``alembic upgrade`` or ``alembic downgrade``.
        offline: the same after the SQL.
    """
    schemas = [each for each in compare_schemas(online[0], offline[0]) if each.verdict is Verdict.DIFFERENT]
    found = [_schema_finding(blame, each) for each in schemas]
    rows = [each for each in compare_rows(online[1], offline[1]) if each.holds_data]
    told = {each.object for each in schemas}
    found += [_rows_finding(blame, each, online[1], offline[1]) for each in rows if each.object not in told]
    return found


def changed_literals(online: Rows, offline: Rows) -> frozenset[str]:
    """Name the tables and columns in which a literal is another after the SQL.

    That is so even where the rest of the value is another each time, which makes every other comparison worthless.
    """
    found = (each for each in compare_rows(online, offline) if each.holds_data)
    return frozenset(each.object for each in found if changed_literal(*_values(each, online, offline)))


def _schema_finding(blame: Blame, difference: Difference) -> Finding:
    words = difference.words(phrase("in what the SQL gives"), unexpected=phrase("there"))
    suspect = _suspect(blame.script, difference.object)
    return _difference_finding(blame, words, suspect, why_different(suspect, None), difference.object)


def _rows_finding(blame: Blame, difference: RowDifference, online: Rows, offline: Rows) -> Finding:
    suspect = _suspect(blame.script, f"{difference.table} {difference.column or ''}")
    reason = why_different(suspect, _values(difference, online, offline))
    return _difference_finding(blame, difference.words(), suspect, reason, difference.object)


def _difference_finding(
    blame: Blame, words: Phrase, suspect: Statement | None, reason: Reason | None, about: str
) -> Finding:
    """Tell of a difference, and why; a step that may do less offline is to blame rather than what names the object."""
    line = None
    place = suspect.step if suspect else (0 if len(blame.script.steps) == 1 else None)
    skipped = blame.skipped(_words(about), place) if reason is None else None
    if skipped is not None:
        reason, (place, line) = SKIPPED, skipped
    told = phrase("%(difference)s (before: online, after: the SQL)", difference=words)
    return blame.finding(
        "offline-differs",
        told if reason is None else joined([told, reason.says], "; "),
        place=place,
        hint=reason.hint if reason else None,
        statement=suspect if suspect is not None and suspect.step == place else None,
        about=about,
        line=line,
    )


def _values(
    difference: RowDifference, online: Rows, offline: Rows
) -> tuple[frozenset[str | None], frozenset[str | None]]:
    """Give a column's values on both sides, as far as they are not the same."""
    sides = []
    for rows in (online, offline):
        table = rows.get(difference.table)
        columns = [difference.column] if difference.column else list(table.columns if table else ())
        cells = [cell for name in columns if table and name in table.columns for cell in table.column(name)]
        sides.append(frozenset(cells))
    return sides[0] - sides[1], sides[1] - sides[0]


def _words(about: str) -> set[str]:
    return set(re.findall(r"\w+", about)) - {"table", "column", "index", "constraint", "on", "of"}


def _suspect(script: Script, about: str) -> Statement | None:
    """Find the statement that most likely made a difference: it names what it is about."""
    words = _words(about)
    best: tuple[int, Statement | None] = (0, None)
    for statement in script.statements:
        if statement.part is Part.MIGRATION:
            score = 2 * len(words & set(re.findall(r"\w+", statement.text))) + bool(statement.lost)
            if score >= max(best[0], 2):
                best = (score, statement)
    return best[1]


def _direction(step: Step) -> Direction:
    return Direction.UPGRADE if step.upgrade else Direction.DOWNGRADE


def _excerpt(statement: Statement) -> str:
    text = " ".join(line.strip() for line in statement.text.splitlines())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
