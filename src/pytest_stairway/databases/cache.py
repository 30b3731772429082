"""What is kept between runs, and where."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stairway.databases.workplace import Workplace

__all__ = ["Cache", "HeadStart", "cache_folder"]


class HeadStart(Protocol):
    """A data directory of a server of our own that is being filled before anybody asks for it."""

    def take(self) -> Workplace | None:
        """Give the folder in which it is to whoever starts the server; only the first one gets it."""

    def has_copied(self, entry: Path | None) -> bool:
        """Say whether it holds a copy of this entry; whatever else it holds is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What one run keeps for the next."""

    folder: Path | None
    """None where nothing can be kept in files."""
    on_servers: bool = True
    """Whether templates stay on a server that somebody named."""
    project: str = ""
    """Stands for the project whose templates these are."""
    wanted: Callable[[], Sequence[str]] = field(default=tuple)
    """The keys of the templates that the run can begin with, the best first; asked when a server is started."""
    head_start: HeadStart | None = None
    """What has been begun for this run."""


def cache_folder(named: str | None = None) -> Path | None:
    """Return where things are kept between runs; None where nowhere.

    Args:
        named: by somebody; else ``STAIRWAY_CACHE_DIR``, else below XDG's.
    """
    named = named or os.environ.get("STAIRWAY_CACHE_DIR")
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(named).expanduser() if named else Path(base, "pytest-stairway")
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or not ours to write
        return None
    return folder.resolve()
