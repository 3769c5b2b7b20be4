"""The weights that pairs of records are scored by: declared, or learned from decisions."""


def model(dbt, session):
    from pipeline.identity import resolve

    # The seeds are read where they stand; what is made of them is made anew with them.
    dbt.ref("match_thresholds")
    dbt.ref("match_weights")
    session.register("_forms", dbt.ref("core_customer_forms"))
    session.register("_decisions", dbt.ref("match_decisions"))
    return resolve.weights(session, "_forms", "_decisions")
