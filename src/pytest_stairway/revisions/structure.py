"""What can be wrong with a history as a whole: what makes it unusable, and what is only not as it should be."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_stairway.findings import Finding, Severity
from pytest_stairway.revisions.configuration import place_of
from pytest_stairway.revisions.graph import find_loops
from pytest_stairway.revisions.source import line_of_name, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_stairway.revisions.files import RevisionFile
    from pytest_stairway.revisions.history import History

__all__ = ["check_structure", "find_faults"]

_LENGTH_IS_NO_MATTER = frozenset({"sqlite", "duckdb"})
"""Dialects that take a longer text than VARCHAR(32) says, and keep it whole."""


def find_faults(files: Sequence[RevisionFile], unloadable: Sequence[str] = ()) -> list[Finding]:
    """Find what keeps Alembic from making one graph of these files.

    Args:
        files: what could be loaded.
        unloadable: paths of what could not; a parent that is probably one of these is not missing.
    """
    faults = [*_duplicates(files), *_labels_taken(files)]
    missing = list(_missing_parents(files, unloadable))
    return [*faults, *missing, *_loops(files)]


def labelled(files: Sequence[RevisionFile]) -> dict[str, str]:
    """Map each branch label to the revision that declares it."""
    return {label: file.revision for file in files for label in file.branch_labels}


def _duplicates(files: Sequence[RevisionFile]) -> Iterator[Finding]:
    by_id: defaultdict[str, list[RevisionFile]] = defaultdict(list)
    for file in files:
        by_id[file.revision].append(file)
    for revision, same in by_id.items():
        if len(same) > 1:
            yield Finding(
                code="duplicate-revision",
                message=f"revision {revision} is declared by {len(same)} files: "
                f"{', '.join(shown(file.path) for file in same)}; Alembic would take one of them and only warn",
                hint="Delete the copy, or give it an id of its own: `alembic revision` makes one",
                revision=revision,
                path=shown(same[-1].path),
                line=line_of_name(same[-1].path, "revision"),
            )


def _labels_taken(files: Sequence[RevisionFile]) -> Iterator[Finding]:
    """Find labels that are another revision's label, or its id: Alembic looks both up in one place."""
    taken = {file.revision: ("the id", file) for file in files}
    for file in files:
        for label in file.branch_labels:
            if label in taken:
                what, holder = taken[label]
                yield Finding(
                    code="duplicate-revision",
                    message=f"branch label {label} of revision {file.revision} is already {what} of "
                    f"revision {holder.revision} in {shown(holder.path)}",
                    hint="Write a label once, in the first revision of its branch, and let it be no revision's id",
                    revision=file.revision,
                    path=shown(file.path),
                    line=line_of_name(file.path, "branch_labels"),
                )
            taken.setdefault(label, ("a label", file))


def _missing_parents(files: Sequence[RevisionFile], unloadable: Sequence[str]) -> Iterator[Finding]:
    ids = {file.revision for file in files}
    labels = labelled(files)
    unread = [Path(path).name + read_text(path) for path in unloadable]
    variables: tuple[Literal["down_revision", "depends_on"], ...] = ("down_revision", "depends_on")
    for file in files:
        for variable in variables:
            known = ids if variable == "down_revision" else ids | set(labels)
            for parent in getattr(file, variable):
                if parent not in known and not any(parent in text for text in unread):
                    yield Finding(
                        code="missing-parent",
                        message=f"{variable} of revision {file.revision} names {parent}, which does not exist",
                        hint=_instead(parent, ids, labels),
                        revision=file.revision,
                        path=shown(file.path),
                        line=line_of_name(file.path, variable),
                    )


