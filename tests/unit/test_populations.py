"""The generated companies: the same for a seed, of the stated shares, with valid numbers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import phonenumbers
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.populations.companies import (
    RECORDS,
    REFERENCES,
    SILOS,
    TRUTH,
    Population,
    difficulties,
    generate,
    main,
)
from tests.populations.identities import (
    organisation_check_character,
    uscc_check_character,
)

COMPANIES = 4000


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(COMPANIES, seed=7)


@pytest.fixture(scope="module")
def measured(population: Population) -> dict[str, float]:
    return difficulties(population)


@pytest.mark.parametrize(
    "code",
    [
        "91330100799655058B",  # Alibaba (China)
        "914403001922038216",  # Huawei
        "9144030071526726XG",  # Tencent
        "91110000802100433B",  # Baidu
        "91110108551385082Q",  # Xiaomi
    ],
)
def test_check_characters_are_those_of_codes_in_use(code: str) -> None:
    assert uscc_check_character(code) == code[17]
    assert organisation_check_character(code[8:16]) == code[16]


def test_a_seed_gives_the_same_tables_and_another_seed_others() -> None:
    first, again, other = generate(300, 1), generate(300, 1), generate(300, 2)
    for name in ("records", "references", "truth", "notes"):
        assert getattr(first, name).equals(getattr(again, name))
    assert not first.records.equals(other.records)


def test_the_tables_have_the_stated_columns(population: Population) -> None:
    assert population.records.schema.equals(RECORDS)
    assert population.references.schema.equals(REFERENCES)
    assert population.truth.schema.equals(TRUTH)


def keys(table: object, *columns: str) -> list[tuple[str, ...]]:
    return list(zip(*(table[c].to_pylist() for c in columns), strict=True))  # type: ignore[index]


def test_truth_is_total_and_keys_are_one_record_s_each(population: Population) -> None:
    records = keys(population.records, "source", "source_customer_id")
    truth = keys(population.truth, "source", "source_customer_id")
    assert sorted(records) == sorted(truth)
    assert len(set(records)) == len(records)
    assert len(set(population.truth["identity"].to_pylist())) == COMPANIES


def test_references_and_parents_are_records(population: Population) -> None:
    known = dict(
        zip(
            keys(population.truth, "source", "source_customer_id"),
            population.truth["identity"].to_pylist(),
            strict=True,
        )
    )
    here = keys(population.references, "source", "source_customer_id")
    there = keys(population.references, "other_source", "other_source_customer_id")
    wrong = sum(known[a] != known[b] for a, b in zip(here, there, strict=True))
    assert len(here) > 1000
    assert wrong / len(here) < 0.005
    parents = keys(population.records, "source", "parent_source_customer_id")
    named = [parent for parent in parents if parent[1] is not None]
    assert named
    assert all(parent in known for parent in named)


def test_silos_hold_and_leave_out_what_is_stated(population: Population) -> None:
    rows = population.records.to_pylist()
    size = Counter(row["source"] for row in rows)
    for silo, share in zip(SILOS, (0.8, 0.73, 0.63), strict=True):
        assert size[silo] / COMPANIES == pytest.approx(share, abs=0.05)
    for silo, share in zip(SILOS, (0.6, 0.25, 0.4), strict=True):
        held = sum(
            row["source"] == silo and row["registration_number"] is not None
            for row in rows
        )
        assert held / size[silo] == pytest.approx(share, abs=0.05)


def test_numbers_are_valid_as_far_as_nobody_mistyped_them(
    population: Population,
) -> None:
    rows = population.records.to_pylist()
    codes = [
        row["registration_number"].upper()
        for row in rows
        if len(row["registration_number"] or "") == 18
        and row["registration_number"].startswith("91")
        and not row["registration_number"].startswith("91 ")
    ]
    valid = sum(uscc_check_character(code) == code[17] for code in codes)
    assert len(codes) > 1000
    assert valid / len(codes) > 0.98
    region = {"CN": "CN", "US": "US", "GB": "GB", "DE": "DE", "FR": "FR", "ES": "ES"}
    phones = [
        (row["phone"], region[row["country"]])
        for row in rows
        if row["source"] == "erp" and row["phone"] and row["country"]
    ]
    good = 0
    for text, country in phones:
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        good += phonenumbers.is_valid_number(number)
    assert good / len(phones) > 0.9


def test_it_is_neither_easy_nor_impossible(measured: dict[str, float]) -> None:
    assert measured["only_a_name_variant"] < 0.035
    assert measured["same_name_and_city_as_another"] < 0.01
    assert 0.4 < measured["same_phone"] < 0.75
    assert 0.4 < measured["same_domain"] < 0.75
    assert measured["same_name"] < 0.6
    assert measured["same_number"] < 0.25
    assert measured["phones_of_three_or_more"] > 0.02


def test_duplicates_are_as_many_as_asked_for() -> None:
    none = generate(1000, 3, duplicates_share=0)
    truth = keys(none.truth, "source", "identity")
    assert len(truth) == len(set(truth))
    many = generate(1000, 3, duplicates_share=0.2)
    silos = Counter(keys(many.truth, "source", "identity"))
    twice = [silo for (silo, _), count in silos.items() if count > 1]
    assert "erp" not in twice
    assert len(twice) / sum(s != "erp" for s, _ in silos) == pytest.approx(
        0.2, abs=0.04
    )


def test_the_command_writes_the_tables(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["--companies", "200", "--out", str(tmp_path), "--no-measure"]
    )
    assert done.exit_code == 0, done.output
    written = {path.stem for path in tmp_path.glob("*.parquet")}
    assert written == {"records", "references", "truth", "notes"}
    assert pq.read_table(tmp_path / "truth.parquet").num_rows > 200
