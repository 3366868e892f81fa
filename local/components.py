"""The services of the platform: their commands, configuration, ports and order. Pure; nothing runs here.

Everything listens on loopback or on the node's address, which only this machine and its pods reach.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local import cgroups, manifests, network, probes
from local.services import Service
from local.settings import CLUSTER_DOMAIN, NODE_ADDRESS, NODE_NAME, POD_RANGE, SERVICE_RANGE, Settings

LOOPBACK = "127.0.0.1"
API_PORT = 6443
ETCD_PORT, ETCD_PEER_PORT = 2379, 2380
KUBELET_PORT, KUBELET_HEALTH_PORT = 10250, 10248
PROXY_METRICS_PORT, PROXY_HEALTH_PORT = 10249, 10256
CONTROLLER_MANAGER_PORT, SCHEDULER_PORT = 10257, 10259
XDS_PORT, ENVOY_STATS_PORT, CONTOUR_METRICS_PORT, CONTOUR_HEALTH_PORT, CONTOUR_DEBUG_PORT = range(18001, 18006)
DNS_HEALTH_PORT, DNS_READY_PORT = 18006, 18007

IDLE_SECONDS = 3600
"""How long Envoy keeps an idle connection of a client. Contour's 60 s would close under a client that pauses."""
DRAIN_SECONDS = 30
"""How long Envoy lets connections of a removed listener finish; its default of 600 s outlives every test."""

API_STOP_SECONDS = 3
"""How long the API server may take to end. It waits a minute for open watches; its state lies in etcd anyway."""

PAUSE_IMAGE = "pause:3.10"


@dataclass(frozen=True)
class Component:
    """A service and what must have happened before it starts: names of components or of cluster steps."""

    service: Service
    after: tuple[str, ...] = ()


def all_of(settings: Settings, program: Callable[[str], str], *, own_docker: bool) -> tuple[Component, ...]:
    """List every component in an order in which they can start.

    Args:
        settings: folders and ports.
        program: finds an executable by its name.
        own_docker: whether the platform runs an image builder of its own.

    """
    node = (
        Component(etcd(settings, program), after=("certificates",)),
        Component(registry(settings, program)),
        Component(containerd(settings, program), after=("cgroups", "network")),
    )
    docker = (Component(dockerd(settings, program), after=("containerd",)),) if own_docker else ()
    api = "apiserver"
    return (
        *node,
        *docker,
        Component(apiserver(settings, program), after=("etcd", "network")),
        Component(controller_manager(settings, program), after=(api,)),
        Component(scheduler(settings, program), after=(api,)),
        Component(kubelet(settings, program), after=(api, "containerd")),
        Component(kube_proxy(settings, program), after=(api,)),
        Component(coredns(settings, program), after=(api, "objects")),
        Component(volume_provisioner(settings, program), after=(api, "objects")),
        Component(metrics_server(settings, program), after=(api, "objects")),
        Component(contour(settings, program), after=(api, "objects")),
        # Later than it must: Envoy that finds no Contour tries again only after up to 15 s.
        Component(envoy(settings, program), after=("contour",)),
    )


def etcd(settings: Settings, program: Callable[[str], str]) -> Service:
    """Keep the cluster's state. It syncs to disk, so that the state survives a crash of the machine."""
    pki = settings.pki
    client, peer = f"https://{LOOPBACK}:{ETCD_PORT}", f"https://{LOOPBACK}:{ETCD_PEER_PORT}"
    command = [program("etcd"), "--name=local", f"--data-dir={settings.home / 'etcd'}", "--log-level=warn"]
    command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}", "--client-cert-auth"]
    command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", "--peer-client-cert-auth"]
    command += [f"--initial-cluster=local={peer}", "--auto-compaction-retention=1h"]
    for prefix in ("", "peer-"):
        command += [
            f"--{prefix}cert-file={pki / 'etcd-server.crt'}",
            f"--{prefix}key-file={pki / 'etcd-server.key'}",
            f"--{prefix}trusted-ca-file={pki / 'etcd.crt'}",
        ]
    return Service(
        "etcd",
        tuple(command),
        lambda: probes.tcp_open(LOOPBACK, ETCD_PORT),
        ports=((LOOPBACK, ETCD_PORT), (LOOPBACK, ETCD_PEER_PORT)),
    )


