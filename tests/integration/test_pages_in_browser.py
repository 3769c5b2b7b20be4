"""The pages of a release in a real browser: what readers need, in both languages."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.browser import Browser, browser

pytestmark = pytest.mark.slow

# What an accessible page has, asked of the page itself; each gives what offends.
RULES = {
    "a page names its language": "document.documentElement.lang ? [] : ['html']",
    "one heading of the first order": (
        "[...document.querySelectorAll('h1')].map(e => e.textContent).slice(1)"
    ),
    "no order of headings is left out": (
        "[...document.querySelectorAll('h1,h2,h3')].filter((e, i, all) => i && "
        "e.tagName[1] - all[i - 1].tagName[1] > 1).map(e => e.textContent)"
    ),
    "a head of a table says of what": (
        "[...document.querySelectorAll('th')].filter(e => !e.scope).map(e => e.outerHTML)"
    ),
    "a table has a caption or a heading before it": (
        "[...document.querySelectorAll('table')].filter(e => !e.caption && "
        "!e.closest('section').querySelector('h2')).map(e => e.outerHTML.slice(0, 200))"
    ),
    "a drawing has a name": (
        "[...document.querySelectorAll('svg')].filter(e => e.getAttribute('role') !== "
        "(e.querySelector('a') ? 'group' : 'img') || "
        "!(e.getAttribute('aria-label') || '').trim() && "
        "!document.getElementById((e.getAttribute('aria-labelledby') || '')"
        ".split(' ')[0])).map(e => e.outerHTML.slice(0, 200))"
    ),
    "a field has a label": (
        "[...document.querySelectorAll('input')].filter(e => !e.labels.length)"
        ".map(e => e.outerHTML)"
    ),
    "a link and a button have a name": (
        "[...document.querySelectorAll('a,button')].filter(e => !e.textContent.trim() "
        "&& !e.getAttribute('aria-label')).map(e => e.outerHTML)"
    ),
    "a section is called by a heading": (
        "[...document.querySelectorAll('section')].filter(e => "
        "!document.getElementById(e.getAttribute('aria-labelledby')))"
        ".map(e => e.outerHTML.slice(0, 200))"
    ),
    "an id stands once": (
        "[...document.querySelectorAll('[id]')].map(e => e.id)"
        ".filter((id, i, all) => all.indexOf(id) !== i)"
    ),
    "the first link leads to the content": (
        "document.querySelector('a').getAttribute('href') === '#content' && "
        "document.getElementById('content') ? [] : ['skip']"
    ),
}
# Text against what is behind it: 4.5, or 3 where it is large (WCAG AA).
CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d');
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('main *, nav *, header *')) {
    if (e.closest('svg') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
      continue;
    const style = getComputedStyle(e);
    const [one, other] = [light(rgb(style.color)), light(ground(e))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || size >= 18.6 && style.fontWeight >= 700 ? 3 : 4.5;
    if ((one + 0.05) / (other + 0.05) < least) found.push(e.outerHTML.slice(0, 160));
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def chosen(home: Path) -> list[Path]:
    """Every kind of page in both languages; of plans and owners the first."""
    reports = home / "current" / "reports"
    found = []
    for folder in (reports, reports / "zh"):
        found += sorted(folder.glob("*.html"))
        for kind in ("account-plans", "owners"):
            pages = sorted((folder / kind).glob("*.html"))
            found += [page for page in pages if page.stem != "index"][:1]
            found += [page for page in pages if page.stem == "index"]
    assert len(found) >= 14
    return found


def test_pages_are_quiet_and_ask_nobody(tab: Browser, published_home: Path) -> None:
    for page in chosen(published_home):
        tab.open(page)
        assert tab.complaints == [], page
        assert tab.requests == [page.resolve().as_uri()]


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_screen(
    tab: Browser, published_home: Path, width: int
) -> None:
    for page in chosen(published_home):
        tab.open(page, width=width)
        sizes = tab.ask(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert sizes[0] <= sizes[1], (page, sizes)


def test_a_page_can_be_read_by_everybody(tab: Browser, published_home: Path) -> None:
    for page in chosen(published_home):
        for dark in (False, True):
            tab.open(page, dark=dark)
            assert tab.ask(CONTRAST) == [], (page, dark)
        for rule, expression in RULES.items():
            assert tab.ask(expression) == [], (page, rule)


def test_axe_finds_nothing(tab: Browser, published_home: Path) -> None:
    """The rules of WCAG 2.2 A and AA and good practice, as axe-core knows them."""
    axe = (PROJECT_ROOT / "tests/data/axe/axe.min.js").read_text("utf-8")
    found = (
        "axe.run().then(found => found.violations"
        ".map(rule => [rule.id, rule.nodes.slice(0, 3).map(node => node.html)]))"
    )
    for page in chosen(published_home):
        for dark in (False, True):
            tab.open(page, dark=dark)
            tab.call("Runtime.evaluate", expression=axe)
            assert tab.ask("axe.version") == "4.14.1"
            assert tab.ask(found) == [], (page, dark)


def test_a_table_is_sorted_and_filtered(tab: Browser, published_home: Path) -> None:
    tab.open(published_home / "current" / "reports" / "quality.html")
    table = "[...document.querySelectorAll('table')].find(e => e.rows.length > 14)"
    head = f"{table}.tHead.rows[0].cells[2]"
    cells = (
        f"[...{table}.tBodies[0].rows].map(e => e.hidden ? null : "
        "Number(e.cells[2].textContent.replaceAll(',', '')))"
    )
    assert tab.ask(f"{head}.getAttribute('aria-sort')") is None
    tab.ask(f"{head}.querySelector('button').click()")
    assert tab.ask(f"{head}.getAttribute('aria-sort')") == "descending"
    assert tab.ask(cells) == sorted(tab.ask(cells), reverse=True)
    # By the keyboard, as a button is.
    tab.ask(f"{head}.querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
            text="\r" if kind == "keyDown" else "", windowsVirtualKeyCode=13,
        )  # fmt: skip
    assert tab.ask(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert tab.ask(cells) == sorted(tab.ask(cells))
    field = f"{table}.closest('section').querySelector('input')"
    tab.ask(
        f"({field}.value = 'erp orders', {field}.dispatchEvent(new Event('input')))"
    )
    shown = [each for each in tab.ask(cells) if each is not None]
    assert 0 < len(shown) < 5
    state = f"{table}.closest('section').querySelector('[role=status]').textContent"
    assert tab.ask(state).startswith(f"{len(shown)} of ")


def test_an_account_plan_is_one_sheet(tab: Browser, published_home: Path) -> None:
    reports = published_home / "current" / "reports"
    plans = [
        page
        for folder in (reports, reports / "zh")
        # The fullest ones: what is longest is the first to need another sheet.
        for page in sorted(
            (page for page in (folder / "account-plans").glob("*.html")),
            key=lambda page: (page.stem == "index", -page.stat().st_size),
        )[:8]
    ]
    assert plans
    for page in plans:
        tab.open(page)
        printed = tab.call(
            "Page.printToPDF", preferCSSPageSize=True, printBackground=True
        )
        assert pages_of(printed["data"]) == 1, page


def pages_of(pdf: str) -> int:
    """How many pages a PDF has, by the root of its tree of pages."""
    content = base64.b64decode(pdf)
    return max(int(n) for n in re.findall(rb"/Count (\d+)", content))
