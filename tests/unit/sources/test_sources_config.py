"""`sources.yaml`: what it says, where it is wrong, and that it tells no secret."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import SourcesFile, load_sources
from tests.unit.support import full_text

SECRET = "hunter2/with@odd:signs"
ENVIRONMENT = {"ERP_PASSWORD": SECRET, "SHOP": "shop", "CUSTOMER_TIERS_HOME": "/home"}

COMPLETE = """
version: 1
demonstration: sample
business:
  time_zone: Asia/Shanghai
  reporting_currency: CNY
  as_of: 2014-01-31
sources:
  - name: erp
    kind: database
    url: postgresql://reader:${ERP_PASSWORD}@db/erp
    provides: [customers, order_lines]
    entities:
      customers: {key: [customer_number], load: snapshot}
      lines: {table: sales.order_lines, key: [order_number, line_number]}
  - name: help_desk2
    kind: files
    path: exports/${SHOP}
    provides: [service_tickets, customers]
    entities:
      tickets:
        files: "*.csv.gz"
        key: [number]
        delimiter: ";"
        quote: "'"
        encoding: gb18030
        max_quarantined: 0.5
      people: {files: book.xlsx, sheet: People, key: [id], format: xlsx}
"""

SERVICE = """
version: 1
sources:
  - name: crm
    kind: fxiaoke
    fxiaoke: {app_id: a, app_secret: b, permanent_code: c, user_id: "1", protocol: oauth}
    connection: {calls_per_day: 100, timeout_seconds: 5}
    provides: [customers]
    entities:
      metadata: {reads: metadata, key: [object, field], load: snapshot, personal: none}
      customers:
        object: AccountObj
        key: [_id]
        cursor: {column: last_modified_time, overlap: 10 minutes}
        deleted_when: [{column: life_status, values: [invalid]}]
        sweep_days: 7
        fields: [name, amount]
        aliases: {amount: field_1__c}
        columns: {amount: "decimal(38,10)"}
"""

DEFAULTS = """
version: 1
sources:
  - name: crm
    kind: zoho_crm
    zoho: {data_center: eu, client_id: a, client_secret: b, refresh_token: c, coql: true}
    provides: [customers]
    entities:
      metadata: {reads: metadata}
      users: {object: users}
      lines: {object: Ordered_Items, parent: Sales_Orders, load: append}
