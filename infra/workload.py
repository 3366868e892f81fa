"""What the InssaService image is told, whichever of its commands runs."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra import database
from infra.pods import SECRETS_DIRECTORY
from infra.settings import Phase
from infra.version import Version


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One version of the service on one database. `credentials` is the Secret of that database."""

    namespace: pulumi.Input[str]
    track: str
    version: Version
    phase: Phase
    image: pulumi.Input[str]
    database: str
    credentials: pulumi.Input[str]

    def environment(self) -> dict[str, str]:
        """Settings of the image, without their prefix; app/inssaservice/settings.py reads them."""
        role = f"inssa_{self.database.replace('-', '_')}"
        return {
            "VERSION": str(self.version),
            "TRACK": self.track,
            "PHASE": self.phase.value,
            "DATABASE_HOST": database.NAME,
            "DATABASE_PORT": str(database.PORT),
            "DATABASE_NAME": role,
            "DATABASE_APP_USER": f"{role}_app",
            "DATABASE_OWNER_USER": f"{role}_owner",
            "DATABASE_ADMIN_USER": database.ADMIN_USER,
            "SECRETS_DIR": SECRETS_DIRECTORY,
        }


CREDENTIALS = (
    "app_password",
    "owner_password",
    "session_key",
    "invitation_code",
    "verifier_code",
)
"""Keys of a database's Secret: two roles, the members' sessions, the first member's and the verifier's code."""
