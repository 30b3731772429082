"""``--stairway-offline`` on SQLite, where Python's own driver runs the SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gauntlet.case import Case, Rev, sql, table, write
from offline.lab import env
from pytest_stairway.project import Project
from pytest_stairway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

NOTES = table("a", "notes", "id integer PRIMARY KEY", "note text")
REVISIONS = (
    NOTES,
    Rev("b", sql("ALTER TABLE notes ADD extra int"), sql("ALTER TABLE notes DROP COLUMN extra")),
    Rev("c", sql("UPDATE notes SET note = random() || strftime('%f')")),
    Rev("d", sql("INSERT INTO notes (note) VALUES (random())"), "raise NotImplementedError('no way back')"),
    Rev("e", "op.execute(\"UPDATE notes SET note = 'a\\tb'\")"),
    Rev("f", sql("ALTER TABLE notes ADD more int") + "\nop.get_context().as_sql and op.execute('oops')"),
)


def test_what_differs_is_told_and_what_is_another_each_time_is_not(tmp_path: Path) -> None:
    ini = write(Case("project", "a project", REVISIONS, dialect="sqlite", env=env()), tmp_path)
    project = Project(Settings(config=str(ini), offline=True), tmp_path)
    project.plan([each.revision for each in project.selected])
    found = {each.revision: project.check_offline(each).findings for each in project.selected}
    assert {name: [each.code for each in findings] for name, findings in found.items()} == {
        "a": [],
        "b": [],
        "c": [],
        "d": [],
        "e": ["offline-differs"],
        "f": ["offline-failed"],
    }
    project.close()
