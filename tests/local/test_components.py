import json
from pathlib import Path

import pytest

from local import components, manifests
from local.settings import NODE_ADDRESS, Settings


@pytest.fixture
def parts(settings: Settings) -> tuple[components.Component, ...]:
    return components.all_of(settings, lambda name: f"/bin/{name}", own_docker=True)


STEPS = {"certificates", "cgroups", "network", "objects"}


def test_every_component_stands_after_what_it_needs(parts: tuple[components.Component, ...]) -> None:
    known = set(STEPS)
    for part in parts:
        assert known.issuperset(part.after), part.service.name
        known.add(part.service.name)


def test_everything_listens_on_loopback_or_the_nodes_address(parts: tuple[components.Component, ...]) -> None:
    taken = [port for part in parts for port in part.service.ports]
    assert {host for host, _ in taken} == {"127.0.0.1", NODE_ADDRESS}
    assert len(set(taken)) == len(taken)
    for part in parts:
        text = " ".join([*part.service.command, *part.service.files.values()])
        assert "0.0.0.0" not in text


def test_no_command_line_holds_a_secret(parts: tuple[components.Component, ...]) -> None:
    for part in parts:
        for word in part.service.command:
            name, _, value = word.partition("=")
            if any(hint in name for hint in ("key", "cert", "password", "token")) and value:
                assert Path(value).is_absolute() or value in ("true", "false"), word


def test_the_image_builder_is_left_out_where_the_machine_has_one(settings: Settings) -> None:
    names = [part.service.name for part in components.all_of(settings, str, own_docker=False)]
    assert "dockerd" not in names


def test_envoy_reaches_the_gateway_from_pods_and_retries_nothing(settings: Settings) -> None:
    (text,) = components.envoy(settings, str).files.values()
    assert "retry" not in text
    (listener,) = json.loads(text)["static_resources"]["listeners"]
    assert listener["address"]["socket_address"] == {"address": NODE_ADDRESS, "port_value": 8080}


def test_a_chosen_port_reaches_every_service_that_uses_it(settings: Settings) -> None:
    other = Settings(settings.home, settings.cache, gateway_port=9000, registry_port=5001)

    def prints(of: Settings) -> dict[str, str]:
        return {part.service.name: part.service.fingerprint() for part in components.all_of(of, str, own_docker=True)}

    before, after = prints(settings), prints(other)
    assert {name for name in before if before[name] != after[name]} == {"registry", "containerd", "envoy"}


@pytest.mark.parametrize("port", [1024, 5000, 7999, 8000, 8001, 8080, 9090, 65535])
def test_contour_arrives_at_the_chosen_port(port: int) -> None:
    listener = manifests.listener_port(port)
    assert 1 <= listener <= 65535
    # toContainerPort of Contour 1.33, internal/gatewayapi/listeners.go
    contour = listener + 8000
    if contour > 65535:
        contour -= 65535
    if contour <= 1023:
        contour += 1023
    assert contour == port


def test_objects_are_named_once(settings: Settings) -> None:
    objects = [*manifests.all_of(settings), manifests.metrics_api("")]
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(set(names)) == len(names)
