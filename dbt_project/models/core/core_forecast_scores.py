"""What was to be expected of distinct histories at the month ends of the past."""


def model(dbt, session):
    from pipeline.value import forecast_history

    session.register("_days", dbt.ref("core_customer_days"))
    # Who stands for all unknown customers is no customer, and buys as none does.
    customers = dbt.ref("core_customers").filter("customer_type <> 'unknown'")
    session.register("_customers", customers)
    session.register("_moments", dbt.ref("core_moments"))
    session.register("_known", dbt.ref("core_customer_moments"))
    session.register("_choices", dbt.ref("core_value_backtest"))
    # What was learnt of a past that has not changed is taken from the table of before.
    return forecast_history.learnt(
        session,
        "_days",
        "_customers",
        "_moments",
        "_known",
        "_choices",
        str(dbt.this),
    )
