"""What the developers accept does not hold a release up, and is told to the DBA with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev
from handoff.release_lab import NOTES

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.release_lab import Releases

SKIPPED = "if not op.get_context().as_sql:\n    op.execute(\"UPDATE notes SET note = 'filled'\")"
BOUND = 'op.get_bind().execute(sa.text("UPDATE notes SET note = :note"), {"note": "kept"})'
READS = 'op.get_bind().execute(sa.text("SELECT 1")).scalar()'
COMMENT = 'op.execute("ALTER TABLE notes ADD extra int -- for later")'
REASON = "the DBA *fills* it in by hand"
BASELINE = f"""\
version = 1

[[accepted]]
revision = "b"
direction = "upgrade"
code = "offline-differs"
object = "table notes, column note"
reason = "{REASON}"
"""


def accepting(code: str, up: str, down: str = "pass") -> Rev:
    return Rev("b", f"# stairway: accept {code}: {REASON}\n{up}", down)


@pytest.mark.parametrize("up", [SKIPPED, BOUND], ids=["skipped", "bound"])
def test_a_difference_that_the_revision_accepts_is_told_with_its_reason(releases: Releases, up: str) -> None:
    bundle = releases.make(NOTES, accepting("offline-differs", up))
    assert bundle.code == 0, bundle.report["findings"]
    assert bundle.report["proven"]
    assert {(each["accepted"], each["reason"]) for each in bundle.report["findings"]} == {(True, REASON)}
    readme = bundle.text("README.md")
    assert "**PROVEN.**" in readme
    assert "That does not hold for what the developers accept" in readme
    assert "the DBA \\*fills\\* it in by hand" in readme
    assert "apart from what is accepted" in readme
    assert "offline-differs (accepted)" in bundle.text("report.html")
    assert not bundle.text("upgrade.sql").startswith("-- NOT PROVEN")


def test_a_difference_that_the_baseline_accepts_is_told_with_its_reason(releases: Releases, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.toml"
    baseline.write_text(BASELINE)
    project = releases.project(NOTES, Rev("b", SKIPPED), settings={"baseline": str(baseline)})
    bundle = releases.of(project, "a:b")
    assert bundle.code == 0, bundle.report["findings"]
    assert bundle.finding("offline-differs")["reason"] == REASON


def test_another_difference_of_the_same_release_still_fails(releases: Releases) -> None:
    more = Rev(
        "c", "if not op.get_context().as_sql:\n    op.execute('CREATE TABLE more (id int)')", "op.drop_table('more')"
    )
    bundle = releases.make(NOTES, accepting("offline-differs", SKIPPED), more)
    assert bundle.code == 1
    assert {(each["revision"], each["accepted"]) for each in bundle.report["findings"]} == {("b", True), ("c", False)}


@pytest.mark.parametrize("up", [READS, COMMENT], ids=["not written", "not run"])
def test_files_that_do_not_run_are_never_proven_whatever_is_accepted(releases: Releases, up: str) -> None:
    bundle = releases.make(NOTES, accepting("offline-failed", up, "op.drop_column('notes', 'extra')"))
    assert bundle.code == 1
    assert not bundle.report["proven"]
    assert REASON in {each["reason"] for each in bundle.report["findings"]}


def test_a_way_back_that_cannot_be_written_is_left_out_where_that_is_accepted(releases: Releases) -> None:
    bundle = releases.make(NOTES, accepting("offline-failed", "pass", READS))
    assert bundle.code == 0, bundle.report["findings"]
    assert "downgrade.sql" not in bundle.names
    assert "There is no downgrade.sql: it could not be written." in bundle.text("README.md")
