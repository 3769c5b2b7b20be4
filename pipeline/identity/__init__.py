"""One customer across the silos: which source records are the same company or person.

    normal.py     values in a form in which equal means equal: names, phones, places
    policy.py     the seeds that decide: rules, weights, thresholds, decisions
    pairs.py      which two records are the same, by which rule, how sure
    clusters.py   pairs to groups, with a guard against chains
    registry.py   groups to ids that stay from refresh to refresh

Everything works on a DuckDB connection and on sets; dbt's Python models in
`dbt_project/models/core` are a few lines around it. What the numbers mean, and where
they come from, stands in `docs/identity.md`. No Dagster here.
"""
