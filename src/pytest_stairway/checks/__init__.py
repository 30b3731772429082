"""Turns what was seen into findings, without a database."""
