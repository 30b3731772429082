"""add slug to posts

Revision ID: 47ac8d1e06f3
Revises: b7320e5fa9c1
Create Date: 2024-01-23 10:20:44.560037
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "47ac8d1e06f3"
down_revision = "b7320e5fa9c1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("slug", sa.String(length=80), nullable=True))
    op.execute("UPDATE posts SET slug = 'post-' || id")
    op.create_unique_constraint("uq_posts_author_id_slug", "posts", ["author_id", "slug"])


def downgrade() -> None:
    op.drop_constraint("uq_posts_author_id_slug", "posts", type_="unique")
    op.drop_column("posts", "slug")
