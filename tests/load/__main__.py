"""Load InssaService on this machine: python -m tests.load --host real.inssa.localhost --seconds 30."""

from __future__ import annotations

import argparse
import sys

from delivery.load.client import Target
from delivery.load.generator import Profile, run
from delivery.load.summary import Summary

parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
parser.add_argument("--host", default="real.inssa.localhost", help="host name of the route")
parser.add_argument("--port", type=int, default=8080, help="port of the gateway on 127.0.0.1")
parser.add_argument("--rate", type=float, default=150, help="requests per second")
parser.add_argument("--seconds", type=float, default=30, help="how long, at most an hour")
parser.add_argument("--path", default="/")
arguments = parser.parse_args()
summary = Summary(
    run(
        Target(host=arguments.host, port=arguments.port),
        Profile(rate=arguments.rate, path=arguments.path),
        min(arguments.seconds, 3600),
    )
)
print(summary)
sys.exit(1 if summary.failed else 0)
