"""The proof on a database that is restored from a dump of the DBA's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handoff.test_proof import sample_project
from pytest_stairway.clients import find_client
from pytest_stairway.exceptions import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from handoff.lab import Target
    from handoff.release_lab import Bundle, Releases
    from pytest_stairway.databases import Server

RANGE = "faa4416c842b:a5390146783a"


def dump(target: Target, path: Path, *options: str) -> Path:
    client = find_client("pg_dump")
    assert client is not None
    ran = client.run(target.database.url, [*options, "-f", str(path)])
    assert ran.ok, ran.said
    return path


@pytest.mark.parametrize("options", [[], ["-s"], ["-Fc"], ["-Fc", "-s"], ["-Ft"], ["-Fd"], ["-Fd", "-s"]], ids=" ".join)
def test_a_dump_in_any_format_is_where_the_proof_begins(
    releases: Releases, postgresql_server: Server, at_start: Target, tmp_path: Path, options: list[str]
) -> None:
    at_start.execute("ALTER TABLE author ADD by_hand text DEFAULT 'x'")
    path = dump(at_start, tmp_path / "schema.sql", *options)
    bundle = releases.of(sample_project(postgresql_server), RANGE, handoff_from_dump=str(path))
    assert bundle.code == 0, bundle.report["findings"]
    assert bundle.report["start"] == {"dump": "schema.sql", "stamped": "-s" in options}


def test_an_owner_that_is_not_here_is_overlooked(
    releases: Releases, postgresql_server: Server, at_start: Target, tmp_path: Path
) -> None:
    path = dump(at_start, tmp_path / "schema.sql")
    path.write_text(path.read_text().replace("OWNER TO postgres", "OWNER TO somebody_else"))
    bundle = releases.of(sample_project(postgresql_server), RANGE, handoff_from_dump=str(path))
    assert bundle.code == 0


def made(releases: Releases, server: Server, path: Path) -> Bundle:
    return releases.of(sample_project(server), RANGE, handoff_from_dump=str(path))


def test_a_dump_of_another_revision_is_refused(
    releases: Releases, postgresql_server: Server, at_start: Target, tmp_path: Path
) -> None:
    at_start.execute("UPDATE alembic_version SET version_num = 'a5390146783a'")
    path = dump(at_start, tmp_path / "schema.sql")
    with pytest.raises(UsageError, match="a database at a5390146783a, and this release starts at faa4416c842b"):
        made(releases, postgresql_server, path)
    assert not releases.output.exists()


def test_a_folder_that_is_no_dump_is_refused(releases: Releases, postgresql_server: Server, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a file nor a folder of pg_dump's"):
        made(releases, postgresql_server, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CREATE TABL author", "syntax error"),
        ("SELECT 1;", "no version table"),
        ("\x00\x01", "no version table|cannot be restored"),
    ],
)
def test_what_is_no_dump_is_refused(
    releases: Releases, postgresql_server: Server, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        made(releases, postgresql_server, path)
