"""A run that stops outside of transactions is brought to its end by what the README says."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql
from handoff.lab import psql
from handoff.release_lab import NOTES
from handoff.test_going_on import BLOCKS, FOUR, ONE, PLAIN
from offline.lab import env
from pytest_stairway.clients import connection_variables

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.lab import Target
    from handoff.release_lab import Bundle, Releases
    from pytest_stairway.clients import Ran

HISTORIES = {
    "blocks": (BLOCKS, env()),
    "no transactions": (
        PLAIN,
        env("transactional_ddl=False").replace("poolclass=", 'isolation_level="AUTOCOMMIT", poolclass='),
    ),
}
SCRIPT_ERROR = 3


@pytest.fixture(params=HISTORIES)
def bundle(request: pytest.FixtureRequest, releases: Releases, target: Target) -> Bundle:
    """A release from `a` to `d`; the database is at `a`, and nothing in it can be made unique."""
    revision, env_py = HISTORIES[request.param]
    made = releases.make(NOTES, ONE, revision, FOUR, env=env_py)
    assert made.code == 0, made.report["findings"]
    target.execute("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)")
    target.execute("INSERT INTO alembic_version VALUES ('a')")
    target.execute("CREATE TABLE notes (id int PRIMARY KEY, note text)")
    target.execute("INSERT INTO notes VALUES (1, 'same'), (2, 'same')")
    return made


def line_of(path: Path, ran: Ran) -> int:
    """Find the line to go on from, as the README says."""
    (named,) = re.findall(r"psql:\S+?:(\d+): ERROR", ran.said)
    lines = path.read_text().splitlines()[: int(named)]
    bounds = [number for number, line in enumerate(lines, 1) if line in ("BEGIN;", "COMMIT;")]
    inside = bounds and lines[bounds[-1] - 1] == "BEGIN;"
    return bounds[-1] if inside else len(lines)


def rest(bundle: Bundle, target: Target, path: Path, line: int) -> subprocess.CompletedProcess[bytes]:
    """Run what the README says."""
    (recipe,) = re.findall(r"^ *(\{ sed .*\| psql .*)$", bundle.text("README.md"), re.MULTILINE)
    command = recipe.replace("FILE", str(path)).replace("LINE", str(line)).replace('-d "$DATABASE_URL"', "")
    command = command.replace("| psql", f"| {psql().path}")
    variables = connection_variables(target.database.url)
    return subprocess.run(["sh", "-c", command], capture_output=True, env=variables, check=False)


def test_the_rest_of_a_file_can_be_run(bundle: Bundle, target: Target) -> None:
    first, second, third = sorted((bundle.folder / "upgrade").iterdir())
    assert target.run(first).ok
    ran = target.run(second)
    assert ran.code == SCRIPT_ERROR
    assert "could not create unique index" in ran.words
    target.execute("UPDATE notes SET note = id")
    line = line_of(second, ran)
    assert rest(bundle, target, second, line).returncode == SCRIPT_ERROR  # the index is there, and invalid
    (query,) = re.findall(r"^ *(SELECT indexrelid.*)$", bundle.text("README.md"), re.MULTILINE)
    assert target.rows(query.replace("::regclass", "::regclass::text").rstrip(";")) == [("i", "notes")]
    target.execute("DROP INDEX CONCURRENTLY i")
    done = rest(bundle, target, second, line)
    assert done.returncode == 0, done.stderr
    assert target.run(third).ok
    assert target.rows("SELECT version_num FROM alembic_version") == [("d",)]
    assert target.run(bundle.folder / "downgrade.sql").ok


def test_the_files_one_by_one_stop_at_the_first_that_fails_and_their_exit_code_says_so(
    bundle: Bundle, target: Target
) -> None:
    loop, _back = re.findall(r"^ *\(for file in .*?^ *done\)$", bundle.text("README.md"), re.MULTILINE | re.DOTALL)
    command = loop.replace("psql", str(psql().path)).replace('-d "$DATABASE_URL"', "")
    variables = connection_variables(target.database.url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, env=variables, check=False, cwd=bundle.folder)
    assert done.returncode == SCRIPT_ERROR
    assert done.stdout.endswith(b"stopped in upgrade/2_c.sql\n")
    assert b"could not create unique index" in done.stderr


def test_from_the_middle_one_can_go_back(bundle: Bundle, target: Target) -> None:
    first, _, _ = sorted((bundle.folder / "upgrade").iterdir())
    before = target.state("notes")
    assert target.run(first).ok
    assert target.run(bundle.folder / "downgrade.sql").code == SCRIPT_ERROR
    (held,) = target.rows("SELECT version_num FROM alembic_version")
    (back,) = (bundle.folder / "downgrade").glob(f"*_{held[0]}.sql")
    assert target.run(back).ok
    assert target.state("notes") == before


def test_the_rest_of_a_file_is_refused_by_another_database(bundle: Bundle, target: Target) -> None:
    _, second, _ = sorted((bundle.folder / "upgrade").iterdir())
    line = next(n for n, text in enumerate(second.read_text().splitlines(), 1) if text.startswith("CREATE UNIQUE"))
    before = target.state("notes")
    done = rest(bundle, target, second, line)
    assert done.returncode == SCRIPT_ERROR
    assert b"stairway: refused, because this script starts at b and the database is at a" in done.stderr
    assert target.state("notes") == before


def test_an_invalid_index_that_is_taken_for_the_new_one_is_noticed(releases: Releases, target: Target) -> None:
    up = sql('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \\"I\\" ON public.notes (note)')
    block = "with op.get_context().autocommit_block():\n    "
    bundle = releases.make(NOTES, Rev("b", block + up, block + sql('DROP INDEX CONCURRENTLY \\"I\\"')))
    assert bundle.code == 0, bundle.report["findings"]
    target.execute("CREATE TABLE alembic_version AS SELECT 'a'::varchar(32) AS version_num")
    target.execute("CREATE TABLE notes AS SELECT id, 'same' AS note FROM generate_series(1, 2) AS id")
    upgrade = bundle.folder / "upgrade.sql"
    assert not target.run(upgrade).ok
    target.execute("UPDATE notes SET note = id")
    ran = target.run(upgrade)
    assert ran.code == SCRIPT_ERROR
    assert 'stairway: the index "I" on public.notes should be valid now, and is not' in ran.words
    assert target.rows("SELECT version_num FROM alembic_version") == [("a",)]
    target.execute('DROP INDEX CONCURRENTLY "I"')
    assert target.run(upgrade).ok
