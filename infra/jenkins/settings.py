"""`inssa:jenkins`: the build server of a stack that asks for one."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from infra.fields import Digest, Frozen

Url = Annotated[str, Field(pattern=r"^https?://[a-z0-9.:-]+(/[A-Za-z0-9._~/-]*)?$")]
HttpsUrl = Annotated[str, Field(pattern=r"^https://[a-z0-9.:-]+(/[A-Za-z0-9._~/-]*)?$")]
Plugin = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*:[A-Za-z0-9][A-Za-z0-9._-]*$")]
Secret = Annotated[SecretStr, Field(min_length=1)]

INSTALLED = (
    "kubernetes:4423.vb_59f230b_ce53",
    "workflow-aggregator:608.v67378e9d3db_1",
    "git:5.10.1",
    "configuration-as-code:2065.v7a_20a_b_d84088",
)
"""The plugins that the chart expects, at the versions of chart 5.9.53."""
ADDITIONAL = (
    "authorize-project:1.8.1",
    "github-branch-source:1967.vdea_d580c1a_b_a_",
    "job-dsl:3654.vdf58f53e2d15",
    "junit:1335.v6b_a_a_e18534e1",
    "matrix-auth:3.2.10",
    "timestamper:1.30",
)
OIDC_PLUGIN = "oic-auth:4.668.v653c6b_c6cb_f5"


class Chart(Frozen):
    """Where the chart comes from: charts.jenkins.io or a mirror of it."""

    repository: Url = "https://charts.jenkins.io"
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "jenkins"
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")] = "5.9.53"


class Image(Frozen):
    """An image by name and digest; the tag is for people."""

    registry: Annotated[str, Field(pattern=r"^[a-z0-9.:-]+$")] = "docker.io"
    repository: Annotated[str, Field(pattern=r"^[a-z0-9./_-]+$")]
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    digest: Digest

    @property
    def pinned_tag(self) -> str:
        """What the chart puts after the colon."""
        return f"{self.tag}@{self.digest}"


class Controller(Image):
    """Jenkins itself."""

    repository: Annotated[str, Field(pattern=r"^[a-z0-9./_-]+$")] = "jenkins/jenkins"
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = "2.568.2-jdk21"


class Agent(Image):
    """What connects a pod to Jenkins."""

    repository: Annotated[str, Field(pattern=r"^[a-z0-9./_-]+$")] = "jenkins/inbound-agent"
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = "3355.v388858a_47b_33-17"


class Github(Frozen):
    """The repository that is built. `token` may read it and comment on its pull requests."""

    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    user: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "x-access-token"
    token: Secret


class Oidc(Frozen):
    """People sign in elsewhere; members of `admin_group` administer."""

    well_known: HttpsUrl = Field(alias="wellKnown")
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = Field(alias="clientId")
    client_secret: Secret = Field(alias="clientSecret")
    admin_group: Annotated[str, Field(pattern=r"^[A-Za-z0-9@._-]+$")] = Field(alias="adminGroup")
    user_field: str = Field(default="email", alias="userField")
    groups_field: str = Field(default="groups", alias="groupsField")


class Jenkins(Frozen):
    """Without `oidc` there is one administrator, whose password is generated."""

    chart: Chart = Chart()
    controller: Controller
    agent: Agent
    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")] = Field(alias="adminEmail")
    github: Github
    oidc: Oidc | None = None
    installed_plugins: tuple[Plugin, ...] = Field(default=INSTALLED, alias="installedPlugins")
    additional_plugins: tuple[Plugin, ...] = Field(default=ADDITIONAL, alias="additionalPlugins")
    storage: Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$")] = "20Gi"

    @model_validator(mode="after")
    def _no_plugin_twice(self) -> Self:
        installed = {plugin.partition(":")[0] for plugin in self.installed_plugins}
        for plugin in self.additional_plugins:
            name = plugin.partition(":")[0]
            if name in installed:
                raise ValueError(f"additionalPlugins: {name} is among installedPlugins already; change it there")
        return self
