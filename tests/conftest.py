import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the goldens anew")


def pytest_configure() -> None:
    # A shell's background job ignores it, and so would the engine's plugins: each update would wait five seconds
    # for them to end, and none could be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
