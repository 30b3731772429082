"""Tells why `env.py` cannot be used: one sentence, the line, and what Alembic expects there.

What tutorials get wrong and what a project forgets comes out of five libraries as many kinds of exceptions.  Each kind
that is known here has a function that recognises it; what none of them knows is told in its own words.
"""

from __future__ import annotations

import configparser
import difflib
import logging.config
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy.engine.url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, MissingGreenlet, NoSuchModuleError

from pytest_stairway.environment import guard
from pytest_stairway.environment.environment import EnvironmentRaised, EnvironmentUnusable
from pytest_stairway.exceptions import ConnectionRefused, StairwayError
from pytest_stairway.findings import Finding
from pytest_stairway.frames import own_frames, told_frames
from pytest_stairway.hints import hint_of
from pytest_stairway.paths import is_same_file
from pytest_stairway.phrases import joined, phrase
from pytest_stairway.revisions.source import read_text, shown
from pytest_stairway.walk.faults import line_in, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["environment_finding", "is_fault_of_environment"]

PACKAGES = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""Modules of drivers whose packages go by another name."""

DRIVERS = ("psycopg", "psycopg2", "asyncpg", "pg8000", "pysqlite", "aiosqlite", "pymysql", "mysqldb", "aiomysql")
DIALECTS = ("postgresql", "sqlite", "mysql", "mariadb", "mssql", "oracle")

URL_FORM = (
    "Its form is dialect+driver://user:password@host:port/database; what is special in a user or password is written "
    "as %40 for @, %2F for /, %3A for :, which urllib.parse.quote_plus() does, or sqlalchemy.URL.create()"
)
OS = {os.__file__, "<frozen os>"}
"""Where ``os.environ[…]`` stands."""

SOURCE_FOLDERS = (".", "src", "app", "backend", "lib")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and the remedy."""

    says: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The project's files."""

    env_py: str
    ini: str


def is_fault_of_environment(error: BaseException) -> bool:
    """Tell whether `env.py` is to blame for an error, rather than something of ours that ran within it."""
    return isinstance(error, StairwayError)


def environment_finding(error: BaseException, *, env_py: str, ini: str) -> Finding:
    """Tell why `env.py` could not be used.

    Args:
        error: what running it ended with.
        env_py: its path.
        ini: the path of Alembic's configuration.
    """
    place = Place(env_py, ini)
    if isinstance(error, EnvironmentRaised):
        return _logging_finding(error.error, place) or _raised_finding(error.error, place)
    line = line_in(error, env_py) or _line_of(env_py, "run_migrations(")
    if isinstance(error, ConnectionRefused):
        message = phrase("env.py cannot be run safely: %(said)s", said=error.said)
        return _finding(message, env_py, line_in(error, env_py), error.remedy)
    hint = error.remedy if isinstance(error, EnvironmentUnusable) else None
    return _finding(str(error), env_py, line, hint)


def _raised_finding(error: BaseException, place: Place) -> Finding:
    path, line = place.env_py, line_in(error, place.env_py)
    if isinstance(error, SyntaxError) and error.filename and not is_same_file(error.filename, path):
        path, line = error.filename, error.lineno
    known = (explain(error, place) for explain in EXPLANATIONS)
    mistake = next((each for each in known if each is not None), None) or Mistake(words_of(error), hint_of(error))
    name = Path(path).name
    where = phrase("%(file)s, line %(line)s", file=name, line=line) if line else name
    return _finding(joined([where, mistake.says], ": "), path, line, mistake.hint, told_frames(own_frames(error)))


def _finding(
    message: str, path: str, line: int | None = None, hint: str | None = None, detail: str | None = None
) -> Finding:
    return Finding(
        code="environment-failed", message=message, path=shown(path), line=line, hint=hint, detail=detail or None
    )


# -- the kinds that are known -------------------------------------------------------------------------------------


def _logging_finding(error: BaseException, place: Place) -> Finding | None:
    """Recognise that ``fileConfig`` could not read the ini file's logging sections."""
    if not any(
        frame.name == "fileConfig" and is_same_file(frame.filename, logging.config.__file__) for frame in _frames(error)
    ):
        return None
    missing = error.args[0] if isinstance(error, KeyError) and error.args else None
    if isinstance(error, ValueError) and "list.remove" in str(error):
        said = "its section [loggers] does not list the root logger"
    else:
        said = f"section or key {missing!r} is missing" if missing else words_of(error)
    return _finding(
        f"fileConfig() cannot use the logging configuration of {shown(place.ini)}: {said}",
        place.ini,
        _line_of(place.ini, "[loggers]"),
        "Python's logging expects [loggers] (with root among its keys), [handlers], [formatters] and a section for "
        f"each of their keys; or take the fileConfig() call out of {shown(place.env_py)}",
    )


def _missing_url(error: BaseException, _place: Place) -> Mistake | None:
    missing = isinstance(error, KeyError) and error.args == ("url",)
    none_given = isinstance(error, ArgumentError) and "URL object, got None" in str(error)
    if not missing and not none_given:
        return None
    return Mistake(
        phrase("the configuration has no sqlalchemy.url"),
        phrase(
            "Set sqlalchemy.url in Alembic's configuration, or let env.py get its URL elsewhere; nothing is connected "
            "to: every connection goes to the throwaway database"
        ),
    )


def _missing_attribute_of_config(error: BaseException, place: Place) -> Mistake | None:
    frames = _frames(error)
    if not isinstance(error, KeyError) or not frames or not is_same_file(frames[-1].filename, place.env_py):
        return None
    if "attributes" not in (frames[-1].line or ""):
        return None
    return Mistake(
        f"config.attributes has no {error.args[0]!r}",
        "Only a program that calls Alembic can put it there, the alembic command does not: use "
        f"config.attributes.get({error.args[0]!r}), and make an engine where there is none",
    )


