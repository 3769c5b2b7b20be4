"""What every room stands on: errors, settings, files, time, SQL text."""
