"""What `tests.warm` forks from: imported once, by the parent of all its processes."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil

import dbt.adapters.duckdb
import dbt.cli.main
import dbt_common.tests
import great_expectations

import expectations
import pipeline
from pipeline.common.settings import Settings
from pipeline.gates import data_docs
from pipeline.reports import publishing
from pipeline.reports.words import LANGUAGES
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform

# All of ours, because a refresh imports much only where it runs; and what others import
# so, which a refresh would do again in each child.
for package in (pipeline, expectations):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # The driver runs where Spark is, in an environment of its own.
        if not module.name.endswith(("__main__", ".spark.driver")):
            importlib.import_module(module.name)
for name in (
    "alembic.autogenerate",
    "anyascii",
    "cleanco",
    "dagster._core.execution.execute_in_process",
    "dagster._core.instance.factory",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._daemon.controller",
    "opencc",
    "pyarrow.dataset",
    "pypinyin",
    "splink.internals.linker",
    "structlog",
    "upath.implementations.local",
):
    importlib.import_module(name)

# dbt's own tests keep what they parse of macros and templates in the same way.
dbt_common.tests.enable_test_caching()

# dbt makes schemas and templates when it parses for the first time, which takes two
# seconds more than the second time.
# Without its static parser, which keeps a pool of threads: a fork has the pool and not the
# threads, and would wait for them for ever.
os.environ["DBT_STATIC_PARSER"] = "false"
_settings = Settings.load()
_sources = load_sources(_settings)
transform.parse(_sources, _settings).manifest()
del os.environ["DBT_STATIC_PARSER"]

# Nor are the templates of pages compiled in each child.
for environment in (data_docs._environment(), *map(publishing._environment, LANGUAGES)):
    for template in environment.list_templates(["j2"]):
        environment.get_template(template)

# What was made so far is not counted again in every child, which would copy its pages.
gc.freeze()

__all__ = ["dbt", "great_expectations"]
