"""The project that a stack lives in: the services it uses and the keys that encrypt its data."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

SERVICES = (
    "artifactregistry",
    "binaryauthorization",
    "certificatemanager",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "containerscanning",
    "dns",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "servicenetworking",
    "sqladmin",
)
_NINETY_DAYS = f"{90 * 24 * 3600}s"


class Services(pulumi.ComponentResource):
    """Switches on the Google services that the stack uses, and never off: others may use them too."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Services", name, None, opts)
        for service in SERVICES:
            gcp.projects.Service(
                f"{name}-{service}",
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


class Keys(pulumi.ComponentResource):
    """Owns a key ring and one key for each service that encrypts the stack's data with it.

    Keys outlive everything: without them the data is gone. They rotate every 90 days.
    """

    cluster: pulumi.Output[str]
    database: pulumi.Output[str]
    registry: pulumi.Output[str]

    def __init__(
        self, name: str, *, location: str, registry_location: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("inssa:gke:Keys", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=True)
        ring = self._ring(name, location)
        self.cluster = self._key("cluster", ring, "container.googleapis.com")
        self.database = self._key("database", ring, "sqladmin.googleapis.com")
        self.registry = self._key(
            "registry", self._ring(f"{name}-registry", registry_location), "artifactregistry.googleapis.com"
        )
        self.register_outputs({})

    def _ring(self, name: str, location: str) -> gcp.kms.KeyRing:
        return gcp.kms.KeyRing(name, location=location, opts=self._kept)

    def _key(self, purpose: str, ring: gcp.kms.KeyRing, service: str) -> pulumi.Output[str]:
        """A key that one Google service may use; its id, known once that service may."""
        key = gcp.kms.CryptoKey(purpose, key_ring=ring.id, rotation_period=_NINETY_DAYS, opts=self._kept)
        agent = gcp.projects.ServiceIdentity(purpose, service=service, opts=self._child)
        allowed = gcp.kms.CryptoKeyIAMMember(
            purpose,
            crypto_key_id=key.id,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=agent.member,
            opts=self._child,
        )
        return pulumi.Output.all(key.id, allowed.id).apply(lambda found: str(found[0]))
