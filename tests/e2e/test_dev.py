"""One pod of the working tree: the page in a browser, and no request lost while the pod is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.stack import Stack
from tests.load import Load, Profile

VERSION = "v1.0.0-dev"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def dev(make_stack: Callable[[dict[str, Any]], Stack], image: Callable[[str], str]) -> Stack:
    image(VERSION)
    stack = make_stack({"phase": "dev", "version": VERSION, "audiences": {"web": {"replicas": 1}}})
    stack.up()
    return stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_a_member_signs_in_and_posts_a_moment_on_a_phone(dev: Stack, browser: Browser, javascript: bool) -> None:
    page = browser.new_page(
        base_url=f"http://web.{dev.name}.inssa.localhost:{dev.target().port}",
        viewport={"width": 390, "height": 844},
        locale="en",
        java_script_enabled=javascript,
    )
    page.goto("/")
    page.get_by_label("Invitation code").fill(dev.output("invitations")["web"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("textbox").first.fill(f"hello from a browser {javascript}")
    page.get_by_role("button", name="Post").click()
    page.get_by_text(f"hello from a browser {javascript}").wait_for(timeout=5000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth") if javascript else True
    page.close()


def test_the_page_speaks_korean(dev: Stack, browser: Browser) -> None:
    page = browser.new_page(base_url=f"http://web.{dev.name}.inssa.localhost:{dev.target().port}", locale="ko-KR")
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == "ko"
    page.close()


def test_no_request_is_lost_while_the_pod_is_replaced(dev: Stack) -> None:
    (before,) = dev.ready_pods("web")
    with Load(dev.target("web"), Profile(rate=150)) as load:
        time.sleep(2)
        dev.kubectl("rollout", "restart", "deployment/web")
        dev.kubectl("rollout", "status", "deployment/web", "--timeout=90s")
        time.sleep(12)
    assert dev.ready_pods("web") != [before]
    assert load.summary.failed == [], str(load.summary)
