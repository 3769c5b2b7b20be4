"""Renders facts on a terminal; the facts come from elsewhere."""
