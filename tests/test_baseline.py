"""The baseline file: what it accepts, what it refuses, and that it is written as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway.baseline import Acceptance, Baseline, merge, read_baseline, write_baseline
from pytest_stairway.exceptions import UsageError
from pytest_stairway.findings import Direction, Finding, Severity

if TYPE_CHECKING:
    from pathlib import Path

LOST = Finding(
    code="schema-not-restored",
    revision="b2",
    direction=Direction.DOWNGRADE,
    object='table "a\\b"',
    message="still there after the downgrade",
)
HEADS = Finding(code="multiple-heads", message="there are two")


def written(tmp_path: Path, *findings: Finding, reason: str = "as it stands") -> Path:
    path = tmp_path / "stairway-baseline.toml"
    write_baseline(merge(Baseline(), findings, kept=(), reason=reason), path)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    reason = 'a "quoted" reason\twith \\ and ü and \x7f and 名'
    baseline = read_baseline(written(tmp_path, LOST, HEADS, reason=reason), source="the default")
    found = baseline.entry_for(LOST)
    assert found == Acceptance(
        code="schema-not-restored",
        revision="b2",
        direction="downgrade",
        object='table "a\\b"',
        reason=reason,
        line=found.line if found else None,
    )
    assert baseline.entry_for(HEADS) is not None


def test_entries_are_sorted_and_each_stands_once(tmp_path: Path) -> None:
    one = written(tmp_path, LOST, HEADS, LOST).read_text()
    assert one == written(tmp_path, HEADS, LOST).read_text()
    assert one.count("[[accepted]]") == 2
    assert one.index("multiple-heads") < one.index("schema-not-restored")


@pytest.mark.parametrize(
    "other",
    [
        {"code": "schema-not-repeated"},
        {"revision": "c3"},
        {"direction": Direction.REUPGRADE},
        {"object": "table other"},
        {"object": None},
        {"severity": Severity.INFO},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_finding_is_not_accepted(tmp_path: Path, other: dict[str, object]) -> None:
    values = {name: getattr(LOST, name) for name in ("code", "revision", "direction", "object", "message")}
    baseline = read_baseline(written(tmp_path, LOST), source="the default")
    assert baseline.entry_for(Finding(**{**values, **other})) is None
    assert baseline.entry_for(Finding(**{**values, "message": "in other words"})) is not None


def test_an_unused_acceptance_is_never_accepted() -> None:
    unused = Finding(code="unused-acceptance", message="m")
    assert merge(Baseline(), [unused], kept=(), reason="r").entries == ()
    assert Baseline(None, [Acceptance(code="unused-acceptance", reason="r")]).entry_for(unused) is None


def test_reasons_stay_and_what_is_gone_goes(tmp_path: Path) -> None:
    path = written(tmp_path, LOST, HEADS)
    path.write_text(path.read_text().replace('"as it stands"', '"we know"', 1))
    old = read_baseline(path, source="the default")
    new = merge(old, [HEADS], kept=(), reason="new")
    assert [(entry.code, entry.reason) for entry in new.entries] == [("multiple-heads", "we know")]


ENTRY = '[[accepted]]\ncode = "leftovers"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 1\n[[accepted\n", "cannot be read: "),
        ("version = 2\n", "is no baseline: `version = 1` and [[accepted]] expected, version 2 found"),
        ("", "is no baseline: .* version None found"),
        ("version = 1\nignored = []\n", "is no baseline: .* ignored in it found"),
        ("version = 1\naccepted = [{code = 'leftovers', reason = 'r'}]\n", "each entry begins with a line"),
        ("version = 1\naccepted = 'all'\n", "each entry begins with a line"),
        (f"version = 1\n{ENTRY}sense = 'x'\n", "line 2: 'sense' is not understood; an entry has code, revision"),
        ("version = 1\n\n[[accepted]]\nreason = 'r'\n", "line 3: the code is missing"),
        ("version = 1\n[[accepted]]\ncode = 'leftovers'\n", "line 2: the reason is missing"),
        ("version = 1\n[[accepted]]\ncode = 'leftovers'\nreason = ' '\n", "line 2: reason takes a text, not ' '"),
        ("version = 1\n[[accepted]]\ncode = 'leftover'\nreason = 'r'\n", "line 2: there is no code 'leftover'"),
        (f"version = 1\n{ENTRY}revision = 5\n", "line 2: revision takes a text, not 5"),
        (f"version = 1\n{ENTRY}direction = 'down'\n", "line 2: direction is upgrade, downgrade, reupgrade, not 'down'"),
        (f"version = 1\n{ENTRY}{ENTRY}", "line 5: says the same as line 2"),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "b.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words.replace("[[", r"\[\[").replace("]]", r"\]\]")) as caught:
        read_baseline(path, source="--stairway-baseline")
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"b.toml \(--stairway-baseline\) cannot be read: No such file"):
        read_baseline(tmp_path / "b.toml", source="--stairway-baseline")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_baseline(Baseline(), tmp_path)
