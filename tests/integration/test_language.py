"""A published home in Chinese: what commands print, and the pages of its evidence."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.rendering import releases
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from tests.conftest import invoke

CHINESE = re.compile("[\u4e00-\u9fff]")
# Three English words in a row are a sentence, or the beginning of one.
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")


def test_the_evidence_says_why_in_chinese(published_home: Path) -> None:
    """Of what the product asks; a source's own suite is in the words of its project."""
    record = json.loads((published_home / "current" / "release.json").read_text())
    own = {path.stem for path in (PROJECT_ROOT / "dbt_project" / "tests").glob("*.sql")}
    asked = 0
    for gate in record["evidence"]:
        for check in gate["checks"]:
            if gate["gate"] == "out" or check["name"] in own:
                asked += 1
                assert CHINESE.search(check["expected_zh"]), check["name"]
                assert not SENTENCE.search(check["expected_zh"]), check["name"]
            if gate["gate"] == "transform" and check["demand"]:
                assert CHINESE.search(check["demand_zh"]), check["name"]
    assert asked > 100


@pytest.mark.parametrize(
    "command",
    [("status",), ("releases",), ("status", "--check", "--max-age", "9999d")],
    ids=["status", "releases", "check"],
)
def test_a_home_is_described_in_chinese(
    published_home: Path, command: tuple[str, ...]
) -> None:
    found = invoke(*command, "--home", published_home, "--lang", "zh")
    assert CHINESE.search(found.stdout), found.stderr
    assert not SENTENCE.search(found.stdout)
    assert "原公布" not in found.stdout


def test_the_end_of_a_refresh_is_said_in_chinese(published_home: Path) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, highlight=False)
    releases.summary(Home(published_home), console, "zh")
    releases.knowledge(Home(published_home), console, "zh")
    text = stream.getvalue()
    assert "近12个月销售额 USD" in text
    assert "重要客户" in text
    assert "Key" not in text
    assert "data_docs/index.zh.html" in text
    query = re.sub(r"python -c .*", "", text)
    assert not SENTENCE.search(query)


def test_an_explanation_tells_codes_by_their_chinese(published_home: Path) -> None:
    options = ("explain", "Metropolitan Bicycle Supply", "--home", published_home)
    english, chinese = (
        json.loads(invoke(*options, "--json", "--lang", language).stdout)
        for language in ("en", "zh")
    )
    assert english == chinese
    text = invoke(*options, "--lang", "zh").stdout
    for code in ("rfm_segment", "lifecycle_stage"):
        assert english["value"][f"{code}_zh"] in text


def test_pages_of_the_evidence_are_there_in_chinese(published_home: Path) -> None:
    folder = published_home / "current" / "reports" / "data_docs"
    pages = {path.name for path in folder.glob("*.html")}
    chinese = {name for name in pages if name.endswith(".zh.html")}
    english = {name.replace(".zh.html", ".html") for name in chinese}
    assert english == pages - chinese
    index = (folder / "index.zh.html").read_text()
    assert re.search("全部检查通过|可以发布", index)
    assert 'href="index.html" lang="en"' in index
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", " ", index, flags=re.DOTALL)
    # Only what the demonstration's own suites say of its sources is English.
    assert len(SENTENCE.findall(shown)) <= 3, SENTENCE.findall(shown)
