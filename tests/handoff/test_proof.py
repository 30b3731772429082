"""A release is proven where its files do what alembic does, and never where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gauntlet.case import Rev, sql, table
from handoff.release_lab import NOTES
from offline.lab import ROOT, env
from offline.test_render import REF_CODE_DOWN, REF_CODE_UP
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from handoff.release_lab import Bundle, Releases
    from pytest_stairway.databases import Server


def sample_project(server: Server) -> Project:
    return Project(Settings(config=str(ROOT / "alembic.ini")), ROOT, address=server.address)


def alembics(bundle: Bundle, name: str) -> list[str]:
    """What the server runs of a file, without what is ours and without BEGIN and COMMIT."""
    statements = bundle.report["statements"][name]
    return [each["sql"] for each in statements if each["part"] in ("migration", "version")]


def test_the_samples_release_is_proven(releases: Releases, postgresql_server: Server) -> None:
    bundle = releases.of(sample_project(postgresql_server), "faa4416c842b:a5390146783a")
    assert bundle.code == 0
    assert bundle.report["proven"]
    assert bundle.report["findings"] == []
    assert alembics(bundle, "upgrade.sql") == REF_CODE_UP
    assert alembics(bundle, "downgrade.sql") == REF_CODE_DOWN
    assert bundle.report["client"].startswith("psql ")
    assert [each["name"] for each in bundle.report["checks"]] == [
        *(f"{way}-{leg}" for leg in ("upgrade", "downgrade", "reupgrade") for way in ("online", "file", "same")),
        "refuses-second-upgrade",
        *(f"{way}-redowngrade" for way in ("online", "file", "same")),
        "refuses-second-downgrade",
    ]
    assert "NOT PROVEN" not in bundle.text("upgrade.sql")
    dropped = bundle.report["changes"]["dropped_by_downgrade"]
    assert any("ref_code" in each for each in dropped)


def test_the_samples_whole_history_is_proven(releases: Releases, postgresql_server: Server) -> None:
    bundle = releases.of(sample_project(postgresql_server), "base:heads")
    assert bundle.code == 0, bundle.report["findings"]


BOUND = 'op.get_bind().execute(sa.text("UPDATE notes SET note = :note"), {"note": "kept"})'
TAB = "op.execute(\"UPDATE notes SET note = 'a\\tb'\")"
SKIPPED = """
if not op.get_context().environment_context.is_offline_mode():
    op.execute("UPDATE notes SET note = 'filled'")
"""
COMMENT = 'op.execute("ALTER TABLE notes ADD extra int -- for later")'
READS = """
for (number,) in op.get_bind().execute(sa.text("SELECT id FROM notes")).fetchall():
    op.execute(f"UPDATE notes SET note = 'x' WHERE id = {number}")
"""
UNBOUND = """
notes = sa.table("notes", sa.column("note"))
op.execute(notes.update().values(note="x"))
"""
JSON = """
op.execute(sa.text("UPDATE notes SET note = CAST(:value AS json)::text").bindparams(
    sa.bindparam("value", {"a": 1}, type_=sa.JSON())))
"""
PERCENT = "op.execute(\"UPDATE notes SET note = '100%'\")"
CONNECTS = 'sa.create_engine("postgresql+psycopg://app:secret@db.invalid/app").connect()'

WRONG = {
    "a bound parameter": (BOUND, "offline-differs", ("bound parameters are lost", "note='kept'"), "SET note = NULL"),
    "a tab": (TAB, "offline-differs", ("a tab in a literal as four spaces",), "SET note = 'a    b'"),
    "a backfill online alone": (SKIPPED, "offline-differs", ("is_offline_mode",), None),
    "a comment at the end": (COMMENT, "offline-failed", ("swallows its semicolon",), "-- for later;"),
    "a result": (READS, "offline-failed", ("needs a connection",), None),
    "a commit of its own": (
        "op.get_bind().commit()",
        "offline-failed",
        ("transaction of the connection itself",),
        None,
    ),
    "a connection of its own": (CONNECTS, "offline-failed", ("refused a connection in offline mode",), None),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_release_that_does_something_else_is_not_proven_and_says_why(releases: Releases, name: str) -> None:
    up, code, words, statement = WRONG[name]
    bundle = releases.make(NOTES, Rev("b", up))
    assert bundle.code == 1
    assert not bundle.report["proven"]
    finding = bundle.finding(code)
    assert finding["revision"] == "b"
    assert finding["path"].endswith("b.py")
    for word in words:
        assert word in finding["message"]
    assert finding["hint"]
    if statement is not None:
        assert statement in finding["detail"]
    assert "secret" not in str(bundle.report)
    for file in bundle.names & {"upgrade.sql", "downgrade.sql"}:
        assert "NOT PROVEN" in bundle.text(file).splitlines()[0]


def test_a_changed_literal_is_told_beside_what_is_another_each_time(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", "op.execute(\"UPDATE notes SET note = 'a\\tb' || gen_random_uuid()\")"))
    assert bundle.code == 1
    assert "a tab in a literal as four spaces" in bundle.finding("offline-differs")["message"]


ONLINE_ALONE = """
"is_offline_mode() is asked below"
if not op.get_context().environment_context.is_offline_mode():
    op.execute("UPDATE notes SET more = 'filled'")
