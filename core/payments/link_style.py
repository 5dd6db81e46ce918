"""How a link looks: as the vendor's branding, in a named style, or in colours of its own. What counts stands on the link's own row.

A payer's page reads the vendor and the link anyway; looking the style up as well would be one more question on every page.
"""

from __future__ import annotations

import uuid

from sqlalchemy import update

from core.accounts.branding import check_colour
from core.accounts.models import LinkStyle
from core.accounts.styles import find_style
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.payments.models import PaymentLink


class NoSuchStyle(Refusal):
    """A style that is not there, or was put away."""

    code = "no_such_style"


def colours_for(
    vendor_id: uuid.UUID, mode: str, *, style: str, accent: str, accent_dark: str, worn: str = ""
) -> tuple[str | None, str | None]:
    """The colours that count, light and dark; none where the link looks as the branding does. `worn`: the style it has had so far.

    Refuses NoSuchStyle, and BadLook for a colour that could not be read, at its field.
    """
    if style:
        found = find_style(vendor_id, mode, style)
        if found is None or (found.put_away_at and style != worn):
            raise NoSuchStyle("Choose a style from the list.", field="look")
        return found.accent, found.accent_dark
    if not accent:
        return None, None
    return check_colour(accent, "light", "accent"), check_colour(accent_dark, "dark", "accent_dark") if accent_dark else None


def recolour_links(style: LinkStyle) -> None:
    """A style has changed: every link that wears it changes with it."""
    wearing = (PaymentLink.vendor_id == style.vendor_id, PaymentLink.mode == style.mode, PaymentLink.style == style.public_id)
    db.session.execute(update(PaymentLink).where(*wearing).values(accent=style.accent, accent_dark=style.accent_dark))
