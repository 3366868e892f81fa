"""The `gke` target: everything below a stack's tracks, on Google Cloud.

Nothing outside of this package imports its modules before the target is known
to be `gke`, except `settings`: `pulumi_gcp` takes most of a second to import.
"""
