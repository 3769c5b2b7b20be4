"""A bundle for Apache Superset: database, datasets, charts and a dashboard, as one zip.

    dashboard.yaml  what the dashboard shows, of which tables
    words.yaml      what columns are called, in both languages
    definitions     the two files, read and checked
    labels          names and labels in the languages of a bundle
    datasets        what Superset calls datasets: tables, columns and metrics
    charts          what Superset calls charts, with the query of each
    layout          where they stand on the page
    bundle          the whole, for one release and one database

Metrics come from dbt_project/metrics.yaml, what tables and columns mean from the release,
what codes mean from its label tables: nothing of that is written here again. Every id is
made of the bundle's name and the part's, so that a second import changes the parts of the
first and adds nothing.
"""

from __future__ import annotations

from pipeline.serving.superset.bundle import Bundle, Target, build

__all__ = ["Bundle", "Target", "build"]
