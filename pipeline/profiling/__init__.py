"""Measures tables that nobody has described: columns, keys, and who refers to whom.

What lives here: finding the tables of a folder, a file, a workbook or a database, reading
a bounded sample of each with the product's own readers, and measuring it in SQL. Not here:
what a table or a column means (`pipeline.scaffold.proposal`).
"""
