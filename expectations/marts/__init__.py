"""What must hold for the tables of a release before anybody may read them, and why.

dbt's own tests hold keys and references inside the transformation; here is what a
reader relies on, asked of the finished file itself. One file a subject; its `SUITES` are
functions that each give the suite of one table. A project's own `expectations/marts/*.py`
adds suites, or takes the place of one by its subject (docs/gates.md).
"""
