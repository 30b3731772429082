"""Where somebody wants to connect to, told without a password, and what of their arguments may stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Dialect

__all__ = ["Contact", "address_of", "contact_of", "harmless", "without_password"]

LOCATION = re.compile(
    r"""(?x) host | hostaddr | port | user | username | user_name | database | dbname | db | dsn | conninfo
    | service | servicefile | passfile | password.* | passwd | unix_sock(et)?(_path)? | source_address
    | read_default_(file|group) | defaults_file | option_files
    | (ssl|gss|krb|scram|oauth|auth).* | .*_protocol_version | direct_tls | channel_binding | require_?(auth|peer)
    | target_session_attrs | load_balance_hosts | async_creator(_fn)?
    """,
    re.IGNORECASE,
)
"""Connection arguments that say where to and as whom; all others are the caller's own business and are kept."""

PORTS = {"postgresql": "5432", "mysql": "3306", "mariadb": "3306"}
LOCAL = frozenset({"127.0.0.1", "::1", "[::1]"})

SECRET = re.compile(
    r"""\b(\w*(?:password|passwd|pwd))(\s*=\s*)('(?:[^'\\]|\\.)*'|"[^"]*"|\{[^}]*\}|[^\s;]+)""", re.IGNORECASE
)
SECRET_IN_URL = re.compile(r"(://[^\s:/@'\"]*):[^\s'\"]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where somebody wanted to connect to."""

    dialect: str
    """SQLAlchemy's name of the dialect: ``postgresql``."""
    driver: str
    """The driver's name in a URL: ``psycopg``."""
    address: str
    """Host, port and database, never a password; the same for all ways to write one place."""

    def __str__(self) -> str:
        return f"{self.dialect}+{self.driver}://{self.address}"


def contact_of(dialect: Dialect, cargs: Sequence[Any], cparams: Mapping[str, Any]) -> Contact:
    """Read from the arguments of a DBAPI's ``connect`` where they lead to."""
    address = address_of(cargs, cparams, port=PORTS.get(dialect.name))
    return Contact(dialect=dialect.name, driver=dialect.driver, address=address)


def address_of(cargs: Sequence[Any], cparams: Mapping[str, Any], *, port: str | None = None) -> str:
    """Read an address from the arguments of any ``connect``.

    Args:
        cargs: positional arguments; the first text or path among them counts where no name says more.
        cparams: named arguments.
        port: the dialect's usual one, which need not be told.
    """
    database = _first(cparams, "dbname", "database", "db")
    host = _first(cparams, "host", "hostaddr", "unix_sock", "unix_socket", "service").lower()
    if not database and not host:
        texts = [*cargs, cparams.get("dsn"), cparams.get("conninfo")]
        database = next((without_password(str(text)) for text in texts if text and not isinstance(text, type)), "")
    given = _first(cparams, "port")
    host = "localhost" if host in LOCAL else host
    return f"{host}{f':{given}' if given and given != port else ''}/{database or _first(cparams, 'user')}"


def harmless(cparams: Mapping[str, Any]) -> dict[str, Any]:
    """Leave of a caller's arguments what says neither where to nor as whom."""
    return {name: value for name, value in cparams.items() if not LOCATION.fullmatch(name)}


def without_password(text: str) -> str:
    """Hide the passwords in a DSN, a URL, an ODBC string, or a message or line of code that repeats one."""
    text = SECRET_IN_URL.sub(r"\1:***@", text)
    return SECRET.sub(r"\1\2***", text)


def _first(values: Mapping[str, Any], *names: str) -> str:
    return next((str(values[name]) for name in names if values.get(name)), "")
