"""Who was joined by what: the records of a customer and its links, as a tree.

The customers on whose least certain link the most money hangs, and what each was kept
apart from. Not here: how records are joined (`identity`) and how a tree is drawn (the
template).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from pipeline.reports import queries
from pipeline.reports.customers import CALLED
from pipeline.reports.queries import Row

MAX_CUSTOMERS: Final = 3
MAX_RECORDS: Final = 10  # of a customer; `explain --identity` has all of them
MAX_REFUSED: Final = 3  # the links of a customer that were not made, likewise

# A rule of the seed match_rules, or what else joins, in Chinese; one of a business's own
# stands as it is.
RULES_ZH: Final = {
    "decision of a person": "人工决定",
    "registration number": "注册号相同",
    "cross-reference": "系统间引用",
    "e-mail and name": "邮箱与名称",
    "e-mail and person": "邮箱与姓名",
    "phone and name": "电话与名称",
    "phone and person": "电话与姓名",
    "domain and name": "域名与名称",
    "name and postal code": "名称与邮编",
    "name, birth date and postal code": "姓名、生日与邮编",
    "probability": "模型评分",
}
REASONS_ZH: Final = {
    "their registration numbers contradict": "注册号相互矛盾",
    "their birth dates contradict": "出生日期相互矛盾",
    "their generation suffixes contradict": "辈分后缀相互矛盾",
    "their genders contradict": "性别相互矛盾",
    "the numbers in their names differ": "名称中的数字不同",
    "their names are of two organisations or campuses": "名称属于两个机构或校区",
    "a household: one family name, two given names": "同姓不同名，可能是一家人",
    "one of them is a junior, a senior or a third": "其中一人带有辈分后缀",
    "not sure enough to link": "把握不足，未合并",
    "a person has called them different": "已由人工判定为不同客户",
    "they hold two records of a source whose keys are unique": (
        "同一来源的两条记录，其主键唯一"
    ),
    "the group is large and the link is not strong enough to make it larger": (
        "客户记录已多，此依据不足以再合并"
    ),
}


@dataclass
class Node:
    """A record, by what it was joined, and what hangs on it.

    Attributes:
        source: The source that has it.
        key: Its key there.
        name: Its name as it is stored, masked for a person; none where it has none.
        rule: What joins it to the record above it; none for the first one.
        rule_zh: The same in Chinese.
        probability: How sure that is.
        reason: Why it is not joined after all; none where it is.
        reason_zh: The same in Chinese.
        customer_id: The customer that it belongs to instead.
        below: The records that hang on it.
    """

    source: str
    key: str
    name: str | None
    rule: str | None = None
    rule_zh: str | None = None
    probability: float | None = None
    reason: str | None = None
    reason_zh: str | None = None
    customer_id: str | None = None
    below: list[Node] = field(default_factory=list)

    def said(self, what: str, language: str) -> str | None:
        """The `rule` or the `reason` in a language; in English where it has no other."""
        english: str | None = getattr(self, what)
        chinese: str | None = getattr(self, f"{what}_zh")
        return chinese if language == "zh" and chinese else english


@dataclass(frozen=True)
class Joined:
    """A customer of several records.

    Attributes:
        customer: customer_id, customer_name, customer_type, country, revenue_12m, records,
            sources and least_probability.
        tree: Its records from one end of the least certain link on.
        left_out: How many of its records the tree does not show.
        refused_left_out: How many links that were not made the tree does not show.
    """

    customer: Row
    tree: Node
    left_out: int
    refused_left_out: int


def collect(connection: duckdb.DuckDBPyConnection) -> list[Joined]:
    """The customers that are most worth a look, the most money at stake first.

    Money at stake is the revenue of 12 months times what the least certain link lacks to
    certainty; of customers without any, those of the most records.

    Args:
        connection: To the release's `warehouse.duckdb`.

    Returns:
        At most `MAX_CUSTOMERS`; none where no customer has two records, or where the
        release is of before the links were kept with their names.
    """
    if not queries.has_column(connection, "meta", "identity_links", "left_name"):
        return []
    chosen = queries.rows(
        connection,
        f"""
        with held as (
            select
                customer_id,
                count(*) + 1 as records,
                min(probability) as least_probability
            from meta.identity_links
            group by customer_id
        ),

        origins as (
            select customer_id, count(distinct source) as sources
            from marts.customer_source_keys
            group by customer_id
        )

        select
            customers.customer_id,
            {CALLED} as customer_name,
            customers.customer_type,
            customers.country,
            customer_value.revenue_12m,
            held.records,
            coalesce(origins.sources, 1) as sources,
            held.least_probability
        from held
        inner join marts.customers on held.customer_id = customers.customer_id
        left join marts.customer_value on held.customer_id = customer_value.customer_id
        left join origins on held.customer_id = origins.customer_id
        order by
            greatest(coalesce(customer_value.revenue_12m, 0), 0)
            * (1 - held.least_probability) desc,
            held.records desc,
            held.least_probability,
            customers.customer_id
        limit ?
        """,
        [MAX_CUSTOMERS],
    )
    return [_joined(connection, customer) for customer in chosen]


def _joined(connection: duckdb.DuckDBPyConnection, customer: Row) -> Joined:
    customer_id = customer["customer_id"]
    links = queries.rows(
        connection,
        """
        select * from meta.identity_links
        where customer_id = ?
        order by
            probability, left_source, left_customer_id, right_source, right_customer_id
        """,
        [customer_id],
    )
    refused = queries.rows(
        connection,
        """
        select * from meta.match_candidates
        where customer_id = $1 or other_customer_id = $1
        order by is_doubt desc, revenue_at_stake desc, customer_id, other_customer_id
        """,
        [customer_id],
    )
    nodes = tree(links)
    root = nodes[0]
    visible = {(node.source, node.key): node for node in nodes[:MAX_RECORDS]}
    _prune(root, visible)
    drawn = _refuse(visible, refused, customer_id)
    return Joined(
        customer, root, len(nodes) - len(visible), max(0, len(refused) - drawn)
    )


def tree(links: Sequence[Mapping[str, object]]) -> list[Node]:
    """The records that links hold together, the nearest to the first link first.

    Args:
        links: Rows of `meta.identity_links` of one customer, the least certain first.

    Returns:
        The nodes, each after the one that it hangs on; the first is the root.
    """
    beside: dict[tuple[str, str], list[tuple[Node, Mapping[str, object]]]] = {}
    for link in links:
        ends = [_end(link, side) for side in ("left", "right")]
        for here, there in (ends, ends[::-1]):
            beside.setdefault((here.source, here.key), []).append((there, link))
    root = _end(links[0], "left")
    found = {(root.source, root.key): root}
    queue = [root]
    for node in queue:
        for other, link in beside[node.source, node.key]:
            if (other.source, other.key) in found:
                continue
            rule = str(link["match_rule"])
            below = Node(
                other.source,
                other.key,
                other.name,
                rule,
                RULES_ZH.get(rule, rule),
                float(str(link["probability"])),
            )
            found[other.source, other.key] = below
            node.below.append(below)
            queue.append(below)
    return queue


def _end(link: Mapping[str, object], side: str) -> Node:
    name = link[f"{side}_name"]
    return Node(
        str(link[f"{side}_source"]),
        str(link[f"{side}_customer_id"]),
        None if name is None or not str(name).strip() else str(name),
    )


def _prune(root: Node, visible: Mapping[tuple[str, str], Node]) -> None:
    for node in _all(root):
        node.below = [each for each in node.below if (each.source, each.key) in visible]


def _all(node: Node) -> Iterable[Node]:
    yield node
    for below in node.below:
        yield from _all(below)


def _refuse(
    visible: Mapping[tuple[str, str], Node], refused: Sequence[Row], customer_id: str
) -> int:
    """Hangs what was refused on the records that are there; returns how many."""
    drawn = 0
    for pair in refused:
        if drawn == MAX_REFUSED:
            break
        mine, other = ("left", "right")
        other_id = pair["other_customer_id"]
        if pair["customer_id"] != customer_id:
            mine, other, other_id = "right", "left", pair["customer_id"]
        node = visible.get((pair[f"{mine}_source"], pair[f"{mine}_customer_id"]))
        if node is None:
            continue
        end = _end(pair, other)
        rule = str(pair["match_rule"])
        node.below.append(
            Node(
                end.source,
                end.key,
                end.name,
                rule,
                RULES_ZH.get(rule, rule),
                float(pair["probability"]),
                pair["reason"],
                REASONS_ZH.get(pair["reason"]),
                other_id,
            )
        )
        drawn += 1
    return drawn
