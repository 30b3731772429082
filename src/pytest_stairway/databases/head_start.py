"""Begins a server's folder while Python is still importing SQLAlchemy and Alembic.

Copying a data directory takes a sixth of a second, and importing half of one; two processors can do both at once.  What
the run will start from is a guess: the cluster that this project used last.  A wrong guess costs a copy in vain.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stairway.databases.entries import mark_used
from pytest_stairway.databases.janitor import server_account
from pytest_stairway.databases.templates import Cluster
from pytest_stairway.databases.workplace import Workplace
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HeadStart"]


@dataclass(slots=True)
class HeadStart:
    """A folder whose data directory is being copied from a cluster."""

    _entry: Path
    _data: Path
    _copying: subprocess.Popen[bytes]
    _place: Workplace | None
    """None once somebody has it."""

    @classmethod
    def on(cls, files: Iterable[Path], *, folder: Path) -> HeadStart | None:
        """Begin with the cluster that the project of some files used last.

        Args:
            files: absolute paths.
            folder: the cache's.

        Returns:
            None where there is no such cluster, or nothing can be begun.
        """
        above = {parent for file in files for parent in file.parents}
        found = (Cluster.read(entry) for entry in folder.glob("cluster-*") if (entry / "PG_VERSION").exists())
        fit = [cluster for cluster in found if cluster is not None and Path(cluster.project).parent in above]
        if not fit:
            return None
        cluster = max(fit, key=lambda each: each.used)
        try:
            place = Workplace(server_account())
        except DatabaseUnavailable:  # whoever needs the server will be told
            return None
        try:
            copying = subprocess.Popen(  # noqa: S603  # both paths are ours
                ["/bin/cp", "-R", str(cluster.entry), str(place.data)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            place.janitor.close()
            return None
        return cls(cluster.entry, place.data, copying, place)

    def take(self) -> Workplace | None:
        """Give the folder to whoever starts the server; only one can have it."""
        place, self._place = self._place, None
        return place

    def has_copied(self, entry: Path | None) -> bool:
        """Say whether the data directory holds a copy of this entry; whatever else it holds is removed."""
        if self._copying.wait() == 0 and entry == self._entry:
            mark_used(self._entry)
            return True
        shutil.rmtree(self._data, ignore_errors=True)
        return False

    def close(self) -> None:
        """Remove the folder, where nobody has taken it."""
        place = self.take()
        if place is not None:
            self._copying.kill()
        self._copying.wait()
        if place is not None:
            place.janitor.close()
