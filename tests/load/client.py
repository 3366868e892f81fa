"""One HTTP/1.1 request on one connection."""

from delivery.load.client import Answer, Connection, Target

__all__ = ["Answer", "Connection", "Target"]
