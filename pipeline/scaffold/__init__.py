"""New projects: a user's own, and the demonstration company."""
