"""Proposes a project for data that nobody has described, and writes it.

`vocabulary` knows the words, `recognition` says what each table and column is, `presets`
knows exports of well-known systems, `project` and its helpers make mappings of it, and
`staging`, `page` and `writing` put them down. `questions` holds what a person must decide.
The vocabularies and presets are YAML files that anybody can extend. Not here: measuring
tables (`pipeline.profiling`).
"""