"""


def settings(folder: Path, **changes: Any) -> Settings:
    defaults: dict[str, Any] = {
        "sources_file": folder / "sources.yaml",
        "environment": ENVIRONMENT,
    }
    return Settings(home=folder / "home", **defaults | changes)


def load(folder: Path, text: str, **changes: Any) -> SourcesFile:
    (folder / "sources.yaml").write_text(text, encoding="utf-8")
    return load_sources(settings(folder, **changes))


def refusal_of(folder: Path, text: str | bytes) -> str:
    """What a person reads about a wrong file, having checked that it is no secret."""
    path = folder / "sources.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as error:
        load_sources(settings(folder))
    assert error.value.exit_code == 2
    assert "sources.yaml" in str(error.value)
    assert SECRET not in full_text(error.value)
    return str(error.value)


def test_a_web_service(tmp_path: Path) -> None:
    (crm,) = load(tmp_path, SERVICE).sources
    assert crm.fxiaoke is not None
    assert crm.fxiaoke.host == "https://open.fxiaoke.com"
    assert "app_secret" not in repr(crm.fxiaoke)
    assert crm.entities["customers"].deleted_when[0].values == ["invalid"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("load: snapshot", "load: append", "say load: snapshot"),
        ("kind: fxiaoke", "kind: files", "need a path"),
        ("fxiaoke: {app_id: a", "none: {app_id: a", "there is no such option"),
        ("app_secret: b", 'app_secret: ""', "app_secret"),
        ("protocol: oauth", "protocol: soap", "should be 'oauth' or 'corp_token'"),
        ("    fxiaoke: {", "    #", "needs fxiaoke, with app_id"),
    ],
)
def test_a_web_service_that_cannot_work_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in SERVICE
    assert said in refusal_of(tmp_path, SERVICE.replace(old, new, 1))


def test_a_complete_file(tmp_path: Path) -> None:
    parsed = load(tmp_path, COMPLETE)
    assert parsed.demonstration == tmp_path / "sample"
    assert parsed.business.time_zone == "Asia/Shanghai"
    assert parsed.business.reporting_currency == "CNY"
    assert parsed.business.as_of == dt.date(2014, 1, 31)
    erp, desk = parsed.sources
    assert (erp.name, erp.kind, erp.path) == ("erp", "database", None)
    assert erp.url == f"postgresql://reader:{quote(SECRET, safe='')}@db/erp"
    lines = erp.entities["lines"]
    assert (lines.name, lines.table, lines.load) == (
        "lines",
        "sales.order_lines",
        "append",
    )
    assert lines.key == ["order_number", "line_number"]
    assert erp.entities["customers"].load == "snapshot"
    assert (desk.path, desk.url) == (tmp_path / "exports" / "shop", None)
    tickets = desk.entities["tickets"]
    assert (tickets.files, tickets.delimiter, tickets.quote) == ("*.csv.gz", ";", "'")
    assert (tickets.encoding, tickets.max_quarantined) == ("gb18030", 0.5)
    assert (desk.entities["people"].sheet, desk.entities["people"].format) == (
        "People",
        "xlsx",
    )
    assert parsed.provides() == {
        "customers": ["erp", "help_desk2"],
        "order_lines": ["erp"],
        "service_tickets": ["help_desk2"],
    }


def test_what_may_be_left_out(tmp_path: Path) -> None:
    text = """
    version: 1
    sources:
      - name: shop
        kind: files
        path: .
        provides: []
        entities: {items: {files: "*.csv", key: [id]}}
    """
    parsed = load(tmp_path, text, time_zone="America/Los_Angeles")
    assert parsed.business.time_zone == "America/Los_Angeles"
    assert parsed.business.reporting_currency == "USD"
    assert (parsed.business.as_of, parsed.demonstration) == (None, None)
    entity = parsed.sources[0].entities["items"]
    assert (entity.load, entity.delimiter, entity.quote) == ("append", None, '"')
    assert (entity.encoding, entity.max_quarantined) == (None, 0.01)


def test_the_demonstrations_own_file(tmp_path: Path) -> None:
    path = PROJECT_ROOT / "sources.yaml"
    parsed = load_sources(settings(tmp_path, sources_file=path))
    assert parsed.demonstration == PROJECT_ROOT / "sample_data"
    folders = [source.path for source in parsed.sources if source.path]
    assert folders
    assert all(folder.is_dir() for folder in folders)


def test_a_password_is_not_printed_by_what_was_parsed(tmp_path: Path) -> None:
    parsed = load(tmp_path, COMPLETE)
    assert SECRET not in f"{parsed} {parsed!r} {parsed.sources[0]}"


def test_a_value_of_the_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    """What looks like a reference or like YAML inside a value is text."""
    odd = "${SHOP}: [a, 'b"
    parsed = load(tmp_path, COMPLETE, environment={**ENVIRONMENT, "ERP_PASSWORD": odd})
    assert sa.make_url(str(parsed.sources[0].url)).password == odd


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("version: 1", "version: 2", "version: "),
        ("version: 1", "", "version: "),
        ("version: 1", "version: 1\nschedule: daily", "schedule: "),
        ("  as_of:", "  asof:", "business.asof: "),
        ("2014-01-31", "Friday", "business.as_of: "),
        ("Asia/Shanghai", "Asia/Beijing", "business.time_zone: "),
        ("Asia/Shanghai", "Asia", "business.time_zone: "),
        ("CNY", "cny", "business.reporting_currency: "),
        ("CNY", "RMB¥", "business.reporting_currency: "),
        ("name: erp", "name: ERP", "sources.ERP.name: "),
        ("name: help_desk2", "name: erp", "two sources are called erp"),
        ("kind: database", "kind: oracle", "sources.erp.kind: "),
        ("kind: database", "", "sources.erp.kind: "),
        ("    url: ", "    path: ", "sources.erp: a database needs a url"),
        ("    path: ", "    url: ", "sources.help_desk2: files need a path"),
        ("    url: ", "    uri: ", "sources.erp.uri: "),
        ("[customers, order_lines]", "[invoices]", "sources.erp.provides.0: "),
        (
            "key: [customer_number], ",
            "",
            "sources.erp.entities.customers.key: ",
        ),
        ("[customer_number]", "[]", "sources.erp.entities.customers.key: "),
        ("[customer_number]", "number", "sources.erp.entities.customers.key: "),
        ("load: snapshot", "load: full", "sources.erp.entities.customers.load: "),
        (
            "load: snapshot",
            "load: snapshot, sweep_days: 7",
            "a snapshot is the whole entity, and what is not in it is gone",
        ),
        ("table: sales", "tabel: sales", "sources.erp.entities.lines.tabel: "),
        ("      lines:", "      Order Lines:", "sources.erp.entities.Order Lines"),
        ("      lines:", "      customers:", "customers is there twice"),
        ("table: sales", "name: other, table: sales", "entity lines"),
        ('files: "*.csv.gz"', "", "entity tickets needs files"),
        (
            'files: "*.csv.gz"',
            "files: /all/*.csv",
            "sources.help_desk2.entities.tickets.files",
        ),
        (
            'delimiter: ";"',
            'delimiter: ";;"',
            "sources.help_desk2.entities.tickets.delimiter",
        ),
        (
            'delimiter: ";"',
            'delimiter: ""',
            "sources.help_desk2.entities.tickets.delimiter",
        ),
        ('quote: "\'"', "quote: ab", "sources.help_desk2.entities.tickets.quote"),
        ("gb18030", "klingon", "sources.help_desk2.entities.tickets.encoding"),
        ("gb18030", "base64", "sources.help_desk2.entities.tickets.encoding"),
        ("0.5", "50", "sources.help_desk2.entities.tickets.max_quarantined"),
        ("format: xlsx", "format: doc", "sources.help_desk2.entities.people.format"),
        ("${SHOP}", "${SHOPPE}", "path refers to ${SHOPPE}, which is not set"),
        ("[order_number, line_number]", "[\n", "line 16"),
        ("version: 1", "version: 1\n\tsources:", "is not valid YAML"),
        ("version: 1", "version: !!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_a_mistake_is_reported_with_its_place(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    assert COMPLETE.count(old) >= 1
    assert place in refusal_of(tmp_path, COMPLETE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "table: sales",
            "tabel: sales",
            "no such option; did you mean `table`? There are ",
        ),
        ("version: 1", "version: 1\nquelle: 1", "no such option. There are business, "),
        ("load: snapshot", "load: full", "load: should be 'append' or 'snapshot'."),
        ("key: [customer_number], ", "", "customers.key: is missing."),
        ("[customer_number]", "[]", "customers.key: should not be empty."),
        ("[customer_number]", "number", "key: should be a list, such as [id]."),
        ("2014-01-31", "Friday", "as_of: should be a day such as 2024-01-31."),
        ("Asia/Shanghai", "Asia/Beijing", "time_zone: no time zone; give one such as"),
        ("CNY", "cny", "should be the three capital letters of a currency"),
        ("name: erp", "name: ERP", "should be lower-case letters, digits"),
        ("0.5", "50", "max_quarantined: should be less than or equal to 1."),
        ("table: sales", "personal: nobody", "lines.personal: should be 'none'."),
        (
            "load: snapshot",
            "load: snapshot, personal: {columns: [a]}",
            "personal.customer: is missing.",
        ),
    ],
)
def test_a_mistake_is_said_in_the_words_of_the_file(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    """With its line, and nothing of how the file is checked."""
    assert COMPLETE.count(old) >= 1
    text = COMPLETE.replace(old, new, 1)
    said = refusal_of(tmp_path, text)
    assert words in said
    assert re.search(r"sources\.yaml, line \d+: ", said)
    for internal in ("Value error", "Input ", "pydantic", "literal[", "Personal"):
        assert internal not in said


def test_every_mistake_is_listed_with_its_line(tmp_path: Path) -> None:
    text = COMPLETE.replace("CNY", "cny").replace("load: snapshot", "lode: snapshot")
    lines = text.splitlines()
    said = refusal_of(tmp_path, text)
    assert "has 2 mistakes" in said
    for word in ("cny", "lode"):
        (number,) = [n for n, line in enumerate(lines, 1) if word in line]
        assert f"\n  line {number}: " in said


def test_every_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    said = refusal_of(
        tmp_path, COMPLETE.replace("${SHOP}", "${A_B}").replace("CNY", "${C_D}")
    )
    assert "${A_B}" in said
    assert "${C_D}" in said
    assert said.count("line ") == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "is empty"),
        ("# nothing but a comment\n", "is empty"),
        ("just a sentence", "names no settings"),
        ("- a\n- list\n", "names no settings"),
        ("version: 1\nsources: []\n", "sources: "),
        ("version: 1\nsources:\n", "sources: "),
        ("version: 1\nsources: 5\n", "sources: "),
        ("version: 1\nsources: [5]\n", "sources.0: "),
        ("version: 1\nsources: [{entities: [a]}]\n", "sources.0.entities: "),
        ("version: 1\nbusiness: 5\nsources: [5]\n", "business: "),
        (b"version: 1\nsources: \xff\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_something_else(
    tmp_path: Path, text: str | bytes, place: str
) -> None:
    assert place in refusal_of(tmp_path, text)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None])
def test_a_file_that_cannot_be_read(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "sources.yaml")
    with pytest.raises(ConfigurationError, match="give --sources FILE"):
        load_sources(settings(tmp_path))


def places(value: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """The way to each value of a parsed file that is no mapping and no list."""
    if isinstance(value, dict):
        return [place for key in value for place in places(value[key], *path, key)]
    if isinstance(value, list):
        return [at for i in range(len(value)) for at in places(value[i], *path, i)]
    return [path]


def replaced(content: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The parsed file with another value at a place; the whole of it at no place."""
    if not place:
        return value
    step, *rest = place
    content[step] = replaced(content[step], tuple(rest), value)
    return content


