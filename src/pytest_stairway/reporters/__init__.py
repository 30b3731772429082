"""How findings are told: one module for each form, all from the same plain data."""