def _missing_variable(error: BaseException, _place: Place) -> Mistake | None:
    if not isinstance(error, KeyError) or not error.args or _frames(error)[-1].filename not in OS:
        return None
    return Mistake(
        f"the environment variable {error.args[0]} is not set",
        "Set it for this run; where it holds the URL, any of the right dialect will do, because every connection goes "
        "to the throwaway database",
    )


def _missing_module(error: BaseException, place: Place) -> Mistake | None:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    top = error.name.partition(".")[0]
    if any(frame.name == "import_dbapi" for frame in _frames(error)):
        return Mistake(
            f"the driver {top} is not installed", f"Install it: python -m pip install '{PACKAGES.get(top, top)}'"
        )
    folder = _folder_of(top, Path(place.ini).parent)
    if folder is not None:
        here = "%(here)s" if folder == "." else f"%(here)s/{folder}"
        hint = f"It lies in {folder}: set prepend_sys_path = {here} in Alembic's configuration, or install the project"
    else:
        hint = f"Install it (python -m pip install '{PACKAGES.get(top, top)}'), or put its folder into prepend_sys_path"
    return Mistake(f"there is no module {error.name}", hint)


def _folder_of(package: str, root: Path) -> str | None:
    return next(
        (name for name in SOURCE_FOLDERS if any((root / name / each).exists() for each in (package, f"{package}.py"))),
        None,
    )


def _unknown_dialect(error: BaseException, _place: Place) -> Mistake | None:
    if not isinstance(error, NoSuchModuleError):
        return None
    dialect, _dot, driver = str(error).rpartition(":")[2].split(" ")[0].partition(".")
    if driver:
        close = difflib.get_close_matches(driver, DRIVERS, n=1)
        return Mistake(f"SQLAlchemy knows no driver {driver} for {dialect}", _meant(close))
    close = ["postgresql"] if dialect == "postgres" else difflib.get_close_matches(dialect, DIALECTS, n=1)
    return Mistake(
        f"SQLAlchemy knows no dialect {dialect}", _meant(close) or f"Install the package that brings {dialect}"
    )


def _meant(close: list[str]) -> str | None:
    return f"Write {close[0]} in the URL" if close else None


def _unreadable_url(error: BaseException, _place: Place) -> Mistake | None:
    if not isinstance(error, (ArgumentError, ValueError)) or not _passed_through(error, sqlalchemy.engine.url.__file__):
        return None
    return Mistake("the database URL cannot be read", URL_FORM)  # its words repeat the password


def _percent_sign(error: BaseException, _place: Place) -> Mistake | None:
    is_ours = isinstance(error, configparser.InterpolationError) or "invalid interpolation syntax" in str(error)
    if not is_ours or not _passed_through(error, configparser.__file__):
        return None
    return Mistake(
        "a % in Alembic's configuration is not doubled",
        "Write %% in the ini file, and value.replace('%', '%%') where env.py calls config.set_main_option()",
    )


def _ended(error: BaseException, _place: Place) -> Mistake | None:
    if isinstance(error, Exception):
        return None
    before = error.__context__
    said = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else type(error).__name__
    hint = phrase("Let env.py raise what is wrong, or put it right")
    if before is None:
        return Mistake(phrase("env.py ends the process by %(how)s", how=said), hint)
    after = words_of(before)
    return Mistake(phrase("env.py ends the process by %(how)s after %(error)s", how=said, error=after), hint)


def _wrong_kind_of_driver(error: BaseException, _place: Place) -> Mistake | None:
    if isinstance(error, MissingGreenlet):
        hint = "Name a driver that is not async, or make env.py async: `alembic init -t async` shows how"
        return Mistake("the URL names an async driver, and env.py is not async", hint)
    if isinstance(error, InvalidRequestError) and "requires an async driver" in str(error):
        return Mistake(
            "env.py is async, and the URL names a driver that is not",
            "Name an async driver: postgresql+asyncpg, postgresql+psycopg, sqlite+aiosqlite",
        )
    return None


def _no_connection(error: BaseException, _place: Place) -> Mistake | None:
    if not isinstance(error, DBAPIError) or not _passed_through(error, guard.__file__):
        return None
    return Mistake(
        f"the throwaway database refuses the connection: {words_of(error)}",
        hint_of(error) or "It gets the connect_args and options of env.py, but for host, user, password and encryption",
    )


def _mistyped(error: BaseException, _place: Place) -> Mistake | None:
    """Recognise a misspelt attribute, ``config.config_loader_name``."""
    if not isinstance(error, AttributeError) or not error.name or error.obj is None:
        return None
    names = [name for name in dir(error.obj) if not name.startswith("_")]
    close = difflib.get_close_matches(error.name, names, n=1)
    owner = error.obj.__name__ if hasattr(error.obj, "__name__") else type(error.obj).__name__
    return Mistake(f"{owner} has no {error.name}", f"Did you mean {close[0]}?" if close else None)


EXPLANATIONS: tuple[Callable[[BaseException, Place], Mistake | None], ...] = (
    _missing_url,
    _missing_attribute_of_config,
    _missing_variable,
    _missing_module,
    _unknown_dialect,
    _unreadable_url,
    _percent_sign,
    _ended,
    _wrong_kind_of_driver,
    _no_connection,
    _mistyped,
)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


def _passed_through(error: BaseException, path: str) -> bool:
    return any(is_same_file(frame.filename, path) for frame in _frames(error))


def _line_of(path: str, text: str) -> int | None:
    return next((number for number, line in enumerate(read_text(path).splitlines(), 1) if text in line), None)
