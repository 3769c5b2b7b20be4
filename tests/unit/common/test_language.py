"""Every sentence of ours is there in Chinese, with the same names in its braces."""

from __future__ import annotations

import ast
import copy
import functools
import json
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml

from expectations.chinese import REASONS
from pipeline.cli.rendering import language as rendering
from pipeline.cli.rendering.language import Language
from pipeline.common import chinese
from pipeline.common.chinese import data_docs, judging, terminal
from pipeline.common.errors import ConfigurationError
from pipeline.common.language import in_language, joined, said
from pipeline.common.settings import PROJECT_ROOT, spoken
from pipeline.gates import incoming, metadata_drift
from pipeline.gates.suite import entity_suite, product_suites
from pipeline.reports import knowledge
from pipeline.sources import Entity

PIPELINE = PROJECT_ROOT / "pipeline"
TEMPLATES = PIPELINE / "gates" / "templates" / "data_docs"
TESTS = PROJECT_ROOT / "dbt_project" / "tests"
# Calls whose first argument is a sentence, and calls that show what they are given.
SAYING = {"said", "say", "marked"}
SHOWING = {"print", "rule", "add_row", "add_column", "Table", "Text", "_line"}
# Whose every word is said in the language that was asked for.
RENDERED = ("status", "releases", "refusals", "sources", "copies", "alerts")
NAMES = re.compile(r"Data Docs|customer-tiers|\[/?[a-z]+( [a-z]+)*\]")


