"""report.html in a real browser: nothing is fetched, nothing is complained of, nothing is cut off, and it prints."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from gauntlet.case import Rev, sql
from handoff.browser import Page, find_chromium
from handoff.release_lab import NOTES, Releases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stairway.databases import Server

LONG = "a_name_as_long_as_postgresql_takes_it_which_is_sixty_three_char"
HASH = "0123456789abcdef" * 20
COLUMN = f"ALTER TABLE notes ADD {LONG} text CONSTRAINT {LONG} CHECK ({LONG} <> '{HASH}')"
UP = "\n".join(map(sql, (COLUMN, f"UPDATE notes SET note = '{HASH}'")))
CUT_OFF = """
(() => {
    const wide = document.documentElement.clientWidth;
    const out = node => node.getBoundingClientRect().right > wide + 1 || node.scrollWidth > node.clientWidth + 1;
    return [...document.querySelectorAll("h1, h2, h3, p, li, pre, code, table, tr, td, th")]
        .filter(node => getComputedStyle(node).display !== "inline" && out(node))
        .map(node => `${node.tagName} ${node.textContent.slice(0, 60)}`);
})()
"""
SIZES = {"A4": (718, 1047), "letter": (740, 980), "a screen": (1280, 900), "a phone": (390, 844)}
"""Pixels of 1/96 inch, paper without its margins."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    program = find_chromium()
    if program is None:
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told("these tests need Chromium, and .ci/chromium installs it")
    return program


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, postgresql_server: Server) -> Path:
    """The report of a release with names and values that nobody can break into lines."""
    releases = Releases(tmp_path_factory.mktemp("report"), postgresql_server)
    down = sql(f"ALTER TABLE notes DROP COLUMN {LONG}")
    bundle = releases.make(NOTES, Rev("b", UP, down), options={"handoff_rehearse": 10})
    assert bundle.code == 0, bundle.report["findings"]
    return bundle.folder / "report.html"


@pytest.fixture
def page(chromium: str, report: Path, tmp_path: Path) -> Iterator[Page]:
    """The report, opened."""
    page = Page(chromium, tmp_path / "profile")
    try:
        page.open(report)
        yield page
    finally:
        page.close()


def test_it_fetches_nothing_and_the_console_stays_empty(page: Page, report: Path) -> None:
    assert page.requested() == [report.as_uri()]
    assert page.complaints() == []
    assert page.evaluate("document.title") == "Release: a → b"


def test_a_complaint_and_a_request_would_be_noticed(page: Page) -> None:
    page.evaluate("console.error('broken'); new Image().src = 'http://127.0.0.1:9/x.png'; 1")
    while not any(method == "Network.loadingFailed" for method, _ in page.events):
        page.do("Runtime.evaluate", expression="1")
    assert page.complaints()
    assert "http://127.0.0.1:9/x.png" in page.requested()


@pytest.mark.parametrize("name", ["A4", "letter"])
def test_nothing_is_cut_off_on_paper(page: Page, name: str) -> None:
    width, height = SIZES[name]
    page.do("Emulation.setEmulatedMedia", media="print")
    page.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("name", ["a screen", "a phone"])
def test_the_page_is_no_wider_than_the_screen(page: Page, name: str) -> None:
    width, height = SIZES[name]
    page.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_pre_that_does_not_break_lines_would_be_noticed(page: Page) -> None:
    page.do("Emulation.setEmulatedMedia", media="print")
    page.do("Emulation.setDeviceMetricsOverride", width=718, height=1047, deviceScaleFactor=1, mobile=False)
    page.evaluate("document.querySelectorAll('pre').forEach(each => { each.style.whiteSpace = 'pre' }); 1")
    assert page.evaluate(CUT_OFF)


def test_it_prints(page: Page) -> None:
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 1
