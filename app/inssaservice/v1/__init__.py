"""Release line 1.x."""

from inssaservice.releases import Release

RELEASE = Release(
    line="v1",
    needs="0001",
    name_column="name",
    seeds={"host": {"name": "Host"}, "verifier": {"name": "Verifier"}},
    grants={
        "alembic_version": "SELECT",
        "schema_support": "SELECT",
        "serving": "SELECT, INSERT, UPDATE, DELETE",
        "member": "SELECT, INSERT",
        "session": "SELECT, INSERT, DELETE",
        "moment": "SELECT, INSERT, DELETE",
        "thumbs_up": "SELECT, INSERT, DELETE",
        "sign_in_failure": "SELECT, INSERT, UPDATE, DELETE",
    },
)
