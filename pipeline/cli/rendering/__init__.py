"""How facts look on a terminal; the facts come from elsewhere."""
