"""A private regional cluster, its nodes, and the provider through which the stack is made on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
from pulumi_gcp.binaryauthorization import PolicyAdmissionWhitelistPatternArgs as AllowedImagesArgs
from pulumi_gcp.binaryauthorization import PolicyDefaultAdmissionRuleArgs as AdmissionRuleArgs
from pulumi_gcp.container import (
    ClusterAddonsConfigArgs,
    ClusterAddonsConfigDnsCacheConfigArgs,
    ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs,
    ClusterAddonsConfigHorizontalPodAutoscalingArgs,
    ClusterAddonsConfigHttpLoadBalancingArgs,
    ClusterBinaryAuthorizationArgs,
    ClusterControlPlaneEndpointsConfigArgs,
    ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs,
    ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs,
    ClusterCostManagementConfigArgs,
    ClusterDatabaseEncryptionArgs,
    ClusterGatewayApiConfigArgs,
    ClusterIpAllocationPolicyArgs,
    ClusterLoggingConfigArgs,
    ClusterMaintenancePolicyArgs,
    ClusterMaintenancePolicyRecurringWindowArgs,
    ClusterMasterAuthArgs,
    ClusterMasterAuthClientCertificateConfigArgs,
    ClusterMasterAuthorizedNetworksConfigArgs,
    ClusterMasterAuthorizedNetworksConfigCidrBlockArgs,
    ClusterMonitoringConfigArgs,
    ClusterMonitoringConfigManagedPrometheusArgs,
    ClusterNodeConfigArgs,
    ClusterNodeConfigKubeletConfigArgs,
    ClusterNodeConfigShieldedInstanceConfigArgs,
    ClusterNodeConfigWorkloadMetadataConfigArgs,
    ClusterNodePoolDefaultsArgs,
    ClusterNodePoolDefaultsNodeConfigDefaultsArgs,
    ClusterPrivateClusterConfigArgs,
    ClusterRbacBindingConfigArgs,
    ClusterReleaseChannelArgs,
    ClusterSecurityPostureConfigArgs,
    ClusterWorkloadIdentityConfigArgs,
    NodePoolAutoscalingArgs,
    NodePoolManagementArgs,
    NodePoolNetworkConfigArgs,
    NodePoolNodeConfigArgs,
    NodePoolNodeConfigKubeletConfigArgs,
    NodePoolNodeConfigShieldedInstanceConfigArgs,
    NodePoolNodeConfigWorkloadMetadataConfigArgs,
    NodePoolUpgradeSettingsArgs,
)

from infra import names
from infra.gke import network
from infra.gke.settings import Gke

_OAUTH_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""Scopes are the older of two locks; the service account's roles are the one that decides."""
_NODE_ROLE = "roles/container.defaultNodeServiceAccount"
_SERVICE_ACCOUNT_LIMIT = 30
_QUERIES_PER_SECOND = 100


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """`images` are the name patterns of images that may run besides Google's own system images."""

    stack: str
    gke: Gke
    network: pulumi.Input[str]
    subnetwork: pulumi.Input[str]
    key: pulumi.Input[str]
    labels: dict[str, str]
    images: Sequence[str]


