"""Ranges and identifiers, compared with what Alembic itself makes of them."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script import revision as alembic_revision
from hypothesis import given
from hypothesis import strategies as st

from pytest_stairway.exceptions import UsageError
from pytest_stairway.revisions import History, Revision
from pytest_stairway.revisions.graph import invert

if TYPE_CHECKING:
    from conftest import Project

BRANCHED = {
    # the trunk, two branches and their merge, and a branch that has a base and a label of its own
    "aa01": ((), ()),
    "aa02": (("aa01",), ()),
    "bb01": (("aa02",), ()),
    "bb02": (("bb01",), ()),
    "cc01": (("aa02",), ()),
    "cc02": (("cc01",), ()),
    "mm01": (("bb02", "cc02"), ()),
    "mm02": (("mm01",), ()),
    "xx01": ((), ()),
    "xx02": (("xx01",), ("cc01",)),
}


def make_history(graph: dict[str, tuple[tuple[str, ...], tuple[str, ...]]], labels: dict[str, str]) -> History:
    """Make a history that has no files."""
    children = invert({name: down for name, (down, _) in graph.items()})
    script = ScriptDirectory(tempfile.gettempdir())
    script.revision_map = alembic_revision.RevisionMap(
        lambda: [
            alembic_revision.Revision(name, down or None, depends_on or None, labels.get(name))
            for name, (down, depends_on) in graph.items()
        ]
    )
    spread = {name: frozenset(script.get_revision(name).branch_labels) for name in graph}
    revisions = [
        Revision(
            revision=name,
            down_revision=down,
            depends_on=depends_on,
            children=children[name],
            path=f"/{name}.py",
            branch_labels=spread[name],
        )
        for name, (down, depends_on) in graph.items()
    ]
    return History(Config(), script, revisions, ())


@pytest.fixture
def history() -> History:
    return make_history(BRANCHED, {"xx01": "extra", "bb01": "left-2"})


def names(revisions: tuple[Revision, ...]) -> list[str]:
    return [revision.revision for revision in revisions]


def by_alembic(history: History, upper: str, lower: str) -> set[str]:
    """Ask Alembic, as ``alembic upgrade lower:upper`` does."""
    return {each.revision for each in history.script.iterate_revisions(upper, lower, implicit_base=True)}


@pytest.mark.parametrize(
    ("written", "selected"),
    [
        ("base:heads", list(BRANCHED)),
        (":", list(BRANCHED)),
        (" base : heads ", list(BRANCHED)),
        ("aa01:bb01", ["aa02", "bb01"]),
        ("aa01:", ["aa02", "bb01", "bb02", "cc01", "cc02", "mm01", "mm02", "xx01", "xx02"]),
        (":aa02", ["aa01", "aa02"]),
        ("bb01:mm01", ["bb02", "cc01", "cc02", "mm01"]),
        ("aa02:extra@head", ["cc01", "xx01", "xx02"]),
        ("extra@base:heads", ["aa01", "aa02", "cc01", "xx01", "xx02"]),
        ("mm01:mm01", []),
        ("mm02:heads", ["cc01", "xx01", "xx02"][1:]),
        ("aa01:+1", ["aa02"]),
        ("bb01:+3", ["bb02", "cc01", "cc02", "mm01", "mm02"]),
        ("aa02:left-2@+2", ["bb01", "bb02"]),
        ("extra@+2", ["aa01", "aa02", "cc01", "xx01", "xx02"]),
        ("extra@-1", ["aa01", "aa02", "cc01", "xx02"]),
        ("-1:mm02", ["mm02"]),
        ("-1:bb02", ["bb02"]),
        ("bb02-1:bb02", ["bb02"]),
        ("mm02-1:mm02", ["mm02"]),
        ("aa01+1:bb02", ["bb01", "bb02"]),
        (":bb02-1", ["aa01", "aa02", "bb01"]),
        ("extra@head", ["xx02"]),
        ("extra@heads", ["xx02"]),
        ("extra", ["xx01"]),
        ("left-2", ["bb01"]),
        ("heads", ["mm02", "xx02"]),
        ("mm02", ["mm02"]),
        ("mm02-1", ["mm01"]),
        ("cc01", ["cc01"]),
    ],
)
def test_range(history: History, written: str, selected: list[str]) -> None:
    assert names(history.select(written)) == selected


@pytest.mark.parametrize(
    ("written", "because"),
    [
        (" ", "nothing is written"),
        ("base", "stands for the empty database"),
        ("aa01:base", "upper end, base, stands for the empty database"),
        ("head", "several heads, mm02, xx02; write heads, or label@head"),
        ("base:head", "several heads"),
        ("-1", "several heads"),
        ("+1", "several ways on from base, to aa01, xx01"),
        ("aa02:+1", "several ways on from aa02, to bb01, cc01; name one"),
        ("mm01-1", "several ways on from mm01, to bb02, cc02"),
        ("mm02:aa01", "mm02 does not lie below aa01"),
        ("bb01:cc01", "bb01 does not lie below cc01"),
        ("aa02-3:aa02", "ends after 2 of these 3 steps"),
        ("mm01:+2", "ends after 1 of these 2 steps"),
        ("heads:+1", r"\+1 counts from one revision, not from mm02, xx02"),
        ("aa02-2", "stands for the empty database"),
        ("zz99", "no such revision or branch 'zz99'"),
        ("aa03", "did you mean aa0"),
        ("aa", "multiple revisions start with 'aa'"),
        ("nolabel@head", "no such revision or branch 'nolabel'"),
        ("nolabel@+1", "no such revision or branch 'nolabel'"),
        ("extra@aa01", "aa01 is not a member of branch 'extra'"),
        ("extrra@head", "did you mean extra"),
        ("current", "only a database has a current revision"),
        ("aa01:bb01:cc01", "no such revision or branch"),
        ("aa01..bb01", "no such revision or branch"),
    ],
)
def test_what_is_no_range(history: History, written: str, because: str) -> None:
    with pytest.raises(UsageError, match=f"(?s).*({because}).*allowed: an id or its first characters") as caught:
        history.select(written)
    assert str(caught.value).startswith(f"{written!r} is no range of this history: ")
    assert "four characters" not in str(caught.value)


def test_label_that_looks_like_a_count_is_a_label(history: History) -> None:
    assert history.get("left-2").revision == "bb01"


@pytest.mark.parametrize(
    ("identifier", "revision"),
    [("aa01", "aa01"), ("xx02", "xx02"), ("m", None), ("mm02", "mm02"), ("extra@head", "xx02"), ("extra@head-1", None)],
)
def test_get(history: History, identifier: str, revision: str | None) -> None:
    if revision is not None:
        assert history.get(identifier).revision == revision
    else:
        with pytest.raises(UsageError, match=f"^'{identifier}' is no revision of this history: "):
            history.get(identifier)


def test_an_empty_history_has_empty_ranges() -> None:
    empty = make_history({}, {})
    assert empty.select("base:heads") == empty.select(":") == ()
    with pytest.raises(UsageError):
        empty.select("head")


def test_partial_ids(project: Project) -> None:
    project.chain("14bc8e509acf", "a5390146783a")
    history = project.load()
    assert history.get("a539").revision == "a5390146783a"
    assert names(history.select("14bc:a539")) == ["a5390146783a"]
    assert names(history.select("head")) == ["a5390146783a"]
    assert names(history.select("-1")) == ["a5390146783a"]
    assert names(history.select("-2")) == names(history.select("+2")) == ["14bc8e509acf", "a5390146783a"]


@st.composite
def random_histories(draw: st.DrawFn) -> History:
    ids = draw(st.permutations([f"r{number:03}" for number in range(draw(st.integers(1, 10)))]))
    graph: dict[str, Any] = {}
    for index, name in enumerate(ids):
        earlier = st.lists(st.sampled_from(ids[:index]), max_size=2, unique=True) if index else st.just([])
        down = draw(earlier)
        depends_on = [each for each in draw(earlier) if each not in down]
        graph[name] = (tuple(down), tuple(depends_on))
    return make_history(graph, {})


@given(random_histories(), st.data())
def test_ranges_are_what_alembic_would_upgrade(history: History, data: st.DataObject) -> None:
    assert set(names(history.select("base:heads"))) == by_alembic(history, "heads", "base")
    upper = data.draw(st.sampled_from(names(history.revisions)))
    lower = data.draw(st.sampled_from(sorted(history.ancestors(upper) | {upper})))
    assert set(names(history.select(f":{upper}"))) == by_alembic(history, upper, "base")
    assert set(names(history.select(f"{lower}:"))) == by_alembic(history, "heads", lower)
    assert set(names(history.select(f"{lower}:{upper}"))) == by_alembic(history, upper, lower)


@given(random_histories(), st.data(), st.integers(1, 4))
def test_steps_up_are_what_alembic_would_upgrade(history: History, data: st.DataObject, steps: int) -> None:
    lower = data.draw(st.sampled_from([*names(history.revisions), "base"]))
    try:
        expected = by_alembic(history, f"+{steps}", lower)
    except alembic_revision.RevisionError:
        with pytest.raises(UsageError):
            history.select(f"{lower}:+{steps}")
    else:
        assert set(names(history.select(f"{lower}:+{steps}"))) == expected


@given(random_histories(), st.data(), st.integers(1, 4))
def test_steps_down_are_what_alembic_would_downgrade(history: History, data: st.DataObject, steps: int) -> None:
    """``-2:a`` holds what ``alembic downgrade -2`` runs on a database at ``a``, and what only those need."""
    upper = data.draw(st.sampled_from(names(history.revisions)))
    try:
        revisions = list(history.script.iterate_revisions(upper, f"-{steps}", select_for_downgrade=True))
    except alembic_revision.RevisionError:
        with pytest.raises(UsageError):
            history.select(f"-{steps}:{upper}")
    else:
        selected = set(names(history.select(f"-{steps}:{upper}")))
        assert {each.revision for each in revisions} <= selected <= history.ancestors(upper) | {upper}


@given(random_histories())
def test_ancestors_and_descendants_are_alembics(history: History) -> None:
    for revision in names(history.revisions):
        above = by_alembic(history, revision, "base") - {revision}
        assert history.ancestors(revision) == above
        assert all(revision in history.descendants(each) for each in above)
        assert all(revision in history.ancestors(each) for each in history.descendants(revision))
