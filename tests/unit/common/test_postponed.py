"""A module that is imported late is the real one, whole, and executed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit import support

COUNTS = """
import builtins
builtins.executed = getattr(builtins, "executed", 0) + 1
answer = 42
"""

BEFORE = """
    import builtins, json, sys
    sys.path.insert(0, sys.argv[1])
    from pipeline.common.postponed import postpone
    postpone("late", "late.inner", "nowhere")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "__init__.py").write_text(COUNTS + "from . import other\n")
    (tmp_path / "late" / "other.py").write_text("number = 7")
    (tmp_path / "late" / "inner.py").write_text(COUNTS)
    return tmp_path


@pytest.mark.parametrize(
    ("program", "executed"),
    [
        ("import late", 0),
        ("import late as other_name; import late", 0),
        ("from late import inner", 1),  # of the package, not of what is in it
        ("import late; late.answer; late.answer", 1),
        ("from late import answer; assert answer == 42", 1),
        ("from late import *; assert answer == 42", 1),
        ("import late.inner; late.inner.answer; late.answer", 2),
        ("import late; assert late.other.number == 7", 1),
        ("import late; assert not hasattr(late, 'no'); assert late.answer == 42", 1),
        (
            "import importlib, late; late.answer; importlib.reload(late); late.answer",
            2,
        ),
        (
            "import late, threading\\n"
            "    found = []\\n"
            "    work = [threading.Thread(target=lambda: found.append(late.answer)) "
            "for _ in range(8)]\\n"
            "    [each.start() for each in work]; [each.join() for each in work]\\n"
            "    assert found == [42] * 8",
            1,
        ),
    ],
)
def test_it_is_executed_when_it_is_first_asked(
    folder: Path, program: str, executed: int
) -> None:
    program = program.replace("\\n", "\n")
    text = f"{BEFORE}    {program}\n    print(getattr(builtins, 'executed', 0))\n"
    assert support.run(text, folder) == (0, executed)


def test_what_is_not_installed_is_missed_where_it_is_imported(folder: Path) -> None:
    program = """
    try:
        import nowhere
    except ModuleNotFoundError as error:
        print(json.dumps(error.name))
"""
    assert support.run(BEFORE + program, folder) == (0, "nowhere")


def test_what_fails_fails_again(folder: Path) -> None:
    (folder / "late" / "__init__.py").write_text("import nowhere_either")
    program = """
    import late
    failed = []
    for _ in range(2):
        try:
            late.answer
        except ModuleNotFoundError as error:
            failed.append(error.name)
    print(json.dumps(failed))
"""
    assert support.run(BEFORE + program, folder) == (0, ["nowhere_either"] * 2)


def test_suites_are_written_without_what_great_expectations_rarely_needs() -> None:
    """And whoever needs it has it."""
    program = """
    import json, sys
    from expectations.vocabulary import no_rows
    heavy = ("scipy.stats._stats_py", "altair.vegalite")
    before = [name in sys.modules for name in heavy]
    from great_expectations.expectations import core
    kind = "expect_column_kl_divergence_to_be_less_than"
    kl = sys.modules[f"{core.__name__}.{kind}"]
    chart, normal = kl.alt.Chart, kl.stats.norm.cdf(0)
    print(json.dumps([before, [name in sys.modules for name in heavy], float(normal)]))
"""
    assert support.run(program) == (0, [[False, False], [True, True], 0.5])
