"""insert the roles

Revision ID: 62c9b0e4a7d5
Revises: d3a7f518c96e
Create Date: 2024-03-13 09:31:48.702516
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "62c9b0e4a7d5"
down_revision = "d3a7f518c96e"
branch_labels = None
depends_on = None

roles = sa.table("roles", sa.column("name", sa.String()), sa.column("description", sa.Text()))

ROLES = {
    "administrator": "May do everything",
    "editor": "May change every post",
    "author": "May change posts of their own",
}


def upgrade() -> None:
    op.bulk_insert(roles, [{"name": name, "description": description} for name, description in ROLES.items()])
    op.execute(
        sa.text("UPDATE roles SET description = :description WHERE name = :name").bindparams(
            name="editor", description="May change and publish every post"
        )
    )


def downgrade() -> None:
    op.execute(roles.delete().where(roles.c.name.in_(list(ROLES))))
