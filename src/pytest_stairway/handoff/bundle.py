"""Writes the bundle: all of it or nothing, and never over something that is not a bundle.

Files are written to a folder beside the final one, which takes its name only when all of them are there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHECKSUMS", "REPORT", "checksum", "require_bundle_folder", "write_bundle"]

REPORT = "report.json"
CHECKSUMS = "SHA256SUMS"
_MODE = 0o755
"""mkdtemp lets nobody else in; a bundle is there to be handed over."""


def require_bundle_folder(folder: Path) -> None:
    """See that a bundle can be written there, before anything else is done.

    Raises:
        UsageError: something that is no bundle is in the way, or the folder above cannot be written to.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"-o names {folder}, which is not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not _is_bundle(folder):
        raise UsageError(f"-o names {folder}, where other files lie: name a new folder, or that of an earlier bundle")
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"-o names {folder}, and nothing can be written to {above}")


def _is_bundle(folder: Path) -> bool:
    """Tell whether an earlier run has written what lies there, and nobody has added to it."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        known = {REPORT, CHECKSUMS, *report["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return known >= {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def checksum(text: str) -> str:
    """Give a file's SHA-256, as ``sha256sum`` writes it."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_bundle(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, by their names in the folder, with their checksums beside them.

    Raises:
        UsageError: they cannot be written there.
    """
    folder = folder.absolute()
    sums = "".join(f"{checksum(text)}  {name}\n" for name, text in sorted(files.items()))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _replace(folder, {**files, CHECKSUMS: sums})
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}") from error


def _replace(folder: Path, files: Mapping[str, str]) -> None:
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        new, old = beside / "new", beside / "old"
        new.mkdir(_MODE)
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
