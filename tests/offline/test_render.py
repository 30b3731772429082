"""Statements are taken as Alembic emits them, with their revision; nothing is connected, nothing is lost silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql, table
from offline.lab import both, env, sample, texts
from pytest_stairway.environment.environment import EnvironmentRaised, NotConnected
from pytest_stairway.exceptions import ConnectionRefused, UsageError
from pytest_stairway.handoff.span import span_of
from pytest_stairway.offline.rendering import Part, Step, render_offline

if TYPE_CHECKING:
    from offline.lab import OfflineLab

REF_CODE_UP = [
    "ALTER TABLE author ADD COLUMN ref_code VARCHAR;",
    "ALTER TABLE author ADD CONSTRAINT uq_author_ref_code UNIQUE (ref_code);",
    "UPDATE alembic_version SET version_num='14bc8e509acf' WHERE alembic_version.version_num = 'faa4416c842b';",
    "UPDATE author SET ref_code=SUBSTRING(md5(CAST(random() AS VARCHAR)) FROM 1 FOR 6) WHERE author.ref_code IS NULL;",
    "ALTER TABLE author ALTER COLUMN ref_code SET NOT NULL;",
    "UPDATE alembic_version SET version_num='a5390146783a' WHERE alembic_version.version_num = '14bc8e509acf';",
]
REF_CODE_DOWN = [
    "ALTER TABLE author ALTER COLUMN ref_code DROP NOT NULL;",
    "UPDATE alembic_version SET version_num='14bc8e509acf' WHERE alembic_version.version_num = 'a5390146783a';",
    "ALTER TABLE author DROP CONSTRAINT uq_author_ref_code;",
    "ALTER TABLE author DROP COLUMN ref_code;",
    "UPDATE alembic_version SET version_num='faa4416c842b' WHERE alembic_version.version_num = '14bc8e509acf';",
]


def test_the_release_of_the_samples_ref_code_is_exactly_these_statements() -> None:
    up, down = both(sample(), "faa4416c842b:a5390146783a")
    assert texts(up) == REF_CODE_UP
    assert texts(down) == REF_CODE_DOWN
    for script in (up, down):
        parts = [each.part for each in script.statements]
        assert (parts[0], parts[-1], script.transactions) == (Part.BEGIN, Part.COMMIT, 1)
        assert script.unstable == ()
    comments = [each.text for each in up.statements if each.part is Part.COMMENT]
    assert comments == [
        "-- Running upgrade faa4416c842b -> 14bc8e509acf",
        "-- Running upgrade 14bc8e509acf -> a5390146783a",
    ]


def test_each_statement_knows_its_revision_and_each_step_what_the_version_table_holds_after_it() -> None:
    up, down = both(sample(), "d3a7f518c96e:f0e4a96d813b")
    assert {step.revision for step in up.steps[:2]} == {"1f6b9e34d0a2", "62c9b0e4a7d5"}
    assert up.steps[2] == Step("f0e4a96d813b")
    assert up.start == {"d3a7f518c96e"}
    assert up.end == {"f0e4a96d813b"}
    assert down.end == up.start
    for place, step in enumerate(up.steps):
        assert any(step.revision in each.text for each in up.of_step(place) if each.part is Part.VERSION)


def test_the_whole_history_is_written_from_base_to_the_heads_and_back() -> None:
    environment = sample()
    up, down = both(environment, "base:heads")
    assert up.start == frozenset()
    assert up.end == set(environment.history.heads)
    assert down.end == frozenset()
    assert len(up.steps) == len(environment.history.revisions)
    assert texts(up)[0].startswith("CREATE TABLE alembic_version")


def test_a_parameter_that_offline_mode_drops_is_noted_with_its_statement(offline_lab: OfflineLab) -> None:
    up = """
    op.get_bind().execute(sa.text("UPDATE one SET note = :note"), {"note": "kept"})
    op.execute(sa.text("UPDATE one SET note = :note").bindparams(note="bound"))
    """
    environment = offline_lab.environment(table("a", "one", "note text"), Rev("b", up))
    script, _ = both(environment, "b")
    lost = [(each.text, each.lost) for each in script.statements if each.part is Part.MIGRATION]
    assert lost == [
        ("UPDATE one SET note = NULL;", ("note='kept'",)),
        ("UPDATE one SET note = 'bound';", ()),
    ]


def test_rows_that_offline_mode_drops_are_counted(offline_lab: OfflineLab) -> None:
    up = """
    one = sa.table("one", sa.column("note"))
    op.get_bind().execute(one.insert(), [{"note": "a"}, {"note": "b"}])
    """
    script, _ = both(offline_lab.environment(table("a", "one", "note text"), Rev("b", up)), "b")
    assert [each.lost for each in script.statements if each.lost] == [("2 rows of parameters",)]


def test_what_reads_from_the_database_fails_and_the_next_revisions_are_written(offline_lab: OfflineLab) -> None:
    reads = 'op.get_bind().execute(sa.text("SELECT 1")).scalar()'
    environment = offline_lab.environment(table("a", "one", "id int"), Rev("b", reads), table("c", "two", "id int"))
    script, _ = both(environment, "base:c")
    assert set(script.failures) == {1}
    assert "CREATE TABLE two" in script.of_step(2)[1].text


def test_a_migration_that_connects_by_itself_is_refused(offline_lab: OfflineLab) -> None:
    connects = 'sa.create_engine("postgresql+psycopg://app:secret@db.invalid/app").connect()'
    environment = offline_lab.environment(*(Rev(name, connects) for name in "abcd"))
    script, _ = both(environment, "base:d")
    assert [type(error) for error in script.failures.values()] == [ConnectionRefused] * 4
    assert "secret" not in str(script.failures[0])


def test_an_env_py_that_connects_in_offline_mode_is_refused(offline_lab: OfflineLab) -> None:
    environment = offline_lab.environment(table("a", "one", "id int"), env=None)
    with pytest.raises(ConnectionRefused, match="offline mode"):
        both(environment, "a")


def test_an_env_py_that_runs_nothing_in_offline_mode_is_told(offline_lab: OfflineLab) -> None:
    environment = offline_lab.environment(table("a", "one", "id int"), env="from alembic import context\n")
    with pytest.raises(NotConnected, match="offline mode"):
        both(environment, "a")


def test_an_env_py_that_fails_in_offline_mode_is_told(offline_lab: OfflineLab) -> None:
    environment = offline_lab.environment(table("a", "one", "id int"), env="1/0\n")
    with pytest.raises(EnvironmentRaised):
        both(environment, "a")


@pytest.mark.parametrize("value", ["__import__('uuid').uuid4()", "__import__('datetime').datetime.now()"])
def test_a_value_that_is_made_while_the_sql_is_written_shows(offline_lab: OfflineLab, value: str) -> None:
    up = f"""op.execute(f"UPDATE one SET note = '{{{value}}}'")"""
    environment = offline_lab.environment(table("a", "one", "note text"), Rev("b", up))
    script, _ = both(environment, "base:b")
    ((one, other),) = script.unstable
    assert one is not None
    assert other is not None
    assert one.step == 1
    assert one.text.startswith("UPDATE one")
    assert other.text.startswith("UPDATE one")


def test_env_py_decides_whether_each_revision_has_a_transaction_of_its_own(offline_lab: OfflineLab) -> None:
    revisions = (table("a", "one", "id int"), table("b", "two", "id int"))
    environment = offline_lab.environment(*revisions, env=env("transaction_per_migration=True"))
    assert both(environment, "base:b")[0].transactions == 2
    assert both(environment, "base:b", per_migration=False)[0].transactions == 1


def test_an_autocommit_block_makes_a_script_that_is_not_atomic(offline_lab: OfflineLab) -> None:
    up = f"with op.get_context().autocommit_block():\n    {sql('CREATE INDEX CONCURRENTLY i ON one (id)')}"
    script, _ = both(offline_lab.environment(table("a", "one", "id int"), Rev("b", up)), "base:b")
    assert not script.is_atomic
    assert [each.part.value for each in script.of_step(1)] == ["comment", "commit", "migration", "begin", "version"]


def test_the_output_comes_here_whatever_env_py_says(offline_lab: OfflineLab) -> None:
    elsewhere = env(offline="output_buffer=open('elsewhere.sql', 'x') if False else None, output_encoding='koi8-r'")
    script, _ = both(offline_lab.environment(table("a", "one", "id int"), env=elsewhere), "a")
    assert texts(script)[1].startswith("CREATE TABLE one")


def test_an_enum_type_is_created_again_where_each_step_stands_alone(offline_lab: OfflineLab) -> None:
    head = "mood = sa.Enum('good', 'bad', name='mood')"
    up = "op.create_table('day', sa.Column('mood', mood))"
    down = "op.drop_table('day')\nmood.drop(op.get_bind())"
    environment = offline_lab.environment(Rev("a", up, down, head=head))
    steps = [Step("a"), Step("a", upgrade=False), Step("a")]
    script = render_offline(environment, steps, start=frozenset(), alone=True)
    created = [each.step for each in script.statements if each.text.startswith("CREATE TYPE")]
    assert created == [0, 2]
    assert [sorted(script.heads[place]) for place in range(3)] == [["a"], [], ["a"]]


def test_a_function_that_is_missing_fails_alone(offline_lab: OfflineLab) -> None:
    text = "revision = 'a'\ndown_revision = None\ndef upgrade():\n    pass\n"
    up, down = both(offline_lab.environment(Rev("a", text=text)), "a")
    assert not up.failures
    assert "downgrade" in str(down.failures[0])


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to hand over"):
        span_of(sample().history, "a5390146783a:a5390146783a")
