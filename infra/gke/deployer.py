"""Who may deploy from a pipeline, and nothing more than that."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, RoleRefArgs, SubjectArgs

from infra import names
from infra.gke.settings import Deployer as DeployerSettings

NAME = "deployer"
_CONNECT = ("container.clusters.connect", "container.clusters.get")
_VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"]
_MANAGED = (
    ("", ["configmaps", "secrets", "services"]),
    ("apps", ["deployments", "statefulsets"]),
    ("autoscaling", ["horizontalpodautoscalers"]),
    ("batch", ["jobs"]),
    ("discovery.k8s.io", ["endpointslices"]),
    ("gateway.networking.k8s.io", ["httproutes"]),
    ("monitoring.googleapis.com", ["podmonitorings"]),
    ("networking.gke.io", ["gcpbackendpolicies", "healthcheckpolicies"]),
    ("networking.k8s.io", ["networkpolicies"]),
    ("policy", ["poddisruptionbudgets"]),
)
_WATCHED = (
    ("", ["endpoints", "events", "namespaces", "persistentvolumeclaims", "pods", "pods/log"]),
    ("apps", ["controllerrevisions", "replicasets"]),
)


@dataclass(frozen=True, kw_only=True)
class DeployerArgs:
    """`agent` is `NAMESPACE/SERVICE_ACCOUNT` of the pods that act as the deployer, where Jenkins is in this cluster."""

    stack: str
    project: str
    settings: DeployerSettings
    agent: str | None


class Deployer(pulumi.ComponentResource):
    """Owns the deployer's identity, unless another stack does, and what it may do to this stack.

    It may connect to the cluster, where `DeployerRights` say what for; read and
    write the stack's state; and use the key of the stack's secrets. It may not
    change the cluster, the network, the database server, or anybody's rights:
    that stays with people.
    """

    member: pulumi.Output[str]
    email: pulumi.Output[str]

    def __init__(self, name: str, args: DeployerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("inssa:gke:Deployer", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.email = self._identity(name, args)
        self.member = pulumi.Output.concat("serviceAccount:", self.email)
        connect = gcp.projects.IAMCustomRole(
            name,
            role_id=f"inssa_deployer_{args.stack.replace('-', '_')}",
            title="InssaService deployer",
            description="Connect to the cluster; what is allowed there is said there",
            permissions=list(_CONNECT),
            opts=self._child,
        )
        gcp.projects.IAMMember(name, project=args.project, role=connect.name, member=self.member, opts=self._child)
        gcp.storage.BucketIAMMember(
            name,
            bucket=args.settings.state_bucket,
            role="roles/storage.objectUser",
            member=self.member,
            opts=self._child,
        )
        gcp.kms.CryptoKeyIAMMember(
            name,
            crypto_key_id=args.settings.secrets_key,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=self.member,
            opts=self._child,
        )
        self.register_outputs({"email": self.email})

    def _identity(self, name: str, args: DeployerArgs) -> pulumi.Output[str]:
        if args.settings.service_account:
            return pulumi.Output.from_input(args.settings.service_account)
        account = gcp.serviceaccount.Account(
            name,
            account_id=names.name("inssa", args.stack, NAME, limit=30),
            display_name="Jenkins' agents: build and deploy InssaService",
            opts=self._child,
        )
        if args.agent:
            gcp.serviceaccount.IAMMember(
                name,
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{args.project}.svc.id.goog[{args.agent}]",
                opts=self._child,
            )
        return account.email


class DeployerRights(pulumi.ComponentResource):
    """Owns what the deployer may do inside of the cluster: change the kinds of objects that a release is made of."""

    def __init__(
        self,
        name: str,
        namespace: pulumi.Input[str],
        email: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("inssa:gke:DeployerRights", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = ObjectMetaArgs(name=NAME, namespace=namespace, labels={"app.kubernetes.io/part-of": "inssa"})
        k8s.rbac.v1.Role(name, metadata=metadata, rules=rules(), opts=child)
        k8s.rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=NAME),
            subjects=[SubjectArgs(api_group="rbac.authorization.k8s.io", kind="User", name=email)],
            opts=child,
        )
        self.register_outputs({})


def rules() -> list[PolicyRuleArgs]:
    """What a release creates, changes and deletes, and what Pulumi watches meanwhile."""
    return [
        *(PolicyRuleArgs(api_groups=[group], resources=kinds, verbs=_VERBS) for group, kinds in _MANAGED),
        *(PolicyRuleArgs(api_groups=[group], resources=kinds, verbs=_VERBS[:3]) for group, kinds in _WATCHED),
    ]
