"""The same project on Spark: what dbt's own run of it does not do.

    installation  where Spark is, and how its processes are started
    driver        a program of Spark's own environment that holds the session
    session       this side of it: commands there, answers back
    landed        what is in force of an entity, as SQL of Spark's
    inputs        what dbt builds on: landed rows, seeds, what the pipeline itself knows
    python_models dbt's Python models, on this machine, from Parquet to Parquet
    build         the whole project in the order in which it has to be built

What is built this way and what is not stands in `docs/engines.md`.
"""
