"""The one table of options, from which the command line, the ini options, the environment and the docs are made.

A value is looked for on the command line, then in the environment, then in the ini file; the first place that says
anything wins, and where it was found is kept, because reports print it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["FILES", "OPTIONS", "Option", "Settings", "find_values", "resolve"]

Kind = Literal["text", "flag", "number", "list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option, with its names everywhere."""

    name: str
    """The field of `Settings`."""
    help: str
    kind: Kind = "text"
    metavar: str | None = None
    default: Any = None
    least: int = 1
    """Of a number."""

    @property
    def flag(self) -> str:
        """Pytest's command line option."""
        return f"--stairway-{self.name.replace('_', '-')}"

    @property
    def ini(self) -> str:
        """The ini option, which is also the attribute of the parsed command line."""
        return f"stairway_{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"STAIRWAY_{self.name.upper()}"


OPTIONS: tuple[Option, ...] = (
    Option(
        name="config",
        metavar="FILE",
        help="Alembic's configuration: an ini file or a pyproject.toml (default: alembic.ini, then pyproject.toml, "
        "in the root directory)",
    ),
    Option(name="section", metavar="NAME", default="alembic", help="the section of the ini file that Alembic reads"),
    Option(
        name="x",
        kind="list",
        metavar="KEY=VALUE",
        default=(),
        help="an argument for env.py, as alembic's own -x; may be given several times",
    ),
    Option(
        name="database",
        metavar="WHERE",
        help="where throwaway databases come from: embedded, binaries[:DIR], container[:IMAGE], sqlite, or the URL of "
        "a server on which databases may be created (default: the first that works for the dialect that env.py "
        "connects to)",
    ),
    Option(
        name="cache_dir",
        metavar="FOLDER",
        help="where templates and initialised servers are kept between runs (default: pytest-stairway in "
        "XDG_CACHE_HOME or ~/.cache)",
    ),
    Option(
        name="no_cache",
        kind="flag",
        default=False,
        help="keep nothing for the next run, and use nothing that an earlier one kept",
    ),
    Option(
        name="range",
        metavar="RANGE",
        help="the revisions to walk, as Alembic writes them: base:head, a:b, +2, -1, label@head",
    ),
    Option(
        name="shard",
        metavar="N/M",
        help="walk the Nth of M pieces of the history, so that a CI matrix shares it; the last piece also goes through "
        "the history as a whole",
    ),
    Option(
        name="base_schema",
        metavar="FILE",
        help="SQL that makes what is there before the first revision, where the history is younger than its database "
        "(pg_dump --schema-only, mariadb-dump --no-data, .schema of sqlite3, or by hand); each throwaway database "
        "begins with it",
    ),
    Option(
        name="minimum",
        metavar="REVISION",
        help="the lower end: this revision and what lies below it are only upgraded, never walked",
    ),
    Option(
        name="release_from",
        kind="list",
        metavar="REVISION",
        default=(),
        help="a released revision from which the release walk upgrades to the heads in one run (default: every base)",
    ),
    Option(name="max_heads", kind="number", metavar="N", default=1, help="how many heads the history may have"),
    Option(
        name="irreversible",
        kind="list",
        metavar="REVISION",
        default=(),
        help="a revision that is irreversible by design: it is upgraded, and its downgrade is left alone",
    ),
    Option(
        name="baseline",
        metavar="FILE",
        help="findings that are accepted as they stand, as `stairway baseline` writes them (default: "
        "stairway-baseline.toml next to Alembic's configuration, where it is)",
    ),
    Option(
        name="rows",
        kind="number",
        metavar="N",
        default=5,
        least=0,
        help="how many rows each table gets at least before a revision is walked; 0 for none (default: 5)",
    ),
    Option(
        name="rows_file",
        metavar="FILE",
        help="a Python file with rows and values of your own for tables that need them; see docs/rows.md",
    ),
    Option(
        name="volume",
        kind="number",
        metavar="N",
        help="rehearse each revision, too, with so many rows in the tables that it touches, and tell what fails, what "
        "is locked and what takes long (PostgreSQL only; `stairway rehearse` does nothing else)",
    ),
    Option(
        name="skip_without_database",
        kind="flag",
        default=False,
        help="skip, instead of failing, where no throwaway database can be had",
    ),
    Option(
        name="offline",
        kind="flag",
        default=False,
        help="check, too, that what `alembic upgrade --sql` writes for a revision does what the revision itself does",
    ),
    Option(
        name="keep",
        kind="flag",
        default=False,
        help="keep the database of each item that fails, as it was there, and print its URL and the command that opens "
        "it; a server of our own goes on for it until `stairway clean`",
    ),
    Option(name="strict", kind="flag", default=False, help="let warnings fail too"),
    Option(name="json", metavar="FILE", help="write the findings to this file as JSON"),
)
"""Every option, in the order in which the documentation lists them."""

