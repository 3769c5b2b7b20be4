"""What `tests.warm` forks from: imported once, by the parent of all its processes."""

from __future__ import annotations

import gc

import dbt.adapters.duckdb
import dbt.cli.main
import great_expectations

import expectations.vocabulary
import pipeline.cli.main
import pipeline.gates.run
import pipeline.orchestration.definitions

# What was made so far is not counted again in every child, which would copy its pages.
gc.freeze()

__all__ = ["dbt", "expectations", "great_expectations", "pipeline"]
