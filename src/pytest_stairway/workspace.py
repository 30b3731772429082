"""What one run works with: Alembic's configuration, the history, what of it is chosen, and the databases."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_stairway import databases
from pytest_stairway.base_schema import read_base_schema
from pytest_stairway.baseline import FILE_NAME as BASELINE
from pytest_stairway.baseline import Baseline, read_baseline
from pytest_stairway.databases import Cache
from pytest_stairway.environment.environment import Environment
from pytest_stairway.environment.sandbox import Sandbox
from pytest_stairway.exceptions import DatabaseUnavailable, HistoryUnusable, UsageError
from pytest_stairway.marks import marks_in
from pytest_stairway.mistakes import environment_finding, is_fault_of_environment
from pytest_stairway.pieces import cut, read_shard
from pytest_stairway.report import DatabaseFacts, HistoryFacts
from pytest_stairway.revisions import load_history
from pytest_stairway.revisions.extensions import created_extensions
from pytest_stairway.rows_file import read_rows_file
from pytest_stairway.walk.carried_rows import DIALECTS, RowSettings
from pytest_stairway.walk.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stairway.base_schema import BaseSchema
    from pytest_stairway.databases import Provider, Server
    from pytest_stairway.databases.head_start import HeadStart
    from pytest_stairway.environment.environment import Survey
    from pytest_stairway.environment.guard import Contact
    from pytest_stairway.revisions import History, Revision
    from pytest_stairway.settings import Settings

T = TypeVar("T")

__all__ = ["Workspace", "find_configuration"]


class Workspace:
    """What one run works with; each part is found when it is first asked for.

    Args:
        settings: the options.
        root: the folder in which Alembic's configuration is looked for.
        address: of a server that another process has started (an xdist worker's controller).
    """

    def __init__(self, settings: Settings, root: Path, *, address: str | None = None) -> None:
        self.settings = settings
        self._root = root
        self._address = address
        self._server: Server | None = None
        self._unavailable: DatabaseUnavailable | None = None
        self._broken: HistoryUnusable | None = None
        self._asked: frozenset[str] = frozenset()
        self.head_start: HeadStart | None = None
        """What has been begun for a server of our own; closed with the project."""
        self.notes: tuple[str, ...] = ()
        """What somebody should know after the run, though nothing failed."""

    @cached_property
    def configuration(self) -> Path:
        """Alembic's configuration: an ini file or a pyproject.toml.

        Raises:
            UsageError: there is none.
        """
        return find_configuration(self.settings, self._root)

    @cached_property
    def history(self) -> History:
        """The loaded history.

        Raises:
            HistoryUnusable: it cannot be loaded.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return load_history(self.configuration, section=self.settings.section, x_arguments=self.settings.x)
        except HistoryUnusable as error:
            self._broken = error
            raise

    @property
    def is_usable(self) -> bool:
        """Whether the history can be loaded."""
        return self.history_facts is not None

    @cached_property
    def selected(self) -> tuple[Revision, ...]:
        """The revisions to walk, in the history's order."""
        number, of = self._shard
        return cut(self._walked, of, ways=1 + len(self.releases))[number - 1] if of > 1 else self._walked

    @cached_property
    def _walked(self) -> tuple[Revision, ...]:
        """The revisions that all shards walk together."""
        wanted = self.history.select(self.settings.range) if self.settings.range else self.history.revisions
        return tuple(revision for revision in wanted if revision.revision not in self.minimum)

    @property
    def _shard(self) -> tuple[int, int]:
        if self.settings.shard is None:
            return 1, 1
        return read_shard(self.settings.shard, source=self.settings.source("shard"))

    @property
    def goes_through_whole(self) -> bool:
        """Whether the history is gone through as a whole here: the last of several shards does."""
        number, of = self._shard
        return number == of and bool(self._walked)

    @cached_property
    def minimum(self) -> frozenset[str]:
        """The revisions that are only upgraded, never walked."""
        if self.settings.minimum is None:
            return frozenset()
        lowest = self.history.get(self.settings.minimum).revision
        return self.history.ancestors(lowest) | {lowest}

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """The revisions from which a release walk starts."""
        if self.settings.release_from:
            return tuple(self.history.get(name).revision for name in self.settings.release_from)
        if self.settings.minimum is not None:
            return (self.history.get(self.settings.minimum).revision,)
        return self.history.bases

    def verify(self) -> None:
        """Look up every revision that an option names, and read the marks in the revision files.

        Raises:
            UsageError: one of them cannot be used.
            HistoryUnusable: the history cannot be loaded.
        """
        self.selected, self.releases, self._irreversible(), self.row_settings, self._base_schema

    @cached_property
    def baseline(self) -> Baseline:
        """What is accepted as it stands.

        Raises:
            UsageError: the file cannot be used.
        """
        named = self.settings.baseline
        if named is not None:
            return read_baseline(Path(self._root, named), source=self.settings.source("baseline"))
        path = self.configuration.with_name(BASELINE)
        return read_baseline(path, source="the default") if path.exists() else Baseline()

    @cached_property
    def contact(self) -> Contact:
        """Where `env.py` connects to when nobody redirects it.

        Raises:
            HistoryUnusable: `env.py` cannot be run.
        """
        return self._guarded(Environment(self.history, sandbox=Sandbox(self._acquire)).probe)

    @cached_property
    def provider(self) -> Provider:
        """Where throwaway databases come from.

        Raises:
            DatabaseUnavailable: there is nowhere.
        """
        return databases.choose(
            self.contact.dialect,
            named=self.settings.database,
            driver=self.contact.driver,
            cache=self._cache,
            extensions=created_extensions(each.path for each in self.history.revisions),
        )

    @property
    def _cache(self) -> Cache:
        """What is kept between runs."""
        if self.settings.no_cache:
            return Cache(folder=None, on_servers=False)
        folder = databases.cache_folder(self.settings.cache_dir)
        return Cache(folder=folder, project=str(self.configuration), wanted=self._wanted, head_start=self.head_start)

    def _wanted(self) -> list[str]:
        """Give the keys of the templates with which the walk can begin, the best first."""
        order = [each.revision for each in self.history.revisions]
        first = next((place for place, name in enumerate(order) if name in self._asked), len(order))
        return self.lineage.keys(order[:first])[::-1]

    @cached_property
    def lineage(self) -> Lineage:
        """What the databases of this history are made from, for the keys of templates."""
        facts = [self.contact.driver, *([self._base_schema.digest] if self._base_schema else [])]
        return Lineage(self.history, dialect=self.contact.dialect, facts=facts)

    @cached_property
    def _base_schema(self) -> BaseSchema | None:
        """What is there before the first revision.

        Raises:
            UsageError: the file cannot be used.
        """
        file = self.settings.base_schema
        return None if file is None else read_base_schema(Path(file), source=self.settings.source("base_schema"))

    @property
    def server(self) -> Server:
        """The running server; started, or joined, when first asked for.

        Raises:
            DatabaseUnavailable: it could not be, and is not tried again.
        """
        if self._unavailable is not None:
            raise self._unavailable
        if self._server is None:
            try:
                self._server = self._started_server()
            except DatabaseUnavailable as error:
                self._unavailable = error
                raise
        return self._server

    def _started_server(self) -> Server:
        server = databases.join(self._address) if self._address else self.provider.start()
        if self._base_schema is not None:
            try:
                self._base_schema.give_to(server)
            except DatabaseUnavailable:
                server.close()
                raise
        return server

    @property
    def database_facts(self) -> DatabaseFacts | None:
        """The database in use; None before there is one."""
        server = self._server
        if server is None:
            return None
        return DatabaseFacts(
            dialect=server.dialect,
            server_version=server.version,
            provider=server.provider,
            description=server.description,
        )

    @property
    def history_facts(self) -> HistoryFacts | None:
        """The history's size and ends; None where it cannot be loaded."""
        try:
            history = self.history
        except HistoryUnusable:
            return None
        return HistoryFacts(revisions=len(history.revisions), heads=history.heads, bases=history.bases)

    @property
    def order(self) -> tuple[str, ...]:
        """Every revision in the history's order; none where it cannot be loaded."""
        return () if self.history_facts is None else tuple(each.revision for each in self.history.revisions)

    @cached_property
    def _survey(self) -> Survey:
        return self._guarded(self._environment.survey)

    @cached_property
    def _environment(self) -> Environment:
        return Environment(self.history, sandbox=Sandbox(self._acquire))

    def _acquire(self, _contact: Contact) -> Server:
        return self.server

    @property
    def irreversible(self) -> frozenset[str]:
        """The revisions that are never downgraded."""
        return self._irreversible()

    @cached_property
    def row_settings(self) -> RowSettings:
        """What the user says about rows.

        Raises:
            UsageError: the file with the user's own cannot be used.
        """
        settings = self.settings
        if settings.rows_file is None:
            return RowSettings(rows=settings.rows)
        path = Path(self._root, settings.rows_file)
        return read_rows_file(path, self.history, rows=settings.rows, source=settings.source("rows_file"))

    def _without_rows(self) -> tuple[str, ...]:
        """Say so where rows were asked for, and are not made on this dialect."""
        dialect = self.server.dialect
        if dialect in DIALECTS or not self.settings.rows:
            return ()
        return (f"rows are not generated on {dialect}: only schemas are compared",)

    def _irreversible(self) -> frozenset[str]:
        """Gather what is declared irreversible, by the option or in the revision files."""
        named = {self.history.get(name).revision for name in self.settings.irreversible}
        marked = {
            revision.revision
            for revision in self.history.revisions
            if any(mark.code == "irreversible" for mark in marks_in(revision.path))
        }
        return frozenset(named | marked)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run work that executes `env.py`; what that raises becomes a finding.

        Raises:
            HistoryUnusable: `env.py` could not be used.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return work()
        except (HistoryUnusable, DatabaseUnavailable, UsageError):
            raise
        except (Exception, SystemExit) as error:
            if not is_fault_of_environment(error):
                raise
            env_py = self.history.script.env_py_location
            finding = environment_finding(error, env_py=env_py, ini=str(self.configuration))
            self._broken = HistoryUnusable([finding])
            raise self._broken from error


def find_configuration(settings: Settings, root: Path) -> Path:
    """Find Alembic's configuration.

    Raises:
        UsageError: there is none where it was named, or at any of the usual places.
    """
    if settings.config is not None:
        named = Path(root, settings.config)
        if not named.is_file():
            raise UsageError(f"{settings.source('config')} names {settings.config}, which is not a file")
        return named
    for candidate in (root / "alembic.ini", root / "pyproject.toml"):
        if candidate.is_file() and (candidate.suffix == ".ini" or _configures_alembic(candidate)):
            return candidate
    raise UsageError(
        f"there is no alembic.ini in {root}, and no pyproject.toml with a [tool.alembic] table; name Alembic's "
        "configuration by --stairway-config (or stairway_config in pytest's own)"
    )


def _configures_alembic(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip().startswith("[tool.alembic") for line in lines)