FILES = ("config", "json", "baseline", "base_schema")
"""Options that name a file: from where the command was given, or from where the ini file that says so lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options' values, and where each was found."""

    config: str | None = None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    database: str | None = None
    cache_dir: str | None = None
    no_cache: bool = False
    range: str | None = None
    shard: str | None = None
    base_schema: str | None = None
    minimum: str | None = None
    release_from: tuple[str, ...] = ()
    max_heads: int = 1
    irreversible: tuple[str, ...] = ()
    baseline: str | None = None
    rows: int = 5
    rows_file: str | None = None
    volume: int | None = None
    skip_without_database: bool = False
    offline: bool = False
    keep: bool = False
    strict: bool = False
    json: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    """Per option that somebody set: ``--stairway-database``, ``STAIRWAY_DATABASE`` or ``stairway_database``."""

    def source(self, name: str) -> str:
        """Tell where an option's value was found."""
        return self.sources.get(name, "the default")


def resolve(
    command_line: Callable[[Option], Any], ini: Callable[[Option], Any], environ: Mapping[str, str] | None = None
) -> Settings:
    """Find each option's value: command line, then environment, then ini file, then the default.

    Args:
        command_line: an option's value on the command line, None where it was not given.
        ini: an option's value in the ini file, None where it is not there.
        environ: the environment (default: the process's own).

    Raises:
        UsageError: a value does not read as its kind.
    """
    values, sources = find_values(OPTIONS, command_line, ini, environ)
    return Settings(**values, sources=sources)


def find_values(
    options: Iterable[Option],
    command_line: Callable[[Option], Any],
    ini: Callable[[Option], Any],
    environ: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Find the values of some options as `resolve` does, those that somebody set; and where each was found.

    Raises:
        UsageError: a value does not read as its kind.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for option in options:
        places = (
            (option.flag, command_line(option)),
            (option.variable, environ.get(option.variable)),
            (option.ini, ini(option)),
        )
        for source, raw in places:
            if raw is not None:
                values[option.name] = _read(option, raw, source)
                sources[option.name] = source
                break
    return values, sources


def _read(option: Option, raw: Any, source: str) -> Any:
    """Turn what somebody wrote into the option's kind."""
    if option.kind == "list":
        return tuple(raw.replace(",", " ").split()) if isinstance(raw, str) else tuple(raw)
    if option.kind == "number":
        return _read_number(raw, source, least=option.least)
    if option.kind == "flag":
        return raw if isinstance(raw, bool) else _read_flag(raw, source)
    return str(raw).strip() or None


def _read_number(raw: Any, source: str, *, least: int) -> int:
    try:
        number = int(raw)
    except ValueError:
        number = least - 1
    if number < least:
        raise UsageError(f"{source} takes a whole number from {least}, not {raw!r}")
    return number


def _read_flag(raw: str, source: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[raw.strip().lower()]
    except KeyError:
        raise UsageError(f"{source} takes yes or no, not {raw!r}") from None


assert {option.name for option in OPTIONS} | {"sources"} == {f.name for f in fields(Settings)}