@functools.cache
def trees() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text("utf-8"))
        for path in sorted(PIPELINE.rglob("*.py"))
        if "chinese" not in path.parts and path.name != "language.py"
    }


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def literals(node: ast.AST) -> Iterator[str]:
    """The texts that an argument may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def sentences() -> dict[str, str]:
    """Every pattern that is said, with where."""
    found = {}
    for path, tree in trees().items():
        if not re.search(
            r"(common|rendering)\.language import", path.read_text("utf-8")
        ):
            continue
        is_named = False
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in SAYING and node.args:
                patterns = [*literals(node.args[0])]
                found.update(dict.fromkeys(patterns, path.name))
                is_named |= isinstance(node.args[0], ast.Name)
        if is_named:  # by a constant or in a loop: its patterns stand in the same file
            for node in ast.walk(tree):
                for text in literals(node):
                    if re.search(r"\{[a-z]\w*(:[^}]*)?\}", text):
                        found[text] = path.name
    for path in TEMPLATES.glob("*.j2"):
        for text in re.findall(r'\bt\("([^"]+)"', path.read_text("utf-8")):
            found[text] = path.name
    return found


def names(pattern: str) -> Counter[str]:
    fields = Formatter().parse(pattern)
    return Counter(f"{name}:{spec}" for _, name, spec, _ in fields if name is not None)


def test_every_sentence_has_its_chinese() -> None:
    missing = {
        text: where for text, where in sentences().items() if text not in chinese.WORDS
    }
    assert not missing


def test_both_languages_have_the_same_names_and_marks() -> None:
    for english, words in chinese.WORDS.items():
        # A value may be told twice in one language; none may be lost.
        assert names(english).keys() == names(words).keys(), english
        marks = re.compile(r"\[/?[a-z]+(?: [a-z]+)*\]")
        assert marks.findall(english) == marks.findall(words), english
        commands = re.compile(r"customer-tiers [a-z-]+")
        assert set(commands.findall(english)) == set(commands.findall(words)), english


def test_nothing_is_translated_that_nobody_says() -> None:
    texts = {
        text
        for tree in trees().values()
        for node in ast.walk(tree)
        for text in literals(node)
    }
    assert not chinese.WORDS.keys() - texts - sentences().keys()


def test_one_sentence_has_one_chinese() -> None:
    parts = (terminal.WORDS, judging.WORDS, data_docs.WORDS)
    assert len(chinese.WORDS) == sum(map(len, parts))


def test_a_word_of_two_lists_is_the_same_in_both() -> None:
    shared = rendering._CHINESE.keys() & chinese.WORDS.keys()
    # Of a past tier that was restated, which `status` does not speak of.
    for word in shared - {"published"}:
        assert rendering._CHINESE[word] == chinese.WORDS[word]


@pytest.mark.parametrize("name", RENDERED)
def test_what_commands_show_is_said_in_the_language(name: str) -> None:
    """A heading or a sentence that is printed as it is would be English for everybody."""
    tree = trees()[PIPELINE / "cli" / "rendering" / f"{name}.py"]
    words = Language("zh")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple)
            and "heading" in ast.unparse(node.targets[0])
        ):
            for heading in filter(None, ast.literal_eval(node.value)):
                assert words.text(heading) != heading
        if not isinstance(node, ast.Call):
            continue
        if called(node) == "text":
            for text in literals(node.args[0]):
                assert words.text(text) != text, text
        if called(node) in SHOWING:
            for argument in node.args:
                for text in shown(argument):
                    assert not re.search("[A-Za-z]{2}", NAMES.sub("", text)), text


def shown(node: ast.AST) -> Iterator[str]:
    """The texts of an argument that go to the terminal as they are."""
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from shown(part)
    elif isinstance(node, ast.BinOp):
        yield from shown(node.left)
        yield from shown(node.right)
    else:
        yield from literals(node)


def test_what_is_known_is_said_in_chinese() -> None:
    for measure, _, _, to_bring in knowledge._MEASURES:
        assert {measure, to_bring} <= chinese.WORDS.keys()


def test_every_reason_of_the_product_has_its_chinese() -> None:
    entity = Entity(name="items", key=["id"], files="*.csv")
    metadata = entity.model_copy(update={"reads": "metadata"})
    suite = entity_suite("shop", entity, Path("nowhere"), sample=False)
    expectations = [
        *(item for suite in product_suites() for item in suite.expectations),
        *suite.expectations,
        *incoming.column_demands(full=False),
        *metadata_drift.demands(metadata, full=False),
        *incoming.accounting_demands(entity)[:1],  # the other names the bound
    ]
    missing = {item.description for item in expectations} - REASONS.keys()
    assert not missing


def test_every_test_of_the_product_says_why_in_both_languages() -> None:
    declared = yaml.safe_load((TESTS / "_tests.yml").read_text("utf-8"))["data_tests"]
    of_files = {path.stem for path in TESTS.glob("*.sql")}
    assert {test["name"] for test in declared} == of_files
    for test in declared:
        assert test["description"].strip(), test["name"]
        assert re.search("[\u4e00-\u9fff]", test["config"]["meta"]["zh"]), test["name"]


def test_a_sentence_is_said_with_what_it_is_made_of() -> None:
    age = said("{number} days", number=3)
    named = said(
        "release {release} (as of {day}) was sealed {age} ago",
        release="r000001-20140131",
        day="2014-01-31",
        age=age,
    )
    found = said("Fine: {named}; {allowed} are allowed.", named=named, allowed=age)
    both = joined([found, "", said("No refresh was ever tried.")])
    english = (
        "Fine: release r000001-20140131 (as of 2014-01-31) was sealed 3 days ago; "
        "3 days are allowed. No refresh was ever tried."
    )
    assert both == in_language(both, "en") == english
    assert in_language(both, "zh") == (
        "正常：版本 r000001-20140131（数据截止 2014-01-31）完成于 3 天前，"
        "最多允许 3 天。从未尝试过运行。"
    )
    for again in (copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        assert in_language(again, "zh") == in_language(both, "zh")
    assert json.loads(json.dumps(both)) == english


def test_names_stay_as_they_are() -> None:
    """A source that is called as one of our words is, or with braces, is still that."""
    found = said(
        "{model} does not work: {problem}", model="source", problem="{x} [red]"
    )
    assert in_language(found, "zh") == "source 无法执行：{x} [red]"
    marked = Language("zh").marked(
        "{model} does not work: {problem}", model="failed", problem="[red]"
    )
    assert marked == "failed 无法执行：\\[red]"
    # Of a project's own tests and of engines there is no Chinese.
    assert in_language("Binder Error: no such column", "zh") == (
        "Binder Error: no such column"
    )


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("en", "en"), ("zh", "zh")])
def test_the_setting_says_the_language(text: str, language: str) -> None:
    assert spoken({"CUSTOMER_TIERS_LANGUAGE": text}) == language
    assert spoken({}) == "en"


def test_another_language_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CUSTOMER_TIERS_LANGUAGE is 'de'"):
        spoken({"CUSTOMER_TIERS_LANGUAGE": "de"})
