"""Revision files: which are loaded, once, and what is said of those that cannot be."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory

from pytest_stairway.revisions import load_history
from pytest_stairway.revisions.extensions import created_extensions

if TYPE_CHECKING:
    from conftest import Project
    from pytest_stairway.revisions import History


def loaded_by_alembic(history: History) -> set[tuple[str, str]]:
    """Load the same history in Alembic's own way."""
    script = ScriptDirectory.from_config(history.config)
    return {(each.revision, each.path) for each in script.walk_revisions()}


def loaded(history: History) -> set[tuple[str, str]]:
    return {(each.revision, os.path.realpath(each.path)) for each in history.revisions}


def test_what_a_revision_says(project: Project) -> None:
    path = project.add("a1", labels="blog")
    project.add("a2", "a1")
    project.add("b2", "a1")
    project.add("m1", ("a2", "b2"), depends_on="blog")
    history = project.load()
    first, merge = history["a1"], history["m1"]
    assert (first.revision, first.path, first.message) == ("a1", str(path), "make a1")
    assert (first.down_revision, first.depends_on, first.children) == ((), (), ("a2", "b2"))
    assert (first.is_base, first.is_branch_point, first.is_merge, first.is_head) == (True, True, False, False)
    assert (merge.is_base, merge.is_branch_point, merge.is_merge, merge.is_head) == (False, False, True, True)
    assert merge.down_revision == ("a2", "b2")
    assert merge.depends_on == ("a1",)
    assert "blog" in merge.branch_labels
    assert (history.bases, history.heads) == (("a1",), ("m1",))


def test_lines_of_names(project: Project) -> None:
    project.write(
        "migrations/versions/a1.py",
        "import os\nrevision: str = 'a1'\nif os:\n    down_revision = None\nfrom shutil import copy as upgrade\n\n\n"
        "@staticmethod\ndef downgrade():\n    revision = 1\n",
    )
    revision = project.load()["a1"]
    assert [revision.line_of(name) for name in ("revision", "down_revision", "upgrade", "downgrade", "depends_on")] == [
        2,
        4,
        5,
        9,
        None,
    ]


def test_without_a_docstring_there_is_no_message(project: Project) -> None:
    project.write("migrations/versions/a1.py", "revision = 'a1'\ndown_revision = None\ndef upgrade(): ...\n")
    assert project.load()["a1"].message == ""


def test_each_file_is_loaded_once_and_alembic_walks_with_its_module(project: Project) -> None:
    project.chain("a1", "a2")
    for path in project.versions.glob("*.py"):
        path.write_text(path.read_text() + f"\nwith open({str(project.root / 'log')!r}, 'a') as log: log.write('x')\n")
    history = project.load()
    assert [each.revision for each in history.script.walk_revisions()] == ["a2", "a1"]
    assert history.script.get_revision("a2").module.revision == "a2"
    assert (project.root / "log").read_text() == "xx"


def test_several_locations_and_recursion(project: Project) -> None:
    project.chain("a1", "a2", folder="one")
    project.chain("b1", down="a2", folder="two/2024/05")
    project.add("c1", "b1", folder="two/2023")
    project.write("two/__init__.py", "raise AssertionError")
    project.write("two/.#lock.py", "raise AssertionError")
    project.write("two/README", "not Python")
    project.ini(version_locations=f"%(here)s/one{os.pathsep}%(here)s/two", recursive_version_locations="true")
    history = project.load()
    assert [each.revision for each in history.revisions] == ["a1", "a2", "b1", "c1"]
    assert history.version_locations == (str(project.root / "one"), str(project.root / "two"))
    assert loaded(history) == loaded_by_alembic(history)


def test_without_recursion_subfolders_are_left_alone(project: Project) -> None:
    project.add("a1")
    project.add("a1", folder="migrations/versions/old")
    history = project.load()
    assert loaded(history) == loaded_by_alembic(history)
    assert len(history.revisions) == 1


def test_a_location_as_a_package_resource(project: Project) -> None:
    project.write("packaged/__init__.py", "")
    project.add("a1", folder="packaged/database/versions")
    project.write("packaged/database/env.py", "")
    project.ini("packaged:database", prepend_sys_path="%(here)s")
    history = project.load()
    assert loaded(history) == loaded_by_alembic(history)
    assert [each.path for each in history.revisions] == [str(project.root / "packaged/database/versions/a1.py")]


