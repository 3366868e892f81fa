"""Values of the chart `jenkins` 5.9.53: all of Jenkins' configuration, as pure functions.

Texts that the chart puts into its templates pass through Helm's `tpl`, and then
through Configuration as Code, which reads `${...}` as the name of a secret. Each
is escaped for both here, once; only `secret()` means one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml

from infra.jenkins.settings import OIDC_PLUGIN, Github, Jenkins, Oidc

RELEASE = "jenkins"
PORT = 80
"""Of the Service, so that routes treat Jenkins like any other backend."""
CONTAINER_PORT = 8080
AGENT_PORT = 50000
AGENT_ACCOUNT = "jenkins-agent"
ADMIN_SECRET = "jenkins-admin"  # noqa: S105 - the name of a Secret
ADMIN_USER = "admin"
PIPELINE_USER = "pipeline"
GITHUB_SECRET = "jenkins-github"  # noqa: S105 - the name of a Secret
OIDC_SECRET = "jenkins-oidc"  # noqa: S105 - the name of a Secret
_UID = 1000
_HERE = Path(__file__).parent
_MAY_READ = ("Overall/Read", "Job/Read", "View/Read")
_MAY_RUN = ("Agent/Build", "Credentials/UseItem")


@dataclass(frozen=True, kw_only=True)
class ValuesArgs:
    """`url` is where people find Jenkins; `agent_annotations` bind the agents' account to an identity outside."""

    settings: Jenkins
    url: str
    agent_annotations: dict[str, pulumi.Input[str]]


