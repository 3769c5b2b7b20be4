"""Tiers: the business's policy, read from seeds, checked, and put into the engine's words.

    policy            a policy as an object
    policy_tables     the tables that a person edits, held to their types
    policy_checks     what keeps policies from grading anybody, by row
    scoring           scores, contributions and next tiers, as SQL over facts
    stability         band, confirmations and grace as windows over month ends
    sql/              the queries of both, as templates
    models            what dbt's Python models ask of them
    released          policies and facts of a release, for the ones below
    candidate_policy  the policy that a what-if is about
    what_if, service  another policy against the present tiers of a release
    search, explain   which customer is meant, and why it has its tier

Everything is set-based: Python reads the few rows of the policy and writes queries; the
engine works on customers. Not here: what a customer is worth (dbt's core), and how tiers
are printed (cli.rendering).
"""
