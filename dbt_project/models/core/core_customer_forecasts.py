"""What each customer will buy in the next 12 months, by the champion of its type."""


def model(dbt, session):
    from pipeline.value import forecasts

    session.register("_days", dbt.ref("core_customer_days"))
    # Who stands for all unknown customers is no customer, and buys as none does.
    customers = dbt.ref("core_customers").filter("customer_type <> 'unknown'")
    session.register("_customers", customers)
    session.register("_choices", dbt.ref("core_value_backtest"))
    (as_of,) = dbt.ref("core_refresh").project("as_of_date").fetchone()
    (discount,) = dbt.ref("core_value_settings").project("yearly_discount").fetchone()
    return forecasts.forecasts(
        session, "_days", "_customers", "_choices", as_of, float(discount)
    )
