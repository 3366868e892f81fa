"""The migrations that every release line applies first."""
