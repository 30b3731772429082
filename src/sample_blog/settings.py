"""Where the blog finds its database: the environment says, as it does for most applications."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["Settings", "load_settings"]

DEFAULT_DATABASE_URL = "postgresql+psycopg://localhost/blog"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the application needs to know of its surroundings."""

    database_url: str
    """SQLAlchemy's URL of the database."""


def load_settings() -> Settings:
    """Read the settings from the environment: ``SAMPLE_BLOG_DATABASE_URL``."""
    return Settings(database_url=os.environ.get("SAMPLE_BLOG_DATABASE_URL", DEFAULT_DATABASE_URL))
