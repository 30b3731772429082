"""A bundle is written as a whole or not at all, and never over anything else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, table
from handoff.release_lab import NOTES
from pytest_stairway.exceptions import UsageError
from pytest_stairway.handoff import bundle as bundles
from pytest_stairway.handoff.bundle import require_bundle_folder, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.release_lab import Releases

FILES = {"report.json": '{"files": {"upgrade.sql": ""}}', "upgrade.sql": "SELECT 1;\n", "upgrade/1.sql": "\n"}


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_checksums_are_those_of_the_files(tmp_path: Path) -> None:
    write_bundle(tmp_path / "release", FILES)
    lines = (tmp_path / "release" / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len(FILES)
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "release" / name).read_bytes()).hexdigest() == digest


def test_an_earlier_bundle_is_replaced_as_a_whole(releases: Releases) -> None:
    first = releases.make(
        NOTES, table("b", "two", "id int"), Rev("c", "with op.get_context().autocommit_block():\n    pass")
    )
    assert "upgrade/1_b.sql" in first.names
    require_bundle_folder(first.folder)
    write_bundle(first.folder, {"report.json": "{}"})
    assert first.names == {"report.json", "SHA256SUMS"}


@pytest.mark.parametrize(
    "others", [{"notes.txt": "mine"}, {"report.json": "{}", "notes.txt": "mine"}, {"report.json": "x"}]
)
def test_a_folder_with_other_files_is_left_alone(releases: Releases, others: dict[str, str]) -> None:
    releases.output.mkdir()
    for name, text in others.items():
        (releases.output / name).write_text(text)
    with pytest.raises(UsageError, match="where other files lie"):
        releases.make(NOTES, table("b", "two", "id int"))
    assert names(releases.output) == set(others)


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "release").write_text("mine")
    with pytest.raises(UsageError, match="not a folder"):
        require_bundle_folder(tmp_path / "release")


def test_what_fails_half_way_leaves_the_earlier_bundle_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path / "release", FILES)
    before = names(tmp_path)

    def full(*_arguments: object, **_options: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(bundles.Path, "write_text", full)
    with pytest.raises(UsageError, match="no space left"):
        write_bundle(tmp_path / "release", {"report.json": "{}"})
    monkeypatch.undo()
    assert names(tmp_path) == before
