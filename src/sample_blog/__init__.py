"""A small blog, to have real migrations to try pytest-stairway on; it is no part of what is installed."""
