"""One customer across the silos: which source records are the same company or person.

    scripts        text in one script, and as it is spoken
    company_names  the parts of a company's name
    normal         values in a form in which equal means equal: names, phones, places
    policy         the seeds that decide: rules, weights, thresholds, decisions
    comparisons    what is compared of two records, and in how many levels
    pairs          which two records are the same, by which rule, how sure
    clusters       pairs to groups, with a guard against chains
    registry       groups to ids that stay from refresh to refresh
    resolve        these steps, as dbt's models call them
    memory         what is kept from refresh to refresh
    sql/           the queries, as templates

Everything works on a DuckDB connection and on sets; dbt's Python models in
`dbt_project/models/core` are a few lines around it. What the numbers mean, and where
they come from, stands in `docs/identity.md`. No Dagster here.
"""
