"""A company that works with Fxiaoke: two years of sixty accounts, made by a fixed rule.

What each account is worth is given by its kind, so that a test can say who should be where
in the tiers. Names, values and labels are made up; which fields an object has follows the
vendor's names [D], and where nothing is known of it is marked [A]. Not here: the service.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.standins.fxiaoke import FxiaokeStandin

CHINA = dt.timezone(dt.timedelta(hours=8))
FIRST_DAY, LAST_DAY = dt.date(2024, 6, 1), dt.date(2026, 5, 31)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)

# Each tenant's own, as it names what a ticket is.
CASE_ALIASES = {
    "ticket_priority": "field_pr1Ty__c",
    "ticket_category": "field_cAt1g__c",
    "ticket_is_complaint": "field_c0mPl__c",
    "resolved_time": "field_r3sLv__c",
    "due_time": "field_du3Tm__c",
}
SCORE_FIELD = "field_sc0Re__c"

# Kind → how many accounts, days between orders, amount of an order; the last order's age.
KINDS: Mapping[str, tuple[int, int, int, int]] = {
    "key": (6, 10, 60_000, 0),
    "growth": (10, 25, 15_000, 0),
    "standard": (24, 60, 4_000, 0),
    "dormant": (10, 45, 6_000, 300),
    "prospect": (10, 0, 0, 0),
}


def _option(*labels: str) -> list[dict[str, str]]:
    return [
        {"value": str(number), "label": label} for number, label in enumerate(labels, 1)
    ]


def _text(label: str) -> dict[str, Any]:
    return {"type": "text", "label": label}


def _typed(kind: str, label: str) -> dict[str, Any]:
    return {"type": kind, "label": label}


def _select(label: str, *labels: str) -> dict[str, Any]:
    return {"type": "select_one", "label": label, "options": _option(*labels)}


LIFE = {
    "type": "select_one",
    "label": "生命状态",
    "options": [
        {"value": "normal", "label": "正常"},
        {"value": "ineffective", "label": "未生效"},
        {"value": "under_review", "label": "审核中"},
        {"value": "in_change", "label": "变更中"},
        {"value": "invalid", "label": "作废"},
    ],
}
REFERENCE = _typed("object_reference", "客户")
OWNER = _typed("employee", "负责人")

OBJECTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "AccountObj": {
        "name": _text("客户名称"),
        "account_no": _text("客户编号"),
        "account_level": _select("客户级别", "重要客户", "普通客户"),
        "account_source": _select("来源", "展会", "官网", "转介绍"),
        "industry_level1": _select("行业", "电子", "机械", "食品"),
        "uniform_social_credit_code": _text("统一社会信用代码"),
        "tel": _typed("phone_number", "电话"),
        "email": _typed("email", "邮件"),
        "url": _typed("url", "网址"),
        "country": _select("国家", "中国"),
        "province": _select("省", "上海市", "江苏省", "浙江省"),
        "city": _select("市", "上海", "南京", "杭州"),
        "address": _text("详细地址"),
        "parent_account_id": REFERENCE,
        "owner": OWNER,
    },
    "ContactObj": {
        "name": _text("姓名"),
        "account_id": REFERENCE,
        "job_title": _text("职务"),
        "primary_contact": _select("是否关键决策人", "是", "否"),
        "tel1": _typed("phone_number", "电话1"),
        "mobile1": _typed("phone_number", "手机1"),
        "email": _typed("email", "邮件"),
        "owner": OWNER,
    },
    # The fields of leads are [A].
    "LeadsObj": {
        "name": _text("姓名"),
        "company": _text("公司"),
        "email": _text("邮件"),
        "mobile": _text("手机"),
        "tel": _text("电话"),
        "leads_status": _select("状态", "未处理", "跟进中", "已转换", "无效"),
        "account_id": REFERENCE,
        "owner": OWNER,
    },
    "NewOpportunityObj": {
        "name": _text("商机名称"),
        "account_id": REFERENCE,
        "sales_stage": _select("商机阶段", "验证客户", "方案", "谈判"),
        "sales_status": _select("商机状态", "进行中", "赢单", "输单", "无效"),
        "amount": _typed("currency", "商机金额"),
        "probability": _typed("percentile", "赢率"),
        "close_date": _typed("date", "预计成交日期"),
        "owner": OWNER,
    },
    "ProductObj": {
        "name": _text("产品名称"),
        "product_code": _text("产品编码"),
        "category": _select("分类", "泵", "阀", "仪表"),  # [A]
        "price": _typed("currency", "标准价格"),
    },
    "SalesOrderObj": {
        "name": _typed("auto_number", "订单编号"),
        "account_id": REFERENCE,
        "order_time": _typed("date", "下单日期"),
        "order_amount": _typed("currency", "销售订单金额"),
        "product_amount": _typed("currency", "产品合计"),
        "order_status": _select("订单状态", "已确认", "已发货"),
    },
    "SalesOrderProductObj": {
        "order_id": _typed("master_detail", "订单编号"),
        "product_id": _typed("object_reference", "产品名称"),
        "quantity": _typed("number", "数量"),
        "sales_price": _typed("currency", "销售单价"),
        "subtotal": _typed("currency", "小计"),
    },
    "ReturnedGoodsInvoiceObj": {
        "name": _typed("auto_number", "退货单编号"),
        "account_id": REFERENCE,
        "order_id": _typed("object_reference", "订单编号"),
        "returned_goods_inv_amount": _typed("currency", "退货单金额"),
        "returned_goods_time": _typed("date", "退货日期"),
    },
    "PaymentObj": {
        "name": _typed("auto_number", "回款编号"),
        "account_id": REFERENCE,
        "payment_time": _typed("date", "回款日期"),
        "payment_amount": _typed("currency", "回款金额"),
    },
    "CasesObj": {
        "name": _typed("auto_number", "工单编号"),
        "account_id": REFERENCE,
        "owner": OWNER,
        "field_pr1Ty__c": _select("紧急程度", "紧急", "一般", "低"),
        "field_cAt1g__c": _select("问题类型", "故障", "咨询"),
        "field_c0mPl__c": _typed("true_or_false", "是否投诉"),
        "field_r3sLv__c": _typed("date_time", "解决时间"),
        "field_du3Tm__c": _typed("date_time", "承诺时间"),
    },
    "ActiveRecordObj": {
        "account_id": REFERENCE,
        "interactive_types": _select("互动类型", "上门拜访", "电话沟通", "微信"),
        "owner": OWNER,
    },
    # The fields of events are [A].
    "MarketingEventObj": {
        "name": _text("活动名称"),
        "event_type": _select("活动类型", "展会", "官网", "转介绍"),
        "begin_time": _typed("date", "开始日期"),
        "end_time": _typed("date", "结束日期"),
        "actual_cost": _typed("currency", "实际成本"),
    },
    # The fields of appraisals are [A].
    "AppraiseObj": {
        "account_id": REFERENCE,
        "case_id": _typed("object_reference", "工单"),
        SCORE_FIELD: _typed("number", "满意度"),
    },
}


@dataclass
class Company:
    """What the tenant holds, for a test to compare with.

    Attributes:
        accounts: `_id` → kind.
        revenue: `_id` → sum of its approved lines less its returns, in 分 (fen).
    """

    accounts: dict[str, str] = field(default_factory=dict)
    revenue: dict[str, int] = field(default_factory=dict)


def moment(day: dt.date, hour: int = 0) -> int:
    """A time of a day in China, in milliseconds since 1970."""
    local = dt.datetime.combine(day, dt.time(hour), CHINA)
    return round(local.timestamp() * 1000)


def money(fen: int) -> str:
    """An amount as the API writes it."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"


