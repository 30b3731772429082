"""Gives databases at a revision: copies of a template that is migrated once.

A template may outlive the run, so its key stands for everything that shaped it, not for the revision's name.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pytest_stairway.databases.base import new_database
from pytest_stairway.environment.access import Access
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, StairwayError, UsageError
from pytest_stairway.lenience import lenient
from pytest_stairway.migrated import MigratedDatabase
from pytest_stairway.mistakes import environment_finding
from pytest_stairway.revisions.source import shown
from pytest_stairway.walk.carried_rows import RowSettings
from pytest_stairway.walk.faults import line_in, story_of, words_of
from pytest_stairway.walk.moves import move

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stairway.contacts import Contact
    from pytest_stairway.databases import Database, Server
    from pytest_stairway.environment.environment import Survey
    from pytest_stairway.revisions import History
    from pytest_stairway.walk.lineage import Lineage
    from pytest_stairway.walk.moves import Move

__all__ = ["Clones", "TemplateUnbuilt", "Templates"]


class TemplateUnbuilt(StairwayError):
    """A database cannot be brought to the revision at which a test wants it."""


class Templates(Protocol):
    """What keeps templates: a `Server` does for one run."""

    def template(self, key: str, build: Callable[[Database], None]) -> Database:
        """Return the sealed template for `key`, which `build` fills when there is none."""


class Clones:
    """Makes databases at a revision for tests.

    Args:
        history: the revisions.
        configuration: where the history is configured.
        lineage: gives the templates' keys.
        server: makes and drops the databases.
        contact: where `env.py` connects to.
        row_settings: what the project says about generated rows.
        templates: keeps the templates; the server itself, unless somebody keeps them longer.
        keep: the databases of tests that fail are kept.
    """

    def __init__(
        self,
        history: History,
        configuration: Path,
        lineage: Lineage,
        server: Server,
        contact: Contact,
        *,
        row_settings: RowSettings | None = None,
        templates: Templates | None = None,
        keep: bool = False,
    ) -> None:
        self._history = history
        self._configuration = configuration
        self._lineage = lineage
        self._server = server
        self._contact = contact
        self._row_settings = row_settings or RowSettings()
        self._templates: Templates = templates or server
        self._keep = keep
        self._unbuilt: dict[str, StairwayError] = {}
        self._there: dict[frozenset[str], Database] = {}
        self._address = ""

    def at(self, revision: str, *, label: str = "") -> MigratedDatabase:
        """Make a database at a revision.

        Args:
            revision: as people write it: an id or its first characters, ``head``, ``heads``, ``base``, ``label@head``.
            label: becomes part of the database's name.

        Raises:
            UsageError: there is no such revision.
            TemplateUnbuilt: it cannot be reached.
            HistoryUnusable: `env.py` cannot be run.
        """
        return self._at(self.resolve(revision), label)

    def before(self, revision: str, *, label: str = "") -> MigratedDatabase:
        """Make a database right before a revision: all that it needs is there, and nothing else.

        Args:
            revision: its full identifier.
            label: becomes part of the database's name.

        Raises:
            TemplateUnbuilt: one of the revisions that it needs cannot go up.
            HistoryUnusable: `env.py` cannot be run.
        """
        needed = self._history.ancestors(revision)
        below = [self._history[each] for each in needed]
        passed = {name for each in below for name in (*each.down_revision, *each.depends_on)}
        return self._at(tuple(sorted(needed - passed)), label)

    def _at(self, heads: tuple[str, ...], label: str) -> MigratedDatabase:
        survey = self.survey
        server = self._server
        database = server.clone(self._template(heads), label) if heads else new_database(server, label)
        sandbox = Sandbox(lambda _contact: self._server, label=label, given={self._address: database})
        return MigratedDatabase(
            database,
            environment=Environment(self._history, sandbox=sandbox),
            access=Access(database, driver=self._contact.driver),
            heads=heads,
            version_tables=survey.version_tables,
            row_settings=self._row_settings,
            reserve=self._server.reserve if self._keep else None,
        )

    def drop(self, migrated: MigratedDatabase) -> None:
        """Drop a database that `at` has made, whoever is still connected; one that was reserved is kept before.

        Raises:
            DatabaseUnavailable: it cannot be kept, or dropped.
        """
        migrated.close()
        try:
            if migrated.reserved is not None:
                self._server.retain(migrated.database, reserved=migrated.reserved)
        finally:
            self._drop(migrated)

    def _drop(self, migrated: MigratedDatabase) -> None:
        self._server.drop(migrated.database)

    def resolve(self, revision: str) -> tuple[str, ...]:
        """Find the revisions that the version table of a database there holds.

        Raises:
            UsageError: there is no such revision.
        """
        if revision == "base":
            return ()
        if revision == "heads":
            return tuple(self._history.script.get_heads())
        return (self._history.get(revision).revision,)

    def _template(self, heads: tuple[str, ...]) -> Database:
        needed = {name for head in heads for name in (head, *self._history.ancestors(head))}
        order = [each.revision for each in self._history.revisions if each.revision in needed]
        key = self._lineage.keys(order, purpose=f"upgrade to {', '.join(sorted(heads))}")[-1]
        if key in self._unbuilt:
            raise self._unbuilt[key]

        def build(database: Database) -> None:
            sandbox = Sandbox(lambda _contact: self._server, label="template", given={self._address: database})
            try:
                with lenient():
                    moved = move(Environment(self._history, sandbox=sandbox), heads, upgrade=True)
            finally:
                sandbox.reset()  # what env.py connected to besides
            if moved.failure is not None:
                raise TemplateUnbuilt(self._story(heads, moved))

        try:
            template = self._built(key, frozenset(order), build)
        except StairwayError as error:
            self._unbuilt[key] = error
            raise
        self._there[frozenset(order)] = template
        return template

    def _built(self, key: str, applied: frozenset[str], build: Callable[[Database], None]) -> Database:
        """Give a template, built on a copy of one further down, where this run knows one: long histories take long."""
        below = max((known for known in self._there if known < applied), key=len, default=None)
        if below is not None and self._templates is self._server and self._server.kept([key]) is None:
            database = self._server.clone(self._there[below], "template")
            try:
                build(database)
                self._server.keep(key, database)
            finally:
                self._server.drop(database)
        return self._templates.template(key, build)

    def _story(self, heads: tuple[str, ...], moved: Move) -> str:
        assert moved.failure is not None
        error, place = moved.failure.error, "env.py"
        if moved.failed_at is not None:
            path = self._history[moved.failed_at].path
            place = f"{moved.failed_at} ({shown(path)}:{line_in(error, path) or 1})"
        story = "".join(f"\n  {line}" for line in story_of(moved.failure).splitlines())
        return f"no database can be brought to {', '.join(heads)}: {place} raised {words_of(error)}{story}"

    @cached_property
    def survey(self) -> Survey:
        """See how `env.py` configures Alembic, on a database of its own.

        Raises:
            HistoryUnusable: `env.py` cannot be run.
            UsageError: it migrates several databases.
        """
        sandbox = Sandbox(lambda _contact: self._server, label="survey")
        try:
            with lenient():
                survey = Environment(self._history, sandbox=sandbox).survey()
            addresses = [sandbox.address_of(context.url) or "" for context in survey.contexts]
        except (DatabaseUnavailable, HistoryUnusable):
            raise
        except StairwayError as error:
            env_py = self._history.script.env_py_location
            raise HistoryUnusable([environment_finding(error, env_py=env_py, ini=str(self._configuration))]) from error
        finally:
            sandbox.reset()
        if len(set(addresses)) > 1:
            raise UsageError(f"env.py migrates several databases ({', '.join(addresses)}), and a test is given one")
        self._address = addresses[0]
        return survey
