"""The rooms of `pipeline/`: who may import whom, as `pyproject.toml` declares it.

And how long a file and a function may be, and which words are no names.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT


def test_the_import_contracts_hold() -> None:
    # In a process of its own, because it switches the loggers of its process off.
    command = "from importlinter.cli import lint_imports_command as run; run()"
    result = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


MAX_FILE, MAX_FUNCTION = 500, 80
REASON = re.compile(r"# Over (?:500|80) lines: \w+")


def too_long(path: Path) -> Iterator[str]:
    """A file and its functions above the limits whose first comment gives no reason."""
    with tokenize.open(path) as file:
        text = file.read()
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(iter(text.splitlines(True)).__next__)
        if token.type == tokenize.COMMENT
    }

    def gives_reason(first: int, last: int) -> bool:
        inside = [line for line in comments if first <= line <= last]
        return bool(inside) and bool(REASON.match(comments[min(inside)]))

    lines = len(text.splitlines())
    if lines > MAX_FILE and not gives_reason(1, lines):
        yield f"{path}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            length = last - node.lineno + 1
            if length > MAX_FUNCTION and not gives_reason(node.lineno, last):
                yield f"{path}:{node.lineno}: {node.name} has {length} lines"


def test_what_is_too_long_says_why() -> None:
    found = [
        item
        for room in ("pipeline", "expectations")
        for path in sorted((PROJECT_ROOT / room).rglob("*.py"))
        for item in too_long(path)
    ]
    assert not found, "\n".join(
        [
            f"Above {MAX_FILE} lines a file, or {MAX_FUNCTION} a function: split them, or "
            "begin with a comment `# Over 80 lines: why`.",
            *found,
        ]
    )


@pytest.mark.parametrize(
    ("first", "count", "is_too_long"),
    [
        ("# Over 80 lines: a table of names", 81, False),
        ("# A table of names", 81, True),
        ("x = 1", 81, True),
        ("x = 1", 78, False),
    ],
)
def test_a_long_function_is_found(
    tmp_path: Path, first: str, count: int, is_too_long: bool
) -> None:
    path = tmp_path / "long.py"
    body = "".join(f"    x = {number}\n" for number in range(count))
    path.write_text(f"def long():\n    {first}\n{body}", encoding="utf-8")
    assert bool(list(too_long(path))) is is_too_long


def test_a_long_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x = 1\n" * 501, encoding="utf-8")
    assert list(too_long(path)) == [f"{path}: 501 lines"]
    path.write_text("# Over 500 lines: generated\n" + "x = 1\n" * 501, "utf-8")
    assert not list(too_long(path))


# Words that the field has better ones for: report, record, render, scan, dispatch, write.
# docs/architecture.md has the glossary.
VAGUE = frozenset(
    [
        "tell",
        "tells",
        "told",
        "look",
        "looks",
        "looked",
        "looking",
        "shown",
        "lay",
        "lays",
        "laid",
        "bury",
        "buried",
        "story",
    ]
)
# Keys of what is on disk, or of what `--json` prints.
KEPT_KEYS = frozenset({"looked_at", "looked_for", "not_looked_for"})


def vague_names(path: Path) -> Iterator[str]:
    """The names in a file of Python or SQL that have one of the vague words in them."""
    with tokenize.open(path) as file:
        text = file.read()
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(iter(text.splitlines(True)).__next__)
        names = {token.string for token in tokens if token.type == tokenize.NAME}
    else:
        text = re.sub(r"\{#.*?#\}|--[^\n]*|'[^']*'", " ", text, flags=re.DOTALL)
        names = set(re.findall(r"\w+", text))
    for name in sorted(names - KEPT_KEYS):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        if not VAGUE.isdisjoint(words):
            yield f"{path}: {name}"


def test_names_are_terms_of_the_field() -> None:
    found = [
        item
        for room in ("pipeline", "expectations", "dbt_project")
        for kind in ("py", "sql")
        for path in sorted((PROJECT_ROOT / room).rglob(f"*.{kind}"))
        if "target" not in path.relative_to(PROJECT_ROOT).parts
        for item in vague_names(path)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("a.py", "def lookup(outlook, history): 0  # told", []),
        ("a.py", "class StoryTold: ...", ["StoryTold"]),
        ("a.py", "rows_shown = _look(looked_at)", ["_look", "rows_shown"]),
        ("a.sql", "{#- told\n#} select 'looks' as outlook -- laid", []),
        ("a.sql", "with told as (select 1) select * from told", ["told"]),
    ],
)
def test_a_vague_name_is_found(
    tmp_path: Path, file: str, text: str, found: list[str]
) -> None:
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    assert list(vague_names(path)) == [f"{path}: {name}" for name in found]
