"""PostgreSQL by Cloud SQL, on a private address, under the same name as the server in a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
from pulumi_gcp.sql import (
    DatabaseInstanceSettingsArgs,
    DatabaseInstanceSettingsBackupConfigurationArgs,
    DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs,
    DatabaseInstanceSettingsDatabaseFlagArgs,
    DatabaseInstanceSettingsInsightsConfigArgs,
    DatabaseInstanceSettingsIpConfigurationArgs,
    DatabaseInstanceSettingsMaintenanceWindowArgs,
)
from pulumi_kubernetes.core.v1 import ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.discovery.v1 import EndpointArgs, EndpointConditionsArgs, EndpointPortArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from infra import names
from infra.credentials import Credentials
from infra.database import ADMIN_PASSWORD, ADMIN_USER, NAME, PORT
from infra.gke.settings import CloudSql

_FLAGS = {
    "cloudsql.iam_authentication": "on",
    "cloudsql.enable_pgaudit": "on",
    "pgaudit.log": "ddl,role",
    "log_checkpoints": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_duration": "on",
    "log_hostname": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "error",
    "log_min_messages": "warning",
    "log_statement": "ddl",
    "log_temp_files": "0",
}


@dataclass(frozen=True, kw_only=True)
class CloudSqlArgs:
    """`highly_available` keeps a second server in another zone; `peering` is the private way to the server."""

    namespace: pulumi.Input[str]
    region: str
    settings: CloudSql
    labels: dict[str, str]
    network: pulumi.Input[str]
    allocated_range: pulumi.Input[str]
    key: pulumi.Input[str]
    highly_available: bool
    protect: bool
    peering: pulumi.Resource


class CloudSqlServer(pulumi.ComponentResource):
    """Owns the server, its administrator's password, and the name `database` in the stack's namespace.

    It does not own the databases inside, nor their roles: a user made through
    Cloud SQL's API is an administrator, so the migration Jobs make them in SQL.
    """

    admin: Credentials

    def __init__(self, name: str, args: CloudSqlArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:CloudSqlServer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.admin = Credentials(
            f"{name}-admin",
            namespace=args.namespace,
            secret_name=f"{NAME}-admin",
            keys=(ADMIN_PASSWORD,),
            opts=child,
        )
        server = gcp.sql.DatabaseInstance(
            name,
            region=args.region,
            database_version=args.settings.version,
            encryption_key_name=args.key,
            deletion_protection=args.protect,
            settings=server_settings(args),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=[args.peering]),
        )
        gcp.sql.User(
            name,
            instance=server.name,
            name=ADMIN_USER,
            password=self.admin.value(ADMIN_PASSWORD),
            opts=child,
        )
        metadata = ObjectMetaArgs(name=NAME, namespace=args.namespace, labels=names.labels(NAME, "database"))
        service = k8s.core.v1.Service(
            name,
            metadata=metadata,
            spec=ServiceSpecArgs(cluster_ip="None", ports=[ServicePortArgs(name="postgres", port=PORT)]),
            opts=child,
        )
        k8s.discovery.v1.EndpointSlice(
            name,
            metadata=ObjectMetaArgs(
                name=NAME,
                namespace=args.namespace,
                labels={
                    **names.labels(NAME, "database"),
                    "kubernetes.io/service-name": NAME,
                    "endpointslice.kubernetes.io/managed-by": "inssa",
                },
            ),
            address_type="IPv4",
            endpoints=[
                EndpointArgs(addresses=[server.private_ip_address], conditions=EndpointConditionsArgs(ready=True))
            ],
            ports=[EndpointPortArgs(name="postgres", port=PORT, protocol="TCP")],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
        )
        self.register_outputs({})


def server_settings(args: CloudSqlArgs) -> DatabaseInstanceSettingsArgs:
    """Private, encrypted on the wire, backed up daily and to any second of the last week, audited."""
    return DatabaseInstanceSettingsArgs(
        edition="ENTERPRISE",
        tier=args.settings.tier,
        disk_size=args.settings.disk,
        disk_type="PD_SSD",
        disk_autoresize=True,
        availability_type="REGIONAL" if args.highly_available else "ZONAL",
        user_labels=args.labels,
        deletion_protection_enabled=args.protect,
        ip_configuration=DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            private_network=args.network,
            allocated_ip_range=args.allocated_range,
            ssl_mode="ENCRYPTED_ONLY",
        ),
        backup_configuration=DatabaseInstanceSettingsBackupConfigurationArgs(
            enabled=True,
            start_time="17:00",
            point_in_time_recovery_enabled=True,
            transaction_log_retention_days=7,
            backup_retention_settings=DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                retained_backups=30, retention_unit="COUNT"
            ),
        ),
        maintenance_window=DatabaseInstanceSettingsMaintenanceWindowArgs(day=7, hour=19, update_track="stable"),
        insights_config=DatabaseInstanceSettingsInsightsConfigArgs(
            query_insights_enabled=True, record_application_tags=True, record_client_address=False
        ),
        database_flags=[
            DatabaseInstanceSettingsDatabaseFlagArgs(name=flag, value=value) for flag, value in _FLAGS.items()
        ],
    )
