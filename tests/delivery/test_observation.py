"""When a new version is worse than the one before."""

from __future__ import annotations

from delivery.observation import Counts, Limits, between, parse, verdict

TEXT = """# HELP inssa_requests_total Answered requests
inssa_requests_total{status="200",track="v2-0-0",version="v2.0.0"} 90.0
inssa_requests_total{status="503",track="v2-0-0",version="v2.0.0"} 10.0
inssa_requests_created{status="200",track="v2-0-0",version="v2.0.0"} 1.7e+09
inssa_request_seconds_bucket{le="0.01",track="v2-0-0",version="v2.0.0"} 50.0
inssa_request_seconds_bucket{le="0.05",track="v2-0-0",version="v2.0.0"} 99.0
inssa_request_seconds_bucket{le="+Inf",track="v2-0-0",version="v2.0.0"} 100.0
"""


def counts(good: int, bad: int = 0, within: float = 0.05) -> Counts:
    return Counts(by_status={200: good, 500: bad}, within={within: good + bad})


def test_a_pods_own_counters_are_read() -> None:
    found = parse(TEXT)
    assert (found.requests, found.errors, found.error_rate) == (100, 10, 0.1)
    assert (found.percentile(50), found.percentile(99)) == (0.01, 0.05)


def test_pods_that_came_or_began_anew_count_whole() -> None:
    before = {"a": counts(100), "b": counts(100)}
    after = {"a": counts(150, 1), "b": counts(20), "c": counts(7)}
    assert between(before, after).requests == 51 + 20 + 7
    assert between(before, after).errors == 1


def test_more_failures_or_slower_answers_are_worse() -> None:
    limits = Limits()
    assert verdict(counts(1000), counts(1000, 4), limits) is None, "too few to tell"
    assert verdict(counts(900, 100), counts(900, 100), limits) is None, "no worse than before"
    assert "11 of 1011 answers failed (1.1%)" in str(verdict(counts(1000), counts(1000, 11), limits))
    assert "up to 250 ms" in str(verdict(counts(1000), counts(1000, within=0.25), limits))
    assert verdict(counts(1000), counts(40, within=0.25), limits) is None, "too few to tell"
    assert verdict(counts(1000, within=0.005), counts(1000, within=0.02), limits) is None, "fast enough"