def apiserver(settings: Settings, program: Callable[[str], str]) -> Service:
    """Serve the Kubernetes API on the node's address, to certificates and service accounts only."""
    pki = settings.pki
    flags = {
        "advertise-address": NODE_ADDRESS,
        "allow-privileged": "true",
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "bind-address": NODE_ADDRESS,
        "client-ca-file": pki / "cluster.crt",
        "enable-admission-plugins": "NodeRestriction",
        "etcd-cafile": pki / "etcd.crt",
        "etcd-certfile": pki / "etcd-client.crt",
        "etcd-keyfile": pki / "etcd-client.key",
        "etcd-servers": f"https://{LOOPBACK}:{ETCD_PORT}",
        "kubelet-certificate-authority": pki / "cluster.crt",
        "kubelet-client-certificate": pki / "apiserver-kubelet.crt",
        "kubelet-client-key": pki / "apiserver-kubelet.key",
        "kubelet-preferred-address-types": "InternalIP",
        "profiling": "false",
        "proxy-client-cert-file": pki / "front-proxy-client.crt",
        "proxy-client-key-file": pki / "front-proxy-client.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": pki / "front-proxy.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": API_PORT,
        "service-account-issuer": f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
        "service-account-key-file": pki / "service-account.pub",
        "service-account-signing-key-file": pki / "service-account.key",
        "service-cluster-ip-range": SERVICE_RANGE,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
    }
    return Service(
        "apiserver",
        _command(flags, program("kube-apiserver")),
        lambda: probes.https_ok(NODE_ADDRESS, API_PORT, "/readyz", pki, "admin"),
        ports=((NODE_ADDRESS, API_PORT),),
        stop_seconds=API_STOP_SECONDS,
    )


def controller_manager(settings: Settings, program: Callable[[str], str]) -> Service:
    """Run the controllers. One instance, so no leader is elected and none is waited for."""
    pki = settings.pki
    flags = {
        "authentication-kubeconfig": pki / "controller-manager.kubeconfig",
        "authorization-kubeconfig": pki / "controller-manager.kubeconfig",
        "bind-address": LOOPBACK,
        "client-ca-file": pki / "cluster.crt",
        "cluster-signing-cert-file": pki / "cluster.crt",
        "cluster-signing-key-file": pki / "cluster.key",
        "flex-volume-plugin-dir": settings.home / "kubelet/volume-plugins",
        "kubeconfig": pki / "controller-manager.kubeconfig",
        "leader-elect": "false",
        "profiling": "false",
        "requestheader-client-ca-file": pki / "front-proxy.crt",
        "root-ca-file": pki / "cluster.crt",
        "secure-port": CONTROLLER_MANAGER_PORT,
        "service-account-private-key-file": pki / "service-account.key",
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "use-service-account-credentials": "true",
    }
    return Service(
        "controller-manager",
        _command(flags, program("kube-controller-manager")),
        lambda: probes.https_ok(LOOPBACK, CONTROLLER_MANAGER_PORT, "/healthz", pki, "admin"),
        ports=((LOOPBACK, CONTROLLER_MANAGER_PORT),),
    )


def scheduler(settings: Settings, program: Callable[[str], str]) -> Service:
    """Place pods on the node."""
    pki = settings.pki
    flags = {
        "authentication-kubeconfig": pki / "scheduler.kubeconfig",
        "authorization-kubeconfig": pki / "scheduler.kubeconfig",
        "bind-address": LOOPBACK,
        "kubeconfig": pki / "scheduler.kubeconfig",
        "leader-elect": "false",
        "profiling": "false",
        "secure-port": SCHEDULER_PORT,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
    }
    return Service(
        "scheduler",
        _command(flags, program("kube-scheduler")),
        lambda: probes.https_ok(LOOPBACK, SCHEDULER_PORT, "/readyz", pki, "admin"),
        ports=((LOOPBACK, SCHEDULER_PORT),),
    )


