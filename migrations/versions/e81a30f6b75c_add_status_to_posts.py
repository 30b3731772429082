"""add status to posts

Revision ID: e81a30f6b75c
Revises: 5b9e7d23c410
Create Date: 2023-06-21 15:02:33.618852
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "e81a30f6b75c"
down_revision = "5b9e7d23c410"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("status", sa.String(length=20), server_default="draft", nullable=False))
    op.execute("UPDATE posts SET status = 'published' WHERE published_at IS NOT NULL")
    op.create_check_constraint("ck_posts_status", "posts", "status IN ('draft', 'published')")


def downgrade() -> None:
    op.drop_constraint("ck_posts_status", "posts", type_="check")
    op.drop_column("posts", "status")
