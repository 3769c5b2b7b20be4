"""What the champion would have forecast of each customer at each past month end."""


def model(dbt, session):
    from pipeline.value import forecast_history

    session.register("_days", dbt.ref("core_customer_days"))
    # Who stands for all unknown customers is no customer, and buys as none does.
    customers = dbt.ref("core_customers").filter("customer_type <> 'unknown'")
    session.register("_customers", customers)
    session.register("_moments", dbt.ref("core_moments"))
    session.register("_known", dbt.ref("core_customer_moments"))
    session.register("_scores", dbt.ref("core_forecast_scores"))
    session.register("_present", dbt.ref("core_customer_forecasts"))
    return forecast_history.replayed(
        session, "_days", "_customers", "_moments", "_known", "_scores", "_present"
    )
