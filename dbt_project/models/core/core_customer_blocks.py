"""What records share with few enough others to be compared with them."""


def model(dbt, session):
    from pipeline.identity import resolve

    session.register("_forms", dbt.ref("core_customer_forms"))
    return resolve.blocks(session, "_forms")
