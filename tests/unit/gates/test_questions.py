"""Which checks of a gate answer which question that Dagster shows."""

from __future__ import annotations

from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.gates import judgement, questions
from pipeline.gates.questions import Question
from pipeline.journal.evidence import Check
from pipeline.sources import load_sources

EXPECTATIONS = PROJECT_ROOT / "expectations"


def check(subject: str, name: str) -> Check:
    return Check(
        gate="out", subject=subject, name=name, severity="critical", outcome="passed"
    )


def test_every_check_that_is_declared_answers_one_question() -> None:
    sources = load_sources(Settings.load()).sources
    declared = judgement.declared(sources, EXPECTATIONS)
    subjects = {name.partition(":")[0] for name in declared}
    asked = questions.of_marts(
        {each for each in subjects if not each.startswith("landing/")},
        sources,
        EXPECTATIONS,
    )
    for source in sources:
        asked += questions.of_source(source, EXPECTATIONS)
    answers = [
        f"{question.subject}:{name}" for question in asked for name in question.reasons
    ]
    assert sorted(answers) == sorted(declared)


def test_what_no_question_knows_of_answers_the_one_that_takes_the_rest() -> None:
    drift = Question("marts.a", questions.DRIFT, {"drift": "unusual"})
    rest = Question("marts.a", questions.PUBLISHED, {"known": "must"}, is_rest=True)
    added, known, unusual, other = (
        check("marts.a", "added"),
        check("marts.a", "known"),
        check("marts.a", "drift"),
        check("marts.b", "known"),
    )
    found = questions.answered_by([drift, rest], [added, known, unusual, other])
    assert found == [(drift, [unusual]), (rest, [added, known])]


def test_a_reason_ends_as_a_sentence() -> None:
    said = Question("marts.a", questions.DRIFT, {"drift": "unusual.", "x": ""})
    first, _, *checks = said.description.splitlines()
    assert first.endswith(".")
    assert checks == ["- `drift`: unusual.", "- `x`: must hold."]
