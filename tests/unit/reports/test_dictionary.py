"""The dictionary of a release: what it says, what it does not know, and its manners."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.main import main
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import write_json
from pipeline.metrics import load
from pipeline.metrics.codes import Code, Codes
from pipeline.release import duckdb_files
from pipeline.reports import dictionary
from pipeline.reports.dictionary.joins import joins, referred
from pipeline.reports.dictionary.words import WORDS

HOSTILE = "<img src=x onerror=alert(1)>&\"'"
RECORD: dict[str, Any] = {
    "refresh_id": "r000007-20140131",
    "as_of_date": "2014-01-31",
    "sealed_at": "2014-02-01T05:00:00+00:00",
    "time_zone": "Asia/Shanghai",
    "reporting_currency": "CNY",
}
RELATIONS = {
    "marts.customers": {"keys": [["customer_id"]], "references": {}},
    "marts.customer_value": {
        "keys": [["customer_id"]],
        "references": {"customer_id": ["marts.customers", "customer_id"]},
    },
    "marts.order_lines": {
        "keys": [["order_id", "line_number"]],
        "references": {"customer_id": ["marts.customers", "customer_id"]},
    },
}
TABLES = """
    create schema marts; create schema meta;
    create table marts.customers (
        customer_id varchar not null, customer_type varchar, owner varchar
    );
    comment on table marts.customers is 'Everybody. One row per customer.';
    comment on column marts.customers.customer_type is 'company or person.';
    insert into marts.customers values ('Secret & Sons', 'company', null);
    create table marts.customer_value (customer_id varchar, revenue_12m decimal(28, 4));
    create table marts.order_lines (
        order_id varchar, line_number bigint, customer_id varchar
    );
    comment on table marts.order_lines is 'What was sold. One row per order line.';
"""
LINEAGE = """
    create table meta.lineage (
        table_name varchar, reads_name varchar, reads_kind varchar
    );
    insert into meta.lineage values
        ('marts.customers', 'core.core_customers', 'model'),
        ('core.core_customers', 'staging.stg_shop__customers', 'model'),
        ('staging.stg_shop__customers', 'landing.shop.customers', 'landed'),
        ('marts.customer_value', 'marts.customers', 'model');
"""
LABELS = """
    create table meta.code_labels (
        code_kind varchar, code varchar, label_en varchar, label_zh varchar
    );
    insert into meta.code_labels values
        ('customer_type', 'company', 'Company', '企业客户'),
        ('customer_type', 'person', 'Person', '个人客户'),
        ('marts', 'order_lines', 'Order lines', '订单行');
