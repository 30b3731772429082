"""Shards, and xdist's workers, share one history: together they see the whole, each piece once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import FAILS, Project
from .test_running import comparable


@pytest.fixture
def broken(project: Project) -> Project:
    """Twelve revisions with defects in every third of them, and something that only the way down finds."""
    project.chain("a1", "a2")
    project.add("a3", up='op.execute("CREATE TABLE IF NOT EXISTS t_a3 (id INT)")')
    project.chain("b1", "b2", "b3", "c1")
    project.add("c2", up='op.execute("CREATE TABLE t_c2 (id INT)")', down=FAILS)
    project.chain("c3", "d1", "d2", "d3")
    return project


def nodes(project: Project, *arguments: Any) -> list[str]:
    result = project.run("--stairway", "--co", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


@pytest.mark.parametrize("of", [2, 3, 4, 15])
def test_the_union_of_the_shards_is_the_whole(broken: Project, of: int) -> None:
    whole = nodes(broken)
    shards = [nodes(broken, "--stairway-shard", f"{number}/{of}") for number in range(1, of + 1)]
    walked = [name for shard in shards for name in shard if not name.endswith("::history")]
    assert sorted(walked) == sorted(name for name in whole if not name.endswith("::history"))
    assert all(shard[0].endswith("::history") for shard in shards)


def test_the_shards_find_what_one_run_finds(broken: Project) -> None:
    whole = comparable(broken.report())
    found, walked = [], {}
    for number in (1, 2, 3):
        report = comparable(broken.report("--stairway-shard", f"{number}/3"))
        found += [each for each in report["findings"] if each not in found]  # type: ignore[attr-defined]
        shard = {each["revision"]: each for each in report["revisions"] if each["outcome"] != "skipped"}  # type: ignore[attr-defined]
        assert not walked.keys() & shard.keys()
        walked |= shard
    assert found == whole["findings"]
    assert list(walked.values()) == whole["revisions"]
    assert {each["code"] for each in found} == {"schema-not-restored", "downgrade-failed"}


def test_the_command_takes_a_shard_too(broken: Project) -> None:
    first = broken.command("check", "--shard", "1/2").stdout
    second = broken.command("check", "--shard", "2/2").stdout
    assert " a1 " in f"{first} "
    assert "d3 make" in second
    assert "d3 make" not in first
    assert "leftovers" not in first
    assert "leftovers" in second


@pytest.mark.parametrize("written", ["0/2", "3/2", "2", "a/b", "1/0"])
def test_a_shard_that_cannot_be_is_told_before_the_run(broken: Project, written: str) -> None:
    result = broken.run("--stairway", "--stairway-shard", written)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--stairway-shard takes a piece and how many there are, as in 2/4, not '{written}'"])


def test_what_is_named_is_checked_in_whichever_shard(broken: Project) -> None:
    broken.run("migrations/versions/a1_make.py", "--stairway-shard", "2/2").assert_outcomes(passed=1)


def test_each_worker_walks_one_piece(project: Project) -> None:
    pytest.importorskip("xdist")
    names = [f"r{number:02}" for number in range(12)]
    project.chain(*names)
    lines = project.spawn("--stairway", "-n", "2", "-v").outlines
    walked: dict[str, list[str]] = {}
    for line in lines:
        found = re.match(r"\[(gw\d)\].* PASSED .*/(r\d\d)_make", line)
        if found:
            walked.setdefault(found[1], []).append(found[2])
    first, second = sorted(walked.values())
    assert first + second == names
