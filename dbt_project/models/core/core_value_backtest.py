"""Every forecaster of purchases, tested on the company's own past, and the champion."""


def model(dbt, session):
    from pipeline import forecasts

    session.register("_lines", dbt.ref("core_order_lines"))
    session.register("_customers", dbt.ref("core_customers"))
    (as_of,) = dbt.ref("core_refresh").project("as_of_date").fetchone()
    return forecasts.tested(session, "_lines", "_customers", as_of)
