"""Taking a customer out of a home, and proving that nothing is left.

    suppression  who must not come back; landing asks it about every new batch
    subject      who is to go: keys, ids and values, and which of them prove something
    landed       landing, quarantine and identity/
    released     the kept releases with their reports
    traces       logs, the journal of attempts, Dagster's storage, exports
    proof        scans every file of the home
    run          the order of it, and how it goes on after a kill

What is taken out and what stays stands in `docs/privacy.md`.
"""
