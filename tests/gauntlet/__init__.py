"""Small Alembic histories with one planted mistake each, and sound ones that look suspicious."""
