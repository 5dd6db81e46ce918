"""Whether a request is a person's: programs that fetch a page for a preview, a search or a check are not counted as visitors.

The rule is simple on purpose, and written down in docs/payment-links.md: a request counts as a program's when it is a HEAD, when the
browser says that it only fetches ahead, when it names no browser at all, or when that name holds one of the words below. A program
that calls itself an ordinary browser is counted; nobody can tell it apart without watching people.
"""

from __future__ import annotations

import re

from flask import Request

PROGRAMS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|embedly|whatsapp|telegram|slack|discord|skypeuripreview|vkshare|"
    r"scan|monitor|headless|lighthouse|curl/|wget/|python-|httpx|aiohttp|java/|okhttp|go-http|libwww|node-fetch|axios|feedfetcher",
    re.I,
)


def is_program(request: Request) -> bool:
    """Not a person looking."""
    said = request.environ
    name = said.get("HTTP_USER_AGENT", "")
    ahead = said.get("HTTP_SEC_PURPOSE", "") + said.get("HTTP_PURPOSE", "")
    return request.method == "HEAD" or "prefetch" in ahead or not name.strip() or PROGRAMS.search(name[:400]) is not None
