"""Every forecaster of purchases, tested on the company's own past, and the champion."""


def model(dbt, session):
    from pipeline.value import forecasts

    session.register("_days", dbt.ref("core_customer_days"))
    # Who stands for all unknown customers is no customer, and buys as none does.
    customers = dbt.ref("core_customers").filter("customer_type <> 'unknown'")
    session.register("_customers", customers)
    (as_of,) = dbt.ref("core_refresh").project("as_of_date").fetchone()
    # What is fitted to data that have not changed is taken from the table of before.
    return forecasts.tested(session, "_days", "_customers", as_of, str(dbt.this))