def declare(tenant: FxiaokeStandin) -> None:
    """Gives the tenant all objects, without a record."""
    for name, fields in OBJECTS.items():
        tenant.declare(name, {**fields, "life_status": LIFE})


def furnish(tenant: FxiaokeStandin) -> Company:
    """Gives the tenant all objects and two years of records."""
    declare(tenant)
    chance = random.Random(20260601)
    company = Company()
    products = [
        _put(
            tenant,
            "ProductObj",
            FIRST_DAY,
            name=f"产品 {number}",
            product_code=f"P-{number:03}",
            category=str(1 + number % 3),
            price=money(10_000 * (1 + number)),
        )
        for number in range(12)
    ]
    for kind, (count, pause, amount, age) in KINDS.items():
        for number in range(count):
            account = _account(tenant, chance, kind, number, company)
            if pause:
                _orders(tenant, chance, company, account, products, pause, amount, age)
            _talks(tenant, chance, account, kind)
    _events(tenant)
    _leads(tenant)
    return company


def _put(
    tenant: FxiaokeStandin, name: str, day: dt.date, hour: int = 9, /, **values: Any
) -> str:
    """A record that was entered on a day and not changed since."""
    entered = moment(day, hour)
    values = {"create_time": entered, "last_modified_time": entered, **values}
    return tenant.put(name, **values)


