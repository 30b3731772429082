"""Finds what `alembic` itself does not give twice: in another database, by another session, some time later.

A clock, a UUID, ``current_database()``, the number of the session: where two runs by `env.py` are not the same, the
SQL cannot be blamed for giving something else again.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pytest_stairway.findings import Direction
from pytest_stairway.offline.checks import differing
from pytest_stairway.offline.pair import Migrated
from pytest_stairway.offline.seeds import seed_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stairway.findings import Finding
    from pytest_stairway.offline.checks import Blame
    from pytest_stairway.offline.site import Site
    from pytest_stairway.rows import Rows
    from pytest_stairway.schema import Schema

__all__ = ["is_excused", "may_change", "objects_that_change"]

_WAYS = {Direction.UPGRADE: True, Direction.DOWNGRADE: False}
_ANOTHER_SESSION = {"postgresql": "SET application_name = 'stairway twice'"}
"""What a connection's own name stands in for."""
_TICK = 1.1
"""Seconds after which a clock of whole seconds shows another time."""
_CHANGING = re.compile(
    r"\b(?:current_\w+|session_user|application_name|localtime\w*|utc_\w+)\b|"
    r"\b(?:now|clock_timestamp|gen_random_uuid|uuid\w*|pg_backend_pid|txid_\w+|pg_current_xact_id|inet_\w+|sysdate|"
    r"curdate|curtime|unix_timestamp|random\w*|rand|connection_id|database|user)\s*\(",
    re.IGNORECASE,
)
"""What may give another value each time, or elsewhere, whatever the seed."""


def objects_that_change(online: Migrated, site: Site, blames: Mapping[Direction, Blame]) -> dict[Direction, set[str]]:
    """Take a revision up, and down, in two databases by `env.py`; name what they do not have alike.

    Args:
        online: where the revision is not applied.
        site: where databases are.
        blames: the revision's SQL, up, and down where that is to be taken.

    Raises:
        StepFailed: a step does not work.
    """
    revision = blames[Direction.UPGRADE].script.steps[0].revision
    online.pause()
    another = _ANOTHER_SESSION.get(site.server.dialect)
    seeds = {way: seed_of(site.server.dialect) for way in blames}
    twin = Migrated(site, site.server.clone(online.database, "twice"), before=another)
    try:
        one = _came_to(online, revision, seeds)
        time.sleep(_TICK)
        other = _came_to(twin, revision, seeds)
    finally:
        twin.close()
    return {way: {str(each.object) for each in differing(blame, one[way], other[way])} for way, blame in blames.items()}


def _came_to(
    side: Migrated, revision: str, seeds: Mapping[Direction, str | None]
) -> dict[Direction, tuple[Schema, Rows]]:
    """Take a revision up, and down, and give what came of each."""
    found = {}
    for way, seed in seeds.items():
        side.step(revision, upgrade=_WAYS[way], seed=seed)
        found[way] = side.state()
    side.pause()
    return found


def is_excused(finding: Finding, changing: Mapping[Direction, set[str]]) -> bool:
    """Tell whether a finding is about what changes each time."""
    return any(finding.direction is way and finding.object in objects for way, objects in changing.items())


def may_change(finding: Finding, blame: Blame) -> bool:
    """Tell whether a finding is about a column, and the SQL names what gives another value each time."""
    is_of_column = "column" in (finding.object or "")
    return is_of_column and any(_CHANGING.search(each.text) for each in blame.script.statements)
