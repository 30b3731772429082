"""MySQL's own server programs for the tests: this system's, else those of the image that `.ci/containers` builds.

Most systems have packages of MariaDB only.  The image is of another system, so its server is run with the libraries
that came with it.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from pytest_stairway.databases import mysql_binaries
from pytest_stairway.databases.mysql_binaries import MysqlInstallation, is_mariadb
from pytest_stairway.exceptions import DatabaseUnavailable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IMAGE", "is_there", "on_this_system", "unpack"]

IMAGE = "stairway/mysql:test"
PARTS = ("usr/sbin/mysqld", "usr/share/mysql", "usr/lib/*-linux-gnu/*.so*")
RUNNER = """\
#!/bin/sh
option=$1
shift
exec {loader} --library-path {libraries} {root}/usr/sbin/mysqld "$option" --basedir={root}/usr "$@"
"""
"""The first option stays where it is: `--no-defaults` must come before all others."""


def on_this_system() -> MysqlInstallation | None:
    """Find a MySQL that is installed."""
    try:
        installation, version = mysql_binaries.newest(mysql_binaries.on_this_machine(), "mysql")
    except DatabaseUnavailable:
        return None
    return None if is_mariadb(version) else installation


def is_there() -> bool:
    """Tell whether an engine has the image."""
    try:
        return subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unpack(folder: Path) -> MysqlInstallation:
    """Take the server out of the image, into a folder that everybody may enter."""
    root = folder / "root"
    root.mkdir()
    created = subprocess.run(["docker", "create", IMAGE], capture_output=True, text=True, check=True)
    container = created.stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            tar = ["tar", "-x", "--no-same-owner", "-C", str(root), "--wildcards", *PARTS]
            subprocess.run(tar, stdin=export.stdout, check=True)
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=True)
    return MysqlInstallation(_runner(folder / "mysqld", root))


def _runner(path: Path, root: Path) -> Path:
    (libraries,) = (root / "usr" / "lib").glob("*-linux-gnu")
    loader = next(libraries.glob("ld-linux*.so*"))
    path.write_text(RUNNER.format(loader=loader, libraries=libraries, root=root))
    path.chmod(0o755)
    return path
