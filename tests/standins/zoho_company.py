"""A company that works with Zoho: two years of sixty accounts, made by a fixed rule.

What each account is worth is given by its kind, so that a test can say who should be where
in the tiers. Names and values are made up; which fields a module has is [D]. Not here: the
services.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.standins.zoho_crm import ZohoCrm, field_of
from tests.standins.zoho_desk import ZohoDesk, written

CHINA = dt.timezone(dt.timedelta(hours=8))
FIRST_DAY, LAST_DAY = dt.date(2024, 6, 1), dt.date(2026, 5, 31)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
USERS = [f"73283950000006050{number:02}" for number in range(4)]

# Kind → how many accounts, days between orders, amount of an order; the last order's age.
KINDS: Mapping[str, tuple[int, int, int, int]] = {
    "key": (6, 10, 60_000, 0),
    "growth": (10, 25, 15_000, 0),
    "standard": (24, 60, 4_000, 0),
    "dormant": (10, 45, 6_000, 300),
    "prospect": (10, 0, 0, 0),
}

_SOURCES = ["Trade Show", "Web Research", "Partner"]
_INDUSTRIES = ["Electronics", "Machinery", "Food"]
_CENT = Decimal("0.01")
_MONEY = [
    field_of(name, "currency")
    for name in ("Sub_Total", "Discount", "Tax", "Adjustment", "Grand_Total")
]


@dataclass
class Company:
    """What the services hold, for a test to compare with.

    Attributes:
        accounts: Id → kind.
        revenue: Id → sum of its orders without tax, in cents.
        tickets: Id of the account → tickets of the desk.
    """

    accounts: dict[str, str] = field(default_factory=dict)
    revenue: dict[str, int] = field(default_factory=dict)
    tickets: dict[str, int] = field(default_factory=dict)


def declare(crm: ZohoCrm) -> None:
    """Gives the organisation all modules, without a record."""
    account = field_of("Account_Name", "lookup", lookup="Accounts")
    activity = [
        field_of("What_Id", "lookup", lookup="se_module"),
        field_of("Who_Id", "lookup", lookup="Contacts"),
    ]
    seen = field_of("Last_Activity_Time", "datetime")
    crm.define(
        "Accounts",
        field_of("Account_Name"),
        field_of("Parent_Account", "lookup", lookup="Accounts"),
        field_of("Industry", "picklist", options=_INDUSTRIES),
        field_of("Rating", "picklist", options=["Acquired", "Active"]),
        field_of("Annual_Revenue", "currency"),
        field_of("Employees", "integer"),
        field_of("Phone", "phone"),
        field_of("Website", "website"),
        *(
            field_of(f"Billing_{name}")
            for name in ("Street", "City", "State", "Code", "Country")
        ),
        field_of("Tax_Number", custom_field=True),
    )
    crm.define(
        "Contacts",
        *map(field_of, ("First_Name", "Last_Name", "Full_Name", "Title")),
        account,
        field_of("Email", "email"),
        field_of("Phone", "phone"),
        field_of("Mobile", "phone"),
        seen,
    )
    crm.define(
        "Leads",
        field_of("Company"),
        field_of("Full_Name"),
        field_of("Email", "email"),
        field_of("Phone", "phone"),
        field_of("Mobile", "phone"),
        field_of("Lead_Status", "picklist", options=["Contacted", "Junk Lead"]),
        field_of("Lead_Source", "picklist", options=_SOURCES),
        field_of("Industry", "picklist", options=_INDUSTRIES),
        field_of("Annual_Revenue", "currency"),
        field_of("Converted__s", "boolean"),
        field_of("Converted_Date_Time", "datetime"),
        field_of("Converted_Account", "lookup", lookup="Accounts"),
        seen,
    )
    crm.define(
        "Deals",
        field_of("Deal_Name"),
        account,
        field_of(
            "Stage",
            "picklist",
            options=["Qualification", "Negotiation", "Closed Won", "Closed Lost"],
        ),
        field_of("Amount", "currency"),
        field_of("Probability", "integer"),
        field_of("Closing_Date", "date"),
        seen,
    )
    crm.define(
        "Products",
        field_of("Product_Name"),
        field_of("Product_Code"),
        field_of("Product_Category", "picklist", options=["Pumps", "Valves"]),
        field_of("Unit_Price", "currency"),
    )
    crm.define(
        "Ordered_Items",
        field_of("Product_Name", "lookup", lookup="Products"),
        field_of("Quantity", "double"),
        field_of("List_Price", "currency"),
        field_of("Discount", "currency"),
        parent="Sales_Orders",
    )
    crm.define(
        "Sales_Orders",
        field_of("SO_Number", "autonumber"),
        field_of("Subject"),
        account,
        field_of("Status", "picklist", options=["Created", "Delivered", "Cancelled"]),
        *_MONEY,
        field_of("Order_Date", "date", custom_field=True),
        field_of("Ordered_Items", "subform"),
    )
    crm.define(
        "Invoices",
        field_of("Invoice_Number", "autonumber"),
        account,
        field_of("Sales_Order", "lookup", lookup="Sales_Orders"),
        field_of("Invoice_Date", "date"),
        field_of("Due_Date", "date"),
        field_of("Status", "picklist", options=["Created", "Delivered"]),
        field_of("Tax", "currency"),
        field_of("Grand_Total", "currency"),
    )
    crm.define(
        "Cases",
        field_of("Case_Number", "autonumber"),
        account,
        field_of("Status", "picklist", options=["New", "Closed"]),
        field_of("Priority", "picklist", options=["High", "Medium", "Low"]),
        field_of("Type", "picklist", options=["Problem", "Question"]),
        field_of("Case_Origin", "picklist", options=["Email", "Phone"]),
    )
    crm.define(
        "Calls",
        field_of("Subject"),
        field_of("Call_Start_Time", "datetime"),
        field_of("Call_Duration_in_seconds", "integer"),
        *activity,
    )
    crm.define(
        "Events",
        field_of("Event_Title"),
        field_of("Start_DateTime", "datetime"),
        field_of("End_DateTime", "datetime"),
        field_of("Check_In_Time", "datetime"),
        *activity,
    )
    crm.define(
        "Campaigns",
        field_of("Campaign_Name"),
        field_of("Type", "picklist", options=_SOURCES),
        field_of("Start_Date", "date"),
        field_of("End_Date", "date"),
        field_of("Actual_Cost", "currency"),
    )
    crm.users = [
        {"id": key, "full_name": f"User {number}", "email": f"u{number}@example.cn"}
        for number, key in enumerate(USERS)
    ]


def furnish(crm: ZohoCrm, desk: ZohoDesk) -> Company:
    """Gives the organisation all modules and two years of records."""
    declare(crm)
    chance = random.Random(20260601)
    company = Company()
    products = [
        _put(
            crm,
            "Products",
            FIRST_DAY,
            Product_Name=f"Product {number}",
            Product_Code=f"P-{number:03}",
            Product_Category=("Pumps", "Valves")[number % 2],
            Unit_Price=Decimal(100 * (1 + number)),
        )
        for number in range(12)
    ]
    for kind, (count, pause, amount, age) in KINDS.items():
        for _ in range(count):
            account = _account(crm, desk, kind, company)
            if pause:
                _orders(crm, chance, company, account, products, pause, amount, age)
            _service(crm, desk, chance, company, account, kind)
    for number in range(8):
        source = _SOURCES[number % 3]
        _put(
            crm,
            "Campaigns",
            FIRST_DAY,
            Campaign_Name=f"Campaign {number}",
            Type=source,
            Start_Date=str(FIRST_DAY + dt.timedelta(60 * number)),
            End_Date=str(FIRST_DAY + dt.timedelta(60 * number + 3)),
            Actual_Cost=Decimal(10_000),
        )
    for number in range(10):
        _put(
            crm,
            "Leads",
            LAST_DAY - dt.timedelta(30 + number),
            Company=f"Prospective {number} Ltd",
            Full_Name=f"Person {number}",
            Lead_Status="Junk Lead" if number == 9 else "Contacted",
            Lead_Source=_SOURCES[number % 3],
        )
    # Somebody else at the first account, whom nobody has converted.
    _put(
        crm,
        "Leads",
        LAST_DAY - dt.timedelta(5),
        Company=f"{_word(0)} Pumps Limited",
        Full_Name="Person Elsewhere",
        Email=f"elsewhere@{_word(0).lower()}.example",
        Lead_Status="Contacted",
        Lead_Source=_SOURCES[0],
    )
    return company


def local(day: dt.date, hour: int = 9) -> str:
    """A time of a day in China, as the CRM writes it."""
    return dt.datetime.combine(day, dt.time(hour), CHINA).isoformat()


def _put(crm: ZohoCrm, module: str, day: dt.date, /, **values: Any) -> str:
    """A record that was entered on a day and not changed since."""
    key = crm.put(
        module,
        Owner={"id": USERS[0], "name": "User 0", "email": "u0@example.cn"},
        Modified_Time=local(day),
        **values,
    )
    crm.modules[module].records[key]["Created_Time"] = local(day)
    return key


def _word(number: int) -> str:
    """A name that is unlike that of any other number."""
    syllables = ("ba", "ke", "li", "mo", "nu", "ra", "si", "to")
    digits = (number % 8, (3 * number + number // 8) % 8, (5 * number + 1) % 8)
    own = "".join(syllables[digit] for digit in digits)
    return f"{own}{syllables[number // 8 % 8]}".capitalize()


def _account(crm: ZohoCrm, desk: ZohoDesk, kind: str, company: Company) -> str:
    serial = len(company.accounts)
    word = _word(serial)
    name = f"{word} {('Pumps', 'Tools', 'Foods', 'Paper')[serial % 4]} Ltd"
    account = _put(
        crm,
        "Accounts",
        FIRST_DAY,
        Account_Name=name,
        Industry=_INDUSTRIES[serial % 3],
        Annual_Revenue=Decimal(1_000_000 * (1 + serial % 7)),
        Employees=10 + serial,
        Phone=f"+86 21 5{serial:07}",
        Website=f"https://{word.lower()}.example",
        Billing_City=("Shanghai", "Nanjing", "Hangzhou")[serial % 3],
        Billing_Country="China",
        Tax_Number=f"91310000MA1K{serial:06}",
    )
    company.accounts[account] = kind
    company.revenue[account] = company.tickets[account] = 0
    lookup = {"id": account, "name": name}
    _put(
        crm,
        "Contacts",
        FIRST_DAY,
        Last_Name=f"Person{serial}",
        Full_Name=f"Contact Person{serial}",
        Account_Name=lookup,
        Title="Buyer",
        Mobile=f"138{serial:08}",
    )
    _put(
        crm,
        "Leads",
        FIRST_DAY,
        Company=name,
        Full_Name=f"Contact Person{serial}",
        Lead_Status="Contacted",
        Lead_Source=_SOURCES[serial % 3],
        Converted__s=True,
        Converted_Date_Time=local(FIRST_DAY, 12),
        Converted_Account=lookup,
    )
    if kind != "prospect":
        is_won = serial % 2 == 0
        _put(
            crm,
            "Deals",
            LAST_DAY - dt.timedelta(40),
            Deal_Name=f"Deal {serial}",
            Account_Name=lookup,
            Stage="Closed Won" if is_won else "Negotiation",
            Amount=Decimal(20_000),
            Probability=100 if is_won else 60,
            Closing_Date=str(LAST_DAY + dt.timedelta(-30 if is_won else 30)),
        )
    desk.put(
        "accounts",
        f"13299830000004{serial:05}",
        accountName=f"{name} (support)",
        phone=f"+86 21 5{serial:07}",
        email=None,
        website=None,
        zohoCRMAccount={"id": account},
        customerHappiness={
            "badPercentage": "0",
            "okPercentage": "0",
            "goodPercentage": "0",
        },
    )
    return account


def _orders(
    crm: ZohoCrm,
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
        lines, total = [], Decimal(0)
        for _ in range(chance.randint(1, 3)):
            quantity = chance.randint(1, 9)
            price = Decimal(round(amount * 10 * chance.uniform(0.6, 1.4))) / 100
            lines.append(
                {
                    "Product_Name": {"id": chance.choice(products), "name": "P"},
                    "Quantity": quantity,
                    "List_Price": price,
                    "Discount": Decimal(0),
                }
            )
            total += quantity * price
        # Of twenty orders one was cancelled.
        state = chance.choice(["Delivered"] * 19 + ["Cancelled"])
        number = len(crm.modules["Sales_Orders"].records)
        # Of ten orders one has a discount on the whole, of seven one a charge.
        discount = (total / 30).quantize(_CENT) if number % 10 == 3 else Decimal(0)
        charge = Decimal("19.99") if number % 7 == 2 else Decimal(0)
        net = total - discount + charge
        tax = (net * Decimal("0.13")).quantize(_CENT)
        # Entered the day after, as a rule.
        entered = min(day + dt.timedelta(1), LAST_DAY)
        order = _put(
            crm,
            "Sales_Orders",
            entered,
            SO_Number=f"SO{number:06}",
            Subject="Order",
            Account_Name={"id": account, "name": "A"},
            Status=state,
            Sub_Total=total,
            Discount=discount,
            Tax=tax,
            Adjustment=charge,
            Grand_Total=net + tax,
            Order_Date=str(day),
            Ordered_Items=lines,
        )
        if state == "Delivered":
            company.revenue[account] += int(100 * net)
            _put(
                crm,
                "Invoices",
                entered,
                Invoice_Number=f"IN-{order[-6:]}",
                Account_Name={"id": account, "name": "A"},
                Sales_Order={"id": order, "name": "SO"},
                Invoice_Date=str(day),
                Due_Date=str(day + dt.timedelta(30)),
                Status="Delivered",
                Tax=tax,
                Grand_Total=net + tax,
            )
        day += dt.timedelta(max(1, round(pause * chance.uniform(0.7, 1.3))))


def _service(
    crm: ZohoCrm,
    desk: ZohoDesk,
    chance: random.Random,
    company: Company,
    account: str,
    kind: str,
) -> None:
    """Calls and meetings, cases of the CRM and tickets of the desk."""
    lookup = {"id": account, "name": "A"}
    desk_account = next(
        one["id"]
        for one in desk.records["accounts"]
        if one["zohoCRMAccount"]["id"] == account
    )
    for month in range(24):
        day = FIRST_DAY + dt.timedelta(30 * month + chance.randrange(28))
        if chance.random() < {"key": 0.9, "prospect": 0.4}.get(kind, 0.2):
            _put(
                crm,
                "Calls",
                day,
                Subject="Call",
                Call_Start_Time=local(day, 10),
                Call_Duration_in_seconds=60 * chance.randint(5, 40),
                What_Id=lookup,
            )
        if kind == "key" and chance.random() < 0.3:
            _put(
                crm,
                "Events",
                day,
                Event_Title="Visit",
                Start_DateTime=local(day, 14),
                End_DateTime=local(day, 16),
                Check_In_Time=local(day, 14),
                What_Id=lookup,
            )
        if kind != "prospect" and chance.random() < 0.05:
            case = _put(
                crm,
                "Cases",
                day,
                Case_Number=f"C{month}",
                Account_Name=lookup,
                # Some are still being worked on.
                Status="New" if len(crm.modules["Cases"].records) % 3 else "Closed",
                Priority="High",
                Type="Problem",
                Case_Origin="Phone",
            )
            crm.modules["Cases"].records[case]["Modified_Time"] = local(day, 18)
        if kind != "prospect" and chance.random() < 0.1:
            company.tickets[account] += 1
            opened = dt.datetime.combine(day, dt.time(9), CHINA)
            closed = opened + dt.timedelta(hours=chance.randint(2, 60))
            desk.put(
                "tickets",
                ticketNumber=str(len(desk.records["tickets"]) + 101),
                subject="Something",
                status="Closed",
                statusType="Closed",
                priority=chance.choice(["High", "Medium", "Low"]),
                channel="Phone",
                classification="Complaint" if chance.random() < 0.2 else "Question",
                category=None,
                accountId=desk_account,
                contactId=None,
                createdTime=written(opened),
                modifiedTime=written(closed),
                closedTime=written(closed),
                dueDate=written(opened + dt.timedelta(hours=48)),
                isTrashed=False,
                isDeleted=False,
                isSpam=False,
                threadCount="2",
                commentCount="0",
            )
