"""The figures of the business, each defined once in `dbt_project/metrics.yaml`.

`definitions` reads them, `figures` asks a release for them, and `codes` for what its codes
mean. Whoever shows one of them (the report, the dictionary, a dataset of a BI tool) takes
name, unit, formula and the reason for "not known" from here. Not here: how they are drawn
or worded on a page, and the figures of the operation (`operations.metrics`).
"""

from __future__ import annotations

from pipeline.metrics.definitions import Dataset, Metric, Metrics, load
from pipeline.metrics.figures import Figure, ask, ask_by

__all__ = ["Dataset", "Figure", "Metric", "Metrics", "ask", "ask_by", "load"]