"""


def release(tmp_path: Path, statements: str = "", **record: Any) -> Path:
    """A release with three marts, of which two are empty."""
    folder = tmp_path / "r000007-20140131"
    folder.mkdir(parents=True)
    with duckdb_files.connect(folder / "warehouse.duckdb") as connection:
        connection.execute(TABLES + statements)
    write_json(folder / "release.json", RECORD | record)
    return folder


def text_of(path: Path) -> str:
    """What a reader sees: no markup, single spaces."""

    class Text(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[str] = []
            self.inside = ""

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.inside = tag

        def handle_data(self, data: str) -> None:
            if self.inside not in {"style", "script"}:
                self.parts.append(data)

    parser = Text()
    parser.feed(path.read_text(encoding="utf-8"))
    return " ".join(" ".join(parser.parts).split())


def entry(path: Path, name: str) -> str:
    """The part of the page about a table, as text."""
    page = path.read_text(encoding="utf-8")
    (found,) = re.findall(
        rf'<details class="entry" id="{re.escape(name)}">'
        r'(.*?)(?=<details class="entry"|</main>)',
        page,
        flags=re.S,
    )
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_a_table_says_what_it_is(tmp_path: Path) -> None:
    folder = release(tmp_path, LINEAGE + LABELS, relations=RELATIONS)
    path = dictionary.build(folder)
    assert path == folder / "reports" / "dictionary.en.html"
    customers = entry(path, "marts.customers")
    assert "1 rows" in customers
    assert "One row per customer" in customers
    assert "Key customer_id" in customers
    assert "customer_type varchar 100.0 % company or person." in customers.replace(
        "\N{NO-BREAK SPACE}", " "
    ).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "owner varchar in no row" in customers
    assert "company Company 企业客户" in customers
    assert "Made of core.core_customers" in customers
    assert "Comes from shop.customers" in customers
    assert "Used by marts.customer_value" in customers
    assert "Joins that keep the rows marts.customer_value on customer_id" in customers
    assert "Joins that multiply rows marts.order_lines" in customers
    lines = entry(path, "marts.order_lines")
    assert "Order lines" in lines
    assert "Empty: nothing that this company's sources provide" in lines.replace(
        "&#39;", "'"
    )
    assert "customer_id of marts.customers" in lines
    assert "order_id Key" in lines


def test_what_a_release_does_not_know_stays_unknown(tmp_path: Path) -> None:
    path = dictionary.build(release(tmp_path))
    said = text_of(path)
    assert "before keys were recorded" in said
    assert "before lineage was recorded" in said
    assert "This release does not say what its sources gave." in said
    assert "before the figure was there" in said
    assert "None is declared" not in said
    value = entry(path, "marts.customer_value")
    assert "The release does not say what one row is." in value
    bare = dictionary.build(release(tmp_path / "other", reporting_currency=None))
    assert "Currency not known" in text_of(bare)


def test_both_languages_say_the_same(tmp_path: Path) -> None:
    assert set(WORDS["en"]) == set(WORDS["zh"])
    chinese = re.compile(r"[\u4e00-\u9fff]")
    assert not [w for w in WORDS["en"].values() if chinese.search(w)]
    assert [k for k, w in WORDS["zh"].items() if not chinese.search(w)] == ["html"]
    folder = release(tmp_path, LABELS, relations=RELATIONS)
    path = dictionary.build(folder, "zh")
    assert path.name == "dictionary.zh.html"
    assert '<html lang="zh-Hans">' in path.read_text(encoding="utf-8")
    assert "订单行" in entry(path, "marts.order_lines")
    assert "空表" in entry(path, "marts.order_lines")
    for metric in load().metrics:
        assert metric.name.zh in text_of(path)


def test_nothing_of_a_release_reaches_the_page_as_markup(tmp_path: Path) -> None:
    text = HOSTILE.replace("'", "''")
    name = HOSTILE.replace('"', '""')
    folder = release(
        tmp_path,
        f"""
        comment on table marts.customers is '{text} One row per {text}x.';
        comment on column marts.customers.owner is '{text}';
        create table meta."{name}" ("{name}" varchar);
        create table meta.code_labels as
            select 'customer_type' as code_kind, '{text}' as code,
                '{text}' as label_en, '{text}' as label_zh;
        create table meta.lineage as
            select 'marts.customers' as table_name, '{text}' as reads_name,
                'model' as reads_kind;
        create table meta.source_freshness as
            select '{text}' as source, '{text}' as entity, null as rows_landed,
                null::timestamp as last_loaded_at
        """,
        reporting_currency=HOSTILE,
        time_zone=HOSTILE,
        relations={"marts.customers": {"keys": [[HOSTILE]], "references": {}}},
    )
    page = dictionary.build(folder).read_text(encoding="utf-8")
    assert "onerror" in page
    assert "<img" not in page


def test_no_value_of_a_row_is_on_the_page(tmp_path: Path) -> None:
    for language in dictionary.LANGUAGES:
        path = dictionary.build(
            release(tmp_path / language, LABELS, relations=RELATIONS), language
        )
        assert "Secret" not in path.read_text(encoding="utf-8")


def test_the_page_stands_alone_and_runs_its_own_script_only(tmp_path: Path) -> None:
    page = dictionary.build(release(tmp_path)).read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(|@import|https?://', page)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    printed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{printed}'"
    )
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert not re.findall(r"\son[a-z]+=", page)
    # Every link leads to something on the page.
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {*re.findall(r'href="#([^"]+)"', page)} <= {*ids}


def test_again_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = release(tmp_path, LINEAGE + LABELS, relations=RELATIONS)
    first = dictionary.build(folder).read_bytes()
    elsewhere = dictionary.build(folder, output=tmp_path / "page.html")
    assert elsewhere.read_bytes() == first


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no release that can be read"):
        dictionary.build(tmp_path)
    write_json(tmp_path / "release.json", RECORD)  # without a warehouse
    with pytest.raises(ConfigurationError, match="no release that can be read"):
        dictionary.build(tmp_path)
    folder = release(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        dictionary.build(folder, output=tmp_path / "nowhere" / "page.html")
    result = CliRunner().invoke(main, ["docs", "--home", str(tmp_path / "home")])
    assert result.exit_code == 2


def test_a_join_is_safe_where_the_other_side_is_unique() -> None:
    columns = {
        "marts.customers": ["customer_id", "parent_customer_id"],
        "marts.customer_value": ["customer_id"],
        "marts.order_lines": ["order_id", "line_number", "customer_id"],
        "marts.leads": ["lead_id", "customer_id"],
    }
    related = RELATIONS | {
        "marts.customers": {
            "keys": [["customer_id"]],
            "references": {"parent_customer_id": ["marts.customers", "customer_id"]},
        }
    }
    found = {
        (join.table, join.column, join.other, join.other_column): join.is_safe
        for listed in joins(columns, related).values()
        for join in listed
    }
    customers, lines = "marts.customers", "marts.order_lines"
    value, leads, key = "marts.customer_value", "marts.leads", "customer_id"
    assert found == {
        (customers, "parent_customer_id", customers, key): True,
        (customers, key, customers, "parent_customer_id"): False,
        **{
            (table, key, other, key): other in {customers, value}
            # That a lead's column is that of the customer no test says.
            for table in (customers, value, lines, leads)
            for other in (customers, value, lines, leads)
            if other != table
        },
    }
    assert not any(joins(columns, {}).values())
    assert referred("marts.leads", columns["marts.leads"], related) == {
        "customer_id": "marts.customers"
    }
    assert referred(customers, columns[customers], related) == {
        "parent_customer_id": customers
    }


def test_codes_come_from_the_table_that_defines_them(tmp_path: Path) -> None:
    folder = release(
        tmp_path,
        LABELS
        + """
        insert into meta.code_labels values
            ('interactions.kind', 'visit', 'Visit', '拜访'),
            ('tier_migration.from_tier', 'none', 'Not known', '未出现');
        create table meta.tiers as
            select 'key' as tier_code, 'Key' as tier_name_en, '重要' as tier_name_zh
        """,
    )
    with duckdb_files.connect(folder / "warehouse.duckdb", read_only=True) as c:
        codes = Codes(c)
        key = Code("key", "Key", "重要")
        assert codes.of("customer_tiers", "tier_code") == [key]
        assert codes.of("tier_migration", "from_tier") == [
            key,
            Code("none", "Not known", "未出现"),
        ]
        assert codes.of("interactions", "kind") == [Code("visit", "Visit", "拜访")]
        assert codes.of("resource_allocation", "kind") == []
        # A release of before the table of labels of factors.
        assert codes.of("customer_health_factors", "factor") == []
