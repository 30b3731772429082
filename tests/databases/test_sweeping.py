"""What is dead and ours is removed, what lives or is somebody else's stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.databases import sweeping
from pytest_stairway.databases.sweeping import clean_cache, describe_cache, hold, sweep_folders

from .conftest import eventually, is_running, kill

if TYPE_CHECKING:
    from collections.abc import Callable

    Spawn = Callable[..., subprocess.Popen[str]]

START = """
import sys
from pathlib import Path
from pytest_stairway import databases
from pytest_stairway.databases import workplace
workplace.SHARED_MEMORY = Path(sys.argv[1])
workplace._has_room = lambda _: True
server = databases.choose("postgresql", named="embedded").start()
print(server._administrator.value("SHOW data_directory"), flush=True)
input()
"""


def test_a_run_whose_janitor_was_killed_too_is_swept_up(base: Path, spawn: Spawn) -> None:
    process = spawn(START, str(base))
    assert process.stdout is not None
    data = Path(process.stdout.readline().strip())
    server = int((data / "postmaster.pid").read_text().split()[0])
    janitor = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
    assert sweep_folders([base]) == ()
    os.kill(janitor, signal.SIGKILL)
    kill(process)
    assert is_running(server)
    assert sweep_folders([base]) == (str(data.parent),)
    assert eventually(lambda: not is_running(server))
    assert not list(base.iterdir())


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    for name, content in (("stairway-12345678", None), ("stairway-abcdefgh", "somebody else's")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
        os.utime(tmp_path / name, (0, 0))
        if content is not None:
            (tmp_path / name / "alive").write_text(content)
    (tmp_path / "stairway-sessions-0").mkdir()
    assert sweep_folders([tmp_path]) == ()
    assert len(list(tmp_path.iterdir())) == 3


def test_an_empty_folder_is_swept_up_when_it_is_old(tmp_path: Path) -> None:
    for name in ("stairway-newnewne", "stairway-oldoldol"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "stairway-oldoldol", (0, 0))
    assert sweep_folders([tmp_path]) == (str(tmp_path / "stairway-oldoldol"),)


def test_a_folder_is_alive_while_it_is_held(tmp_path: Path) -> None:
    folder = tmp_path / "stairway-12345678"
    folder.mkdir()
    file = hold(folder)
    assert file is not None
    assert sweep_folders([tmp_path]) == ()
    file.close()
    assert sweep_folders([tmp_path]) == (str(folder),)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    for name in ("data-18.4-abc/base", "cluster-18.4-abc-def/base", ".cluster-18.4-abc-def.12.34/base", "mine"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x" * 1000)
    for name in ("sqlite-abc.db", "data-18.4-abc.lock", "clusters.lock", "my.lock"):
        (folder / name).write_text("")
    return folder


def test_the_cache_is_emptied_of_what_is_ours(cache: Path) -> None:
    assert [line.partition(":")[0] for line in describe_cache(cache)] == [
        "data-18.4-abc",
        "cluster-18.4-abc-def",
        ".cluster-18.4-abc-def.12.34",
        "sqlite-abc.db",
    ]
    told = clean_cache(cache)
    assert len(told) == 4
    assert "never finished" in told[2]
    assert sorted(path.name for path in cache.iterdir()) == ["mine", "my.lock"]


def test_the_command_says_what_it_removed(cache: Path, tmp_path: Path) -> None:
    def clean(*more: str) -> str:
        command = [sys.executable, "-m", "pytest_stairway.cli", "clean", "--cache-dir", str(cache), *more]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    assert f"removed {cache}/cluster-18.4-abc-def: a server's data directory with templates" in clean()
    assert f"removed {cache}" not in clean()


def test_the_marks_are_what_they_are() -> None:
    """A folder of an earlier version must be recognised by a later one."""
    assert (sweeping.ALIVE, sweeping.MARK) == ("alive", "pytest-stairway")
