"""create users table

Revision ID: c2f4f1e0a6d8
Revises: a5390146783a
Create Date: 2023-05-02 13:27:58.926430
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c2f4f1e0a6d8"
down_revision = "a5390146783a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("registered_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_users_email", table_name="users")
    op.drop_table("users")
