"""The Chinese pages say what the English ones say, as far as a machine can tell.

A page is whole when its headings, blocks of code, tables, words in code and figures are
those of the English page. What differs is named, so that whoever changes an English
page sees what the Chinese one still says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT

README, README_ZH = PROJECT_ROOT / "README.md", PROJECT_ROOT / "README.zh-CN.md"
DOCS = PROJECT_ROOT / "docs"
# The page in English of each page in Chinese.
ENGLISH = {README_ZH: README} | {
    page: DOCS / page.name for page in sorted((DOCS / "zh").glob("*.md"))
}
CHINESE = {english: chinese for chinese, english in ENGLISH.items()}
# Issue 20 asks for these; a page that is lost would otherwise not be missed.
ASKED = [
    "account-plans",
    "alerts",
    "bi",
    "bring-your-own-data",
    "connect-fxiaoke",
    "connect-zoho",
    "engines",
    "gates",
    "identity",
    "operations",
    "potential",
    "privacy",
    "reports",
    "serving",
    "tiers",
    "upgrading",
    "value",
    "verdicts",
    "what-if",
    "write-back",
]
# One thing has one word on all pages: what is not said, and what is said for it.
NOT_SAID = {
    "凭证": "凭据",
    "登记号": "注册号",
    "覆盖度": "覆盖率",
    "订单行": "订单明细",
    "重点客户": "重要客户 (the tier), 大客户计划 (the plans)",
    "关卡": "关口",
    "集市": "业务表",
    "候选库": "候选版本",
}
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"

FENCE = re.compile(r"\s*```(\w*)\s*$")
HEADING = re.compile(r"(#{1,6}) +(.+)")
LINK = re.compile(r"\[(?:[^\]]*)\]\(([^)\s]+)\)")
IN_CODE = re.compile(r"`([^`]+)`")
# Of three signs or more: 1 to 99 may be a word in one of the languages.
FIGURE = re.compile(r"(?<![\w.,-])\d[\d,.]*\d(?=(?:st|nd|rd|th)?\b)", re.ASCII)
COMMENT = {
    "sql": r"(^|\s)--( .*)?$",
    "sh": r"(^|\s)#( .*)?$",
    "yaml": r"(^|\s)#( .*)?$",
    "python": r"(^|\s)#( .*)?$",
}
ARROW = "►"


@dataclass
class Page:
    """The parts of a page that do not depend on its language."""

    headings: list[str] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    # One number a row: how many bars it has.
    tables: list[int] = field(default_factory=list)
    prose: str = ""

    @property
    def in_code(self) -> set[str]:
        """The words in code, a line break in them being a space."""
        return {" ".join(words.split()) for words in IN_CODE.findall(self.prose)}

    @property
    def figures(self) -> set[str]:
        """The figures that stand outside of code and links."""
        text = LINK.sub(" ", IN_CODE.sub(" ", self.prose))
        return {figure for figure in FIGURE.findall(text) if len(figure) > 2}

    @property
    def links(self) -> list[str]:
        """Where the page points to, other hosts left out."""
        found = LINK.findall(IN_CODE.sub(" ", self.prose))
        return [link for link in found if "://" not in link]


def read(text: str) -> Page:
    """Takes a page apart."""
    page, prose = Page(), []
    block: list[str] | None = None
    language = ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if fence and block is None:
            block, language = [], fence[1]
        elif fence and block is not None:
            page.blocks.append(language + "\n" + "\n".join(block))
            block = None
        elif block is not None:
            comment = COMMENT.get(language, r"$^")
            block.append(re.sub(comment, "", line).rstrip())
        else:
            heading = HEADING.fullmatch(line)
            if heading:
                page.levels.append(len(heading[1]))
                page.headings.append(heading[2])
            if line.startswith("|"):
                page.tables.append(line.count("|"))
            prose.append(line)
    assert block is None, "a block of code is never closed"
    page.prose = "\n".join(prose)
    return page


def drawn(block: str) -> str:
    """A drawing has words in its language: of it the arrows count."""
    return ARROW * block.count(ARROW) if ARROW in block else block


def differences(english: Page, chinese: Page) -> Iterator[str]:
    """What the one page has and the other has not."""
    if english.levels != chinese.levels:
        yield f"levels of headings: {english.levels} and {chinese.levels}"
    if english.tables != chinese.tables:
        yield f"rows of tables: {english.tables} and {chinese.tables}"
    if len(english.blocks) != len(chinese.blocks):
        yield f"blocks of code: {len(english.blocks)} and {len(chinese.blocks)}"
    for ours, theirs in zip(english.blocks, chinese.blocks, strict=False):
        if drawn(ours) != drawn(theirs):
            yield f"a block of code:\n{ours}\nand\n{theirs}"
    for what in ("in_code", "figures"):
        ours_only = getattr(english, what) - getattr(chinese, what)
        theirs_only = getattr(chinese, what) - getattr(english, what)
        if ours_only or theirs_only:
            yield f"{what}: only English {ours_only}, only Chinese {theirs_only}"


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.replace(" ", "-")


def wrong_links(path: Path) -> Iterator[str]:
    """Links of a page that lead nowhere, or to English where there is Chinese."""
    for link in read(path.read_text("utf-8")).links:
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield f"{link}: there is no {name}"
        elif anchor and anchor not in map(
            slug, read(target.read_text("utf-8")).headings
        ):
            yield f"{link}: no heading of {target.name} is {anchor}"
        elif path in ENGLISH and target in CHINESE and target != ENGLISH[path]:
            yield f"{link}: there is a Chinese page"


def pages() -> list[object]:
    """Each Chinese page with its English one."""
    return [
        pytest.param(chinese, english, id=chinese.name)
        for chinese, english in ENGLISH.items()
    ]


@pytest.mark.parametrize("name", ASKED)
def test_the_pages_that_were_asked_for_are_there(name: str) -> None:
    assert DOCS / "zh" / f"{name}.md" in ENGLISH


@pytest.mark.parametrize(("chinese", "english"), pages())
def test_the_pages_say_the_same(chinese: Path, english: Path) -> None:
    assert english.exists(), f"{chinese.name} has no English page"
    ours, theirs = (read(page.read_text("utf-8")) for page in (english, chinese))
    assert not list(differences(ours, theirs))


@pytest.mark.parametrize(("chinese", "english"), pages())
def test_a_page_links_to_the_other_language_at_its_top(
    chinese: Path, english: Path
) -> None:
    for page, other in ((chinese, english), (english, chinese)):
        lines = page.read_text("utf-8").splitlines()
        found = LINK.fullmatch(lines[2])
        assert found, f"{page.name}: no link in its third line"
        assert (page.parent / found[1]).resolve() == other.resolve()


@pytest.mark.parametrize(
    "path", [*ENGLISH, *CHINESE], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert not list(wrong_links(path))


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.name)
def test_one_thing_has_one_word(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not {word: said for word, said in NOT_SAID.items() if word in text}


@pytest.mark.parametrize(
    ("page", "seed", "column"),
    [
        ("README.zh-CN.md", "tiers", "tier_name_zh"),
        ("docs/zh/tiers.md", "tiers", "tier_name_zh"),
        ("docs/zh/tiers.md", "relationship_levels", "name_zh"),
        ("docs/zh/account-plans.md", "matrix_strategies", "strategy_zh"),
    ],
)
def test_a_page_has_the_words_of_the_product(page: str, seed: str, column: str) -> None:
    with (SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        words = {row[column] for row in csv.DictReader(file)}
    text = (PROJECT_ROOT / page).read_text("utf-8")
    assert words
    assert not {word for word in words if word not in text}


WHOLE = """# Title

About 1,234 rows of `marts.customers`.

## Part

```sh
make refresh   # all of it
```

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## Part", "### Part"),
        ("## Part\n", ""),
        ("make refresh ", "make test "),
        ("| 1 | 2 |\n", ""),
        ("1,234", "1,235"),
        ("`marts.customers`", "`marts.orders`"),
        ("```sh\nmake refresh   # all of it\n```\n", ""),
    ],
)
def test_a_page_that_is_not_whole_is_noticed(old: str, new: str) -> None:
    assert old in WHOLE
    assert list(differences(read(WHOLE), read(WHOLE.replace(old, new))))


def test_words_comments_and_drawings_may_be_of_the_language() -> None:
    drawing = "```\na ──► b\n```\n"
    chinese = WHOLE.replace("Title", "标题").replace("all of it", "全部")
    ours, theirs = read(WHOLE + drawing), read(chinese + drawing.replace("a", "甲"))
    assert not list(differences(ours, theirs))


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](gone.md) [b](page.md#one) [c](#two) [d](#one)\n")
    assert [link.split(":")[0] for link in wrong_links(page)] == ["gone.md", "#two"]
