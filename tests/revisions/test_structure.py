"""The structure of a history: each code has what must be caught, and what looks like it and must not be."""

from __future__ import annotations

import os
import warnings
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from alembic.script import revision as alembic_revision
from hypothesis import given
from hypothesis import strategies as st

from pytest_stairway.findings import Severity
from pytest_stairway.revisions import check_structure
from pytest_stairway.revisions.files import RevisionFile
from pytest_stairway.revisions.structure import find_faults

if TYPE_CHECKING:
    from conftest import Project


def at(name: str) -> str:
    return str(Path("migrations", "versions", f"{name}.py"))


def test_missing_parent(project: Project) -> None:
    project.chain("a1", "a2")
    project.add("a3", "a9")
    finding = project.fault("missing-parent")
    assert finding.message == "down_revision of revision a3 names a9, which does not exist"
    assert (finding.revision, finding.path, finding.line) == ("a3", at("a3"), 7)
    assert "Add the file of a9" in (finding.hint or "")


def test_missing_parent_of_a_merge(project: Project) -> None:
    project.add("a1")
    project.add("m1", ("a1", "gone"))
    assert "names gone" in project.fault("missing-parent").message


def test_missing_dependency(project: Project) -> None:
    project.add("a1")
    project.add("b1", depends_on=("a1", "gone"))
    finding = project.fault("missing-parent")
    assert finding.message == "depends_on of revision b1 names gone, which does not exist"
    assert finding.line == 8


def test_mistyped_parent(project: Project) -> None:
    project.add("14bc8e509acf")
    project.add("a5390146783a", "14bc8e509adf")
    assert "Did you mean 14bc8e509acf?" in (project.fault("missing-parent").hint or "")


def test_partial_parent(project: Project) -> None:
    project.add("14bc8e509acf")
    project.add("a5390146783a", "14bc")
    assert "Write 14bc8e509acf: revision files name each other by full ids" in (
        project.fault("missing-parent").hint or ""
    )


def test_label_as_a_parent(project: Project) -> None:
    project.add("a1", labels="blog")
    project.add("a2", "blog")
    assert "blog is a branch label" in (project.fault("missing-parent").hint or "")


def test_label_as_a_dependency_is_right(project: Project) -> None:
    project.add("a1", labels="blog")
    project.add("b1", depends_on="blog")
    assert project.load()["b1"].depends_on == ("a1",)


def test_duplicate(project: Project) -> None:
    project.chain("a1", "a2")
    project.add("a2", "a1", name="copy_of_a2")
    finding = project.fault("duplicate-revision")
    assert finding.message.startswith(f"revision a2 is declared by 2 files: {at('a2')}, {at('copy_of_a2')};")
    assert (finding.revision, finding.path, finding.line) == ("a2", at("copy_of_a2"), 6)


def test_one_message_twice_is_no_duplicate(project: Project) -> None:
    for name in ("a1", "b1"):
        project.write(f"migrations/versions/{name}.py", project.add(name).read_text().replace(f"make {name}", "same"))
    assert len(project.load().revisions) == 2


def test_label_that_is_taken(project: Project) -> None:
    project.add("a1", labels="blog")
    project.add("b1", labels=("shop", "blog"))
    finding = project.fault("duplicate-revision")
    assert finding.message == f"branch label blog of revision b1 is already a label of revision a1 in {at('a1')}"
    assert (finding.revision, finding.path, finding.line) == ("b1", at("b1"), 9)


def test_label_that_is_an_id(project: Project) -> None:
    project.add("a1", labels="b1")
    project.add("b1")
    assert (
        "branch label b1 of revision a1 is already the id of revision b1 in"
        in project.fault("duplicate-revision").message
    )


def test_several_labels_are_right(project: Project) -> None:
    project.add("a1", labels=("blog", "posts"))
    project.add("b1", labels=["shop"])
    history = project.load()
    assert history.get("shop@head").revision == "b1"
    assert history["a1"].branch_labels == {"blog", "posts"}


def test_cycle(project: Project) -> None:
    project.add("a1")
    project.add("b1", "d1")
    project.add("c1", "b1")
    project.add("d1", "c1")
    project.add("e1", "d1")
    finding = project.fault("revision-cycle")
    assert finding.message == (
        "revisions need each other in a loop: b1 has down_revision d1, d1 has down_revision c1, c1 has down_revision b1"
    )
    assert (finding.revision, finding.path, finding.line) == ("b1", at("b1"), 7)


def test_cycle_by_dependency(project: Project) -> None:
    project.add("a1", depends_on="later")
    project.add("b1", "a1", labels="later")
    assert project.fault("revision-cycle").message.endswith("a1 has depends_on b1, b1 has down_revision a1")


def test_self_loops(project: Project) -> None:
    project.add("a1", "a1")
    project.add("b1", depends_on=("b1",))
    assert [finding.message for finding in project.faults()] == [
        "revisions need each other in a loop: a1 has down_revision a1",
        "revisions need each other in a loop: b1 has depends_on b1",
    ]


def test_loops_that_alembic_itself_lets_pass(project: Project) -> None:
    project.add("a1")
    project.add("a2", ("a1", "a3"))
    project.add("a3", "a2")
    project.add("a4", "a3")
    files = [
        {"revision": name, "down_revision": down, "depends_on": (), "branch_labels": ()}
        for name, down in (("a1", ()), ("a2", ("a1", "a3")), ("a3", ("a2",)), ("a4", ("a3",)))
    ]
    assert accepted_by_alembic(files)
    assert "a2 has down_revision a3, a3 has down_revision a2" in project.fault("revision-cycle").message