def test_a_file_reached_twice_is_one_revision(project: Project) -> None:
    project.add("a1")
    (project.root / "again").symlink_to(project.versions, target_is_directory=True)
    project.ini(version_locations=f"%(here)s/migrations/versions{os.pathsep}%(here)s/again")
    history = project.load()
    assert [each.revision for each in history.revisions] == ["a1"]


@pytest.mark.parametrize("place", ["beside", "cache"])
def test_sourceless(project: Project, place: str) -> None:
    project.chain("a1", "a2")
    source = project.versions / "a1.py"
    target = project.versions / "a1.pyc" if place == "beside" else None
    py_compile.compile(str(source), cfile=str(target) if target else None, doraise=True)
    project.ini(sourceless="true")
    assert loaded(project.load()) == loaded_by_alembic(project.load())
    source.unlink()
    history = project.load()
    assert loaded(history) == loaded_by_alembic(history)
    assert [each.revision for each in history.revisions] == ["a1", "a2"]
    assert history["a1"].line_of("upgrade") is None


def test_found_by_any_path(project: Project, tmp_path: Path) -> None:
    path = project.add("a1")
    link = tmp_path / "link"
    link.symlink_to(project.root, target_is_directory=True)
    history = project.load()
    assert history.at_path(path) is history["a1"]
    assert history.at_path(os.path.relpath(path)) is history["a1"]
    assert history.at_path(link / "migrations" / "versions" / "a1.py") is history["a1"]
    assert history.at_path(project.config) is None


def test_oldest_files_have_their_id_in_the_name(project: Project) -> None:
    project.write("migrations/versions/1a2b.py", "down_revision = None\ndef upgrade(): pass\n")
    history = project.load()
    assert loaded(history) == loaded_by_alembic(history)


def test_context_is_there_while_a_file_is_imported(project: Project) -> None:
    """As it is under ``alembic upgrade``."""
    path = project.add("a1")
    path.write_text(
        "from alembic import context\nx = context.get_x_argument(as_dictionary=True)['tenant']\n"
        "name = context.config.config_ini_section\nmode = context.config.cmd_opts.sql\n" + path.read_text()
    )
    module = project.load(x_arguments=["tenant=blue"]).script.get_revision("a1").module
    assert (module.x, module.name, module.mode) == ("blue", "alembic", False)


@pytest.mark.parametrize(
    ("text", "line", "says", "hint"),
    [
        ("revision = 'a1'\ndef upgrade(:\n", 2, "SyntaxError: invalid syntax", ""),
        ("revision = 'a1'\n  x = 1\n", 2, "IndentationError: unexpected indent", ""),
        (
            "revision = 'a1'\n\nimport nothing_of_this_name\n",
            3,
            "No module named 'nothing_of_this_name'",
            "prepend_sys_path",
        ),
        (
            "from alembic import op\nop.execute('SELECT 1')\n",
            2,
            "'execute'",
            "upgrade()",
        ),
        ("def f():\n    1 / 0\nf()\n", 2, "ZeroDivisionError: division by zero", ""),
        ("raise SystemExit(3)\n", 1, "SystemExit: 3", ""),
        ("raise KeyError\n", 1, "KeyError", ""),
        ("x = '\0'\n", None, "null bytes", ""),
    ],
)
def test_file_that_cannot_be_imported(project: Project, text: str, line: int | None, says: str, hint: str) -> None:
    project.write("migrations/versions/bad.py", text)
    finding = project.fault("unloadable-revision")
    assert finding.message.startswith("bad.py cannot be imported: ")
    assert says in finding.message
    assert hint in (finding.hint or "")
    assert finding.path == str(Path("migrations", "versions", "bad.py"))
    assert finding.line == line or line is None


def test_detail_has_the_frames_of_the_file_and_none_of_ours(project: Project) -> None:
    project.write("helper.py", "def help():\n    raise RuntimeError('no help')\n")
    project.write("migrations/versions/bad.py", "import helper\n\nhelper.help()\n")
    project.ini(prepend_sys_path="%(here)s")
    finding = project.fault("unloadable-revision")
    assert finding.line == 3
    assert finding.detail is not None
    assert "bad.py" in finding.detail
    assert "helper.py" in finding.detail
    assert finding.message.endswith("RuntimeError: no help")
    assert "Traceback" not in finding.detail
    assert "pytest_stairway" not in finding.detail
    assert "importlib" not in finding.detail


