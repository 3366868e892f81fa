"""Generated credentials: made once, kept as a Kubernetes Secret and, encrypted, in the stack's state."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

_ENTROPY_BYTES = 24
"""192 bits: beyond guessing, and short enough to type an invitation code once."""


def _generated() -> str:
    return _encoded(secrets.token_urlsafe(_ENTROPY_BYTES))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Credentials(pulumi.ComponentResource):
    """Owns one Secret with one random value per key, beside values that are `given` and no secret.

    The program offers a new value at each run; `ignore_changes` makes the engine
    keep the first one. That needs no provider of random numbers, and an update
    that was killed before the Secret was recorded leaves nothing that depends on
    a lost value. To rotate: `pulumi up --replace URN`.
    """

    secret_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        secret_name: str,
        keys: tuple[str, ...],
        given: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("inssa:platform:Credentials", name, None, opts)
        self._secret = k8s.core.v1.Secret(
            name,
            metadata={
                "name": secret_name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/part-of": "inssa"},
            },
            type="Opaque",
            data={
                **{key: pulumi.Output.secret(_generated()) for key in keys},
                **{key: _encoded(value) for key, value in (given or {}).items()},
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["data"],
                additional_secret_outputs=["data"],
            ),
        )
        self.secret_name = self._secret.metadata.name
        self.register_outputs({"secret_name": self.secret_name})

    def value(self, key: str) -> pulumi.Output[str]:
        """One credential in plain text, as a Pulumi secret."""
        encoded = self._secret.data.apply(lambda data: str(data[key]))
        return pulumi.Output.secret(encoded.apply(lambda text: base64.b64decode(text).decode()))
