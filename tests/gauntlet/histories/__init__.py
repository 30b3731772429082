"""The histories, by what they are about; each module has its `CASES`."""

from __future__ import annotations

from gauntlet.histories import (
    columns,
    constraints,
    data,
    environment,
    failures,
    graph,
    indexes,
    mariadb,
    mariadb_data,
    models,
    named_types,
    objects,
    release,
    rows,
    sound,
    sound_data,
    sqlite,
)

__all__ = ["CASES"]

MODULES = (
    columns,
    named_types,
    constraints,
    indexes,
    objects,
    rows,
    data,
    failures,
    release,
    graph,
    environment,
    models,
    sqlite,
    mariadb,
    mariadb_data,
    sound,
    sound_data,
)

CASES = tuple(case for module in MODULES for case in module.CASES)
"""All of them, in the order of the README's table."""
