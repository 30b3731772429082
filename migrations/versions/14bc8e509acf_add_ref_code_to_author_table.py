"""add ref_code to author table

Revision ID: 14bc8e509acf
Revises: faa4416c842b
Create Date: 2023-03-14 16:40:05.771023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "14bc8e509acf"
down_revision = "faa4416c842b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("author", sa.Column("ref_code", sa.String(), nullable=True))
    op.create_unique_constraint("uq_author_ref_code", "author", ["ref_code"])


def downgrade() -> None:
    op.drop_constraint("uq_author_ref_code", "author", type_="unique")
    op.drop_column("author", "ref_code")
