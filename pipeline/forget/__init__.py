"""Taking a customer out of a home, and proving that nothing is left.

    subject        who is to be forgotten: records, ids and values, as the journal holds them
    registry       what the releases know of him: keys, ids, type
    personal_data  where landing holds data of customers, as sources.yaml declares it
    values         his values, and which of them prove something
    search         finds all of it, before anything is changed
    landed         landing, quarantine and identity/
    released       the kept releases with their reports
    traces         logs, the journal of attempts, Dagster's storage, exports
    proof          scans every file of the home
    run            the order of it, and how it goes on after a kill

Who must not come back, which landing asks about every new batch, is `pipeline.suppression`.
What is taken out and what stays stands in `docs/privacy.md`.
"""
