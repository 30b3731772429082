"""rename users.name to full_name

Revision ID: b7320e5fa9c1
Revises: 9d40c6b1f2e7
Create Date: 2023-10-17 14:36:22.815640
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "b7320e5fa9c1"
down_revision = "9d40c6b1f2e7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("users", "name", new_column_name="full_name", existing_type=sa.String(length=120))


def downgrade() -> None:
    op.alter_column("users", "full_name", new_column_name="name", existing_type=sa.String(length=120))
