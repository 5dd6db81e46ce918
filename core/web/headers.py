"""Sets the security headers of every answer: a content policy with a nonce, no framing, no sniffing, no caching."""

from __future__ import annotations

import secrets
from functools import lru_cache

from flask import Flask, Response, g, request

from core.kernel.config import settings

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
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def allow(directive: str, *sources: str) -> None:
    """Widens the policy of this one answer, e.g. `allow("form-action", provider_origin)` before a redirect to it."""
    extra = g.setdefault("csp_extra", {})
    extra.setdefault(directive, []).extend(sources)


def content_policy() -> str:
    """The policy of this answer."""
    extra = tuple((directive, tuple(sources)) for directive, sources in g.get("csp_extra", {}).items())
    nonce = g.get("csp_nonce")
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
    said = {name.lower() for name, _ in response.headers}

    def put(name: str, value: str) -> None:
        if name.lower() not in said:
            response.headers.add(name, value)

    put("Content-Security-Policy", content_policy())
    for name, value in ALWAYS:
        put(name, value)
    if "frame-ancestors" not in g.get("csp_extra", {}):
        put("X-Frame-Options", "DENY")
    if request.endpoint != "static":
        put("Cache-Control", "no-store")
    if settings().https:
        put("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response


def _fresh() -> None:
    """A nonce is used for one answer only, also where several requests share one application context."""
    g.pop("csp_nonce", None)
    g.pop("csp_extra", None)


def install(app: Flask) -> None:
    app.before_request(_fresh)
    app.after_request(_set)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
