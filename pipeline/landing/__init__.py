"""What sources gave, kept for ever as immutable Parquet batches.

    batches       a batch and its manifest
    packs         many small batches in one file; `compaction` puts them together
    rows          rows of a batch in the file that holds them
    store         the batches of an entity: which, where, in which state
    entity        the same with what sources.yaml says: what is in force, SQL of its rows
    increments    what rows say of their keys: new, gone, known
    content_hash  the same content under another name is known by it
    write         an extract becomes a batch
    damage        what is not as it was written is taken out of force
    load          a pass over an entity: what is new lands
    retrying      all entities of a source, again after an error that may pass
    quarantine    rows that could not be read, and asking for their files again
    accounting    what was read and what became of it, for the reconciliation

Each imports only those above it. Not here: reading (`sources`) and judging (`gates`).
"""
