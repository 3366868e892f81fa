"""The local platform: a toolchain compiled from source and a real single-node Kubernetes.

Knows nothing of InssaService; it serves any Kubernetes program. `python -m local` is its command.
"""

from local.environment import environment

__all__ = ["environment"]
