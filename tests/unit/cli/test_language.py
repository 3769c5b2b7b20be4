"""Commands speak the language that was asked for; JSON knows of none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.common.home import Home
from tests.conftest import invoke


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_option_and_setting_say_the_language(home: Home) -> None:
    options = ("status", "--home", home.root)
    english = invoke(*options).stdout
    assert english.startswith("There is no release yet; run customer-tiers refresh")
    chinese = invoke(*options, "--lang", "zh").stdout
    assert chinese.startswith("还没有任何版本；请执行 customer-tiers refresh")
    assert invoke(*options, CUSTOMER_TIERS_LANGUAGE="zh").stdout == chinese
    of_both = invoke(*options, "--lang", "en", CUSTOMER_TIERS_LANGUAGE="zh")
    assert of_both.stdout == english


def test_an_unknown_language_is_a_wrong_setting(home: Home) -> None:
    found = invoke("releases", "--home", home.root, CUSTOMER_TIERS_LANGUAGE="zh_CN")
    assert found.returncode == 2
    assert "CUSTOMER_TIERS_LANGUAGE is 'zh_CN'; give en or zh." in found.stderr


@pytest.mark.parametrize(
    "command", [("status",), ("status", "--check"), ("releases",), ("acceptances",)]
)
def test_json_is_the_same_in_both_languages(
    home: Home, command: tuple[str, ...]
) -> None:
    english, chinese = (
        json.loads(
            invoke(*command, "--home", home.root, "--lang", language, "--json").stdout
        )
        for language in ("en", "zh")
    )
    for found in (english, chinese):
        if isinstance(found, dict):
            found.pop("looked_at", None)
    assert english == chinese


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("status", "--check"), "还没有任何版本。从未尝试过运行。"),
        (("releases",), "还没有任何版本；请执行"),
        (("acceptances",), "没有人接受过任何检查。"),
        (("quarantine", "list"), "隔离区为空。"),
        (("quarantine", "retry"), "隔离区为空。"),
    ],
)
def test_what_there_is_not_is_said_in_chinese(
    home: Home, command: tuple[str, ...], says: str
) -> None:
    found = invoke(*command, "--home", home.root, "--lang", "zh")
    assert found.stdout.startswith(says), found.stderr


def test_findings_of_the_sources_are_said_in_chinese(tmp_path: Path) -> None:
    """Columns, files and commands stay; what is wrong and what to do is Chinese."""
    (tmp_path / "customers.csv").write_text("id,name\n1,a\n2,b\n2,c\n")
    sources = tmp_path / "sources.yaml"
    sources.write_text(
        """
version: 1
business: {time_zone: UTC, reporting_currency: EUR}
sources:
  - name: shop
    kind: files
    path: .
    provides: [customers]
    entities:
      customers: {files: customers.csv, key: [number], settle_seconds: 0}
"""
    )
    options = ("check-sources", "--sources", sources, "--home", tmp_path / "home")
    found = invoke(*options, "--lang", "zh")
    assert found.returncode in {2, 3}, found.stdout + found.stderr
    assert (
        "阻止 shop.customers：customers.csv 中没有列 number，而 sources.yaml 的 `key` "
        "用到它；已有的列：id, name。"
    ) in found.stdout
    assert f"{sources}，第 10 行" in found.stdout
    assert "会阻止运行；上面列出了每一处的位置。" in found.stderr
    assert not re.search(r"\b(would|which|things?)\b", found.stdout + found.stderr)
    english = invoke(*options, "--json")
    assert json.loads(english.stdout) == json.loads(
        invoke(*options, "--json", "--lang", "zh").stdout
    )
