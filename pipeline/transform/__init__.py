"""dbt, what it builds on, and the tables of `meta` that are written after it."""
