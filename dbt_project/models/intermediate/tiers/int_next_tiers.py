"""The smallest single change that would move each customer into a better tier."""


def model(dbt, session):
    from pipeline.tiers import models

    session.register("_next_facts", dbt.ref("int_tier_facts"))
    # Who is not graded has no rule, and nothing that would move it up.
    session.register("_held_tiers", dbt.ref("int_tiers").filter("rule_order notnull"))
    seeds = {
        "policies": dbt.ref("policies"),
        "tiers": dbt.ref("tiers"),
        "tier_rules": dbt.ref("tier_rules"),
        "tier_rule_facts": dbt.ref("tier_rule_facts"),
        "score_factors": dbt.ref("score_factors"),
        "score_anchors": dbt.ref("score_anchors"),
    }
    (as_of,) = dbt.ref("core_refresh").project("as_of_date").fetchone()
    return session.sql(models.next_tiers(seeds, "_next_facts", "_held_tiers", as_of))
