"""What the databases of one comparison have in common: the history, the server, and how `env.py` uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.schema import reader_for
from pytest_stairway.walk.carried_rows import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_stairway.databases import Server
    from pytest_stairway.environment.environment import Circumstances, Survey
    from pytest_stairway.revisions import History
    from pytest_stairway.schema import SchemaReader
    from pytest_stairway.walk.carried_rows import RowSettings

__all__ = ["Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all databases have in common."""

    history: History
    server: Server
    survey: Survey
    """How `env.py` configures Alembic."""
    address: str
    """Where `env.py` connects to, as the sandbox knows it."""
    driver: str
    """The one that `env.py` uses."""
    rows: RowSettings
    """What the user says about rows."""

    @property
    def version_tables(self) -> Collection[tuple[str | None, str]]:
        """What is no part of a schema."""
        return self.survey.version_tables

    @property
    def compares_rows(self) -> bool:
        """Whether rows can be made and read in this dialect."""
        return self.server.dialect in DIALECTS

    @property
    def circumstances(self) -> Circumstances:
        """How `env.py` configures Alembic for its one connection."""
        return self.survey.contexts[0]

    def reader(self) -> SchemaReader:
        """Make a reader of schemas."""
        return reader_for(self.server.dialect, ignore=self.version_tables)
