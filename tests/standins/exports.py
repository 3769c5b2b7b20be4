"""What the pages of Zoho CRM and Fxiaoke export of the stand-ins' records, as files.

Of Zoho's CSVs the head, ids, lookups and times of the first modules are [T], those of the
others follow them [A]; where the lines of orders stand is not known, so that there are
several layouts [A]. Fxiaoke's workbooks are [M] with the labels of fields and options, and
lookups by name. Not here: the services, and what a project makes of the files.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import openpyxl

from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.fxiaoke_company import CHINA
from tests.standins.zoho_crm import ZohoCrm

# Where the lines of an order stand: in rows of their own that repeat what the order has,
# or leave it out after the first; in a file of their own; nowhere.
Lines = Literal["repeated", "first", "file", "none"]
# Module and field → label.
Labels = Callable[[str, Mapping[str, Any]], str]

MODULES = (
    *("Accounts", "Contacts", "Leads", "Deals", "Products", "Sales_Orders", "Invoices"),
    *("Cases", "Calls"),
)
_LABELS = {
    "id": "Record Id",
    "Probability": "Probability (%)",
    "Converted__s": "Is Converted",
    "Call_Duration_in_seconds": "Call Duration (in seconds)",
    "What_Id": "Related To",
    "Who_Id": "Contact Name",
}
_LOOKUPS = {"lookup", "ownerlookup"}


def english(module: str, described: Mapping[str, Any]) -> str:
    """The label of a field in the language of the vendor."""
    name = described["api_name"]
    one = module.replace("_", " ").removesuffix("s")
    if name == "Owner":
        return f"{one} Owner"
    if name == "Full_Name":
        return f"{one} Name"
    return _LABELS.get(name) or str(described["field_label"])


def zoho(
    crm: ZohoCrm,
    folder: Path,
    *,
    lines: Lines = "repeated",
    labels: Labels = english,
    modules: Sequence[str] = MODULES,
) -> Path:
    """Writes a CSV for each module."""
    folder.mkdir(parents=True, exist_ok=True)
    for module in modules:
        rows = list(_rows(crm, module, labels, lines))
        _write(folder / f"{module}_2026_06_01.csv", rows)
    if lines == "file" and "Sales_Orders" in modules:
        _write(folder / "Ordered_Items_2026_06_01.csv", list(_items(crm, labels)))
    return folder


def zoho_metadata(crm: ZohoCrm, folder: Path, modules: Sequence[str] = MODULES) -> None:
    """Writes what `settings/fields` answers for each module, as it is."""
    for module in (*modules, "Ordered_Items"):
        answer = {"fields": crm.modules[module].fields}
        path = folder / f"fields_{module}.json"
        path.write_text(json.dumps(answer, ensure_ascii=False, indent=1, default=str))


def translate(
    crm: ZohoCrm, words: Mapping[str, str], options: Mapping[str, str]
) -> Labels:
    """Gives the organisation's fields the labels of another language.

    Args:
        crm: Its metadata is changed.
        words: API name, or module and API name with a full stop → label; others keep
            theirs.
        options: Value of a selection → label.

    Returns:
        The labels as exports write them.
    """
    for module, described in crm.modules.items():
        # Fields that every module has are one object in all organisations.
        described.fields = copy.deepcopy(described.fields)
        for one in described.fields:
            name = one["api_name"]
            plain = english(module, one)
            one["field_label"] = words.get(f"{module}.{name}", words.get(name, plain))
            for option in one["pick_list_values"]:
                value = option["actual_value"]
                option["display_value"] = options.get(value, value)
    return lambda module, one: str(one["field_label"])


def _fields(crm: ZohoCrm, module: str) -> list[dict[str, Any]]:
    """The fields of an export, the id first."""
    found = [
        one
        for one in crm.modules[module].fields
        if one["data_type"] != "subform" and one["api_name"] != "Tag"
    ]
    return sorted(found, key=lambda one: one["api_name"] != "id")


def _rows(
    crm: ZohoCrm, module: str, labels: Labels, lines: Lines
) -> Iterator[list[str]]:
    fields = _fields(crm, module)
    own = [one for one in _fields(crm, "Ordered_Items") if one["api_name"] in _OF_LINES]
    with_lines = module == "Sales_Orders" and lines in {"repeated", "first"}
    header = list(_names(module, fields, labels))
    yield header + (list(_names("Ordered_Items", own, labels)) if with_lines else [])
    for record in crm.modules[module].records.values():
        cells = list(_cells(fields, record))
        if not with_lines:
            yield cells
            continue
        for place, item in enumerate(record["Ordered_Items"]):
            rest = [""] * (len(cells) - 1)
            is_bare = place > 0 and lines == "first"
            yield [
                *([cells[0], *rest] if is_bare else cells),
                *_cells(own, item),
            ]


_OF_LINES = {"Product_Name", "Quantity", "List_Price", "Discount"}


def _items(crm: ZohoCrm, labels: Labels) -> Iterator[list[str]]:
    """Lines in a file of their own, with the id of their order."""
    own = _fields(crm, "Ordered_Items")
    own = [one for one in own if one["api_name"] in {"id", *_OF_LINES}]
    yield [*_names("Ordered_Items", own, labels), "Parent Id.id"]
    for key, order in crm.modules["Sales_Orders"].records.items():
        for item in order["Ordered_Items"]:
            yield [*_cells(own, item), f"zcrm_{key}"]


def _names(
    module: str, fields: Sequence[Mapping[str, Any]], labels: Labels
) -> Iterator[str]:
    for one in fields:
        label = labels(module, one)
        if one["data_type"] in _LOOKUPS:
            yield f"{label}.id"
        yield label


def _cells(
    fields: Sequence[Mapping[str, Any]], record: Mapping[str, Any]
) -> Iterator[str]:
    for one in fields:
        value = record.get(one["api_name"])
        if one["api_name"] == "id":
            yield f"zcrm_{record['id']}"
        elif one["data_type"] in _LOOKUPS:
            yield f"zcrm_{value['id']}" if value else ""
            yield value["name"] if value else ""
        elif value is None:
            yield ""
        elif one["data_type"] == "datetime":
            yield dt.datetime.fromisoformat(value).strftime("%Y-%m-%d %H:%M:%S")
        elif one["data_type"] == "picklist":
            yield next(
                option["display_value"]
                for option in one["pick_list_values"]
                if option["actual_value"] == value
            )
        else:
            yield str(value).lower() if isinstance(value, bool) else str(value)


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


# Object → the title of its page, and what its export calls fields beside their labels.
# Records are called by their names in the exports of others.
OBJECTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "AccountObj": ("客户", {}),
    "ContactObj": ("联系人", {}),
    "LeadsObj": ("销售线索", {}),
    "NewOpportunityObj": ("商机", {}),
    "ProductObj": ("产品", {}),
    "SalesOrderObj": ("销售订单", {"name": "销售订单编号"}),
    "SalesOrderProductObj": ("订单产品", {"order_id": "销售订单编号"}),
    "ReturnedGoodsInvoiceObj": ("退货单", {"order_id": "销售订单编号"}),
    "PaymentObj": ("回款", {"payment_amount": "本次回款总金额"}),
    "InvoiceApplicationObj": ("开票申请", {}),
    "CasesObj": ("服务工单", {}),
}
_REFERS = {
    "account_id": ("AccountObj", "客户名称"),
    "product_id": ("ProductObj", "产品名称"),
    "order_id": ("SalesOrderObj", "销售订单编号"),
    "parent_account_id": ("AccountObj", "上级客户"),
}


def fxiaoke(
    tenant: FxiaokeStandin, folder: Path, objects: Sequence[str] = tuple(OBJECTS)
) -> Path:
    """Writes a workbook for each object; what has no record has none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in objects:
        title, labels = OBJECTS[name]
        records = list(tenant.objects[name].values())
        if not records:
            continue
        fields = tenant.fields[name]
        columns = [
            api for api in fields if not api.endswith("_time") or api in _KEPT_TIMES
        ]
        book = openpyxl.Workbook()
        sheet = book.active
        names = [
            labels.get(api) or _REFERS.get(api, ("", fields[api]["label"]))[1]
            for api in columns
        ]
        sheet.append([*names, "创建时间", "最后修改时间"])
        for record in records:
            sheet.append(
                [
                    *(
                        _text(tenant, api, fields[api], record.get(api))
                        for api in columns
                    ),
                    _written(record["create_time"], "%Y-%m-%d %H:%M"),
                    _written(record["last_modified_time"], "%Y-%m-%d %H:%M"),
                ]
            )
        book.save(folder / f"{title}.xlsx")
    return folder


_KEPT_TIMES = {"order_time", "payment_time", "returned_goods_time"}


def _text(
    tenant: FxiaokeStandin, api: str, described: Mapping[str, Any], value: Any
) -> Any:
    if value is None:
        return None
    if api in _REFERS:
        return tenant.objects[_REFERS[api][0]][value]["name"]
    if described["type"] == "select_one":
        options = described["options"]
        return next(one["label"] for one in options if one["value"] == value)
    if described["type"] == "employee":
        return f"员工{value[0]}"
    if described["type"] == "date":
        return _written(value, "%Y-%m-%d")
    if described["type"] == "date_time":
        return _written(value, "%Y-%m-%d %H:%M")
    if described["type"] in {"currency", "number", "percentile"}:
        return float(value)
    return value


def _written(milliseconds: int, form: str) -> str:
    return dt.datetime.fromtimestamp(milliseconds / 1000, CHINA).strftime(form)
