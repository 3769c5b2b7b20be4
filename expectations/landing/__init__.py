"""One module a source: what must hold for each entity that it gives, in `SUITES`.

`SUITES` maps an entity to a function that takes `sample` (true when only the first rows
were read, so that counts and totals mean nothing) and returns expectations.
"""
