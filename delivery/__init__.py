"""The `inssa` command: what happens to a stack over time."""
