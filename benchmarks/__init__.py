"""Measurements, each against a named reference; run as `python -m benchmarks.<name>`."""
