"""Runs the user's `env.py` as it stands, on throwaway databases only."""