REST = "def upgrade():\n    pass\n"


@pytest.mark.parametrize(
    ("text", "line", "says", "hint"),
    [
        ("x = 1\n" + REST + "down_revision = None\n", None, "it declares no revision", "move it elsewhere"),
        ("\nrevision = 7\ndown_revision = None\n" + REST, 2, "revision is 7", "a string"),
        ("revision = ''\ndown_revision = None\n" + REST, 1, "revision is ''", "not empty"),
        ("revision = 'a-1'\ndown_revision = None\n" + REST, 1, "'-' not allowed in revision identifier", "another id"),
        ("revision = 'head'\ndown_revision = None\n" + REST, 1, "means something else", "another id"),
        ("revision = 'a1'\n" + REST, None, "it declares no down_revision", "down_revision = None"),
        ("revision = 'a1'\ndown_revision = 7\n" + REST, 2, "down_revision is 7", "a string, or a tuple or list"),
        ("revision = 'a1'\ndown_revision = ''\n" + REST, 2, "down_revision is ''", "None, a string"),
        ("revision = 'a1'\ndown_revision = ('a0', None)\n" + REST, 2, "down_revision is ('a0', None)", "strings"),
        ("revision = 'a1'\ndown_revision = None\ndepends_on = [1]\n" + REST, 3, "depends_on is [1]", "strings"),
        ("revision = 'a1'\ndown_revision = None\nbranch_labels = 1\n" + REST, 3, "branch_labels is 1", "strings"),
        ("revision = 'a1'\ndown_revision = None\n", None, "it defines no upgrade()", ""),
    ],
)
def test_file_that_is_no_revision(project: Project, text: str, line: int | None, says: str, hint: str) -> None:
    project.write("migrations/versions/broken.py", text)
    finding = project.fault("unloadable-revision")
    assert finding.message.startswith("broken.py cannot be used as a revision: ")
    assert says in finding.message
    assert hint in (finding.hint or "")
    assert (finding.path, finding.line) == (str(Path("migrations", "versions", "broken.py")), line)


@pytest.mark.parametrize("none", ["None", "()", "[]"])
def test_what_a_base_may_say(project: Project, none: str) -> None:
    project.write("migrations/versions/a1.py", f"revision = 'a1'\ndown_revision = {none}\nbranch_labels = ()\n{REST}")
    assert project.load().bases == ("a1",)


def test_a_list_of_parents_is_as_good_as_a_tuple(project: Project) -> None:
    project.chain("a1", "a2")
    project.add("b2", "a1")
    project.add("m1", ["a2", "b2"], depends_on=["a1"])
    assert project.load()["m1"].down_revision == ("a2", "b2")


def test_all_bad_files_are_told_and_their_children_are_not(project: Project) -> None:
    """A revision whose parent cannot be loaded has a parent all the same."""
    project.add("a1")
    project.write("migrations/versions/a2.py", "revision = 'a2'\ndown_revision = 'a1'\nimport nothing_of_this_name\n")
    project.write("migrations/versions/0003_a3.py", "revision = 'a3' down_revision = 'a2'\n")
    project.add("a4", "a3")
    project.add("a5", "a2")
    project.add("a6", "zz")
    findings = project.faults()
    assert [(finding.code, finding.path) for finding in findings] == [
        ("unloadable-revision", "migrations/versions/0003_a3.py"),
        ("unloadable-revision", "migrations/versions/a2.py"),
        ("missing-parent", "migrations/versions/a6.py"),
    ]


def test_paths_from_elsewhere_are_told_in_full(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project.write("migrations/versions/bad.py", "1 / 0")
    (project.root / "elsewhere").mkdir()
    monkeypatch.chdir(project.root / "elsewhere")
    assert project.fault("unloadable-revision").path == str(path)


def test_a_history_of_none_is_a_history(project: Project) -> None:
    history = load_history(str(project.config))
    assert history.revisions == history.heads == history.bases == ()


def test_extensions_that_revisions_create(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text(
        'op.execute("CREATE EXTENSION IF NOT EXISTS \\"uuid-ossp\\"")\nop.execute("create extension CITEXT")'
    )
    two.write_text("op.execute('CREATE EXTENSION citext WITH SCHEMA public')\nop.execute(f'CREATE EXTENSION {name}')")
    assert created_extensions([str(one), str(two), str(tmp_path / "gone.py")]) == ("uuid-ossp", "citext")
