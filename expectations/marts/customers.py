"""What must hold for customers, the records that they are of, and the people at them."""

from __future__ import annotations

from expectations.marts.common import attributed, mart
from expectations.vocabulary import (
    between,
    no_rows,
    one_of,
    row_count,
    unique,
    without_nulls,
)
from pipeline.gates.suite import Suite


def customers() -> Suite:
    """The mart `customers`."""
    return mart(
        "customers",
        ["customer_id"],
        [
            row_count(1, why="a release without customers was not meant"),
            unique("customer_id", why="the grain: one row per customer"),
            one_of(
                "customer_type",
                ["company", "person", "unknown"],
                why="the two types, and lines of unknown customers",
            ),
            between("source_count", 1, None, why="a customer of no record"),
            no_rows(
                "nobody_owns_itself",
                "select customer_id from {batch} "
                "where parent_customer_id = customer_id "
                "or (parent_customer_id is null "
                "and ultimate_parent_customer_id <> customer_id)",
                why="who has no parent is the top of its group, and nobody else's",
            ),
            no_rows(
                "the_top_of_a_group_has_no_parent",
                "select customer_id, ultimate_parent_customer_id from {batch} "
                "where ultimate_parent_customer_id in (select customer_id "
                "from {batch} where parent_customer_id is not null)",
                why="the revenue of its group would be split between two tops",
            ),
            no_rows(
                "nobody_was_won_in_the_future",
                "select customer_id, acquired_on from {batch} where acquired_on > "
                "(select max(as_of_date) from marts.customer_value)",
                why="a refresh knows nothing after its as-of day",
                severity="warning",
            ),
        ],
    )


def customers_private() -> Suite:
    """The mart `customers_private`, which stands in the file that few may read."""
    return mart(
        "customers_private",
        ["customer_id"],
        [
            row_count(1, why="each customer has its row, be nothing kept of it"),
            unique("customer_id", why="the grain: one row per customer"),
        ],
    )


def customer_source_keys() -> Suite:
    """The mart `customer_source_keys`."""
    return mart(
        "customer_source_keys",
        ["source", "source_customer_id"],
        [
            unique(
                "source",
                "source_customer_id",
                why="a source record that is two customers doubles its revenue",
            ),
            between("match_confidence", 0, 1, why="a probability"),
            without_nulls("match_rule", why="a link that nobody can explain"),
            no_rows(
                "unique_keys_stay_apart",
                "select customer_id, source, count(*) as records from {batch} "
                "inner join meta.source_trust using (source) "
                "where keys_are_unique group by all having count(*) > 1",
                why="such a source has no customer twice: two of its records in one "
                "are two customers taken for one",
            ),
        ],
    )


def contacts() -> Suite:
    """The mart `contacts`."""
    return mart(
        "contacts",
        ["contact_id"],
        [
            unique("contact_id", why="the grain: one row per contact"),
            between("influence", 0, 10, why="a mark from 0 to 10"),
            one_of(
                "role",
                ["decision_maker", "influencer", "user", "gatekeeper"],
                why="coverage counts decision makers under this name",
                severity="warning",
            ),
            *attributed("contacts"),
        ],
    )


def account_coverage() -> Suite:
    """The mart `account_coverage`."""
    return mart(
        "account_coverage",
        ["customer_id"],
        [
            unique("customer_id", why="the grain: one row per customer"),
            between("contacts", 1, None, why="an account is here for its contacts"),
            between("influence_coverage", 0, 1, why="a share"),
            no_rows(
                "what_is_covered_is_part_of_what_is_there",
                "select customer_id from {batch} where covered_contacts > contacts "
                "or decision_makers > contacts "
                "or covered_decision_makers > "
                "least(decision_makers, covered_contacts)",
                why="a contact that is counted twice shows here",
            ),
            no_rows(
                "who_covers_somebody_is_named",
                "select customer_id from {batch} where covered_contacts > 0 "
                "and (best_connected_owner is null or owners = 0)",
                why="covered means that one of us knows the contact",
            ),
        ],
    )


def customer_groups() -> Suite:
    """The mart `customer_groups`."""
    return mart(
        "customer_groups",
        ["ultimate_parent_customer_id"],
        [
            between("members", 2, None, why="one customer alone is no group"),
            no_rows(
                "members_are_those_of_the_group",
                "select groups.ultimate_parent_customer_id, groups.members, "
                "groups.revenue, sum(valued.revenue) as summed from {batch} as groups "
                "inner join marts.customers as customers "
                "using (ultimate_parent_customer_id) "
                "inner join marts.customer_value as valued "
                "on customers.customer_id = valued.customer_id "
                "group by all having count(*) <> groups.members "
                "or sum(valued.revenue) <> groups.revenue",
                why="a group is the sum of its members, to the last decimal",
            ),
        ],
    )


def customer_360() -> Suite:
    """The mart `customer_360`."""
    return mart(
        "customer_360",
        ["customer_id"],
        [
            unique("customer_id", why="the grain: one row per customer"),
            no_rows(
                "it_has_every_customer",
                "select customer_id from marts.customers "
                "anti join {batch} using (customer_id)",
                why="whom the list leaves out nobody looks after",
            ),
            no_rows(
                "every_code_has_its_words",
                "select customer_id, lifecycle_stage, rfm_segment, "
                "weakest_health_factor from {batch} where lifecycle_stage_en is null "
                "or lifecycle_stage_zh is null or rfm_segment_zh is null "
                "or customer_type_zh is null or (weakest_health_factor is not null "
                "and weakest_health_factor_zh is null)",
                why="readers of the other language see nothing; a segment or factor of "
                "your own needs its names in its seed, a stage in code_labels.csv",
                severity="warning",
            ),
        ],
    )


SUITES = [
    customers,
    customer_source_keys,
    contacts,
    account_coverage,
    customer_groups,
    customer_360,
]