def containerd(settings: Settings, program: Callable[[str], str]) -> Service:
    """Run containers; pulls from the platform's registry over plain HTTP on loopback."""
    config = settings.config / "containerd"
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    text = f"""\
version = 2
root = "{settings.home / "containerd"}"
state = "{settings.run / "containerd"}"
oom_score = 0

[grpc]
address = "{settings.containerd_socket}"

[debug]
address = "{settings.run / "containerd-debug.sock"}"
level = "warn"

[plugins."io.containerd.internal.v1.opt"]
path = "{settings.home / "containerd/opt"}"

[{cri}]
sandbox_image = "{settings.registry}/{PAUSE_IMAGE}"
# Without CAP_SYS_RESOURCE, as in many containers and small virtual machines, no pod starts otherwise.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
stream_server_address = "{LOOPBACK}"

[{cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{config / "cni"}"

[{cri}.containerd]
snapshotter = "overlayfs"

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[{cri}.registry]
config_path = "{config / "registries"}"
"""
    address = f"http://{settings.registry}"
    hosts = f'server = "{address}"\n\n[host."{address}"]\ncapabilities = ["pull", "resolve"]\n'
    return Service(
        "containerd",
        (program("containerd"), "--config", str(config / "config.toml")),
        lambda: probes.unix_open(settings.containerd_socket),
        files={
            config / "config.toml": text,
            config / "cni/10-inssa.conflist": network.cni_config(settings),
            config / f"registries/localhost:{settings.registry_port}/hosts.toml": hosts,
        },
    )


def kubelet(settings: Settings, program: Callable[[str], str]) -> Service:
    """Run the pods of the node. All its folders lie in ours."""
    pki, root = settings.pki, settings.home / "kubelet"
    resolv = settings.config / "resolv.conf"
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": KUBELET_PORT,
        "readOnlyPort": 0,
        "healthzBindAddress": LOOPBACK,
        "healthzPort": KUBELET_HEALTH_PORT,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "cluster.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet-server.key"),
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(resolv),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.NAME}",
        "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
        "failSwapOn": False,
        "podLogsDir": str(settings.home / "pod-logs"),
        "volumePluginDir": str(root / "volume-plugins"),
        # A developer's disk is often fuller than a node's may be; only a really full one evicts pods.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "syncFrequency": "10s",
    }
    flags = {
        "cert-dir": root / "pki",
        "config": settings.config / "kubelet.json",
        "hostname-override": NODE_NAME,
        "kubeconfig": pki / "kubelet.kubeconfig",
        "node-ip": NODE_ADDRESS,
        "root-dir": root,
    }
    return Service(
        "kubelet",
        _command(flags, program("kubelet")),
        lambda: probes.http_ok(LOOPBACK, KUBELET_HEALTH_PORT, "/healthz"),
        ports=((NODE_ADDRESS, KUBELET_PORT), (LOOPBACK, KUBELET_HEALTH_PORT)),
        files={
            settings.config / "kubelet.json": json.dumps(config, indent=2),
            resolv: f"nameserver {NODE_ADDRESS}\n",
        },
    )


def kube_proxy(settings: Settings, program: Callable[[str], str]) -> Service:
    """Make services reachable. Node ports open on the node's address only."""
    path = settings.config / "kube-proxy.json"
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "bindAddress": NODE_ADDRESS,
        "clientConnection": {"kubeconfig": str(settings.pki / "kube-proxy.kubeconfig")},
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": NODE_NAME,
        "healthzBindAddress": f"{LOOPBACK}:{PROXY_HEALTH_PORT}",
        "metricsBindAddress": f"{LOOPBACK}:{PROXY_METRICS_PORT}",
        "nodePortAddresses": [f"{NODE_ADDRESS}/32"],
        "iptables": {"localhostNodePorts": False},
        # The machine's own limits on connection tracking are left as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    return Service(
        "kube-proxy",
        (program("kube-proxy"), f"--config={path}"),
        lambda: probes.http_ok(LOOPBACK, PROXY_HEALTH_PORT, "/livez"),
        ports=((LOOPBACK, PROXY_HEALTH_PORT), (LOOPBACK, PROXY_METRICS_PORT)),
        files={path: json.dumps(config, indent=2)},
    )


