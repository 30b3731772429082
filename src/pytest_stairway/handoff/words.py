"""English words that the templates look up in the catalogue by name: checks, kinds of objects, attributes."""

from __future__ import annotations

__all__ = ["ATTRIBUTES", "CHECKS", "CHECKS_OF_SCHEMA", "KINDS", "REHEARSED", "ROW_CHANGES"]

CHECKS = {
    "online-upgrade": "alembic upgrade goes through",
    "file-upgrade": "upgrade.sql runs to its end",
    "same-upgrade": "the same schema and rows after both",
    "online-downgrade": "alembic downgrade goes through",
    "file-downgrade": "downgrade.sql runs to its end",
    "same-downgrade": "the same schema and rows after both, back at the start",
    "online-reupgrade": "alembic upgrade goes through once more",
    "file-reupgrade": "the upgrade runs to its end once more",
    "same-reupgrade": "the same schema and rows after both, upgraded once more",
    "online-redowngrade": "alembic downgrade goes through once more",
    "file-redowngrade": "the downgrade runs to its end once more",
    "same-redowngrade": "the same schema and rows after both, back at the start once more",
    "refuses-second-upgrade": "upgrade.sql refuses a second run, and changes nothing",
    "refuses-second-downgrade": "downgrade.sql refuses a second run, and changes nothing",
}
"""What each check of the proof says."""

CHECKS_OF_SCHEMA = {
    "same-upgrade": "the same schema after both",
    "same-downgrade": "the same schema after both, back at the start",
    "same-reupgrade": "the same schema after both, upgraded once more",
    "same-redowngrade": "the same schema after both, back at the start once more",
}
"""The same where rows are not compared."""

KINDS = (
    *("table", "column", "index", "unique constraint", "primary key", "foreign key", "check constraint"),
    *("exclusion constraint", "not-null constraint", "sequence", "view", "materialized view", "trigger", "function"),
    *("procedure", "enum type", "domain", "composite type", "type", "schema", "extension", "rule", "policy", "comment"),
    *(
        "sequence of",
        "partitioned table",
        "foreign table",
        "statistics",
        "collation",
        "attribute",
        "range type",
        "aggregate",
    ),
)
"""The usual kinds of objects; any other is told in English."""

ATTRIBUTES = (
    *("type", "default", "nullability", "definition", "comment", "identity", "generated", "collation", "values"),
    *("owner", "privileges", "columns", "validity", "storage", "increment"),
    *("generated expression", "changed"),
)
"""What usually changes in them."""

REHEARSED = ("upgrade", "downgrade", "went on", "blocked", "blocked on a row")
"""What a rehearsal says of steps, readers and writers."""

ROW_CHANGES = (
    *("rows lost", "rows added", "values changed", "column dropped", "column added", "column renamed"),
    *("table dropped", "table added", "table renamed"),
)
"""What happens to rows, where it is told in a finding."""
