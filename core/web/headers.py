"""Sets the security headers of every answer: a content policy with a nonce, no framing, no sniffing, no caching."""

from __future__ import annotations

import secrets
from functools import cache, lru_cache

from flask import Flask, Response, g

from core.kernel.config import settings
from core.web.this_request import asked, kept, request_number

POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'self'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-src": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
    "object-src": ("'none'",),
}
WITH_NONCE = ("script-src", "style-src")
# How long a browser comes by TLS alone. A vendor's own name may be taken elsewhere, and what stands below it is not ours to bind.
TO_US, TO_A_VENDOR = "max-age=31536000; includeSubDomains", "max-age=2592000"
# What every answer carries, unless its view has said otherwise.
ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()"),
)


def csp_nonce() -> str:
    """The nonce of this answer; a template writes it on each inline script or style it needs."""
    mine = kept()
    if "csp_nonce" not in mine:
        mine["csp_nonce"] = secrets.token_urlsafe(16)
    return str(mine["csp_nonce"])


def allow(directive: str, *sources: str) -> None:
    """Widens the policy of this one answer, e.g. `allow("form-action", provider_origin)` before a redirect to it."""
    extra = g.setdefault("csp_extra", {})
    extra.setdefault(directive, []).extend(sources)


def content_policy() -> str:
    """The policy of this answer."""
    mine = kept()
    extra = tuple([(directive, tuple(sources)) for directive, sources in mine["csp_extra"].items()]) if "csp_extra" in mine else ()
    nonce = mine.get("csp_nonce")
    return _policy(extra, nonce is not None).replace("NONCE", str(nonce))


@lru_cache(64)
def _policy(extra: tuple[tuple[str, tuple[str, ...]], ...], with_nonce: bool) -> str:
    """A policy in words; only the nonce, which is never the same twice, is put in later."""
    widened, parts = dict(extra), []
    for directive, sources in POLICY.items():
        added = list(widened.get(directive, ()))
        if directive in WITH_NONCE and with_nonce:
            added.append("'nonce-NONCE'")
        kept = [source for source in sources if not (added and source == "'none'")]
        parts.append(" ".join([directive, *kept, *added]))
    return "; ".join(parts)


def _set(response: Response) -> Response:
    """What a view has set itself stays: a door may be stricter about referrers, or let a receipt be printed."""
    mine, said = kept(), {name.lower() for name, _ in response.headers}
    if "content-security-policy" not in said:
        response.headers.add("Content-Security-Policy", content_policy())
    if "x-request-id" not in said:
        response.headers.add("X-Request-Id", request_number())
    may_stand = "frame-ancestors" in mine.get("csp_extra", ())
    ours = _fixed(asked().endpoint == "static", may_stand, settings().https, mine.get("pay_host") is not None)
    for lower, pair in ours:
        if lower not in said:
            response.headers.add(*pair)
    return response


@cache
def _fixed(static: bool, may_stand_in_frames: bool, https: bool, on_a_vendors_host: bool) -> list[tuple[str, tuple[str, str]]]:
    """What is said in the same words each time, each with its name in small letters."""
    ours = list(ALWAYS)
    if not may_stand_in_frames:
        ours.append(("X-Frame-Options", "DENY"))
    if not static:
        ours.append(("Cache-Control", "no-store"))
    if https:
        ours.append(("Strict-Transport-Security", TO_A_VENDOR if on_a_vendors_host else TO_US))
    return [(name.lower(), (name, value)) for name, value in ours]


def _fresh() -> None:
    """A nonce is used for one answer only, also where several requests share one application context."""
    mine = kept()
    mine.pop("csp_nonce", None)
    mine.pop("csp_extra", None)


def install(app: Flask) -> None:
    app.before_request(_fresh)
    app.after_request(_set)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