def coredns(settings: Settings, program: Callable[[str], str]) -> Service:
    """Answer names of services. Names outside the cluster are refused: pods cannot reach them anyway."""
    path = settings.config / "Corefile"
    text = f"""\
.:53 {{
    bind {NODE_ADDRESS}
    errors
    health {LOOPBACK}:{DNS_HEALTH_PORT}
    ready {LOOPBACK}:{DNS_READY_PORT}
    cache 5
    kubernetes {CLUSTER_DOMAIN} {{
        kubeconfig {settings.pki / "coredns.kubeconfig"} {NODE_NAME}
        ttl 5
    }}
}}
"""
    return Service(
        "coredns",
        (program("coredns"), "-conf", str(path)),
        lambda: probes.http_ok(LOOPBACK, DNS_READY_PORT, "/ready"),
        ports=((NODE_ADDRESS, 53), (LOOPBACK, DNS_HEALTH_PORT), (LOOPBACK, DNS_READY_PORT)),
        files={path: text},
    )


def volume_provisioner(settings: Settings, program: Callable[[str], str]) -> Service:
    """Give claims their folders. It serves nothing, so running is all it can be asked for."""
    flags = {"kubeconfig": settings.pki / "volume-provisioner.kubeconfig", "root": settings.volumes}
    return Service("volume-provisioner", _command(flags, program("volume-provisioner")), lambda: True)


def metrics_server(settings: Settings, program: Callable[[str], str]) -> Service:
    """Serve the metrics API. It is ready only after it read all pods twice, which no start waits for."""
    pki = settings.pki
    kubeconfig = pki / "metrics-server.kubeconfig"
    flags = {
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": NODE_ADDRESS,
        "kubeconfig": kubeconfig,
        "kubelet-certificate-authority": pki / "cluster.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-request-timeout": "5s",
        "metric-resolution": "10s",
        "secure-port": manifests.METRICS_PORT,
        "tls-cert-file": pki / "metrics-server-server.crt",
        "tls-private-key-file": pki / "metrics-server-server.key",
    }
    return Service(
        "metrics-server",
        _command(flags, program("metrics-server")),
        lambda: probes.tcp_open(NODE_ADDRESS, manifests.METRICS_PORT),
        ports=((NODE_ADDRESS, manifests.METRICS_PORT),),
    )


def registry(settings: Settings, program: Callable[[str], str]) -> Service:
    """Keep images, for this machine only and hence without a password."""
    path = settings.config / "registry.json"
    config = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(settings.home / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"{LOOPBACK}:{settings.registry_port}"},
    }
    return Service(
        "registry",
        (program("docker-registry"), "serve", str(path)),
        lambda: probes.http_ok(LOOPBACK, settings.registry_port, "/v2/"),
        ports=((LOOPBACK, settings.registry_port),),
        files={path: json.dumps(config, indent=2)},
    )


def dockerd(settings: Settings, program: Callable[[str], str]) -> Service:
    """Build images, on a private socket and without any network of its own."""
    flags = {
        "host": f"unix://{settings.docker_socket}",
        "containerd": settings.containerd_socket,
        "data-root": settings.home / "docker",
        "exec-root": settings.run / "docker",
        "pidfile": settings.run / "dockerd.own.pid",
        "storage-driver": "overlay2",
        "cgroup-parent": f"/{cgroups.NAME}/builds",
        "bridge": "none",
        "iptables": "false",
        "ip-forward": "false",
        "ip-masq": "false",
        "log-level": "warn",
    }
    return Service(
        "dockerd",
        _command(flags, program("dockerd")),
        lambda: probes.unix_open(settings.docker_socket),
        stop_seconds=20,
    )


