"""Figures over the answers of a load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from delivery.load.client import Answer


@dataclass(frozen=True)
class Summary:
    """Answers in the order in which their requests were sent."""

    answers: Sequence[Answer]

    @property
    def failed(self) -> list[Answer]:
        """Requests without a good answer."""
        return [answer for answer in self.answers if answer.failed]

    @property
    def by_version(self) -> Counter[str]:
        """Number of answers of each version."""
        return Counter(answer.version for answer in self.answers if not answer.failed)

    def percentile(self, percent: float, kind: str = "") -> float:
        """Seconds within which `percent` of the requests were answered; of one kind only if it is given."""
        seconds = sorted(a.seconds for a in self.answers if not a.failed and kind in ("", a.kind))
        return seconds[min(len(seconds) - 1, int(len(seconds) * percent / 100))]

    def mixed_seconds(self, old: str, new: str) -> float:
        """How long both versions answered: from the first request that `new` answered to the last of `old`.

        By the time of sending, and without slow requests, whose sending takes seconds.
        0 if every request after the first of `new` was answered by `new`.
        """
        quick = [answer for answer in self.answers if answer.kind != "slow" and not answer.failed]
        first_new = min(answer.sent for answer in quick if answer.version == new)
        last_old = max((answer.sent for answer in quick if answer.version == old), default=first_new)
        return max(0.0, last_old - first_new)

    def first_sent(self, version: str) -> float:
        """When the first request that `version` answered was sent."""
        return min(answer.sent for answer in self.answers if answer.version == version)

    def last_sent(self, version: str) -> float:
        """When the last request that `version` answered was sent."""
        return max(answer.sent for answer in self.answers if answer.version == version)

    def __str__(self) -> str:
        errors = Counter(answer.error or f"status {answer.status}" for answer in self.failed)
        return (
            f"{len(self.answers)} requests, {len(self.failed)} failed {dict(errors) if errors else ''}"
            f", p50 {self.percentile(50, 'fresh') * 1000:.1f} ms, p99 {self.percentile(99, 'fresh') * 1000:.1f} ms"
            f", versions {dict(self.by_version)}"
        )
