"""Requests at a fixed rate, whether or not earlier ones were answered (open loop).

Half of them travel on kept-alive connections, half on fresh ones, and once a
second one takes its time: its body arrives in parts, so that it is in flight
while pods come and go.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from typing import Self

from delivery.load.client import Answer, Connection, Target
from delivery.load.summary import Summary

KEPT_ALIVE, FRESH, SLOW = "kept-alive", "fresh", "slow"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How to load. `rate` is requests per second; `slow_seconds` is how long a slow body takes."""

    rate: float = 150
    path: str = "/"
    cookie: str = ""
    timeout: float = 10
    connections: int = 16
    slow_every_seconds: float = 1
    slow_seconds: float = 3
    slow_path: str = "/api/v1/moments"
    longest_seconds: float = 3600


@dataclass
class Load:
    """A load in the background: `with Load(target) as load: ...`, then `load.answers`.

    It runs in its own process, so that what the test does meanwhile does not
    slow it down, and stops by itself after `profile.longest_seconds`.
    """

    target: Target
    profile: Profile = field(default_factory=Profile)
    answers: list[Answer] = field(default_factory=list)

    def __enter__(self) -> Self:
        ours, theirs = multiprocessing.Pipe()
        self._pipe = ours
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(theirs, self.target, self.profile), daemon=True)
        self._process.start()
        theirs.close()
        if ours.recv() != "started":
            raise RuntimeError("the load generator did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send("stop")
        self.answers = self._pipe.recv()
        self._process.join()

    @property
    def summary(self) -> Summary:
        """Figures over all answers; complete after the `with` block."""
        return Summary(self.answers)


def run(target: Target, profile: Profile, seconds: float) -> list[Answer]:
    """Load for `seconds` in this process and return every answer."""
    return asyncio.run(_generate(target, replace(profile, longest_seconds=seconds), asyncio.Event()))


def _serve(pipe: Pipe, target: Target, profile: Profile) -> None:
    async def until_told() -> list[Answer]:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), stop.set)
        pipe.send("started")
        return await _generate(target, profile, stop)

    pipe.send(asyncio.run(until_told()))


async def _generate(target: Target, profile: Profile, stop: asyncio.Event) -> list[Answer]:
    answers: list[Answer] = []
    idle = [Connection(target, keep_alive=True) for _ in range(profile.connections)]
    headers = {"Cookie": profile.cookie} if profile.cookie else {}

    async def kept_alive() -> None:
        connection = idle.pop() if idle else Connection(target, keep_alive=True)
        answers.append(
            _without_body(
                await connection.request(profile.path, kind=KEPT_ALIVE, timeout=profile.timeout, headers=headers)
            )
        )
        idle.append(connection)

    async def fresh() -> None:
        connection = Connection(target, keep_alive=False)
        answers.append(
            _without_body(await connection.request(profile.path, kind=FRESH, timeout=profile.timeout, headers=headers))
        )
        connection.close()

    async def slow() -> None:
        connection = Connection(target, keep_alive=False)
        body = b'{"text": "taking its time"}'
        answers.append(
            await connection.request(
                profile.slow_path,
                kind=SLOW,
                timeout=profile.timeout + profile.slow_seconds,
                method="POST",
                headers={"Content-Type": "application/json"},
                body=_trickled(body, profile.slow_seconds),
                length=len(body),
            )
        )
        connection.close()

    started = time.monotonic()
    tasks: set[asyncio.Task[None]] = set()
    sent = slows = 0
    while not stop.is_set() and (elapsed := time.monotonic() - started) < profile.longest_seconds:
        while sent < elapsed * profile.rate:
            tasks.add(asyncio.create_task(kept_alive() if sent % 2 else fresh()))
            sent += 1
        if profile.slow_every_seconds and slows * profile.slow_every_seconds < elapsed:
            tasks.add(asyncio.create_task(slow()))
            slows += 1
        tasks = {task for task in tasks if not task.done()}
        await asyncio.sleep(1 / profile.rate)
    if tasks:
        await asyncio.wait(tasks)
    for connection in idle:
        connection.close()
    return sorted(answers, key=lambda answer: answer.sent)


async def _trickled(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes([byte])
        await asyncio.sleep(seconds / len(body))


def _without_body(answer: Answer) -> Answer:
    return replace(answer, body=b"")
