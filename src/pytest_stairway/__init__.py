"""Walks every Alembic revision up, down and up again on a throwaway database."""

__version__ = "0.1.0"
