"""Which product a release is for: its guard, and what runs its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.databases.mysql import MysqlServer
from pytest_stairway.handoff.mysql import MysqlGuarding
from pytest_stairway.handoff.postgresql import PostgresqlGuarding
from pytest_stairway.handoff.sqlite import SqliteGuarding

if TYPE_CHECKING:
    from pytest_stairway.databases import Server
    from pytest_stairway.handoff.pieces import Guarding
    from pytest_stairway.handoff.settings import HandoffSettings
    from pytest_stairway.phrases import Language

__all__ = ["COMMANDS", "COMMITS_STATEMENTS", "DIALECTS", "guarding_for", "product_of"]

DIALECTS = ("postgresql", "sqlite", "mariadb", "mysql")
"""SQLAlchemy's names of the dialects in which a release can be proven."""

COMMANDS = {
    "postgresql": 'psql -X -d "$DATABASE_URL" -f',
    "sqlite": 'sqlite3 -bail "$DATABASE_FILE" <',
    "mariadb": 'mariadb "$DATABASE" <',
    "mysql": 'mysql "$DATABASE" <',
}
"""What runs a file, by product, up to the file's name."""

COMMITS_STATEMENTS = ("mariadb", "mysql")
"""Where each statement of a migration is committed by itself."""


def product_of(server: Server) -> str:
    """Tell which product a server is, in the words of `COMMANDS`: MariaDB is often reached by the dialect ``mysql``."""
    return server.product.lower() if isinstance(server, MysqlServer) else server.dialect


def guarding_for(product: str, version_table: str, settings: HandoffSettings, language: Language) -> Guarding:
    """Make the guard.

    Args:
        product: see `product_of`.
        version_table: as SQL writes it.
        settings: the time limits.
        language: in which it speaks.
    """
    if product == "sqlite":
        return SqliteGuarding(version_table=version_table, language=language)
    lock, statement = settings.handoff_lock_timeout, settings.handoff_statement_timeout
    if product == "postgresql":
        return PostgresqlGuarding(
            version_table=version_table, lock_timeout=lock, statement_timeout=statement, language=language
        )
    return MysqlGuarding(
        version_table=version_table, product=product, lock_timeout=lock, statement_timeout=statement, language=language
    )
