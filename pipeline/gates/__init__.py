"""Expectation suites run inside DuckDB, and what a person learns of their results."""
