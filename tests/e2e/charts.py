"""A chart repository on loopback, and a small chart that treats values as Jenkins' chart does."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

NAME = "small"

_CONFIGURATION = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  values.json: {{ toJson .Values | quote }}
  securityRealm.yaml: {{ tpl .Values.controller.JCasC.securityRealm . | quote }}
  authorizationStrategy.yaml: {{ tpl .Values.controller.JCasC.authorizationStrategy . | quote }}
  {{- range $key, $value := .Values.controller.JCasC.configScripts }}
  {{ $key }}.yaml: {{ tpl $value $ | quote }}
  {{- end }}
  {{- range $key, $value := .Values.controller.initScripts }}
  init{{ $key }}.groovy: {{ tpl $value $ | quote }}
  {{- end }}
"""
_SERVER = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}
spec:
  serviceName: {{ .Release.Name }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations:
        checksum/config: {{ .Values | toJson | sha256sum }}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      securityContext: {{ toJson .Values.controller.podSecurityContextOverride }}
      containers:
        - name: server
          image: {{ .Values.image }}
          command: ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]
          readinessProbe: {exec: {command: ["test", "-f", {{ .Values.readyFile | quote }}]}, periodSeconds: 1}
          securityContext: {{ toJson .Values.controller.containerSecurityContext }}
          volumeMounts: [{name: secret, mountPath: /run/secrets/planted, readOnly: true}]
      volumes: [{name: secret, secret: {secretName: planted}}]
"""


@contextmanager
def repository(folder: Path, *versions: str) -> Iterator[str]:
    """Serve the chart in these versions; yields the repository's address."""
    entries = [_package(folder, version) for version in versions]
    (folder / "index.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "entries": {NAME: entries}}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _package(folder: Path, version: str) -> dict[str, object]:
    about = {"apiVersion": "v2", "name": NAME, "version": version}
    files = {
        "Chart.yaml": yaml.safe_dump(about),
        "values.yaml": "{}",
        "templates/configuration.yaml": _CONFIGURATION,
        "templates/server.yaml": _SERVER,
    }
    path = folder / f"{NAME}-{version}.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return {**about, "urls": [path.name], "digest": hashlib.sha256(path.read_bytes()).hexdigest()}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
