"""The whole story on the local platform with load on, and a report of it."""