class Cluster(pulumi.ComponentResource):
    """Owns the control plane, the node pool, the nodes' identity, and what images are admitted."""

    provider: k8s.Provider
    nodes_member: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Cluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        gke = args.gke
        policy = gcp.binaryauthorization.Policy(
            name,
            description="Images of this stack's own registry, and Google's system images",
            global_policy_evaluation_mode="ENABLE",
            default_admission_rule=AdmissionRuleArgs(
                evaluation_mode="ALWAYS_DENY", enforcement_mode="ENFORCED_BLOCK_AND_AUDIT_LOG"
            ),
            admission_whitelist_patterns=[AllowedImagesArgs(name_pattern=pattern) for pattern in args.images],
            opts=child,
        )
        nodes = gcp.serviceaccount.Account(
            f"{name}-nodes",
            account_id=names.name("inssa", args.stack, "nodes", limit=_SERVICE_ACCOUNT_LIMIT),
            display_name="Nodes: write logs and metrics, pull images",
            opts=child,
        )
        reports = gcp.projects.IAMMember(
            f"{name}-nodes", project=gke.project, role=_NODE_ROLE, member=nodes.member, opts=child
        )
        cluster_name = names.name("inssa", args.stack, limit=40)
        cluster = gcp.container.Cluster(
            name,
            control_plane(cluster_name, args),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=gke.deletion_protection,
                depends_on=[policy],
                # Nodes belong to the pool below; this describes the default pool, which is removed at once.
                ignore_changes=["nodeConfig", "initialNodeCount"],
            ),
        )
        pool = gcp.container.NodePool(
            name,
            node_pool(args, cluster.id, nodes.email),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[reports]),
        )
        self.provider = k8s.Provider(
            name,
            kubeconfig=kubeconfig(cluster_name, _endpoint(cluster)),
            # Without it a new address of the control plane would replace every object.
            cluster_identifier=f"{gke.project}/{gke.region}/{cluster_name}",
            kube_client_settings=k8s.KubeClientSettingsArgs(qps=_QUERIES_PER_SECOND, burst=2 * _QUERIES_PER_SECOND),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[pool]),
        )
        self.nodes_member = nodes.member
        self.register_outputs({})


def control_plane(name: str, args: ClusterArgs) -> gcp.container.ClusterArgs:
    """A control plane that only those whom IAM knows can reach, and nodes that nobody can."""
    gke = args.gke
    authorized = [
        ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=str(found), display_name=f"authorized-{index}")
        for index, found in enumerate(gke.authorized_networks)
    ]
    return gcp.container.ClusterArgs(
        name=name,
        location=gke.region,
        node_locations=list(gke.zones),
        description=f"InssaService, stack {args.stack}",
        resource_labels=args.labels,
        deletion_protection=gke.deletion_protection,
        network=args.network,
        subnetwork=args.subnetwork,
        networking_mode="VPC_NATIVE",
        ip_allocation_policy=ClusterIpAllocationPolicyArgs(
            cluster_secondary_range_name=network.PODS, services_secondary_range_name=network.SERVICES
        ),
        datapath_provider="ADVANCED_DATAPATH",
        enable_intranode_visibility=True,
        private_cluster_config=ClusterPrivateClusterConfigArgs(
            enable_private_nodes=True, enable_private_endpoint=not authorized
        ),
        control_plane_endpoints_config=ClusterControlPlaneEndpointsConfigArgs(
            dns_endpoint_config=ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(allow_external_traffic=True),
            ip_endpoints_config=ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=bool(authorized)),
        ),
        # Even when no network is named, the block says so: without it every address would be authorized.
        master_authorized_networks_config=ClusterMasterAuthorizedNetworksConfigArgs(
            cidr_blocks=authorized, gcp_public_cidrs_access_enabled=False
        ),
        release_channel=ClusterReleaseChannelArgs(channel="REGULAR"),
        maintenance_policy=ClusterMaintenancePolicyArgs(
            # Weekday mornings in Korea, after the nightly build and before people come: 19:00 to 23:00 UTC.
            recurring_window=ClusterMaintenancePolicyRecurringWindowArgs(
                start_time="2026-01-04T19:00:00Z",
                end_time="2026-01-04T23:00:00Z",
                recurrence="FREQ=WEEKLY;BYDAY=SU,MO,TU,WE,TH",
            )
        ),
        workload_identity_config=ClusterWorkloadIdentityConfigArgs(workload_pool=f"{gke.project}.svc.id.goog"),
        binary_authorization=ClusterBinaryAuthorizationArgs(evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"),
        database_encryption=ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=args.key),
        enable_shielded_nodes=True,
        enable_legacy_abac=False,
        master_auth=ClusterMasterAuthArgs(
            client_certificate_config=ClusterMasterAuthClientCertificateConfigArgs(issue_client_certificate=False)
        ),
        rbac_binding_config=ClusterRbacBindingConfigArgs(
            enable_insecure_binding_system_authenticated=False,
            enable_insecure_binding_system_unauthenticated=False,
        ),
        security_posture_config=ClusterSecurityPostureConfigArgs(
            mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
        ),
        cost_management_config=ClusterCostManagementConfigArgs(enabled=True),
        gateway_api_config=ClusterGatewayApiConfigArgs(channel="CHANNEL_STANDARD"),
        addons_config=ClusterAddonsConfigArgs(
            dns_cache_config=ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
            gce_persistent_disk_csi_driver_config=ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(enabled=True),
            horizontal_pod_autoscaling=ClusterAddonsConfigHorizontalPodAutoscalingArgs(disabled=False),
            http_load_balancing=ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
        ),
        logging_config=ClusterLoggingConfigArgs(
            enable_components=[
                "SYSTEM_COMPONENTS",
                "WORKLOADS",
                "APISERVER",
                "CONTROLLER_MANAGER",
                "SCHEDULER",
            ]
        ),
        monitoring_config=ClusterMonitoringConfigArgs(
            enable_components=["SYSTEM_COMPONENTS", "HPA", "POD", "DEPLOYMENT"],
            managed_prometheus=ClusterMonitoringConfigManagedPrometheusArgs(enabled=True),
        ),
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config=ClusterNodeConfigArgs(
            machine_type="e2-small",
            image_type="COS_CONTAINERD",
            oauth_scopes=[_OAUTH_SCOPE],
            kubelet_config=ClusterNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE"),
            shielded_instance_config=ClusterNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
            workload_metadata_config=ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        ),
        node_pool_defaults=ClusterNodePoolDefaultsArgs(
            node_config_defaults=ClusterNodePoolDefaultsNodeConfigDefaultsArgs(
                insecure_kubelet_readonly_port_enabled="FALSE"
            )
        ),
    )


