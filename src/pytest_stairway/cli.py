"""The ``stairway`` command: the same checks without pytest, and what helps before them.

Exit codes: 0 when nothing was found, 1 when something was, 2 when the command or the set-up cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stairway import __version__
from pytest_stairway.baseline import REASON
from pytest_stairway.exceptions import HistoryUnusable, StairwayError
from pytest_stairway.settings import FILES, OPTIONS, resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_stairway.ini_files import IniFile
    from pytest_stairway.project import Project
    from pytest_stairway.settings import Option, Settings

__all__ = ["main"]

UNUSABLE = 2
INTERRUPTED, BROKEN_PIPE = 130, 141
"""As shells give them for the signals."""

RANGES = "base:head, a:b, +2, -1, label@head, or one revision; default: all"

EPILOG = """\
Every option can also be given by an environment variable (STAIRWAY_DATABASE) or in pytest's ini file
(stairway_database).  Exit codes: 0 nothing was found, 1 something was, 2 the command or the set-up cannot be used.
"""

SUMMARIES = {
    "check": "walk revisions up, down and up again",
    "baseline": "accept what is found now, so that only what is new fails",
    "clean": "remove what is kept between runs, and what dead ones have left",
    "doctor": "show what would be used, and what is missing",
    "history": "show the revisions in the order in which they are walked",
    "rehearse": "run revisions on many rows, and tell what is locked and what takes long",
    "handoff": "write a release's SQL for a DBA, and prove it",
}

DESCRIPTIONS = {
    "check": "Take every revision up, down and up again on a throwaway database, and compare the schema around each "
    "step; then go from the heads down to base, and upgrade from each base to the heads in one run.  With RANGE, only "
    "the revisions in it are walked.",
    "baseline": "Do what check does, and write what is found to a file that accepts it as it stands: only what is new "
    "fails then.  A file that is there already keeps its reasons, and loses what does not happen any more; with RANGE "
    "entries are only added.",
    "clean": "Remove templates, initialised servers, databases that --keep has kept and whatever dead runs have left "
    "on this machine, and say what that was; with --database URL also the templates, kept and dead sessions' databases "
    "on that server.  What a live run uses stays.",
    "doctor": "Show which Alembic configuration is used, what env.py connects to, and which throwaway databases can be "
    "had for it, or why not.  No revision is run, and nothing is connected to.",
    "history": "Show the revisions in the order in which they are walked, and what is wrong with the graph that they "
    "make or with env.py.  No revision is run, and nothing is connected to.",
    "rehearse": "Fill the tables that a revision touches with many rows, run it up and down on a throwaway PostgreSQL, "
    "and watch each statement: what fails, seconds, rows, WAL, rewrites, full scans, locks and whom they keep "
    "waiting.  Without RANGE, the newest revision.",
    "handoff": "Write upgrade.sql and downgrade.sql for the revisions of RANGE (FROM:TO) as Alembic renders them, with "
    "a guard around them; run them on a populated throwaway database as a DBA would, and compare with what alembic "
    "upgrade and downgrade do there.  The bundle is marked NOT PROVEN, and the exit code is 1, where anything differs.",
}

LEFT_OUT = {
    "rehearse": ("rows", "volume"),
    "handoff": ("json", "keep", "offline", "release_from", "shard", "strict", "volume"),
}
"""What would change nothing there, and is refused rather than taken without a word."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: instead of the process's own.

    Returns:
        The exit code.
    """
    parsed = _parser().parse_args(arguments)
    try:
        code = _run(parsed)
        sys.stdout.flush()
    except StairwayError as error:
        words = str(error).replace("--stairway-handoff-", "--").replace("--stairway-", "--")
        words = words.replace("--volume", "--rows") if parsed.command == "rehearse" else words
        print(f"stairway: {words}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("\nstairway: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return BROKEN_PIPE
    return code


def _run(parsed: argparse.Namespace) -> int:
    """Run one subcommand."""
    from pytest_stairway import commands

    settings, root = _settings(parsed)
    if parsed.command == "clean":
        return commands.clean(settings)
    project = _project(settings, root)
    if parsed.command == "handoff":
        return _handoff(parsed, project)
    run = {
        "check": commands.check,
        "baseline": lambda project: commands.baseline(project, output=parsed.output, reason=parsed.reason),
        "doctor": commands.doctor,
        "history": commands.history,
        "rehearse": commands.rehearse,
    }[parsed.command]
    try:
        return run(project)
    except HistoryUnusable as error:
        return commands.tell_unusable(error)
    finally:
        project.close()
        for note in project.notes:
            print(f"stairway: {note}", file=sys.stderr)


def _handoff(parsed: argparse.Namespace, project: Project) -> int:
    """Run the subcommand that has options of its own."""
    from pytest_stairway import commands
    from pytest_stairway.handoff.command import handoff
    from pytest_stairway.handoff.settings import resolve_handoff
    from pytest_stairway.ini_files import find_ini_file

    ini = find_ini_file(Path.cwd())
    try:
        settings = resolve_handoff(
            lambda option: getattr(parsed, option.name), lambda option: None if ini is None else ini.value(option)
        )
        return handoff(project, parsed.range, settings)
    except HistoryUnusable as error:
        return commands.tell_unusable(error)
    finally:
        project.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stairway",
        description="Walk Alembic revisions up, down and up again on throwaway databases.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"pytest-stairway {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, summary in SUMMARIES.items():
        command = commands.add_parser(name, help=summary, description=DESCRIPTIONS[name], epilog=EPILOG)
        if name == "handoff":
            command.add_argument("range", metavar="RANGE", help=f"the revisions: {RANGES}")
            _add_handoff_options(command)
        elif name not in ("clean", "doctor"):
            ranges = RANGES.replace("all", "the newest") if name == "rehearse" else RANGES
            command.add_argument("range", nargs="?", metavar="RANGE", help=f"the revisions: {ranges}")
        _add_options(command, leave_out=LEFT_OUT.get(name, ()))
        if name == "rehearse":
            command.add_argument("--rows", dest="volume", metavar="N", help="so many in each table (default: 100000)")
        if name == "baseline":
            command.add_argument("-o", "--output", metavar="FILE", help="where to (default: as --baseline, see there)")
            command.add_argument(
                "--reason", default=REASON, metavar="TEXT", help="why new findings are accepted (default: %(default)s)"
            )
    return parser


def _add_options(command: argparse.ArgumentParser, *, leave_out: Collection[str] = ()) -> None:
    for option in OPTIONS:
        if option.name not in ("range", "skip_without_database", *leave_out):
            command.add_argument(_flag(option), **_keywords(option))


def _add_handoff_options(command: argparse.ArgumentParser) -> None:
    from pytest_stairway.handoff.settings import HANDOFF_OPTIONS

    for option in HANDOFF_OPTIONS:
        flags = [f"--{option.name.removeprefix('handoff_').replace('_', '-')}"]
        if option.name == "handoff_output":
            flags.insert(0, "-o")
        command.add_argument(*flags, **_keywords(option))


def _flag(option: Option) -> str:
    return "-x" if option.name == "x" else f"--{option.name.replace('_', '-')}"


def _keywords(option: Option) -> dict[str, Any]:
    told = {"dest": option.name, "help": option.help.replace("%", "%%")}
    if option.kind == "flag":
        return {**told, "action": "store_const", "const": True}
    return {**told, "action": "append" if option.kind == "list" else "store", "metavar": option.metavar}


def _settings(parsed: argparse.Namespace) -> tuple[Settings, Path]:
    """Find each option's value, and the folder from which Alembic's configuration is looked for."""
    from pytest_stairway.ini_files import find_ini_file

    here = Path.cwd()
    ini = find_ini_file(here)

    def given(option: Option) -> object:
        return getattr(parsed, option.name, None)

    settings = resolve(given, lambda option: None if ini is None else ini.value(option))
    flags = {option.flag: _flag(option) if option.name != "range" else "RANGE" for option in OPTIONS}
    sources = {name: flags.get(source, source) for name, source in settings.sources.items()}
    files: dict[str, Any] = {name: _located(settings, name, here, ini) for name in FILES}
    return replace(settings, sources=sources, **files), here


def _located(settings: Settings, name: str, here: Path, ini: IniFile | None) -> str | None:
    """Write a file's name in full: from here, or from where the ini file that names it lies."""
    value: str | None = getattr(settings, name)
    in_ini = ini is not None and settings.source(name) == f"stairway_{name}"
    folder = ini.path.parent if in_ini and ini is not None else here
    return None if value is None else str(folder / value)


def _project(settings: Settings, here: Path) -> Project:
    """Find the project: here, or in the nearest folder above."""
    from pytest_stairway.exceptions import UsageError
    from pytest_stairway.project import Project, find_configuration

    error: UsageError | None = None
    for root in (here, *here.parents):
        try:
            find_configuration(settings, root)
        except UsageError as raised:
            error = error or raised
        else:
            return Project(settings, root)
    assert error is not None  # there is at least one folder
    raise error


if __name__ == "__main__":
    sys.exit(main())
