"""Loads a history: each file once, and everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.script.revision import RevisionMap

from pytest_stairway.exceptions import HistoryUnusable
from pytest_stairway.findings import Finding
from pytest_stairway.revisions.configuration import open_configuration
from pytest_stairway.revisions.files import load_files
from pytest_stairway.revisions.history import History, Revision
from pytest_stairway.revisions.source import shown
from pytest_stairway.revisions.structure import find_faults, labelled

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from alembic.script import Script, ScriptDirectory

    from pytest_stairway.revisions.files import RevisionFile

__all__ = ["load_history"]


def load_history(ini: str | os.PathLike[str], *, section: str = "alembic", x_arguments: Sequence[str] = ()) -> History:
    """Load the history that Alembic's configuration names.

    Args:
        ini: an ini file or a ``pyproject.toml``; the other one beside it is read too, as ``alembic`` does.
        section: the section of the ini file.
        x_arguments: what ``alembic -x`` gives to `env.py`.

    Raises:
        HistoryUnusable: with a finding for each thing that is in the way.
    """
    configuration = open_configuration(Path(ini), section=section, x_arguments=x_arguments)
    files, faults = load_files(configuration)
    faults += find_faults(files, [fault.path for fault in faults if fault.path])
    if faults:
        raise HistoryUnusable(faults)
    scripts = _give_to_alembic(configuration.script, files, ini)
    return History(
        configuration.config, configuration.script, _revisions(files, scripts), configuration.version_locations
    )


def _give_to_alembic(
    script: ScriptDirectory, files: Sequence[RevisionFile], ini: str | os.PathLike[str]
) -> dict[str, Script]:
    """Let Alembic build its map from the very modules that were loaded, instead of loading them again."""
    scripts = {file.revision: file.as_script() for file in files}
    script.revision_map = RevisionMap(scripts.values)
    try:
        script.get_heads()
    except Exception as error:  # an objection of Alembic's that `find_faults` does not know
        finding = Finding(
            code="environment-failed",
            message=f"Alembic cannot make one history of these revisions: {type(error).__name__}: {error}",
            path=shown(Path(ini)),
        )
        raise HistoryUnusable([finding]) from error
    return scripts


def _revisions(files: Sequence[RevisionFile], scripts: dict[str, Script]) -> list[Revision]:
    labels = labelled(files)
    position = {file.revision: index for index, file in enumerate(files)}
    return [
        Revision(
            revision=file.revision,
            down_revision=file.down_revision,
            depends_on=tuple(dict.fromkeys(labels.get(each, each) for each in file.depends_on)),
            children=tuple(sorted(scripts[file.revision].nextrev, key=position.__getitem__)),
            message=next(iter(scripts[file.revision].doc.splitlines()), ""),
            path=file.path,
            branch_labels=frozenset(scripts[file.revision].branch_labels),
        )
        for file in files
    ]
