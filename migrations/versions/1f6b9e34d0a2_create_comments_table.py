"""create comments table

Revision ID: 1f6b9e34d0a2
Revises: 47ac8d1e06f3
Create Date: 2024-03-11 12:08:16.447209
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1f6b9e34d0a2"
down_revision = "47ac8d1e06f3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_comments_post_id_posts", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_comments_post_id", "comments", ["post_id"])


def downgrade() -> None:
    op.drop_index("ix_comments_post_id", table_name="comments")
    op.drop_table("comments")