@pytest.mark.parametrize("place", places(yaml.safe_load(COMPLETE)), ids=str)
def test_no_value_of_the_environment_is_ever_printed(
    tmp_path: Path, place: tuple[str | int, ...]
) -> None:
    """Whatever a secret is put in place of, an error does not repeat it."""
    content = replaced(yaml.safe_load(COMPLETE), place, "${ERP_PASSWORD}")
    try:
        load(tmp_path, yaml.safe_dump(content))
    except ConfigurationError as error:
        assert SECRET not in full_text(error)
    content["sources"][0]["kind"] = "wrong, so that there is an error at all"
    refusal_of(tmp_path, yaml.safe_dump(content))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(
    value=ANYTHING,
    at=st.sampled_from(
        [
            (text, place)
            for text in (COMPLETE, SERVICE, DEFAULTS)
            for place in places(yaml.safe_load(text))
        ]
    ),
)
def test_anything_is_parsed_or_reported(
    tmp_path_factory: pytest.TempPathFactory,
    value: Any,
    at: tuple[str, tuple[str | int, ...]],
) -> None:
    """A branch of the file, from the whole of it to a leaf, is replaced by anything."""
    text, place = at
    folder = tmp_path_factory.mktemp("sources")
    for depth in range(len(place) + 1):
        content = replaced(yaml.safe_load(text), place[:depth], value)
        try:
            load(folder, yaml.safe_dump(content, allow_unicode=True))
        except ConfigurationError as error:
            assert "sources.yaml" in str(error)


