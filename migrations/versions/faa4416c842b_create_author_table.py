"""create author table

Revision ID: faa4416c842b
Revises:
Create Date: 2023-02-06 10:12:41.108216
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "faa4416c842b"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "author",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("author")
