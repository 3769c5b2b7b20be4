"""Candidates and releases: opened, sealed, verified, promoted, rolled back, pruned."""
