"""Tiers: the business's policy, read from seeds, checked, and put into the engine's words.

    policy      what the seeds say, and what is wrong with them, by row
    scoring     scores, contributions and first rule that holds, as SQL over facts
    stability   band, confirmations and grace as windows over month ends
    released    policies, facts and customers of a release, for the two below
    what_if     another policy against the present tiers of a release
    explain     why one customer has its tier
    shown       how the last two look on a terminal

Everything is set-based: Python reads the few rows of the policy and writes queries; the
engine looks at customers. Not here: what a customer is worth (dbt's core), and how tiers
are shown.
"""
