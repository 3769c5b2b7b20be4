"""A made-up company of any size: an ERP, a CRM and a web shop, as files and a project.

`company.sql` says what there is, `generate` writes it, `project/` is what such a company
would have of its own. The floor and the measurements are `benchmarks/floor.py` and
`benchmarks/bench.py`.
"""
