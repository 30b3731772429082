"""Makes and drops databases on servers that nothing here knows better: SQL Server, Oracle, CockroachDB.

They are only used in a container of the run's own, so nothing needs to be swept there, and a database cannot be copied.
On Oracle a user takes the place of a database.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stairway.databases.base import Database, current_worker
from pytest_stairway.databases.running import Endings, RunningServer, Tenancy, admission
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stairway.databases.drivers import Administrator

__all__ = ["KINDS", "Kind", "OtherServer", "join"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is said to one kind of server; ``{name}`` stands for a database, ``{password}`` for the administrator's."""

    product: str
    version: str
    """Asks for it."""
    create: tuple[str, ...]
    drop: tuple[str, ...]
    client: str
    """A shell command in the container that opens a database; it finds the password there."""
    by_user: bool = False
    """A database is a user, who has the administrator's password."""


KINDS = {
    "mssql": Kind(
        product="SQL Server",
        version="SELECT CAST(SERVERPROPERTY('ProductVersion') AS VARCHAR(50))",
        create=("CREATE DATABASE [{name}]",),
        drop=(
            "IF DB_ID('{name}') IS NOT NULL ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
            "DROP DATABASE IF EXISTS [{name}]",
        ),
        client='/opt/mssql-tools*/bin/sqlcmd -C -U SA -P "$SA_PASSWORD" -d {name}',
    ),
    "oracle": Kind(
        product="Oracle",
        version="SELECT version_full FROM product_component_version FETCH FIRST 1 ROW ONLY",
        create=(
            'CREATE USER "{name}" IDENTIFIED BY "{password}" QUOTA UNLIMITED ON users',
            'GRANT CONNECT, RESOURCE, CREATE VIEW, CREATE MATERIALIZED VIEW, CREATE SYNONYM TO "{name}"',
        ),
        drop=('DROP USER "{name}" CASCADE',),
        client="sqlplus '\"{name}\"/'\"$ORACLE_PASSWORD\"'@//localhost/FREEPDB1'",
        by_user=True,
    ),
    "cockroachdb": Kind(
        product="CockroachDB",
        version="SELECT version()",
        create=('CREATE DATABASE "{name}"',),
        drop=('DROP DATABASE IF EXISTS "{name}" CASCADE',),
        client="cockroach sql --certs-dir=certs --database={name}",
    ),
}
"""By SQLAlchemy's name of the dialect; taken from the makers' manuals."""


class OtherServer(RunningServer):
    """A server of our own; see `RunningServer` for the other arguments.

    Args:
        dialect: SQLAlchemy's name of it.
    """

    def __init__(
        self,
        administrator: Administrator,
        tenancy: Tenancy,
        *,
        dialect: str,
        worker: str = "main",
        endings: Endings | None = None,
    ) -> None:
        super().__init__(administrator, tenancy, worker=worker, endings=endings)
        self.dialect = dialect
        self._kind = KINDS[dialect]
        found = re.search(r"\d+(\.\d+)*", str(administrator.value(self._kind.version)))
        self.version = found[0] if found is not None else ""

    @property
    def description(self) -> str:
        """A line for the report's header."""
        return f"{self._kind.product} {self.version}, {self._tenancy.place}"

    def create(self, label: str = "") -> Database:
        """Make an empty database."""
        name = self._new_name(label)
        password = self._administrator.url.password or ""
        for statement in self._kind.create:
            self._administrator.execute(statement.format(name=name, password=password))
        self._made[name] = False
        return self._database(name)

    def _database(self, name: str) -> Database:
        url = self._administrator.url
        url = url.set(username=f'"{name}"') if self._kind.by_user else url.set(database=name)
        words = ["docker", "exec", "-it", self._tenancy.container, "bash", "-c", self._kind.client.format(name=name)]
        return Database(name=name, url=url.render_as_string(hide_password=False), client_command=shlex.join(words))

    def clone(self, template: Database | str, label: str = "") -> Database:  # noqa: ARG002 - the protocol's
        """Refuse: nothing here copies a database of this kind.

        Raises:
            DatabaseUnavailable: always.
        """
        return self._copy_to("", "")

    def _copy_to(self, source: str, name: str) -> Database:  # noqa: ARG002 - see `clone`
        msg = f"databases of {self._kind.product} are not copied here"
        raise DatabaseUnavailable(msg)

    def seal(self, database: Database) -> None:
        """Do nothing: no copies are made."""

    def template(self, key: str, build: Callable[[Database], None]) -> Database:  # noqa: ARG002 - see `clone`
        """Refuse: a template could not be copied.

        Raises:
            DatabaseUnavailable: always.
        """
        return self._copy_to("", "")

    def kept(self, keys: Sequence[str]) -> tuple[str, Database] | None:  # noqa: ARG002 - see `template`
        """Return None: there are no templates."""
        return None

    def keep(self, key: str, database: Database) -> None:
        """Do nothing, for the same reason."""

    def forget(self) -> tuple[str, ...]:
        """Do nothing, for the same reason."""
        return ()

    def _drop(self, name: str, *, sealed: bool = False) -> None:  # noqa: ARG002 - nothing is sealed here
        for statement in self._kind.drop:
            self._administrator.execute(statement.format(name=name))

    def _drop_session(self) -> None:
        """Do nothing: the container goes."""

    def _disconnect(self, name: str) -> None:
        """Do nothing: no copies are made."""

    def _retained_names(self) -> list[str]:
        return []

    def _is_over(self, session: str) -> bool:  # noqa: ARG002 - nothing is retained
        return False


def join(values: dict[str, Any], worker: str | None = None) -> OtherServer:
    """Return another process's server, for this process's own databases.

    Raises:
        DatabaseUnavailable: it is gone.
    """
    administrator, tenancy = admission(values)
    return OtherServer(administrator, tenancy, dialect=values["dialect"], worker=worker or current_worker())
