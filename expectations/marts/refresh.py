"""What must hold for `meta`: reconciliation, drift, quality and cost pools."""

from __future__ import annotations

from expectations.marts.common import STOPPING_DRIFT
from expectations.vocabulary import no_rows, row_count, unique
from pipeline.gates.suite import Suite


def model_quality() -> Suite:
    """The table `meta.model_quality`."""
    return Suite(
        subject="meta.model_quality",
        schema="meta",
        table="model_quality",
        key=["refresh_id", "model", "metric", "subject"],
        expectations=[
            no_rows(
                "an_auc_is_a_chance",
                "select metric, subject, value from {batch} "
                "where model = 'health' and value not between 0 and 1 "
                "and metric <> 'customers'",
                why="it is the chance that two customers are told apart rightly",
            ),
            no_rows(
                "health_tells_more_than_recency",
                "select health.subject, health.value as auc, "
                "recency.value as auc_of_recency from {batch} as health "
                "inner join {batch} as recency "
                "on health.refresh_id = recency.refresh_id "
                "and health.subject = recency.subject "
                "and recency.model = 'health' "
                "and recency.metric = 'auc_recency_baseline' "
                "where health.model = 'health' and health.metric = 'auc' "
                "and health.subject in ('company', 'person') "
                "and health.refresh_id = (select max(refresh_id) from {batch}) "
                "and (health.value < recency.value or health.value < 0.5)",
                why="where the days since the last order tell better who will buy "
                "nothing, nobody should call customers by their health. The "
                "demonstration's health is worse for both types (2026-11-22): its "
                "tickets are of other people, and its persons come back after years",
                severity="warning",
            ),
        ],
    )


def quality_checks() -> Suite:
    """The table `meta.quality_checks`."""
    return Suite(
        subject="meta.quality_checks",
        schema="meta",
        table="quality_checks",
        key=["model", "metric", "subject", "severity"],
        expectations=[
            row_count(1, why="without a figure no model was looked at"),
            *(
                no_rows(
                    name,
                    "select model, metric, subject, value, least, most, why "
                    "from {batch} where outcome = 'outside' "
                    f"and severity = 'critical' and {which}",
                    why=why,
                    acceptable=True,
                )
                for name, which, why in (
                    (
                        "quality_of_predictions",
                        "model like 'value of %'",
                        "forecasts must prove themselves on the company's own past "
                        "before anyone may read them",
                    ),
                    (
                        "quality_of_identity",
                        "model = 'identity'",
                        "customers that are joined wrongly are graded wrongly",
                    ),
                    (
                        "quality_of_tiers",
                        "model = 'tiers'",
                        "nobody acts on a tier that is another one next month",
                    ),
                    (
                        "quality_of_other_models",
                        "model not like 'value of %' "
                        "and model not in ('identity', 'tiers')",
                        "a bound that a business has made critical stops, too",
                    ),
                )
            ),
            no_rows(
                "quality",
                "select model, metric, subject, value, least, most, why "
                "from {batch} where outcome = 'outside' and severity = 'warning'",
                why="the bound and its reason stand in the seed quality_bounds",
                severity="warning",
            ),
        ],
    )


def cost_pools() -> Suite:
    """The table `meta.cost_pools`."""
    return Suite(
        subject="meta.cost_pools",
        schema="meta",
        table="cost_pools",
        key=["cost_pool"],
        expectations=[
            unique("cost_pool", why="the grain: one row per cost pool"),
            row_count(7, 7, why="the seven costs of the formula of profit"),
            no_rows(
                "every_cent_of_cost_is_somewhere",
                "select cost_pool, pool_amount, allocated_amount, "
                "unallocated_amount, difference from {batch} "
                "where difference <> 0",
                why="what was spent stands at a customer or at nobody, and once: a "
                "join that doubles or loses makes customers look dear or cheap",
            ),
            no_rows(
                "every_fact_has_a_rate",
                "select cost_pool, unpriced_facts from {batch} "
                "where unpriced_facts > 0",
                why="cost_rates has a gap: it needs a row for this key and day, or "
                "`*`; without it serving costs nothing",
                severity="warning",
            ),
        ],
    )


def drift() -> Suite:
    """The table `meta.drift`."""
    return Suite(
        subject="meta.drift",
        schema="meta",
        table="drift",
        key=["mart", "metric", "subject"],
        expectations=[
            row_count(1, why="without a single figure nothing was compared"),
            no_rows(
                "drift_of_other_metrics",
                "select mart, metric, subject, reason from {batch} "
                "where outcome = 'outside' and severity = 'critical' and not ("
                + " or ".join(
                    f"mart = '{mart}' and metric in ("
                    + ", ".join(f"'{metric}'" for metric in metrics)
                    + ")"
                    for mart, metrics in STOPPING_DRIFT.items()
                )
                + ")",
                why="a column that has become empty, or another bound that a "
                "business has made critical in drift_bounds",
                acceptable=True,
            ),
            no_rows(
                "drift_of_other_marts",
                "select mart, metric, subject, reason from {batch} "
                "where outcome = 'outside' and severity = 'warning' "
                "and mart not in ("
                + ", ".join(f"'{mart}'" for mart in STOPPING_DRIFT)
                + ")",
                why="not as usual; somebody should know why. docs/gates.md says what "
                "each metric is",
                severity="warning",
            ),
        ],
    )


