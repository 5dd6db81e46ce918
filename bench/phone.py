"""F14: the payer's pages on a slow phone, against a bare hello page; and Lighthouse's marks where it is installed.

The phone is Chromium with a quarter of this processor, 150 ms to the server, 1.6 Mbit/s down and 0.75 up: Lighthouse's own slow 4G.
Every visit is somebody's first: nothing is in the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.shop import open_shop
from bench.stack import Services

CHROMIUM = "/usr/bin/chromium-headless-shell"
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--headless=new"]
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 // 8, "uploadThroughput": 750_000 // 8}
SLOWER = 4  # times
FIRST_RENDER = 14_000  # bytes: what a server may send before it hears from the phone again
CRAWLING = "is-crawlable"  # a payment page says itself that it wants to be in no index: that is no fault
MARKS = ("performance", "accessibility", "best-practices", "seo")
MARK = 95

WATCH = """
window.seen = {lcp: 0, shift: 0};
new PerformanceObserver(list => { for (const entry of list.getEntries()) seen.lcp = entry.startTime; })
  .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value; })
  .observe({type: 'layout-shift', buffered: true});
"""
TELL = """() => {
  const page = performance.getEntriesByType('navigation')[0];
  const blocking = performance.getEntriesByType('resource').filter(entry => entry.renderBlockingStatus === 'blocking');
  return {...seen, bytes: [page, ...blocking].reduce((sum, entry) => sum + entry.encodedBodySize, 0)};
}"""


def f14(services: Services, app: Flask, full: bool) -> list[Figure]:
    """A link's page and the card page, each in turns with the hello page."""
    from playwright.sync_api import sync_playwright

    shop = open_shop(app)
    rounds = 9 if full else 5
    figures = []
    with services.web(), services.server("bare", "bench.bare:app") as (_, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        here = f"http://127.0.0.1:{services.port}"
        for what, path in {"link page": f"/pay/{shop.link_token}", "card page": shop.card_page()}.items():
            say(f"F14 {what}")
            _visit(browser, here + path)  # the server's own first time is not the phone's
            seen = [(_visit(browser, here + path), _visit(browser, f"http://127.0.0.1:{port}/")) for _ in range(rounds)]
            figures += [
                compared(
                    "F14",
                    f"{what}: largest paint",
                    "ms",
                    [(ours["lcp"], bare["lcp"]) for ours, bare in seen],
                    goal=1.5,
                    at_least=False,
                    note="limit: a hello page on the same phone",
                ),
                alone("F14", f"{what}: to the first render", "bytes", max(ours["bytes"] for ours, _ in seen), goal=FIRST_RENDER),
                alone("F14", f"{what}: layout shift", "", max(ours["shift"] for ours, _ in seen), goal=0),
            ]
            figures += _lighthouse(here + path, what)
        browser.close()
    return figures


def _visit(browser: Any, address: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=3, is_mobile=True, has_touch=True)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW_4G)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH)
    page.goto(address, wait_until="networkidle")
    told: dict[str, float] = page.evaluate(TELL)
    context.close()
    return told


def _lighthouse(address: str, what: str) -> list[Figure]:
    """The four marks of its own phone. LIGHTHOUSE names the program where it is not on the path (docs/benchmarks.md says how to get it)."""
    program = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    if not program:
        say("no Lighthouse here: its marks are left out")
        return []
    asked = [f"--only-categories={','.join(MARKS)}", f"--skip-audits={CRAWLING}", f"--chrome-flags={' '.join(FLAGS)}"]
    words = [program, address, "--quiet", "--output=json", *asked]
    done = subprocess.run(words, env=os.environ | {"CHROME_PATH": CHROMIUM}, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr[-800:])
    told = json.loads(done.stdout)
    _keep(told, what)
    return [
        alone("F14", f"{what}: Lighthouse, {mark}", "", round(told["categories"][mark]["score"] * 100), goal=MARK, at_least=True)
        for mark in MARKS
    ]


def _keep(told: dict[str, Any], what: str) -> None:
    """What it found, beside the figures, for whoever wants to mend it."""
    results = Path(__file__).resolve().parent / "results"
    results.mkdir(exist_ok=True)
    (results / f"lighthouse-{what.replace(' ', '-')}.json").write_text(json.dumps(told, indent=1))


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F14": f14}
