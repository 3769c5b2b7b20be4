"""Sample values with which sqlfluff renders the SQL templates of `pipeline/`.

sqlfluff imports this folder by its path (`pipeline/.sqlfluff`): each name below is a value
or a filter of the templates. The samples are as small as a query of each form can be:
what sqlfluff parses grows with them.
"""

import datetime as dt

from pipeline.common.sql_templates import FILTERS
from pipeline.tiers import scoring as _scoring
from pipeline.tiers.policy import Factor, Policy, Rule, Tier

SQLFLUFF_JINJA_FILTERS = {**FILTERS, **_scoring.FILTERS}

# Tiers: facts and what is asked of them.
policy = Policy(
    policy_id="sample",
    name_en="Sample",
    name_zh="示例",
    valid_from=dt.date(2020, 1, 1),
    valid_to=None,
    is_published=True,
    value_weight=0.6,
    potential_weight=0.4,
    min_coverage=0.6,
    tiers=(
        Tier("key", 1, "Key", "重要", "VIP", 0.1, 2, 2),
        Tier("standard", 2, "Standard", "普通", "普通", 0.0, 1, 1),
    ),
    rules=(
        Rule(1, "key", True, 7.0, None, "", ""),
        Rule(2, "standard", None, None, None, "", ""),
    ),
    factors=(
        Factor("company", "value", "revenue_12m", 1.0, True, "", ""),
        Factor("company", "potential", "growth_rate", 1.0, True, "", ""),
    ),
    anchors={
        ("company", "revenue_12m"): ((0.0, 0.0), (10.0, 10.0)),
        ("company", "growth_rate"): ((0.0, 5.0), (1.0, 10.0)),
    },
)
keep = ["revenue_12m", "growth_rate"]
facts = "facts"
scores = ("value", "potential")
terms = _scoring.terms(policy)
options = _scoring.options(policy)
levers = terms
graded = "held"
after_first_order = policy.tiers[-1]
