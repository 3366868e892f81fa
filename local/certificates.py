"""The platform's own certificate authorities and what they sign.

Three authorities, as kubeadm has them, because trust in one must not open the others: `cluster` for
the Kubernetes API, `etcd` for the store below it, `front-proxy` for the aggregated APIs behind it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from local import commands
from local.services import write_if_changed
from local.settings import CLUSTER_DOMAIN, NODE_ADDRESS, NODE_NAME

DAYS = 3650
"""How long a certificate is valid."""

FIRST_SERVICE_ADDRESS = "10.96.0.1"
"""Address of `kubernetes.default`: the first of the service range."""

_OPENSSL_CONFIG = "[req]\ndistinguished_name = name\n[name]\n"


@dataclass(frozen=True)
class Certificate:
    """What one certificate says. Without `authority` it is an authority itself."""

    name: str
    common_name: str
    organization: str = ""
    authority: str = ""
    names: tuple[str, ...] = ()
    """Subject alternative names, as `DNS:...` or `IP:...`; their presence makes it a server's."""

    def request(self, folder: Path) -> list[str]:
        """Return the openssl command that makes it."""
        subject = f"/O={self.organization}/CN={self.common_name}" if self.organization else f"/CN={self.common_name}"
        command = ["openssl", "req", "-x509", "-config", str(folder / "openssl.cnf"), "-days", str(DAYS)]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-subj", subject]
        command += ["-keyout", str(folder / f"{self.name}.key.new"), "-out", str(folder / f"{self.name}.crt.new")]
        if not self.authority:
            extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        else:
            command += ["-CA", str(folder / f"{self.authority}.crt"), "-CAkey", str(folder / f"{self.authority}.key")]
            usage = "serverAuth,clientAuth" if self.names else "clientAuth"
            extensions = ["basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={usage}"]
            extensions += ["keyUsage=critical,digitalSignature"]
            extensions += [f"subjectAltName={','.join(self.names)}"] if self.names else []
        for extension in extensions:
            command += ["-addext", extension]
        return command


_API_NAMES = (
    *(f"DNS:kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", f".default.svc.{CLUSTER_DOMAIN}")),
    f"IP:{NODE_ADDRESS}",
    f"IP:{FIRST_SERVICE_ADDRESS}",
    "IP:127.0.0.1",
    "DNS:localhost",
)

USERS = {
    "admin": ("inssa-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
    "kube-proxy": ("system:kube-proxy", ""),
    "coredns": ("inssa:coredns", ""),
    "contour": ("inssa:contour", ""),
    "metrics-server": ("inssa:metrics-server", ""),
    "volume-provisioner": ("inssa:volume-provisioner", ""),
}
"""Who talks to the API: a kubeconfig's name, the user's name and group."""

CERTIFICATES = (
    Certificate("cluster", "inssa cluster authority"),
    Certificate("etcd", "inssa etcd authority"),
    Certificate("front-proxy", "inssa front proxy authority"),
    Certificate("etcd-server", "etcd", authority="etcd", names=("IP:127.0.0.1", "DNS:localhost")),
    Certificate("etcd-client", "kube-apiserver", authority="etcd"),
    Certificate("apiserver", "kube-apiserver", authority="cluster", names=_API_NAMES),
    Certificate("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters", "cluster"),
    Certificate("front-proxy-client", "front-proxy-client", authority="front-proxy"),
    Certificate(
        "kubelet-server",
        f"system:node:{NODE_NAME}",
        "system:nodes",
        "cluster",
        (f"DNS:{NODE_NAME}", f"IP:{NODE_ADDRESS}"),
    ),
    Certificate(
        "metrics-server-server",
        "metrics-server",
        authority="cluster",
        names=("DNS:metrics-server.kube-system.svc", f"IP:{NODE_ADDRESS}"),
    ),
    *(Certificate(name, user, group, "cluster") for name, (user, group) in USERS.items()),
)


def ensure(folder: Path) -> None:
    """Make what is missing of the certificates, the kubeconfigs and the key for service account tokens.

    A pair is moved into place key first, so a folder left by an interrupted run is completed.

    Raises:
        CommandError: openssl failed.

    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    write_if_changed(folder / "openssl.cnf", _OPENSSL_CONFIG)
    for certificate in CERTIFICATES:
        if not (folder / f"{certificate.name}.crt").exists():
            commands.run(certificate.request(folder), seconds=30)
            for kind in ("key", "crt"):
                fresh = folder / f"{certificate.name}.{kind}.new"
                fresh.chmod(0o600)
                fresh.replace(folder / f"{certificate.name}.{kind}")
    service_account = folder / "service-account.key"
    if not service_account.exists():
        fresh = folder / "service-account.key.new"
        fresh.touch(0o600)
        commands.run(
            ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", fresh], seconds=30
        )
        commands.run(["openssl", "pkey", "-in", fresh, "-pubout", "-out", folder / "service-account.pub"], seconds=30)
        fresh.replace(service_account)
    for name in USERS:
        write_if_changed(folder / f"{name}.kubeconfig", kubeconfig(folder, name))


def kubeconfig(folder: Path, name: str) -> str:
    """Render the kubeconfig of one user, with its certificate and key inside."""

    def data(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    cluster = {
        "server": f"https://{NODE_ADDRESS}:6443",
        "certificate-authority-data": data(folder / "cluster.crt"),
    }
    user = {
        "client-certificate-data": data(folder / f"{name}.crt"),
        "client-key-data": data(folder / f"{name}.key"),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": NODE_NAME, "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": NODE_NAME, "context": {"cluster": NODE_NAME, "user": name}}],
            "current-context": NODE_NAME,
        },
        indent=2,
    )
