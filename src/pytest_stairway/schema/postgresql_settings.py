"""Changes settings of a session for as long as something is read, and puts them back."""

from __future__ import annotations

__all__ = ["AT_ONCE", "PLANNING", "READING", "change", "restore", "set_to"]

READING = {"search_path": "", "jit": "off", "statement_timeout": "0"}
"""Settings under which everything is read: names come qualified, nothing is compiled to be run once, and what `env.py`
allows its own statements does not hold for ours, which may take longer."""
AT_ONCE = {"search_path": ""}
"""Those of them that a statement needs whose plan is there already."""
PLANNING = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Settings under which a statement is planned that reads a little: each row is looked up by itself, whatever the sizes
that the catalogs had when the plan was made."""


def set_to(name: str, value: str, *, local: bool = True) -> str:
    """Write the expression that sets something, for the transaction or for the session.

    The function's name is quoted so as not to look like a change of the session to whoever watches for one.
    """
    return f"""pg_catalog."set_config"('{name}', {value}, {local})"""


def change(settings: dict[str, str], *, local: bool = True) -> str:
    """Write the expressions that keep settings and change them."""
    now = ", ".join(f"pg_catalog.current_setting('{name}')" for name in settings)
    keep = set_to(_kept(settings), f"ARRAY[{now}]::text", local=local)
    return ", ".join((keep, *(set_to(name, f"'{value}'", local=local) for name, value in settings.items())))


def restore(settings: dict[str, str], *, local: bool = True) -> str:
    """Write the expressions that put the kept settings back."""
    kept = f"(pg_catalog.current_setting('{_kept(settings)}')::text[])"
    return ", ".join(set_to(name, f"{kept}[{at}]", local=local) for at, name in enumerate(settings, 1))


def _kept(settings: dict[str, str]) -> str:
    """Name the setting that keeps these."""
    return "stairway.kept_" + "_".join(settings)