def test_a_revision_that_depends_on_its_own_label(project: Project) -> None:
    project.add("a1")
    project.add("a2", "a1", depends_on="blog", labels="blog")
    project.add("b1", depends_on="blog")
    assert project.fault("revision-cycle").message.endswith("a2 has depends_on a2")


def test_branches_that_depend_on_each_other_by_turns_are_no_cycle(project: Project) -> None:
    project.chain("a1", "a2", "a3")
    project.add("b1", depends_on="a1")
    project.add("b2", "b1", depends_on="a3")
    project.add("a4", "a3", depends_on="b1")
    history = project.load()
    assert [each.revision for each in history.revisions] == ["a1", "a2", "a3", "b1", "b2", "a4"]


def test_everything_that_is_wrong_is_told_at_once(project: Project) -> None:
    project.write("migrations/versions/bad.py", "1 / 0")
    project.add("a1")
    project.add("a1", name="again")
    project.add("b1", "gone")
    project.add("c1", "c1")
    codes = [finding.code for finding in project.faults()]
    assert codes == ["unloadable-revision", "duplicate-revision", "missing-parent", "revision-cycle"]


def test_two_heads(project: Project) -> None:
    project.chain("a1", "a2")
    project.add("b2", "a1")
    [finding] = check_structure(project.load())
    assert finding.code == "multiple-heads"
    assert finding.message == "the history has 2 heads, 1 is allowed: a2 (make a2), b2 (make b2)"
    assert "`alembic merge -m merge a2 b2`" in (finding.hint or "")
    assert "stairway_max_heads = 2" in (finding.hint or "")
    assert finding.path == "alembic.ini"


def test_two_heads_that_are_allowed(project: Project) -> None:
    project.add("a1", labels="blog")
    project.add("b1", labels="shop")
    assert check_structure(project.load(), max_heads=2) == ()
    project.add("c1")
    [finding] = check_structure(project.load(), max_heads=2)
    assert "3 heads, 2 are allowed" in finding.message


def test_a_merge_has_one_head(project: Project) -> None:
    project.add("a1")
    project.add("b1")
    project.add("m1", ("a1", "b1"))
    assert check_structure(project.load(), dialect="postgresql") == ()


def test_id_that_is_too_long(project: Project) -> None:
    fits, too_long = "x" * 32, "y" * 33
    project.chain(fits, too_long)
    history = project.load()
    [finding] = check_structure(history, dialect="postgresql")
    assert (finding.code, finding.revision, finding.dialect) == ("revision-id-too-long", too_long, "postgresql")
    assert (
        "has 33 characters; the version table's column is VARCHAR(32), and postgresql takes no more" in finding.message
    )
    assert (finding.path, finding.line) == (at(too_long), 6)
    assert check_structure(history, dialect="sqlite") == ()
    assert check_structure(history) == ()
    assert check_structure(history, dialect="mysql", version_column_length=100) == ()


def test_locations_that_do_not_exist_are_warned_of(project: Project) -> None:
    project.add("a1")
    project.ini(version_locations=f"%(here)s/migrations/versions{os.pathsep}%(here)s/plugin")
    [finding] = check_structure(project.load())
    assert (finding.code, finding.severity) == ("environment-failed", Severity.WARNING)
    assert finding.message.startswith(f"there is no folder {project.root / 'plugin'}")
    assert (finding.path, finding.line) == ("alembic.ini", 5)
    (project.root / "plugin").mkdir()
    assert check_structure(project.load()) == ()


def test_no_versions_folder_is_warned_of(project: Project) -> None:
    project.versions.rmdir()
    [finding] = check_structure(project.load())
    assert finding.message.startswith(f"there is no folder {project.versions}")


IDS = ["r1", "r2", "r3", "r4", "r5"]


@st.composite
def written(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw what revision files may say, right or wrong."""
    parents = st.lists(st.sampled_from([*IDS[:4], "gone"]), max_size=2, unique=True).map(tuple)
    labels = st.lists(st.sampled_from(["red", "blue", "r1"]), max_size=1).map(tuple)
    return [
        {
            "revision": draw(st.sampled_from(IDS)) if draw(st.integers(0, 9)) == 0 else name,
            "down_revision": draw(parents),
            "depends_on": draw(st.one_of(st.just(()), parents, st.just(("red",)))),
            "branch_labels": draw(st.one_of(st.just(()), labels)),
        }
        for name in IDS[: draw(st.integers(1, 5))]
    ]


def accepted_by_alembic(files: list[dict[str, Any]]) -> bool:
    def generate() -> list[alembic_revision.Revision]:
        return [
            alembic_revision.Revision(
                each["revision"],
                each["down_revision"] or None,
                each["depends_on"] or None,
                each["branch_labels"] or None,
            )
            for each in files
        ]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            alembic_revision.RevisionMap(generate).heads  # noqa: B018 - loads it
    except (alembic_revision.RevisionError, KeyError, UserWarning):
        return False
    return True


def has_loop(files: list[dict[str, Any]]) -> bool:
    labels = {label: each["revision"] for each in files for label in each["branch_labels"]}
    needs = {
        each["revision"]: [labels.get(parent, parent) for parent in (*each["down_revision"], *each["depends_on"])]
        for each in files
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError:
        return True
    return False


@given(written())
def test_faults_are_alembics_and_the_loops_that_it_misses(files: list[dict[str, Any]]) -> None:
    """Alembic finds no loop that lies on a way from a base to a head; its downgrade then dies of an AssertionError."""
    module: Any = SimpleNamespace()
    found = find_faults(
        [
            RevisionFile(path=f"/{index}.py", real_path=f"/{index}.py", module=module, **each)
            for index, each in enumerate(files)
        ]
    )
    if accepted_by_alembic(files):
        assert {finding.code for finding in found} == ({"revision-cycle"} if has_loop(files) else set())
    else:
        assert found
