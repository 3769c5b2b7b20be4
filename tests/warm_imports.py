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
from pipeline.common.settings import Settings
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform

# dbt makes schemas and templates when it parses for the first time, which takes two
# seconds more than the second time.
_settings = Settings.load()
_sources = load_sources(_settings)
transform.parse(_sources, _settings).manifest()

# What was made so far is not counted again in every child, which would copy its pages.
gc.freeze()

__all__ = ["dbt", "expectations", "great_expectations", "pipeline"]
