"""Release line 2.x: handles and display names, reactions of several kinds, a new look."""

from inssaservice.releases import Contraction, Release
from inssaservice.versions import Version

RELEASE = Release(
    line="v2",
    needs="0006",
    name_column="display_name",
    handle_column="handle",
    seeds={
        "host": {"handle": "host", "display_name": "Host"},
        "verifier": {"handle": "verifier", "display_name": "Verifier"},
    },
    grants={
        "alembic_version": "SELECT",
        "schema_support": "SELECT",
        "serving": "SELECT, INSERT, UPDATE, DELETE",
        "member": "SELECT, INSERT, UPDATE (handle, display_name)",
        "session": "SELECT, INSERT, DELETE",
        "moment": "SELECT, INSERT, DELETE",
        "reaction": "SELECT, INSERT, UPDATE, DELETE",
        "sign_in_failure": "SELECT, INSERT, UPDATE, DELETE",
    },
    contraction=Contraction(revision="0009", oldest=Version(2, 0, 0)),
)
