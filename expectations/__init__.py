"""What must hold at the two boundaries, and why: `landing/<source>.py` and `marts.py`.

Not here: how expectations are run (`pipeline.gates`), and what holds inside the
transformation (tests of the dbt project).
"""
