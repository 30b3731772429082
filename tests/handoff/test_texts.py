"""README.md and report.html say what was found, in the language that was asked for, and need nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from gauntlet.case import Rev, sql, table
from handoff.release_lab import NOTES, Releases
from handoff.test_proof import BOUND, COMMENT, sample_project

if TYPE_CHECKING:
    from handoff.release_lab import Bundle
    from pytest_stairway.databases import Server


def test_the_readme_of_the_sample_says_what_a_dba_asks(releases: Releases, postgresql_server: Server) -> None:
    bundle = releases.of(sample_project(postgresql_server), "faa4416c842b:a5390146783a")
    readme = bundle.text("README.md")
    assert readme.startswith("# Release: faa4416c842b → a5390146783a\n\n**PROVEN.**")
    assert re.findall(r"^## (.*)", readme, re.MULTILINE) == [
        "What changes",
        "How long it takes, and what it blocks",
        "How to run it",
        "How to check",
        "How to go back",
        "How it was proven",
        "Files",
    ]
    assert "- unique constraint `uq_author_ref_code on author`: new" in readme
    assert 'psql -X -d "$DATABASE_URL" -f upgrade.sql' in readme
    assert "- table `author`, column `ref_code`: dropped with all its values" in readme
    for name in ("upgrade.sql", "downgrade.sql"):
        assert f"| `{name}` | `{bundle.report['files'][name]}` |" in readme


class Page(HTMLParser):
    """Notes what a page wants from elsewhere, and what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]
        if tag not in ("meta", "link", "br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(bundle: Bundle) -> Page:
    page = Page()
    page.feed(bundle.text("report.html"))
    assert page.open == []
    return page


def test_the_report_is_one_page_that_needs_no_network_and_no_script(releases: Releases) -> None:
    bundle = releases.make(NOTES, table("b", "two", "id int"))
    page = page_of(bundle)
    assert page.links == ["data:,"]
    assert not page.tags & {"script", "iframe", "img", "object"}
    assert "url(" not in bundle.text("report.html")
    assert "@media print" in bundle.text("report.html")
    assert "CREATE TABLE two" in bundle.text("report.html")


def test_what_a_migration_says_is_never_taken_for_markup(releases: Releases) -> None:
    up = sql("COMMENT ON TABLE notes IS '<script>alert(1)</script> | `x` *y*'")
    text = f'"""<script>alert(2)</script> *bold* | `code`"""\nfrom alembic import op\nrevision = "b"\ndown_revision = "a"\ndef upgrade():\n    {up}\ndef downgrade():\n    pass\n'
    bundle = releases.make(NOTES, Rev("b", text=text))
    page = page_of(bundle)
    assert "script" not in page.tags
    assert "em" not in page.tags


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("broken", [BOUND, COMMENT, "1/0"], ids=["differs", "fails", "not written"])
def test_a_bundle_that_is_not_proven_says_so_everywhere_and_why(releases: Releases, broken: str, language: str) -> None:
    bundle = releases.make(NOTES, Rev("b", broken), options={"handoff_language": language})
    word = {"en": "NOT PROVEN", "ru": "НЕ ПРОВЕРЕНО"}[language]  # noqa: RUF001 - Russian
    readme = bundle.text("README.md")
    assert word in readme.splitlines()[2]
    assert "b.py" in readme
    assert word in bundle.text("report.html")
    assert word not in readme.replace(word, "", 1)
    assert MarkdownIt().render(readme).count("<pre>") >= 1


def test_a_rehearsal_tells_seconds_locks_and_who_waits_for_each_statement(
    releases: Releases, postgresql_server: Server
) -> None:
    project = sample_project(postgresql_server)
    bundle = releases.of(project, "faa4416c842b:a5390146783a", handoff_rehearse=50)
    assert bundle.code == 0
    (row,) = [
        line for line in bundle.text("README.md").splitlines() if line.startswith("| `ALTER TABLE author ADD COLUMN")
    ]
    assert row.endswith("| `author`: ACCESS EXCLUSIVE | blocked | blocked |")
    steps = [(each["revision"], each["direction"]) for each in bundle.report["rehearsal"]["steps"]]
    assert steps == [
        ("14bc8e509acf", "upgrade"),
        ("a5390146783a", "upgrade"),
        ("a5390146783a", "downgrade"),
        ("14bc8e509acf", "downgrade"),
    ]


def test_a_release_that_fails_on_many_rows_is_not_proven(releases: Releases) -> None:
    up = sql("UPDATE notes SET note = (id % 100)::text") + "\n" + sql("ALTER TABLE notes ADD UNIQUE (note)")
    bundle = releases.make(
        NOTES, Rev("b", up, sql("ALTER TABLE notes DROP CONSTRAINT notes_note_key")), options={"handoff_rehearse": 500}
    )
    assert bundle.code == 1
    assert bundle.finding("fails-at-volume")["revision"] == "b"
    assert "NOT PROVEN" in bundle.text("README.md")
