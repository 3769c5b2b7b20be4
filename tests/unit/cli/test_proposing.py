"""What `init --from` asks on a terminal, and how it takes an answer."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipeline.cli.proposing import _ask
from pipeline.scaffold.proposal.questions import Question, Questions

OPTIONS = {"leave_out": "counted", "refuse": "stops"}


def question(is_free: bool) -> Question:
    return Question(
        "guests",
        "What becomes of them?",
        OPTIONS,
        "leave_out",
        "why",
        "where",
        is_free=is_free,
    )


@pytest.mark.parametrize(
    ("typed", "is_free", "answer"),
    [
        ("\n", False, "leave_out"),
        ("2\n", False, "refuse"),
        ("refuse\n", False, "refuse"),
        ("neither\n3\nrefuse\n", False, "refuse"),
        ("EUR\n", True, "EUR"),
    ],
)
def test_an_answer_is_a_number_a_name_or_return(
    typed: str, is_free: bool, answer: str
) -> None:
    with CliRunner().isolation(input=typed) as streams:
        assert _ask(question(is_free)) == answer
        shown = streams[0].getvalue().decode()
    assert "What becomes of them?" in shown
    assert "(why)" in shown
    assert "2. refuse: stops" in shown
    assert ("Give one of the 2 answers" in shown) == typed.startswith("neither")


def test_where_nobody_can_be_asked_the_proposed_answer_is_taken_and_open() -> None:
    questions = Questions()
    taken = questions.decide(
        "guests", "What?", OPTIONS, "refuse", why="why", where="where"
    )
    assert taken == "refuse"
    assert [one.chosen for one in questions.open] == ["refuse"]
