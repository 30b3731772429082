"""create posts table

Revision ID: 5b9e7d23c410
Revises: c2f4f1e0a6d8
Create Date: 2023-05-09 11:45:19.004127
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5b9e7d23c410"
down_revision = "c2f4f1e0a6d8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["author.id"], name="fk_posts_author_id_author", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_posts_author_id", "posts", ["author_id"])


def downgrade() -> None:
    op.drop_index("ix_posts_author_id", table_name="posts")
    op.drop_table("posts")
