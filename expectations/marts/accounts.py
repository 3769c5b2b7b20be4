"""What must hold for the account matrix and the accounts' figures."""

from __future__ import annotations

from expectations.marts.common import mart, setting
from expectations.vocabulary import between, no_rows, unique
from pipeline.gates.suite import Suite


def account_matrix() -> Suite:
    """The mart `account_matrix`."""
    return mart(
        "account_matrix",
        ["customer_id"],
        [
            unique("customer_id", why="the grain: one row per key account"),
            between("attractiveness", 0, 10, why="scores run from 0 to 10"),
            between("relative_strength", 0, 10, why="scores run from 0 to 10"),
            no_rows(
                "rated_or_said_why_not",
                "select customer_id, not_rated_reason from {batch} "
                "where is_rated <> (strategy_code is not null) "
                "or is_rated <> (quadrant is not null) "
                "or is_rated <> (not_rated_reason is null)",
                why="an account without a strategy must say what it lacks",
            ),
            no_rows(
                "the_midpoint_is_high",
                "select customer_id, quadrant from (select *, "
                f"{setting('matrix.midpoint', 'policy_id')} as midpoint "
                "from {batch}) as rated "
                "where is_rated and quadrant <> case when attractiveness >= midpoint "
                "then 'high/' else 'low/' end || case when relative_strength "
                ">= midpoint then 'high' else 'low' end",
                why="ties go to the higher cell",
            ),
            no_rows(
                "key_accounts_are_few",
                "select count(*) as rated, max(most_rated) as most from (select *, "
                f"{setting('matrix.max_rated_accounts', 'policy_id')} as most_rated "
                "from {batch}) as rated "
                "where is_rated having count(*) > max(most_rated)",
                why="who calls everybody a key account has none",
                severity="warning",
            ),
        ],
    )


def account_matrix_factors() -> Suite:
    """The mart `account_matrix_factors`."""
    return mart(
        "account_matrix_factors",
        ["customer_id", "dimension", "competitor", "factor"],
        [
            between("score", 0, 10, why="scores run from 0 to 10"),
            between("weight", 0, 1, why="a share"),
            no_rows(
                "contributions_sum_to_the_scores",
                "with sums as (select customer_id, "
                "sum(contribution) filter (dimension = 'attractiveness') as a, "
                "sum(contribution) filter (dimension = 'strength' "
                "and competitor is null) as s "
                "from {batch} group by customer_id) "
                "select customer_id, attractiveness, a, own_strength, s from sums "
                "inner join marts.account_matrix using (customer_id) "
                "where attractiveness is distinct from a "
                "or own_strength is distinct from s",
                why="a score that its factors do not explain",
            ),
        ],
    )


def account_financials() -> Suite:
    """The mart `account_financials`."""
    return mart(
        "account_financials",
        ["customer_id", "fiscal_year"],
        [
            unique("customer_id", "fiscal_year", why="one statement a year"),
            no_rows(
                "a_missing_ratio_says_why",
                "select customer_id, fiscal_year from {batch} where (current_ratio "
                "is null or net_margin is null or return_on_assets is null or "
                "debt_ratio is null or asset_turnover is null) "
                "<> (ratio_notes is not null)",
                why="nobody should have to guess why a figure is not there",
            ),
            no_rows(
                "statements_have_a_rate",
                "select customer_id, fiscal_year, source_currency from {batch} "
                "where revenue is null and net_margin is not null",
                why="without a rate amounts in another currency are missing",
                severity="warning",
            ),
        ],
    )


def account_outlook() -> Suite:
    """The mart `account_outlook`."""
    return mart(
        "account_outlook",
        ["customer_id", "year_ahead"],
        [
            unique("customer_id", "year_ahead", why="the grain"),
            between("year_ahead", 1, 3, why="three years are looked at"),
            no_rows(
                "the_outlook_lies_in_its_band",
                "select customer_id, year_ahead from {batch} "
                "where low_revenue > outlook_revenue "
                "or high_revenue < outlook_revenue or low_revenue < 0",
                why="a band beside its figure is a mistake of sign",
            ),
        ],
    )


SUITES = [account_matrix, account_matrix_factors, account_financials, account_outlook]
