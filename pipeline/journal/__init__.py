"""What happened: attempts, their logs, what gates found, what people accepted."""
