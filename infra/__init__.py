"""The Pulumi program: what exists in a stack."""
