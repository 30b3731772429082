"""Keeps Python's garbage collector from going through what is there to stay.

SQLAlchemy, Alembic and the revision files are some hundred thousand objects.  They are never garbage, and going through
them again and again takes a tenth of a short run.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["collector_at_rest"]


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Collect nothing meanwhile, and never look at what is there in the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
