"""Sets the security headers of every answer: a content policy with a nonce, no framing, no sniffing, no caching."""

from __future__ import annotations

import secrets

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
PLAIN_POLICY = "; ".join(" ".join([directive, *sources]) for directive, sources in POLICY.items())
WITH_NONCE = ("script-src", "style-src")


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
    if "csp_nonce" not in g and "csp_extra" not in g:
        return PLAIN_POLICY
    extra = g.get("csp_extra", {})
    parts = []
    for directive, sources in POLICY.items():
        added = list(extra.get(directive, ()))
        if directive in WITH_NONCE and "csp_nonce" in g:
            added.append(f"'nonce-{g.csp_nonce}'")
        kept = [source for source in sources if not (added and source == "'none'")]
        parts.append(" ".join([directive, *kept, *added]))
    return "; ".join(parts)


def _set(response: Response) -> Response:
    """What a view has set itself stays: a door may be stricter about referrers, or let a receipt be printed."""
    there = {name.lower() for name in response.headers.keys()}  # noqa: SIM118  (iterating gives pairs)

    def put(name: str, value: str) -> None:
        if name.lower() not in there:
            response.headers.add(name, value)

    put("Content-Security-Policy", content_policy())
    put("X-Content-Type-Options", "nosniff")
    put("Referrer-Policy", "same-origin")
    put("Cross-Origin-Opener-Policy", "same-origin")
    put("Cross-Origin-Resource-Policy", "same-origin")
    put("Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()")
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
