"""People of a public benchmark: duplicates within one file, several of each original."""

from __future__ import annotations

from benchmarks import identity_public
from pipeline.common.settings import PROJECT_ROOT

PART = PROJECT_ROOT / "tests" / "data" / "febrl" / "febrl_3_part.parquet"


def test_a_fifth_of_febrl_3() -> None:
    """All of it: precision 1.0000, recall .994 (docs/identity.md)."""
    found = identity_public.measure(*identity_public.febrl([PART]))
    assert found["records"] == 1025
    assert found["precision"] >= 0.9999
    assert found["recall"] >= 0.99
