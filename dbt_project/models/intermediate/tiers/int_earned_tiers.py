"""The tier that each customer earned and the one it held, at each moment.

By the published policy of the moment, and at the present by every other policy too.
"""


def model(dbt, session):
    from pipeline.tiers import models

    session.register("_tier_facts", dbt.ref("int_tier_facts"))
    seeds = {
        "policies": dbt.ref("policies"),
        "tiers": dbt.ref("tiers"),
        "tier_rules": dbt.ref("tier_rules"),
        "tier_rule_facts": dbt.ref("tier_rule_facts"),
        "score_factors": dbt.ref("score_factors"),
        "score_anchors": dbt.ref("score_anchors"),
    }
    (as_of,) = dbt.ref("core_refresh").project("as_of_date").fetchone()
    not_graded = dbt.ref("core_tiers").filter("not is_graded")
    return session.sql(models.earned_tiers(seeds, "_tier_facts", as_of, not_graded))
