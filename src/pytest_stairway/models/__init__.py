"""The models against the database: `target_metadata` is created in a database, and that is compared with the migrated.

One reader reads both, so that nothing depends on what a model's text looks like: the server has made of it what it
makes of everything.
"""

from __future__ import annotations

from pytest_stairway.models.comparing import Comparison, ModelsFailed, compare_models

__all__ = ["Comparison", "ModelsFailed", "compare_models"]
