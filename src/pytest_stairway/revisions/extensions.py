"""Which of PostgreSQL's extensions the revision files create, as far as reading them tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stairway.revisions.source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["created_extensions"]

CREATES = re.compile(r"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?[\\\"']*([A-Za-z_][\w-]*)", re.IGNORECASE)


def created_extensions(paths: Iterable[str]) -> tuple[str, ...]:
    """Name what statements in revision files create, in their order."""
    return tuple(dict.fromkeys(found.lower() for path in paths for found in CREATES.findall(read_text(path))))