def _account(
    tenant: FxiaokeStandin,
    chance: random.Random,
    kind: str,
    number: int,
    company: Company,
) -> str:
    serial = len(company.accounts)
    account = _put(
        tenant,
        "AccountObj",
        FIRST_DAY,
        name=f"{('上海', '江苏', '浙江')[serial % 3]}第{serial}设备有限公司",
        account_no=f"C{serial:05}",
        account_source=str(1 + serial % 3),
        industry_level1=str(1 + serial % 3),
        uniform_social_credit_code=f"91310000MA1K{serial:06}",
        tel=f"021-5{serial:07}",
        country="1",
        province=str(1 + serial % 3),
        city=str(1 + serial % 3),
        owner=[str(1000 + serial % 4)],
        account_level="1" if kind == "key" else "2",
    )
    company.accounts[account] = kind
    company.revenue[account] = 0
    _put(
        tenant,
        "ContactObj",
        FIRST_DAY,
        name=f"联系人{serial}",
        account_id=account,
        job_title="采购经理",
        primary_contact=str(1 + number % 2),
        mobile1=f"138{serial:08}",
        owner=["1000"],
    )
    return account


def _orders(
    tenant: FxiaokeStandin,
    chance: random.Random,
    company: Company,
    account: str,
    products: list[str],
    pause: int,
    amount: int,
    age: int,
) -> None:
    day = FIRST_DAY + dt.timedelta(chance.randrange(pause))
    last = LAST_DAY - dt.timedelta(age)
    while day <= last:
        lines = []
        for _ in range(chance.randint(1, 3)):
            quantity = chance.randint(1, 9)
            price = max(1, round(amount * 100 * chance.uniform(0.6, 1.4) / 10))
            lines.append((chance.choice(products), quantity, price))
        total = sum(quantity * price for _, quantity, price in lines)
        number = len(tenant.objects["SalesOrderObj"])
        # Of ten orders one has a discount on the whole.
        amount_due = total * 97 // 100 if number % 10 == 3 else total
        # Of twenty orders one is not approved yet, and one was cancelled.
        state = chance.choice(["normal"] * 18 + ["under_review", "invalid"])
        order = _put(
            tenant,
            "SalesOrderObj",
            day,
            name=f"SO{day:%Y%m%d}-{number:04}",
            account_id=account,
            order_time=moment(day),
            order_amount=money(amount_due),
            product_amount=money(total),
            order_status="1",
            life_status=state,
        )
        for product, quantity, price in lines:
            _put(
                tenant,
                "SalesOrderProductObj",
                day,
                order_id=order,
                product_id=product,
                quantity=str(quantity),
                sales_price=money(price),
                subtotal=money(quantity * price),
            )
        if state == "normal":
            company.revenue[account] += amount_due
            paid = day + dt.timedelta(20)
            if paid <= LAST_DAY:
                _put(
                    tenant,
                    "PaymentObj",
                    paid,
                    name=f"HK-{order[-6:]}",
                    account_id=account,
                    payment_time=moment(paid),
                    payment_amount=money(amount_due),
                )
            if chance.random() < 0.05:
                back = total // 4
                company.revenue[account] -= back
                _put(
                    tenant,
                    "ReturnedGoodsInvoiceObj",
                    day,
                    name=f"TH-{order[-6:]}",
                    account_id=account,
                    order_id=order,
                    returned_goods_inv_amount=money(back),
                    returned_goods_time=moment(day),
                )
        day += dt.timedelta(max(1, round(pause * chance.uniform(0.7, 1.3))))