"""


def asked_on(finding: dict[str, Any]) -> bool:
    """Tell whether a finding points to where its revision asks for the mode."""
    return "if not op.get_context()" in Path(finding["path"]).read_text().splitlines()[finding["line"] - 1]


def test_what_a_later_revision_does_online_alone_is_told_of_that_one(releases: Releases) -> None:
    added = Rev("b", sql("ALTER TABLE notes ADD more text"), sql("ALTER TABLE notes DROP more"))
    finding = releases.make(NOTES, added, Rev("c", ONLINE_ALONE)).finding("offline-differs")
    assert (finding["revision"], finding["detail"]) == ("c", None)
    assert "is_offline_mode" in finding["message"]
    assert asked_on(finding)


@pytest.mark.parametrize("apart", [False, True], ids=["in one revision", "in two"])
def test_what_fails_for_want_of_what_is_done_online_alone_is_told_so(releases: Releases, apart: bool) -> None:
    added, required = sql("ALTER TABLE notes ADD more text"), sql("ALTER TABLE notes ALTER more SET NOT NULL")
    if apart:
        revisions = [Rev("b", f"{added}\n{ONLINE_ALONE}"), Rev("c", required)]
    else:
        revisions = [Rev("b", f"{added}\n{ONLINE_ALONE}\n{required}")]
    finding = releases.make(NOTES, *revisions).finding("offline-failed")
    assert "contains null values (the revision does less in offline mode" in finding["message"]
    assert finding["revision"] == "b"
    assert asked_on(finding)


def test_a_revision_that_names_the_mode_and_never_asks_is_not_blamed(releases: Releases) -> None:
    up = f'"""is_offline_mode"""  # as_sql\n{sql("ALTER TABLE notes ADD more text")}\n{BOUND.replace("note =", "more =")}'
    down = f"if op.get_context().as_sql:\n    pass\n{sql('ALTER TABLE notes DROP more')}"
    bundle = releases.make(NOTES, Rev("b", up, down))
    assert bundle.code == 1
    assert "does less in offline mode" not in str(bundle.report["findings"])


def test_an_env_py_without_literal_binds_is_told(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", UNBOUND), env=env().replace("literal_binds=True, ", ""))
    assert bundle.code == 1
    assert "literal_binds=True" in bundle.finding("offline-failed")["hint"]


def test_rows_of_parameters_that_are_lost_are_no_fault_of_env_py(releases: Releases) -> None:
    rows = 'notes = sa.table("notes", sa.column("id"))\nop.get_bind().execute(notes.insert(), [{"id": 8}, {"id": 9}])'
    bundle = releases.make(NOTES, Rev("b", rows))
    failed = bundle.finding("offline-failed")
    assert "bound parameters are lost" in failed["message"]
    assert "op.bulk_insert() for rows" in failed["hint"]


def test_a_value_without_a_type_is_told(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", UNBOUND))
    assert bundle.code == 1
    assert "sa.column('NAME', sa.Integer)" in bundle.finding("offline-failed")["hint"]


def test_an_env_py_that_doubles_a_percent_sign_is_told(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", PERCENT), env=env().replace('dialect_opts={"paramstyle": "named"}, ', ""))
    assert bundle.code == 1
    assert "paramstyle" in bundle.finding("offline-differs")["hint"]


def test_an_env_py_without_an_offline_branch_is_told(releases: Releases) -> None:
    bundle = releases.make(NOTES, table("b", "two", "id int"), env=None)
    assert bundle.code == 1
    assert bundle.findings == [("offline-failed", None)]
    assert "upgrade.sql" not in bundle.names


def test_a_frozen_value_is_a_warning_with_the_two_texts(releases: Releases) -> None:
    up = "op.execute(f\"UPDATE notes SET note = '{__import__('uuid').uuid4()}'\")"
    bundle = releases.make(NOTES, Rev("b", up))
    assert bundle.finding("offline-unstable")["revision"] == "b"


SOUND = {
    "a random backfill": "UPDATE notes SET note = md5(random()::text)",
    "what no seed makes equal": "UPDATE notes SET note = gen_random_uuid()::text",
    "the clock": "UPDATE notes SET note = clock_timestamp()::text",
    "a percent sign": "UPDATE notes SET note = '100%'",
    "a colon": "UPDATE notes SET note = 'a\\\\:b'",
    "text in another alphabet": "UPDATE notes SET note = 'Привет, мир'",
}


@pytest.mark.parametrize("name", SOUND)
def test_a_release_that_does_the_same_is_proven(releases: Releases, name: str) -> None:
    bundle = releases.make(NOTES, Rev("b", f'op.execute("{SOUND[name]}")'))
    assert bundle.code == 0, bundle.report["findings"]


def test_a_downgrade_that_differs_is_not_proven(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", "pass", BOUND))
    assert bundle.code == 1
    assert bundle.finding("offline-differs")["direction"] == "downgrade"


def test_an_upgrade_that_fails_on_rows_is_not_proven_whoever_runs_it(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", sql("ALTER TABLE notes ADD must int NOT NULL")))
    assert bundle.code == 1
    assert ("upgrade-failed", "b") in bundle.findings
    assert ("offline-failed", "b") in bundle.findings


def test_a_revision_that_never_goes_up_is_told_and_what_stands_above_it_is_not_rehearsed(releases: Releases) -> None:
    fails = Rev("b", "if not op.get_context().as_sql:\n    raise RuntimeError('not today')")
    options = {"handoff_rehearse": 10}
    bundle = releases.make(NOTES, fails, table("c", "later", "id int"), options=options)
    assert bundle.code == 1
    assert ("upgrade-failed", "b") in bundle.findings
    assert "`c`, and what stands above it, could not be rehearsed" in bundle.text("README.md")


def test_what_cannot_be_taken_back_has_no_downgrade_and_says_which_revision(releases: Releases) -> None:
    bundle = releases.make(NOTES, Rev("b", "pass", 'raise NotImplementedError("the old notes are gone")'))
    assert bundle.code == 0
    assert bundle.report["irreversible"] == "b"
    assert bundle.findings == [("irreversible", "b")]
    assert "downgrade.sql" not in bundle.names


def test_what_going_back_does_not_bring_back_is_told(releases: Releases) -> None:
    up, down = sql("ALTER TABLE notes DROP note"), sql("ALTER TABLE notes ADD note text")
    bundle = releases.make(NOTES, Rev("b", up, down))
    assert bundle.code == 0
    lost = bundle.report["changes"]["not_restored_rows"]
    assert len(lost) == 1
    assert "note" in lost[0]


def test_a_downgrade_that_is_no_transaction_has_files_for_each_revision(releases: Releases) -> None:
    block = "with op.get_context().autocommit_block():\n    "
    up, down = sql("CREATE INDEX i ON notes (note)"), block + sql("DROP INDEX CONCURRENTLY i")
    bundle = releases.make(NOTES, Rev("b", up, down), table("c", "two", "id int"))
    assert bundle.code == 0, bundle.report["findings"]
    assert {"downgrade/1_c.sql", "downgrade/2_b.sql", "upgrade/1_b.sql", "upgrade/2_c.sql"} <= bundle.names
    used = [each["file"] for each in bundle.report["checks"] if each["name"] == "file-redowngrade"]
    assert used == ["downgrade/1_c.sql", "downgrade/2_b.sql"]
    readme = bundle.text("README.md")
    assert "for file in downgrade/*.sql; do" in readme
    assert 'psql -X -d "$DATABASE_URL" -f upgrade.sql' in readme
    assert readme.index("## How to go back") < readme.index("### If it stops in the middle")


def test_a_concurrent_index_makes_files_for_each_revision(releases: Releases) -> None:
    up = f"with op.get_context().autocommit_block():\n    {sql('CREATE INDEX CONCURRENTLY i ON notes (note)')}"
    down = 'op.drop_index("i", table_name="notes")'
    bundle = releases.make(NOTES, Rev("b", up, down), table("c", "two", "id int"))
    assert bundle.code == 0, bundle.report["findings"]
    assert {"upgrade/1_b.sql", "upgrade/2_c.sql", "downgrade/1_c.sql", "downgrade/2_b.sql"} <= bundle.names
    assert "-f downgrade.sql" in bundle.text("README.md")
    assert "go back by the files in the folder `downgrade`" in bundle.text("README.md")
    used = [each["file"] for each in bundle.report["checks"] if each["name"] == "file-reupgrade"]
    assert used == ["upgrade/1_b.sql", "upgrade/2_c.sql"]


def test_each_revision_gets_a_transaction_where_the_option_says_so(releases: Releases) -> None:
    bundle = releases.make(
        NOTES, table("b", "two", "id int"), table("c", "three", "id int"), options={"handoff_transaction": "each"}
    )
    assert bundle.code == 0
    assert bundle.text("upgrade.sql").count("\nCOMMIT;") == 2
