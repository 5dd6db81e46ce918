"""What a business pastes into its own page: a button as HTML with our script, without it, and as a form; each says the same."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from flask import current_app, url_for

from core.accounts.models import Vendor
from core.kernel.config import settings
from core.payments.button import Look, look_of, price_of
from core.payments.models import PaymentLink
from core.payments.prefill import prefill_token
from core.payments.sharing_models import LinkPrefill
from core.web import addresses
from core.web.brand import button_look

SCRIPT = "embed/v1.js"
PADDING = {"small": ("8px 14px", "14px"), "medium": ("12px 20px", "16px"), "large": ("16px 28px", "19px")}


@dataclass(frozen=True, slots=True)
class Code:
    """One button, ready to be pasted. `address` is what a QR code holds."""

    scripted: str
    plain: str
    form: str
    address: str


def code_of(vendor: Vendor, link: PaymentLink, prefill: LinkPrefill) -> Code:
    """Everything a page needs; nothing in it can change what the button costs."""
    look = look_of(prefill)
    token = prefill_token(vendor, link, prefill)
    address = addresses.payment_link(token) + (f"?theme={look.theme}" if look.theme else "")
    style, text = style_of(vendor, link, look), escape(look.text)
    said = "".join(f' data-{name}="{escape(value)}"' for name, value in (("theme", look.theme), ("locale", prefill.locale)) if value)
    plain = f'<a href="{escape(address)}" style="{style}">{text}</a>'
    pay = "" if look.shown == "link" else f' data-pay="{look.shown}"{said}'
    scripted = plain if not pay else f'<a href="{escape(address)}"{pay} style="{style}">{text}</a>\n{script_tag()}'
    return Code(scripted, plain, _form(link, prefill, token, style, text), address)


def _form(link: PaymentLink, prefill: LinkPrefill, token: str, style: str, text: str) -> str:
    price = price_of(link, prefill)
    values = {"button": token}
    if price is not None:
        values |= {"amount": price.decimal_text, "currency": price.currency}
    if prefill.payer_reference:
        values["reference"] = prefill.payer_reference
    if prefill.locale:
        values["lang"] = prefill.locale
    inputs = "\n".join(f'  <input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items())
    return f'<form method="post" action="{settings().public_url}/buy">\n{inputs}\n  <button style="{style};border:0;cursor:pointer">{text}</button>\n</form>'


def style_of(vendor: Vendor, link: PaymentLink, look: Look) -> str:
    """Written into the button itself, in the colours of the business or of the link: a page needs no sheet for it."""
    colours = button_look(vendor, link.colours).split("&")[0].split(".")
    ground, words = colours[2:4] if look.theme == "dark" else colours[:2]
    space, size = PADDING[look.size]
    return (
        f"display:inline-block;padding:{space};border-radius:8px;background:#{ground};color:#{words};"
        f"font:600 {size}/1.3 system-ui,sans-serif;text-decoration:none"
    )


def picture_of(vendor: Vendor, link: PaymentLink, look: Look) -> str:
    """A page with the button and nothing else, on light or dark ground."""
    ground = "#16181d" if look.theme == "dark" else "#ffffff"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(look.text)}</title></head>'
        f'<body style="margin:0;min-height:100vh;display:grid;place-items:center;background:{ground}">'
        f'<span style="{style_of(vendor, link, look)}">{escape(look.text)}</span></body></html>'
    )


def script_tag() -> str:
    """The one line a page needs, with the digest that lets its browser refuse anything else in its place."""
    address = settings().public_url + url_for("static", filename=SCRIPT, v=None)
    return f'<script src="{address}" integrity="{integrity(Path(current_app.static_folder or "static"))}" crossorigin="anonymous" defer></script>'


@lru_cache(2)
def integrity(static: Path) -> str:
    """SHA-384 of the script as browsers compare it (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384((static / SCRIPT).read_bytes()).digest()).decode()