PERSONAL = """
version: 1
sources:
  - name: shop
    kind: files
    path: inbox
    provides: [customers]
    entities:
      people: {files: "*.csv", key: [id], personal: PLACE}
"""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nothing", "none"),
        ("{columns: [name]}", "customer"),
        ("{customer: id, columns: [name], common: [city]}", "common names city"),
        ("{customer: id, columns: [id]}", "a column of keys"),
        ("{customer: account, columns: [id]}", "would empty id"),
        ("{customer: id, rows: away}", "rows"),
        ("{customer: id, source: erp}", "there is no such source"),
        ("{customer: id, references: {payer: erp}}", "there is no such source"),
    ],
)
def test_wrong_declarations_of_personal_data(
    tmp_path: Path, place: str, words: str
) -> None:
    (tmp_path / "sources.yaml").write_text(PERSONAL.replace("PLACE", place))
    with pytest.raises(ConfigurationError, match=words):
        load_sources(settings(tmp_path))


@pytest.mark.parametrize(
    "place", ["none", "{customer: id}", "{customer: a, columns: [id], rows: drop}"]
)
def test_declarations_of_personal_data(tmp_path: Path, place: str) -> None:
    (tmp_path / "sources.yaml").write_text(PERSONAL.replace("PLACE", place))
    assert load_sources(settings(tmp_path)).sources[0].entities["people"].personal


def test_every_entity_of_the_demonstration_says_where_personal_data_is() -> None:
    sources = load_sources(
        Settings(
            home=Path("/home"),
            sources_file=PROJECT_ROOT / "sources.yaml",
            environment=ENVIRONMENT,
        )
    ).sources
    assert all(
        entity.personal for source in sources for entity in source.entities.values()
    )


@pytest.mark.parametrize("demonstration", [False, True])
def test_only_the_demonstration_has_the_suites_of_the_demonstration(
    tmp_path: Path, demonstration: bool
) -> None:
    """Another company may well call a source `erp`, too."""
    path = tmp_path / "sources.yaml"
    path.write_text(
        "version: 1\n"
        + ("demonstration: sample_data\n" if demonstration else "")
        + "sources:\n  - {name: erp, kind: files, path: ., provides: [],\n"
        "     entities: {customers: {files: a.csv, key: [id]}}}\n"
    )
    settings = Settings.load(sources_file=path)
    applied = load_sources(settings).applied_to(settings)
    product = PROJECT_ROOT / "expectations"
    assert applied.expectations == (
        product if demonstration else tmp_path / "expectations"
    )
