"""Pages as a person meets them: the distribution's Chromium, driven by Playwright.

A file of browser tests has a fixture of scope "module" around ``chromium()``, so that its tests
share one browser; ``visit`` opens an address in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Commands under which distributions have the browser; Playwright's own download is not used."""

PHONE, DESKTOP = 360, 1280
"""Widths in CSS pixels: the narrowest phone in wide use, and a small laptop."""


@dataclass(frozen=True)
class Visit:
    """An open page. faults: errors of its scripts, its console and its requests, as texts.

    requests: the addresses that it asked for, its own first; those of data: are left out.
    """

    page: Any
    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window; the test is skipped, with the reason, where there is none."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine; .ci/chromium installs it")
    reason = "Playwright is not installed; it is part of the extra `test`"
    api = pytest.importorskip("playwright.sync_api", reason=reason)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        yield browser
        browser.close()


@contextmanager
def visit(
    browser: Any,
    url: str,
    *,
    width: int = DESKTOP,
    dark: bool = False,
    script: bool = True,
    **options: Any,
) -> Iterator[Visit]:
    """The page at ``url``, once it was loaded, in a window of its own without cookies or cache.

    script: whether pages may run theirs. options: further ones of ``Browser.new_context``.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        **options,
    )
    page = context.new_page()
    page.set_default_navigation_timeout(120_000)  # what is busy is the machine, not the page
    seen = Visit(page)

    def on_request(request: Any) -> None:
        if not request.url.startswith("data:"):
            seen.requests.append(request.url)

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            seen.faults.append(f"console {message.type}: {message.text}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.faults.append(f"script: {error}"))
    page.on("requestfailed", lambda request: seen.faults.append(f"not loaded: {request.url}"))
    page.on("dialog", lambda dialog: (seen.faults.append("a dialog"), dialog.dismiss()))
    try:
        page.goto(url)
        yield seen
    finally:
        context.close()


def sideways_scroll(page: Any) -> int:
    """By how many CSS pixels the page is wider than its window; 0 if it only scrolls down."""
    script = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))


def accessibility_faults(page: Any) -> list[str]:
    """What axe-core finds against WCAG and good practice: one text for each rule and element."""
    reason = "axe-playwright-python is not installed; it is part of the extra `test`"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason).Axe()
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in axe.run(page).response["violations"]
        for node in rule["nodes"]
    ]
