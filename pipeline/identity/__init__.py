"""One customer across the silos: which source records are the same company or person.

    scripts        text in one script, and as it is spoken
    vocabulary     the words behind the normal forms
    company_names  the parts of a company's name
    name_parts     department, organisation and town in one name
    person_names   the parts of a person's name
    normal         values in a form in which equal means equal: names, phones, places
    shared         what only all records tell: what is shared, common or misspelt
    organisations  which of these parts is the organisation
    policy         the seeds that decide: rules, weights, thresholds
    vetoes         what keeps two records apart, whatever speaks for them
    comparisons    what is compared of two records, and in how many levels
    chance         how often two people agree without being one
    pairs          which two records are the same, by which rule, how sure
    clusters       pairs to groups, with a guard against chains
    grouping       the same on the tables of a refresh
    registry       groups to ids that stay from refresh to refresh
    learning       weights from decisions, where they are better
    resolve        these steps, as dbt's models call them
    memory         what is kept from refresh to refresh
    decided        what people decided, and whether it can all be true
    asking         what a person is asked, and what becomes of the answers
    held           what holds a customer together, from a release
    sql/           the queries, as templates

Everything works on a DuckDB connection and on sets; dbt's Python models in
`dbt_project/models/core` are a few lines around it. What the numbers mean, and where
they come from, stands in `docs/identity.md`. No Dagster here.
"""
