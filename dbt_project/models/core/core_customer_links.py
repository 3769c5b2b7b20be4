"""Pairs of records that are the same customer, or that a person should review."""


def model(dbt, session):
    from pipeline.identity import resolve

    # The seeds are read where they stand; what is made of them is made anew with them.
    dbt.ref("match_rules")
    dbt.ref("match_thresholds")
    dbt.ref("source_trust")
    session.register("_forms", dbt.ref("core_customer_forms"))
    session.register("_blocks", dbt.ref("core_customer_blocks"))
    session.register("_prints", dbt.ref("core_customer_prints"))
    session.register("_references", dbt.ref("core_customer_references"))
    session.register("_decisions", dbt.ref("match_decisions"))
    session.register("_weights", dbt.ref("core_match_weights"))
    session.register("_kept_scores", dbt.source("refresh", "kept_scores"))
    session.register("_kept_prints", dbt.source("refresh", "kept_prints"))
    return resolve.links(
        session,
        "_forms",
        "_blocks",
        "_prints",
        "_references",
        "_decisions",
        "_weights",
        resolve.Kept("_kept_scores", "_kept_prints"),
    )
