"""Projects that are written as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offline.lab import OfflineLab

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def offline_lab(tmp_path: Path) -> OfflineLab:
    """A folder for one project."""
    return OfflineLab(tmp_path)
