"""Lets `python -m pipeline` be the same as `customer-tiers`; nothing else."""

from pipeline.cli.main import main

if __name__ == "__main__":
    main()
