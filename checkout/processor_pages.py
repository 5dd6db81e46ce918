"""Which of the processor's own addresses a payer's page may frame, load or be sent to. Nothing else is let through."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.payments.models import Attempt, Payment
from core.providers.registry import sandbox_pages
from core.web.headers import allow

# Stripe's published list for its hosted page and its fields.
STRIPE = {
    "form-action": ("https://checkout.stripe.com", "https://hooks.stripe.com"),
    "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
    "connect-src": ("https://api.stripe.com",),
}


def allow_processor(payment: Payment, attempt: Attempt | None) -> None:
    """Widens this one answer's content policy to the processor this payment goes through."""
    pages = (attempt.redirect_url, attempt.fields_url) if attempt else ()
    allow_provider(attempt.provider if attempt else payment.provider, *pages)


def allow_provider(provider: str, *pages: str | None) -> None:
    """The same for a provider by its name, whose pages are at these addresses as well."""
    if provider == "stripe":
        for directive, sources in STRIPE.items():
            allow(directive, *sources)
        return
    known = [sandbox_pages(), *pages]
    origins = sorted({origin for origin in map(origin_of, known) if origin})
    allow("form-action", *origins)
    allow("frame-src", *origins)


def origin_of(url: str | None) -> str | None:
    """`scheme://host:port` of an address, as browsers compare it; None for anything that is not http."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else None
