"""Writes the histories that are measured: a quarter each of create table, add column, create index, alter column."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

INI = """\
[alembic]
script_location = %(here)s/migrations
"""

ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ.get("DATABASE_URL", "postgresql+psycopg://localhost/app"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''\
"""step {number}

"""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''


def write_history(folder: Path, revisions: int) -> Path:
    """Write a project with so many revisions into an empty folder, and give the path of its alembic.ini."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(ENV)
    (folder / "alembic.ini").write_text(INI)
    previous = None
    for number in range(revisions):
        up, down = _operations(number)
        revision = f"{number:012x}"
        text = REVISION.format(number=number, revision=revision, down_revision=previous, up=up, down=down)
        (versions / f"{revision}_step_{number}.py").write_text(text)
        previous = revision
    return folder / "alembic.ini"


def _operations(number: int) -> tuple[str, str]:
    table = f"table_{number // 4:04d}"
    kind = number % 4
    if kind == 0:
        columns = (
            'sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(60), nullable=False), '
            'sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now())'
        )
        return f'op.create_table("{table}", {columns})', f'op.drop_table("{table}")'
    if kind == 1:
        return (
            f'op.add_column("{table}", sa.Column("amount", sa.Integer, nullable=False, server_default="0"))',
            f'op.drop_column("{table}", "amount")',
        )
    if kind == 2:
        return (
            f'op.create_index("ix_{table}_name", "{table}", ["name"])',
            f'op.drop_index("ix_{table}_name", "{table}")',
        )
    return (
        f'op.alter_column("{table}", "name", type_=sa.String(120), existing_type=sa.String(60))',
        f'op.alter_column("{table}", "name", type_=sa.String(60), existing_type=sa.String(120))',
    )
