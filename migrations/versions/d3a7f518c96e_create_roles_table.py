"""create roles table

Revision ID: d3a7f518c96e
Revises: 47ac8d1e06f3
Create Date: 2024-03-12 17:55:02.193385
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "d3a7f518c96e"
down_revision = "47ac8d1e06f3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, comment="Shown to administrators"),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("roles")
