"""Generated populations whose truth is known: what the matching is judged by."""
