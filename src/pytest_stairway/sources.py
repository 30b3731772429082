"""The text of revision files, which several look into for one thing or another: each is read once."""

from __future__ import annotations

import functools
import os
from pathlib import Path

__all__ = ["read_source"]


def read_source(path: str | os.PathLike[str]) -> str:
    """Give the text of a revision file as it is now; what is no UTF-8 in it is replaced.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    found = Path(path).stat()
    return _read(os.fspath(path), found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=1 << 12)
def _read(path: str, _changed: int, _size: int) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
