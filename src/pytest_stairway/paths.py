"""Paths as their user would write them, and whose they are."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["is_library", "is_ours", "is_same_file", "real_paths", "shown"]

OURS = str(Path(__file__).parent.absolute())
LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib", "stdlib", "platstdlib"))


def shown(path: str | Path) -> str:
    """Write a path as its user would: from the current folder where it lies below it, in full otherwise."""
    try:
        here = os.getcwd()  # noqa: PTH109 - called for each of a thousand revisions, and pathlib takes its time
    except FileNotFoundError:  # the current folder is gone
        return str(path)
    absolute = os.path.join(here, path)  # noqa: PTH118
    return absolute[len(here) + 1 :] if absolute.startswith(here.rstrip(os.sep) + os.sep) else absolute


def real_paths(paths: Iterable[str | Path]) -> Iterator[str]:
    """Follow the links in many paths, as `os.path.realpath` does for one: each folder is looked at once."""
    folders: dict[str, str] = {}
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        real = os.path.join(folders[folder], name)  # noqa: PTH118
        yield os.path.realpath(real) if os.path.islink(real) else real  # noqa: PTH114


def is_library(filename: str) -> bool:
    """Tell whether a file is an installed package's, or Python's own."""
    compiled = filename.endswith((".pyx", ".pxd"))  # by Cython, which names the files that it was made of
    return compiled or filename.startswith("<") or any(_is_below(filename, folder) for folder in LIBRARIES)


def is_ours(filename: str) -> bool:
    """Tell whether a file is a part of pytest-stairway."""
    return _is_below(filename, OURS)


def is_same_file(filename: str, path: str) -> bool:
    """Tell whether two paths name one file, links not followed."""
    return Path(filename).absolute() == Path(path).absolute()


def _is_below(filename: str, folder: str) -> bool:
    return str(Path(filename).absolute()).startswith(folder + os.sep)
