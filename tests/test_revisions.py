"""The sample's history, as the revision graph sees it, and Alembic working with what we loaded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import RevisionStep
from sqlalchemy import create_engine, inspect

from pytest_stairway.revisions import History, check_structure, load_history

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setattr(sys, "path", [*sys.path])
    return load_history(ROOT / "alembic.ini")


def test_the_sample_is_sound(sample: History) -> None:
    assert check_structure(sample, dialect="postgresql") == ()
    assert sample.bases == ("faa4416c842b",)
    assert sample.heads == ("2a8d5c7e91b6",)


def test_the_release_stands_first_in_the_sample(sample: History) -> None:
    assert [(each.revision, each.message) for each in sample.select("base:a539")] == [
        ("faa4416c842b", "create author table"),
        ("14bc8e509acf", "add ref_code to author table"),
        ("a5390146783a", "make author.ref_code not null"),
    ]


def test_the_sample_has_two_branches_and_their_merge(sample: History) -> None:
    [branch_point] = [each for each in sample.revisions if each.is_branch_point]
    [merge] = [each for each in sample.revisions if each.is_merge]
    between = [each.revision for each in sample.select(f"{branch_point.revision}:{merge.revision}")]
    assert between == ["1f6b9e34d0a2", "d3a7f518c96e", "62c9b0e4a7d5", "f0e4a96d813b"]


def offline(command: str, range_: str) -> list[str]:
    """Let Alembic write SQL, from another folder than the project's and without any setting."""
    environment = {name: value for name, value in os.environ.items() if name != "SAMPLE_BLOG_DATABASE_URL"}
    run = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), command, range_, "--sql"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env=environment,
    )
    script = re.sub(r"^--.*$", "", run.stdout, flags=re.MULTILINE)
    return [statement.strip() for statement in script.split(";") if statement.strip() not in {"", "BEGIN", "COMMIT"}]


def test_the_samples_release_is_these_statements() -> None:
    """They were handed to a DBA once, and stay as they are."""
    assert offline("upgrade", "faa4416c842b:a5390146783a") == [
        "ALTER TABLE author ADD COLUMN ref_code VARCHAR",
        "ALTER TABLE author ADD CONSTRAINT uq_author_ref_code UNIQUE (ref_code)",
        "UPDATE alembic_version SET version_num='14bc8e509acf' WHERE alembic_version.version_num = 'faa4416c842b'",
        "UPDATE author SET ref_code=SUBSTRING(md5(CAST(random() AS VARCHAR)) FROM 1 FOR 6) WHERE author.ref_code IS NULL",
        "ALTER TABLE author ALTER COLUMN ref_code SET NOT NULL",
        "UPDATE alembic_version SET version_num='a5390146783a' WHERE alembic_version.version_num = '14bc8e509acf'",
    ]
    assert offline("downgrade", "a5390146783a:faa4416c842b") == [
        "ALTER TABLE author ALTER COLUMN ref_code DROP NOT NULL",
        "UPDATE alembic_version SET version_num='14bc8e509acf' WHERE alembic_version.version_num = 'a5390146783a'",
        "ALTER TABLE author DROP CONSTRAINT uq_author_ref_code",
        "ALTER TABLE author DROP COLUMN ref_code",
        "UPDATE alembic_version SET version_num='faa4416c842b' WHERE alembic_version.version_num = '14bc8e509acf'",
    ]


REVISION = """\
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {down_revision!r}
done = []


def upgrade():
    done.append("up")
    op.create_table({revision!r}, sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    done.append("down")
    op.drop_table({revision!r})
"""


def test_alembic_walks_what_was_loaded(tmp_path: Path) -> None:
    """Steps made from the loaded history run in the very modules that were imported once."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for revision, down_revision in (("a1", None), ("a2", "a1"), ("b2", "a1"), ("m1", ("a2", "b2"))):
        text = REVISION.format(revision=revision, down_revision=down_revision)
        (versions / f"{revision}.py").write_text(text)
    (tmp_path / "migrations" / "env.py").write_text("")
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    history = load_history(tmp_path / "alembic.ini")
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")

    def steps(heads: object, context: object) -> list[RevisionStep]:
        up = [
            RevisionStep(history.script.revision_map, history.script.get_revision(each.revision), True)
            for each in history.revisions
        ]
        down = [RevisionStep(step.revision_map, step.revision, False) for step in reversed(up)]
        return [*up, *down, *up]

    with engine.connect() as connection, EnvironmentContext(history.config, history.script, fn=steps) as context:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    assert set(inspect(engine).get_table_names()) == {"a1", "a2", "b2", "m1", "alembic_version"}
    for revision in history.revisions:
        assert history.script.get_revision(revision.revision).module.done == ["up", "down", "up"]
    engine.dispose()
