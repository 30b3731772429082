"""show published posts

Revision ID: 2a8d5c7e91b6
Revises: f0e4a96d813b
Create Date: 2024-06-04 16:22:51.339478
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2a8d5c7e91b6"
down_revision = "f0e4a96d813b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_posts_published", "posts", ["published_at"], postgresql_where=sa.text("status = 'published'"))
    op.execute(
        """
        CREATE VIEW published_posts AS
        SELECT posts.id, posts.title, posts.slug, posts.published_at, author.name AS author
        FROM posts JOIN author ON author.id = posts.author_id
        WHERE posts.status = 'published'
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW published_posts")
    op.drop_index("ix_posts_published", table_name="posts", postgresql_where=sa.text("status = 'published'"))