def contour(settings: Settings, program: Callable[[str], str]) -> Service:
    """Turn routes into Envoy's configuration. No retries and no request timeout are set anywhere."""
    path = settings.config / "contour.json"
    config = {
        "gateway": {
            "gatewayRef": {"namespace": manifests.GATEWAY_NAMESPACE, "name": manifests.GATEWAY_NAME},
        },
        "timeouts": {"connection-idle-timeout": f"{IDLE_SECONDS}s"},
        # No second way to Envoy's admin interface; ours is a socket that only root opens.
        "network": {"admin-port": 0},
        # Only what goes wrong (status 500 and above) is worth a line each.
        "accesslog-level": "critical",
    }
    flags = {
        "config-path": path,
        "debug-http-address": LOOPBACK,
        "debug-http-port": CONTOUR_DEBUG_PORT,
        "disable-leader-election": None,
        "envoy-service-http-address": LOOPBACK,
        "envoy-service-https-address": LOOPBACK,
        "health-address": LOOPBACK,
        "health-port": CONTOUR_HEALTH_PORT,
        "http-address": LOOPBACK,
        "http-port": CONTOUR_METRICS_PORT,
        "ingress-status-address": NODE_ADDRESS,
        # Routes hold no secret and there is no TLS listener; the port is on loopback.
        "insecure": None,
        "kubeconfig": settings.pki / "contour.kubeconfig",
        "stats-address": LOOPBACK,
        "stats-port": ENVOY_STATS_PORT,
        "xds-address": LOOPBACK,
        "xds-port": XDS_PORT,
    }
    ports = (XDS_PORT, CONTOUR_METRICS_PORT, CONTOUR_HEALTH_PORT, CONTOUR_DEBUG_PORT)
    return Service(
        "contour",
        _command(flags, program("contour"), "serve"),
        lambda: probes.http_ok(LOOPBACK, CONTOUR_HEALTH_PORT, "/healthz") and probes.tcp_open(LOOPBACK, XDS_PORT),
        ports=tuple((LOOPBACK, port) for port in ports),
        files={path: json.dumps(config, indent=2)},
    )


def envoy(settings: Settings, program: Callable[[str], str]) -> Service:
    """Carry the traffic. The public listener comes from Contour; pods come in by one on the node's address.

    Envoy goes on with what it knows when Contour restarts.
    """
    path = settings.config / "envoy.json"
    admin = settings.run / "envoy-admin.sock"
    source = {
        "resource_api_version": "V3",
        "api_config_source": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "contour", "authority": "contour"}}],
        },
    }
    forward = {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "from-pods",
            "cluster": "gateway",
            "idle_timeout": f"{IDLE_SECONDS}s",
        },
    }
    http2 = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {
                "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}
            },
        }
    }
    bootstrap = {
        "node": {"id": NODE_NAME, "cluster": "contour"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": source, "cds_config": source},
        "static_resources": {
            "clusters": [
                _cluster("contour", _address(LOOPBACK, XDS_PORT)) | {"typed_extension_protocol_options": http2},
                _cluster("gateway", _address(LOOPBACK, settings.gateway_port)),
                _cluster("envoy-admin", {"pipe": {"path": str(admin)}}),
            ],
            "listeners": [
                {
                    "name": "from-pods",
                    "address": _address(NODE_ADDRESS, settings.gateway_port),
                    "filter_chains": [{"filters": [forward]}],
                }
            ],
        },
        # The two limits that Contour's own bootstrap sets, for long regular expressions in routes.
        "layered_runtime": {
            "layers": [
                {
                    "name": "base",
                    "static_layer": {
                        "re2.max_program_size.error_level": 1048576,
                        "re2.max_program_size.warn_level": 1000,
                    },
                }
            ]
        },
    }
    command = (program("envoy"), "--config-path", str(path), "--log-level", "warning", "--disable-hot-restart")
    return Service(
        "envoy",
        (*command, "--drain-time-s", str(DRAIN_SECONDS), "--concurrency", "2"),
        lambda: probes.tcp_open(NODE_ADDRESS, settings.gateway_port),
        ports=(
            (LOOPBACK, settings.gateway_port),
            (NODE_ADDRESS, settings.gateway_port),
            (LOOPBACK, ENVOY_STATS_PORT),
        ),
        files={path: json.dumps(bootstrap, indent=2)},
    )


def _address(host: str, port: int) -> dict[str, object]:
    return {"socket_address": {"address": host, "port_value": port}}


def _cluster(name: str, address: dict[str, object]) -> dict[str, object]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def _command(flags: Mapping[str, object], *words: str) -> tuple[str, ...]:
    """Build a command line of `--name=value` flags; None stands for a flag without a value."""
    return (*words, *(f"--{name}" if value is None else f"--{name}={value}" for name, value in flags.items()))
