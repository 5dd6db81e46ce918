"""Which colours a link may wear, as its form offers them."""

from __future__ import annotations

from flask_babel import gettext as _

from core.accounts.branding import BadLook, check_colour
from core.accounts.styles import find_style, list_styles
from core.payments.models import PaymentLink
from core.web.guard import current

OWN = "own"


def look_choices(worn: str) -> list[tuple[str, str]]:
    """(value, words): the branding, each named style, colours of its own. A style that was put away stays for the link that wears it."""
    me = current()
    named = [(style.public_id, style.name) for style in list_styles(me.vendor, me.mode)]
    if worn.startswith("sty_") and worn not in dict(named) and (style := find_style(me.vendor.id, me.mode, worn)):
        named.append((style.public_id, style.name))
    return [("", _("As your branding")), *named, (OWN, _("Colours of its own"))]


def look_of(link: PaymentLink) -> str:
    """What the form shows of an existing link."""
    return link.style or (OWN if link.accent else "")


def colours_so_far(link: PaymentLink) -> tuple[str | None, str | None]:
    """The colours of a link that is being made, as far as they can be read: for its picture."""
    if link.style:
        style = find_style(link.vendor_id, link.mode, link.style)
        return (style.accent, style.accent_dark) if style else (None, None)
    return _good(link.accent, "light"), _good(link.accent_dark, "dark") if _good(link.accent, "light") else None


def _good(colour: str | None, scheme: str) -> str | None:
    try:
        return check_colour(colour, scheme, "") if colour else None
    except BadLook:
        return None
