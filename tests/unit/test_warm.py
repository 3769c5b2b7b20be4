"""A process forked from the warm parent can do all that a new one can."""

from __future__ import annotations

from dbt_extractor import py_extract_from_source  # type: ignore[import-untyped]

from tests import warm

MODEL = (
    "{{ config(materialized='table', schema='x') }} select * from {{ ref('a', 'b') }}"
)


def extract() -> None:
    assert py_extract_from_source(MODEL)["refs"]


def test_dbt_reads_a_model_in_a_fork() -> None:
    """Its pool of threads waits for ever where the parent has made it."""
    process = warm._context().Process(target=extract)
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0