def domain_checks() -> Suite:
    """The table `meta.domain_checks`."""
    return Suite(
        subject="meta.domain_checks",
        schema="meta",
        table="domain_checks",
        key=["source", "entity", "column_name", "column_value"],
        expectations=[
            no_rows(
                "values_mean_what_they_say",
                "select source, entity, column_name, problem, column_value, "
                "value_rows, problem_rows, different_values from {batch} "
                "order by problem_rows desc, value_rows desc",
                why="-1 for unknown, a chance of 90 instead of .9, the year 24: set it "
                "to null in staging, or mend the source",
                severity="warning",
            ),
        ],
    )


def landing_reconciliation() -> Suite:
    """The table `meta.landing_reconciliation`."""
    return Suite(
        subject="meta.landing_reconciliation",
        schema="meta",
        table="landing_reconciliation",
        key=["source", "landed_entity", "entity"],
        expectations=[
            row_count(1, why="something must have been read"),
            no_rows(
                "every_row_read_is_accounted_for",
                "select * from {batch} where landing_difference <> 0",
                why="what was read has landed, or says why not, and of what landed "
                "the newest row of each key counts",
            ),
            no_rows(
                "staging_gives_every_row",
                "select source, landed_entity, entity, taken_rows, staged_rows, "
                "row_difference from {batch} where row_difference <> 0",
                why="a join in staging loses or doubles rows; or mend `becomes` in "
                "sources.yaml, where staging leaves rows out on purpose",
            ),
            no_rows(
                "staging_gives_every_cent",
                "select source, landed_entity, entity, taken_amount, staged_amount, "
                "amount_difference from {batch} where amount_difference <> 0",
                why="the money of the landed rows is the money of staging, to the "
                "last decimal",
            ),
            no_rows(
                "what_is_staged_is_declared",
                "select source, entity, staged_rows from meta.reconciliation "
                "where staged_rows > 0 and (source, entity) not in "
                "(select (source, entity) from {batch})",
                why="without `becomes` in sources.yaml nobody can tell whether "
                "staging lost rows",
                severity="warning",
            ),
        ],
    )


def reconciliation() -> Suite:
    """The table `meta.reconciliation`."""
    return Suite(
        subject="meta.reconciliation",
        schema="meta",
        table="reconciliation",
        key=["source", "entity", "currency"],
        expectations=[
            row_count(1, why="something must have been compared"),
            no_rows(
                "every_row_is_accounted_for",
                "select source, entity, currency, staged_rows, forgotten_rows, "
                "later_rows, mart_rows from {batch} where row_difference <> 0",
                why="what a source gave is in the marts, or after the as-of day",
            ),
            no_rows(
                "every_cent_is_accounted_for",
                "select source, entity, currency, staged_amount, later_amount, "
                "mart_amount from {batch} where amount_difference <> 0",
                why="what a source gave is in the marts, or after the as-of day",
            ),
            no_rows(
                "every_amount_has_a_rate",
                "select source, entity, currency, unpriced_rows from {batch} "
                "where unpriced_rows > 0",
                why="an amount without a rate is missing from every sum",
            ),
            no_rows(
                "the_reporting_currency_is_not_converted",
                "select source, entity, mart_amount, reporting_amount from {batch} "
                "where entity = 'order_lines' "
                "and currency = (select max(currency) from marts.order_lines) "
                "and mart_amount <> reporting_amount",
                why="what needs no rate is the same money before and after, to the "
                "last decimal",
            ),
        ],
    )


def mart_reconciliation() -> Suite:
    """The table `meta.mart_reconciliation`."""
    return Suite(
        subject="meta.mart_reconciliation",
        schema="meta",
        table="mart_reconciliation",
        key=["figure", "from_mart", "to_mart"],
        expectations=[
            row_count(13, 13, why="every pair of marts was compared"),
            no_rows(
                "the_marts_tell_one_story",
                "select * from {batch} where difference <> 0",
                why="the same money and the same customers in every mart, to the "
                "last decimal",
            ),
        ],
    )


SUITES = [
    model_quality,
    domain_checks,
    quality_checks,
    cost_pools,
    drift,
    landing_reconciliation,
    reconciliation,
    mart_reconciliation,
]
