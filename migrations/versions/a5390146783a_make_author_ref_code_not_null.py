"""make author.ref_code not null

Revision ID: a5390146783a
Revises: 14bc8e509acf
Create Date: 2023-03-15 09:03:27.350914
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a5390146783a"
down_revision = "14bc8e509acf"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE author SET ref_code=SUBSTRING(md5(CAST(random() AS VARCHAR)) FROM 1 FOR 6) "
        "WHERE author.ref_code IS NULL"
    )
    op.alter_column("author", "ref_code", existing_type=sa.String(), nullable=False)


def downgrade() -> None:
    op.alter_column("author", "ref_code", existing_type=sa.String(), nullable=True)
