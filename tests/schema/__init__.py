"""Schemas: their readers, and what is told of two of them."""
