"""What a person must decide: asked on a terminal, and written down in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Gets the question, and gives the answer; None where nobody can be asked.
Ask = Callable[["Question"], str | None]


@dataclass
class Question:
    """One decision, and what was taken for the answer.

    Attributes:
        about: What it is about, in a few words.
        text: The question.
        options: Answer → what it means.
        chosen: The answer that the project goes by.
        why: Why that is the one that is proposed.
        where: Where it is changed later.
        is_answered: Whether a person gave it.
        is_free: Whether another answer than the options may be given.
    """

    about: str
    text: str
    options: dict[str, str]
    chosen: str
    why: str
    where: str
    is_answered: bool = False
    is_free: bool = False


class Questions:
    """The questions of one proposal, in the order in which they came up."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask
        self.all: list[Question] = []

    def decide(
        self,
        about: str,
        text: str,
        options: dict[str, str],
        chosen: str,
        *,
        why: str,
        where: str,
        is_free: bool = False,
    ) -> str:
        """The person's answer, or the proposed one where nobody can be asked.

        A question that was answered before is not asked again.
        """
        for known in self.all:
            if (known.about, known.text) == (about, text):
                return known.chosen
        question = Question(about, text, options, chosen, why, where, is_free=is_free)
        self.all.append(question)
        answer = self._ask(question) if self._ask else None
        if answer is not None:
            question.chosen = answer
            question.is_answered = True
        return question.chosen

    @property
    def open(self) -> Sequence[Question]:
        """Those that nobody answered."""
        return [question for question in self.all if not question.is_answered]
