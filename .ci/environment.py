"""Makes a virtual environment with this project in it, from nothing but Python and pip.

    python3 .ci/environment.py sample [--venv DIR] [pytest's arguments …]   walks the sample's history
    python3 .ci/environment.py tests  [--venv DIR] [pytest's arguments …]   runs the tests

The environment is kept in `.venv` (as root below `/var/tmp`, where others could not look into that) and made anew when
`pyproject.toml` has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Make the environment, and run pytest in it."""
    parser = argparse.ArgumentParser(description="Run the sample or the tests in an environment of their own.")
    parser.add_argument("job", choices=["sample", "tests", "none"], help="what to run in it")
    parser.add_argument("--venv", type=Path, default=usual_folder(), help="where the environment is kept")
    known, rest = parser.parse_known_args()
    python = ready(known.venv.resolve())
    if known.job == "none":
        return 0
    if known.job == "tests" and os.name != "nt" and os.geteuid() == 0 and shutil.which("apt-get"):
        for program in ("mariadb", "chromium"):
            subprocess.run([ROOT / ".ci" / program], check=True)
    chosen = ["--stairway", "migrations"] if known.job == "sample" else []
    return subprocess.run([python, "-m", "pytest", *chosen, *rest], cwd=ROOT, check=False).returncode


def usual_folder() -> Path:
    """Choose `.venv`, unless we are root and others cannot look into it: PostgreSQL refuses to run as root."""
    folder = ROOT / ".venv"
    if os.name == "nt" or os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in folder.parents):
        return folder
    elsewhere = Path("/var/tmp") / f"pytest-stairway-{hashlib.sha256(bytes(ROOT)).hexdigest()[:12]}"
    elsewhere.mkdir(exist_ok=True)
    if elsewhere.is_symlink() or elsewhere.stat().st_uid != 0:
        raise SystemExit(f"{elsewhere} is somebody else's: name another folder by --venv")
    return elsewhere


def ready(folder: Path) -> Path:
    """Make the environment unless it is there and still right; give its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "made-for"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    if importlib.util.find_spec("pip") is None:
        raise SystemExit(f"{sys.executable} has no pip: install it, or run this with another Python")
    print(f"making {folder} (a minute or so)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    outer = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install"]  # no ensurepip on some systems
    subprocess.run([*outer, "pip>=25.1"], check=True)
    inner = [str(python), "-m", "pip", "--quiet", "install", "--disable-pip-version-check"]
    subprocess.run([*inner, "-e", f"{ROOT}[embedded]", "--group", f"{ROOT / 'pyproject.toml'}:tests"], check=True)
    stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    sys.exit(main())
