"""What sources gave, kept for ever as immutable Parquet batches."""