def node_pool(
    args: ClusterArgs, cluster: pulumi.Input[str], service_account: pulumi.Input[str]
) -> gcp.container.NodePoolArgs:
    """Nodes that grow in number by themselves and are upgraded by one node more, none less."""
    gke = args.gke
    return gcp.container.NodePoolArgs(
        cluster=cluster,
        node_locations=list(gke.zones),
        location=gke.region,
        initial_node_count=gke.nodes.min,
        autoscaling=NodePoolAutoscalingArgs(
            min_node_count=gke.nodes.min, max_node_count=gke.nodes.max, location_policy="BALANCED"
        ),
        management=NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
        upgrade_settings=NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=1, max_unavailable=0),
        network_config=NodePoolNetworkConfigArgs(enable_private_nodes=True),
        node_config=NodePoolNodeConfigArgs(
            machine_type=gke.machine_type,
            image_type="COS_CONTAINERD",
            disk_type="pd-balanced",
            disk_size_gb=50,
            service_account=service_account,
            oauth_scopes=[_OAUTH_SCOPE],
            metadata={"disable-legacy-endpoints": "true"},
            resource_labels=args.labels,
            kubelet_config=NodePoolNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE"),
            shielded_instance_config=NodePoolNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
            workload_metadata_config=NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        ),
    )


def kubeconfig(name: str, endpoint: pulumi.Input[str]) -> pulumi.Output[str]:
    """A kubeconfig without key material: whoever uses it signs in by himself, through the auth plugin.

    The DNS endpoint bears a certificate of a public authority, so none is named here.
    """
    return pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": pulumi.Output.concat("https://", endpoint)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1",
                            "command": "gke-gcloud-auth-plugin",
                            "installHint": "gcloud components install gke-gcloud-auth-plugin",
                            "interactiveMode": "Never",
                            "provideClusterInfo": True,
                        }
                    },
                }
            ],
        }
    )


def _endpoint(cluster: gcp.container.Cluster) -> pulumi.Output[str]:
    return cluster.control_plane_endpoints_config.apply(
        lambda config: str(config.dns_endpoint_config and config.dns_endpoint_config.endpoint)
    )
