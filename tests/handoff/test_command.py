"""``stairway handoff`` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from offline.lab import ROOT
from pytest_stairway.cli import main
from pytest_stairway.exceptions import UsageError
from pytest_stairway.handoff.settings import HandoffSettings, resolve_handoff

if TYPE_CHECKING:
    from pathlib import Path


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "pytest_stairway.cli", "handoff", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120, env=env)


def test_the_command_makes_a_proven_bundle(tmp_path: Path) -> None:
    done = command("faa4416c842b:a5390146783a", "--rehearse", "0", "-o", str(tmp_path / "release"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proven" in done.stdout
    assert json.loads((tmp_path / "release" / "report.json").read_text())["proven"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch:a5390146783a"], "nosuch"),
        (["a5390146783a:a5390146783a"], "nothing to hand over"),
        (["head", "--language", "tlh"], "--language takes en or ru, not 'tlh'"),
        (["head", "--lock-timeout", "soon"], "--lock-timeout takes a duration"),
        (["head", "--transaction", "none"], "--transaction takes all or each"),
        (["head", "--from-dump", "nosuch.sql"], "nosuch.sql, which is neither a file nor a folder"),
        (["head", "-o", "src"], "where other files lie"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(ROOT)
    if "-o" not in arguments:
        arguments = [*arguments, "-o", str(tmp_path / "release")]
    assert main(["handoff", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "release").exists()


@pytest.mark.parametrize("option", ["--json=found.json", "--strict", "--keep", "--shard=1/2", "--offline"])
def test_an_option_that_would_change_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="2"):
        main(["handoff", "head", option])
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err


def test_options_are_found_on_the_command_line_then_in_the_environment_then_in_the_ini_file() -> None:
    def resolved(command_line: str | None, ini: str | None, **environ: str) -> HandoffSettings:
        return resolve_handoff(
            lambda option: command_line if option.name == "handoff_language" else None,
            lambda option: ini if option.name == "handoff_language" else None,
            environ,
        )

    assert resolved("ru", "en", STAIRWAY_HANDOFF_LANGUAGE="en").handoff_language == "ru"
    assert resolved(None, "en", STAIRWAY_HANDOFF_LANGUAGE="ru").handoff_language == "ru"
    assert resolved(None, "ru").handoff_language == "ru"
    assert resolved(None, None).handoff_language == "en"
    with pytest.raises(UsageError, match="STAIRWAY_HANDOFF_LANGUAGE takes en or ru"):
        resolved(None, None, STAIRWAY_HANDOFF_LANGUAGE="de")
