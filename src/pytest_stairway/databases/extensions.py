"""Which extensions a PostgreSQL server could create, by the control files that lie beside its programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["lacking"]

_BESIDE = ("share/postgresql/extension", "share/extension", "share/postgresql*/extension", "share/pgsql/extension")
"""From the folder above the programs: as a relocatable build has it, and as distributions do."""


def lacking(programs: Path, wanted: Iterable[str]) -> tuple[str, ...]:
    """Name the extensions that a server lacks; none where it is not known what it has.

    Args:
        programs: the folder that holds `postgres`.
        wanted: extensions.
    """
    folders = _folders(programs)
    if not folders:
        return ()
    return tuple(name for name in wanted if not any((folder / f"{name}.control").exists() for folder in folders))


def _folders(programs: Path) -> list[Path]:
    above = programs.parent
    debian = above.parents[2] / "share" / "postgresql" / above.name / "extension" if len(above.parents) > 2 else above  # noqa: PLR2004
    return [folder for folder in (*(each for name in _BESIDE for each in above.glob(name)), debian) if _holds(folder)]


def _holds(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*.control"))
