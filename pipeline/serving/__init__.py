"""Copies of a release for those who read it elsewhere: DuckDB, Parquet, PostgreSQL.

    contents   what of a release a copy may hold: never what is private
    folder     a folder that holds a copy: whose it is, one export at a time
    duckdb_copy, parquet_copy, postgres/
    copies     which copies there are, and which release each has

A copy is made of one published release, is replaced at once or not at all, and can be
made again at any time. Not here: when a refresh makes them (`orchestration`).
"""
