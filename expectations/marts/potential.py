"""What must hold for leads and offers."""

from __future__ import annotations

from expectations.marts.common import currencies, mart, setting
from expectations.vocabulary import between, no_rows, unique
from pipeline.gates.suite import Suite


def leads() -> Suite:
    """The mart `leads`."""
    return mart(
        "leads",
        ["lead_id"],
        [
            unique("lead_id", why="the grain: one row per lead"),
            between("probability", 0, 1, why="a probability"),
            no_rows(
                "what_is_not_open_has_a_stage",
                "select lead_id from {batch} "
                "where stage is null and not coalesce(is_open, false)",
                why="how it ended is told by it; of a deal that was closed after the "
                "as-of day the stage is not known yet",
            ),
            currencies("source_currency", ["lead_id"]),
            no_rows(
                "amounts_are_converted",
                "select lead_id, source_currency, created_on from {batch} "
                "where source_amount is not null and amount is null",
                why="a missing rate would lose the deal from the pipeline",
            ),
            no_rows(
                "what_is_closed_is_not_open",
                "select lead_id from {batch} "
                "where is_open and (probability = 1 or created_on > "
                "(select max(as_of_date) from marts.customer_value))",
                why="a deal that is won, or of the future, is no pipeline",
            ),
        ],
    )


def lead_scores() -> Suite:
    """The mart `lead_scores`."""
    return mart(
        "lead_scores",
        ["lead_id"],
        [
            unique("lead_id", why="the grain: one row per open lead"),
            between("score", 0, 10, why="scores run from 0 to 10"),
            between("score_coverage", 0, 1, why="a share"),
            no_rows(
                "every_open_lead_has_a_score",
                "select leads.lead_id, scores.score from marts.leads as leads "
                "full join {batch} as scores on leads.lead_id = scores.lead_id "
                "where coalesce(leads.is_open, false) "
                "<> (scores.lead_id is not null)",
                why="a lead without a score is at the end of nobody's list",
            ),
            no_rows(
                "contributions_sum_to_the_score",
                "select scores.lead_id, max(scores.score) as score, "
                "sum(factors.contribution) as contributed from {batch} as scores "
                "inner join marts.lead_score_factors as factors "
                "on scores.lead_id = factors.lead_id group by scores.lead_id "
                "having max(scores.score) <> sum(factors.contribution)",
                why="a score that its factors do not explain, to the last decimal",
            ),
        ],
    )


def lead_score_factors() -> Suite:
    """The mart `lead_score_factors`."""
    return mart(
        "lead_score_factors",
        ["lead_id", "factor"],
        [
            unique("lead_id", "factor", why="the grain: one row per factor"),
            between("score", 0, 10, why="anchors lie between 0 and 10"),
            between("weight", 0, 1, why="a share"),
        ],
    )


def next_best_offers() -> Suite:
    """The mart `next_best_offers`."""
    return mart(
        "next_best_offers",
        ["customer_id", "category"],
        [
            unique("customer_id", "category", why="the grain: one row per offer"),
            unique("customer_id", "rank", why="one best offer a customer"),
            between("confidence", 0, 1, why="a share"),
            no_rows(
                "an_offer_is_associated_supported_and_no_loss",
                "select customer_id, category, lift, support, expected_margin "
                "from {batch} "
                f"where lift <= {setting('potential.min_lift')} "
                f"or support < {setting('potential.min_support')} "
                "or expected_revenue <= 0 or expected_margin <= 0",
                why="what the seed says an offer must be",
            ),
            no_rows(
                "nothing_is_offered_for_its_own_sake",
                "select customer_id, category from {batch} where category = because_of",
                why="a category is no reason for itself",
            ),
        ],
    )


SUITES = [leads, lead_scores, lead_score_factors, next_best_offers]