def _talks(
    tenant: FxiaokeStandin, chance: random.Random, account: str, kind: str
) -> None:
    """Visits and calls, tickets and marks, and a deal that is open or was won."""
    for month in range(24):
        day = FIRST_DAY + dt.timedelta(30 * month + chance.randrange(28))
        if chance.random() < {"key": 0.9, "prospect": 0.4}.get(kind, 0.2):
            _put(
                tenant,
                "ActiveRecordObj",
                day,
                account_id=account,
                interactive_types=str(chance.randint(1, 3)),
                owner=["1001"],
            )
        if kind != "prospect" and chance.random() < 0.1:
            case = _put(
                tenant,
                "CasesObj",
                day,
                name=f"GD{len(tenant.objects['CasesObj']):06}",
                account_id=account,
                field_pr1Ty__c=str(chance.randint(1, 3)),
                field_cAt1g__c=str(chance.randint(1, 2)),
                field_c0mPl__c=chance.random() < 0.2,
                field_r3sLv__c=moment(day, 9 + chance.randint(1, 12)),
                field_du3Tm__c=moment(day, 17),
            )
            score = str(chance.randint(2, 5))
            values = {"account_id": account, "case_id": case, SCORE_FIELD: score}
            _put(tenant, "AppraiseObj", day, 22, **values)
    is_open = kind in {"growth", "prospect"}
    _put(
        tenant,
        "NewOpportunityObj",
        LAST_DAY - dt.timedelta(40),
        name="年度设备更新",
        account_id=account,
        sales_stage="2",
        sales_status="1" if is_open else "2",
        amount=money(20_000_000 if kind == "growth" else 5_000_000),
        probability="60.00" if is_open else "100.00",
        close_date=moment(LAST_DAY + dt.timedelta(45 if is_open else -5)),
        owner=["1000"],
    )


def _events(tenant: FxiaokeStandin) -> None:
    for number, day in enumerate([dt.date(2024, 9, 10), dt.date(2025, 9, 9)]):
        _put(
            tenant,
            "MarketingEventObj",
            day,
            name=f"工博会 {day.year}",
            event_type=str(1 + number),
            begin_time=moment(day),
            end_time=moment(day + dt.timedelta(4)),
            actual_cost="80000.00",
        )


def _leads(tenant: FxiaokeStandin) -> None:
    for number in range(15):
        _put(
            tenant,
            "LeadsObj",
            LAST_DAY - dt.timedelta(10 + number),
            name=f"线索{number}",
            company=f"广州新{number}贸易有限公司",
            leads_status=str(1 + number % 4),
            owner=["1002"],
        )
    # The telephone of the second account's contact, under a name of no customer's.
    _put(
        tenant,
        "LeadsObj",
        LAST_DAY - dt.timedelta(5),
        name="王先生",
        company="某贸易商行",
        mobile="+86 138 0000 0001",
        leads_status="1",
        owner=["1002"],
    )
