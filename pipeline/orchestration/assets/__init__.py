"""Thin Dagster assets around the plain functions of the other rooms; no logic here."""
