"""The engine's names of resources, as tests write them."""


def short(urn: str) -> str:
    """`Kind/logical name`."""
    kind, name = urn.split("::")[2:4]
    return f"{kind.rpartition(':')[2]}/{name}"
