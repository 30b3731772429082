"""Compares the SQL that Alembic writes offline with what it does online."""
