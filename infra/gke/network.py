"""A network of its own: one subnet, a way out, and a private way to Google's services."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp.compute import FirewallDenyArgs, FirewallLogConfigArgs, RouterNatLogConfigArgs, RouterNatSubnetworkArgs
from pulumi_gcp.compute import SubnetworkLogConfigArgs as LogConfigArgs
from pulumi_gcp.compute import SubnetworkSecondaryIpRangeArgs as SecondaryRangeArgs

from infra.gke.settings import Ranges

PODS = "pods"
SERVICES = "services"
_LAST = 65534
"""The priority below which only the rules are that every network has."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Where the network is and which addresses it gives out."""

    region: str
    ranges: Ranges


class Network(pulumi.ComponentResource):
    """Owns the VPC, its subnet, the NAT of private nodes and the peering that the database is reached by.

    A VPC lets nothing in by itself, and GKE opens what its control plane, its nodes
    and its load balancers need among each other. The one rule here comes after all
    of those: what nobody allowed is refused, and written down.
    """

    id: pulumi.Output[str]
    subnetwork: pulumi.Output[str]
    database_range: pulumi.Output[str]
    peering: pulumi.Resource

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = gcp.compute.Network(name, auto_create_subnetworks=False, routing_mode="REGIONAL", opts=child)
        subnetwork = gcp.compute.Subnetwork(
            name,
            network=network.id,
            region=args.region,
            ip_cidr_range=str(args.ranges.nodes),
            secondary_ip_ranges=[
                SecondaryRangeArgs(range_name=PODS, ip_cidr_range=str(args.ranges.pods)),
                SecondaryRangeArgs(range_name=SERVICES, ip_cidr_range=str(args.ranges.services)),
            ],
            private_ip_google_access=True,
            log_config=LogConfigArgs(
                aggregation_interval="INTERVAL_10_MIN", flow_sampling=0.5, metadata="INCLUDE_ALL_METADATA"
            ),
            opts=child,
        )
        router = gcp.compute.Router(name, network=network.id, region=args.region, opts=child)
        gcp.compute.RouterNat(
            name,
            router=router.name,
            region=args.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
            subnetworks=[RouterNatSubnetworkArgs(name=subnetwork.id, source_ip_ranges_to_nats=["ALL_IP_RANGES"])],
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            log_config=RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=child,
        )
        gcp.compute.Firewall(
            name,
            network=network.id,
            direction="INGRESS",
            priority=_LAST,
            denies=[FirewallDenyArgs(protocol="all")],
            source_ranges=["0.0.0.0/0"],
            log_config=FirewallLogConfigArgs(metadata="INCLUDE_ALL_METADATA"),
            opts=child,
        )
        database = args.ranges.database
        addresses = gcp.compute.GlobalAddress(
            f"{name}-database",
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(database.network_address),
            prefix_length=database.prefixlen,
            network=network.id,
            opts=child,
        )
        self.peering = gcp.servicenetworking.Connection(
            name,
            network=network.id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[addresses.name],
            opts=child,
        )
        self.id = network.id
        self.subnetwork = subnetwork.id
        self.database_range = addresses.name
        self.register_outputs({"id": self.id})
