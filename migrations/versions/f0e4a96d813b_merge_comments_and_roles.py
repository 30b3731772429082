"""merge comments and roles

Revision ID: f0e4a96d813b
Revises: 1f6b9e34d0a2, 62c9b0e4a7d5
Create Date: 2024-03-18 11:14:29.085763
"""

from __future__ import annotations

revision = "f0e4a96d813b"
down_revision = ("1f6b9e34d0a2", "62c9b0e4a7d5")
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