def _instead(parent: str, ids: set[str], labels: Mapping[str, str]) -> str:
    """Guess what was meant by a parent that is not there."""
    if parent in labels:
        return f"Write {labels[parent]}: {parent} is a branch label, and down_revision takes ids only"
    begins = sorted(each for each in ids if each.startswith(parent))
    if len(begins) == 1:
        return f"Write {begins[0]}: revision files name each other by full ids"
    close = get_close_matches(parent, sorted(ids), n=1)
    meant = f"Did you mean {close[0]}? Otherwise add" if close else "Add"
    return f"{meant} the file of {parent}, or name the revision that comes before this one"


def _loops(files: Sequence[RevisionFile]) -> Iterator[Finding]:
    labels = labelled(files)
    by_id = {file.revision: file for file in files}
    down = {each: [parent for parent in file.down_revision if parent in by_id] for each, file in by_id.items()}
    depends = {
        each: [labels.get(parent, parent) for parent in file.depends_on if labels.get(parent, parent) in by_id]
        for each, file in by_id.items()
    }
    for loop in find_loops({each: [*down[each], *depends[each]] for each in by_id}):
        steps = [
            (each, "down_revision" if following in down[each] else "depends_on", following)
            for each, following in zip(loop, [*loop[1:], loop[0]], strict=True)
        ]
        spelled = ", ".join(f"{each} has {variable} {following}" for each, variable, following in steps)
        first, variable, _ = steps[0]
        yield Finding(
            code="revision-cycle",
            message=f"revisions need each other in a loop: {spelled}",
            hint="Correct the line that names what comes after: a revision names what comes before it",
            revision=first,
            path=shown(by_id[first].path),
            line=line_of_name(by_id[first].path, variable),
        )


def check_structure(
    history: History, *, max_heads: int = 1, dialect: str | None = None, version_column_length: int = 32
) -> tuple[Finding, ...]:
    """Find what is not as it should be in a history that can be used.

    Args:
        history: the loaded history.
        max_heads: how many heads it may have.
        dialect: SQLAlchemy's name of the dialect; None where it is not known, and nothing that depends on it is said.
        version_column_length: of the version table's column; 32 is Alembic's own.
    """
    findings = [*_locations_missing(history)]
    if len(history.heads) > max_heads:
        findings.append(_too_many_heads(history, max_heads))
    if dialect is not None and dialect not in _LENGTH_IS_NO_MATTER:
        findings += _ids_too_long(history, dialect, version_column_length)
    return tuple(findings)


def _locations_missing(history: History) -> Iterator[Finding]:
    for location in history.version_locations:
        if not Path(location).is_dir():
            path, line = place_of(history.config, "version_locations")
            yield Finding(
                code="environment-failed",
                severity=Severity.WARNING,
                message=f"there is no folder {location}: Alembic looks for revision files there and passes over it",
                hint="Alembic expects folders in version_locations, or otherwise a folder versions beside env.py",
                path=path,
                line=line,
            )


def _too_many_heads(history: History, max_heads: int) -> Finding:
    heads = ", ".join(f"{head} ({history[head].message})" for head in history.heads)
    are_allowed = "1 is" if max_heads == 1 else f"{max_heads} are"
    path, _ = place_of(history.config, None)
    return Finding(
        code="multiple-heads",
        message=f"the history has {len(history.heads)} heads, {are_allowed} allowed: {heads}",
        hint=f"Join them by `alembic merge -m merge {' '.join(history.heads)}`; where they are meant to stay apart, "
        f"allow them by stairway_max_heads = {len(history.heads)}",
        path=path,
    )


def _ids_too_long(history: History, dialect: str, length: int) -> Iterator[Finding]:
    for revision in history.revisions:
        if len(revision.revision) > length:
            yield Finding(
                code="revision-id-too-long",
                message=f"revision id {revision.revision} has {len(revision.revision)} characters; "
                f"the version table's column is VARCHAR({length}), and {dialect} takes no more",
                hint="Shorten it here and wherever down_revision or depends_on names it",
                revision=revision.revision,
                dialect=dialect,
                path=shown(revision.path),
                line=revision.line_of("revision"),
            )
