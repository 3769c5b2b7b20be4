"""What records share with few enough others to be compared with them."""


def model(dbt, session):
    from pipeline.identity import resolve

    # The seed is read where it stands; what is made of it is made anew with it.
    dbt.ref("match_blocks")
    session.register("_forms", dbt.ref("core_customer_forms"))
    return resolve.blocks(session, "_forms")
