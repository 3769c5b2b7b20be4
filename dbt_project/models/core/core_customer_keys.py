"""The customer of every record, with an id that stays from refresh to refresh."""


def model(dbt, session):
    from pipeline.identity import resolve

    session.register("_forms", dbt.ref("core_customer_forms"))
    session.register("_links", dbt.ref("core_customer_links"))
    session.register("_registered", dbt.source("refresh", "customer_registry"))
    session.register("_minted", dbt.source("refresh", "customer_ids"))
    return resolve.keys(session, "_forms", "_links", "_registered", "_minted")
