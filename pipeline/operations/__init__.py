"""Runs day by day: freshness, metrics, retention, backup, alerts."""
