"""How fast one pod answers at 150 requests per second."""

from __future__ import annotations

from tests.bench.figures import Figure
from tests.e2e.member import client
from tests.e2e.stack import Stack
from tests.load import Profile, Summary, run


def measure(dev: Stack, track: str, seconds: float = 30) -> list[Figure]:
    """p99 of the sign-in page and of the signed-in feed, fresh and kept-alive connections alike."""
    target = dev.target(track)
    cookie = _session(dev, track)
    found = {}
    for name, header in (("sign_in_page", ""), ("feed", cookie)):
        summary = Summary(run(target, Profile(rate=150, cookie=header, slow_every_seconds=0), seconds))
        found[name] = {
            "p50_ms": round(summary.percentile(50) * 1000, 1),
            "p99_ms": round(summary.percentile(99) * 1000, 1),
            "failed": len(summary.failed),
            "requests": len(summary.answers),
        }
    worst = max(page["p99_ms"] for page in found.values())
    failed = sum(page["failed"] for page in found.values())
    return [
        Figure(name="page_p99_ms", value=worst, unit="ms", goal=50, parts=found),
        Figure(name="page_failed_requests", value=failed, unit="requests", goal=0),
    ]


def _session(dev: Stack, track: str) -> str:
    """The cookie of a member who signed in on the page, as a browser would."""
    browser = client(dev.target(track))
    page = browser.get("/")
    proof = page.text.partition('name="proof" value="')[2].partition('"')[0]
    code = dev.output("invitations")[track]
    browser.post("/sign-in", data={"code": code, "proof": proof})
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
