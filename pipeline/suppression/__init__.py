"""Who was forgotten and must not come back."""