def values(args: ValuesArgs) -> dict[str, Any]:
    """The chart's values. None of them is a secret: those are mounted from Secrets."""
    settings = args.settings
    return {
        "fullnameOverride": RELEASE,
        "controller": {
            "image": {
                "registry": settings.controller.registry,
                "repository": settings.controller.repository,
                "tag": settings.controller.pinned_tag,
                "pullPolicy": "IfNotPresent",
            },
            "numExecutors": 0,
            "executorMode": "EXCLUSIVE",
            "jenkinsUrl": args.url,
            "jenkinsAdminEmail": settings.admin_email,
            # The StatefulSet mounts the Secret only while createSecret is true; with existingSecret none is created.
            "admin": {"createSecret": True, "existingSecret": ADMIN_SECRET, "username": ADMIN_USER},
            "servicePort": PORT,
            "targetPort": CONTAINER_PORT,
            "serviceType": "ClusterIP",
            "agentListenerPort": AGENT_PORT,
            "disableRememberMe": True,
            "testEnabled": False,
            "resources": {
                "requests": {"cpu": "500m", "memory": "2Gi"},
                "limits": {"cpu": "2", "memory": "4Gi"},
            },
            "initContainerResources": {
                "requests": {"cpu": "500m", "memory": "512Mi"},
                "limits": {"cpu": "2", "memory": "2Gi"},
            },
            "javaOpts": "-XX:MaxRAMPercentage=60 -Djenkins.install.runSetupWizard=false",
            "podSecurityContextOverride": {
                "runAsNonRoot": True,
                "runAsUser": _UID,
                "runAsGroup": _UID,
                "fsGroup": _UID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containerSecurityContext": {
                "runAsUser": _UID,
                "runAsGroup": _UID,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
            "installPlugins": list(settings.installed_plugins),
            "additionalPlugins": [*settings.additional_plugins, *([OIDC_PLUGIN] if settings.oidc else [])],
            "installLatestPlugins": False,
            "installLatestSpecifiedPlugins": False,
            "overwritePlugins": True,
            "additionalExistingSecrets": [
                {"name": ADMIN_SECRET, "keyName": "pipeline-password"},
                {"name": GITHUB_SECRET, "keyName": "token"},
                *([{"name": OIDC_SECRET, "keyName": "client-secret"}] if settings.oidc else []),
            ],
            # Cores from 2.543 refuse what the chart would write here for older ones; security.yaml says it instead.
            "csrf": {"defaultCrumbIssuer": {"enabled": False}},
            "initScripts": {"refuse-unsafe": escape_template((_HERE / "refuse-unsafe.groovy").read_text())},
            "JCasC": {
                "defaultConfig": True,
                "overwriteConfiguration": True,
                "security": {
                    "apiToken": {
                        "creationOfLegacyTokenEnabled": False,
                        "tokenGenerationOnCreationEnabled": False,
                        "usageStatisticsEnabled": True,
                    },
                    "globalJobDslSecurityConfiguration": {"useScriptSecurity": True},
                    "queueItemAuthenticator": {
                        "authenticators": [
                            {"global": {"strategy": {"specificUsersAuthorizationStrategy": {"userid": PIPELINE_USER}}}}
                        ]
                    },
                },
                "securityRealm": _casc(_realm(settings.oidc)),
                "authorizationStrategy": _casc(_authorization(settings.oidc)),
                "configScripts": {
                    "security": _casc({"jenkins": {"crumbIssuer": "standard"}}),
                    "credentials": _casc(_credentials(settings.github)),
                    "jobs": _casc({"jobs": [{"script": literal(job_script(settings.github))}]}),
                },
            },
            # A changed configuration restarts Jenkins; the sidecar that would reload it may read every Secret.
            "sidecars": {"configAutoReload": {"enabled": False}},
        },
        "agent": {
            "enabled": True,
            "image": {
                "registry": settings.agent.registry,
                "repository": settings.agent.repository,
                "tag": settings.agent.pinned_tag,
            },
            "useDefaultServiceAccount": True,
            "restrictedPssSecurityContext": True,
            "privileged": False,
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "showRawYaml": False,
            "podRetention": "Never",
            "containerCap": 10,
            "resources": {
                "requests": {"cpu": "500m", "memory": "1Gi"},
                "limits": {"cpu": "2", "memory": "2Gi"},
            },
        },
        "serviceAccountAgent": {
            "create": True,
            "name": AGENT_ACCOUNT,
            "annotations": args.agent_annotations,
            "automountServiceAccountToken": False,
        },
        "rbac": {"create": True, "readSecrets": False},
        "persistence": {"enabled": True, "size": settings.storage},
    }


def secret(name: str) -> str:
    """The place of a mounted secret in a text of Configuration as Code."""
    return f"${{{name}}}"


def literal(text: str) -> str:
    """A text that Configuration as Code takes as it is."""
    return re.sub(r"\^*\$\{", lambda found: f"^{found.group()}", text)


def escape_template(text: str) -> str:
    """A text that Helm's `tpl` takes as it is."""
    return re.sub(r"\{\{|\}\}", lambda found: '{{ "' + found.group() + '" }}', text)


def job_script(github: Github) -> str:
    """The jobs, as Job DSL."""
    script = (_HERE / "jobs.groovy").read_text()
    return script.replace("@OWNER@", github.owner).replace("@REPOSITORY@", github.repository)


def _casc(document: dict[str, Any]) -> str:
    return escape_template(yaml.safe_dump(document, sort_keys=False, width=10_000))


def _realm(oidc: Oidc | None) -> dict[str, Any]:
    if oidc is None:
        users = [
            {"id": secret("chart-admin-username"), "password": secret("chart-admin-password")},
            {"id": PIPELINE_USER, "password": secret(f"{ADMIN_SECRET}-pipeline-password")},
        ]
        return {"local": {"allowsSignup": False, "enableCaptcha": False, "users": users}}
    return {
        "oic": {
            "clientId": oidc.client_id,
            "clientSecret": secret(f"{OIDC_SECRET}-client-secret"),
            "serverConfiguration": {
                "wellKnown": {
                    "wellKnownOpenIDConfigurationUrl": literal(oidc.well_known),
                    "scopesOverride": "openid profile email groups",
                }
            },
            "userNameField": literal(oidc.user_field),
            "groupsFieldName": literal(oidc.groups_field),
            "emailFieldName": "email",
            "fullNameFieldName": "name",
            "logoutFromOpenidProvider": True,
            "properties": ["pkce"],
        }
    }


def _authorization(oidc: Oidc | None) -> dict[str, Any]:
    if oidc:
        administrators = _entry("group", oidc.admin_group, "Overall/Administer")
        # No account of ours exists there, so builds run as nobody, who may run them and reach no page.
        builds = _entry("user", "anonymous", *_MAY_RUN)
    else:
        administrators = _entry("user", ADMIN_USER, "Overall/Administer")
        builds = _entry("user", PIPELINE_USER, *_MAY_READ, "Job/Build", *_MAY_RUN)
    people = _entry("group", "authenticated", *_MAY_READ, "Job/Build", "Job/Cancel")
    return {"globalMatrix": {"entries": [administrators, builds, people]}}


def _entry(kind: str, name: str, *permissions: str) -> dict[str, Any]:
    return {kind: {"name": name, "permissions": list(permissions)}}


def _credentials(github: Github) -> dict[str, Any]:
    token = {
        "usernamePassword": {
            "scope": "GLOBAL",
            "id": "github",
            "username": github.user,
            "password": secret(f"{GITHUB_SECRET}-token"),
            "description": "Reads the repository, comments on pull requests",
        }
    }
    return {"credentials": {"system": {"domainCredentials": [{"credentials": [token]}]}}}
