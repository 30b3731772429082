"""The documentation's tables are the code's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_tables_are_up_to_date() -> None:
    script = Path(__file__).parent.parent / "docs" / "tables.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run python docs/tables.py: {done.stdout}{done.stderr}"
