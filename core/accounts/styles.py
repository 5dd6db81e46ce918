"""Named styles: colours that a vendor keeps by a name, to give to single links instead of its usual ones."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from core.accounts.branding import check_colour
from core.accounts.models import LinkStyle, Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST_STYLES = 30  # in use at the same time


class BadStyle(Refusal):
    """A style without a name of its own, or one too many."""

    code = "bad_style"


def make_style(vendor: Vendor, mode: str, *, name: str, accent: str, accent_dark: str, by: str) -> LinkStyle:
    """A style that links may wear from now on. Refuses BadStyle, and BadLook for a colour that could not be read, at its field."""
    if len(list_styles(vendor, mode)) >= MOST_STYLES:
        raise BadStyle(said("%(most)s styles at most. Put one away first.", most=MOST_STYLES), field="name")
    row = LinkStyle(vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("sty"), created_at=now())
    _fill(vendor, row, name, accent, accent_dark)
    db.session.add(row)
    record(vendor.id, actor=by, action="style.made", subject=row.public_id, name=row.name)
    return row


def change_style(vendor: Vendor, mode: str, style: str, *, name: str, accent: str, accent_dark: str, by: str) -> LinkStyle:
    """Other colours or another name. The caller gives the colours on to the links that wear it."""
    row = locked(LinkStyle, vendor.id, mode, get_style(vendor, mode, style).id)
    if row is None:
        raise NotFound("There is no such style.")
    _fill(vendor, row, name, accent, accent_dark)
    record(vendor.id, actor=by, action="style.changed", subject=row.public_id, name=row.name)
    return row


def put_away_style(vendor: Vendor, mode: str, style: str, *, by: str) -> None:
    """No link may choose it any more; links that wear it keep it. Repeating it changes nothing."""
    row = get_style(vendor, mode, style)
    if row.put_away_at is None:
        row.put_away_at = now()
        record(vendor.id, actor=by, action="style.put_away", subject=row.public_id)


def list_styles(vendor: Vendor, mode: str) -> list[LinkStyle]:
    """The styles in use, by name."""
    mine = select(LinkStyle).where(LinkStyle.vendor_id == vendor.id, LinkStyle.mode == mode, LinkStyle.put_away_at.is_(None))
    return list(db.session.scalars(mine.order_by(LinkStyle.name, LinkStyle.id)))


def find_style(vendor_id: uuid.UUID, mode: str, style: str) -> LinkStyle | None:
    """This vendor's style by public id, also one put away, or None."""
    if not is_public_id("sty", style):
        return None
    mine = select(LinkStyle).where(LinkStyle.vendor_id == vendor_id, LinkStyle.mode == mode, LinkStyle.public_id == style)
    return db.session.scalar(mine)


def get_style(vendor: Vendor, mode: str, style: str) -> LinkStyle:
    """The same; refuses with 404."""
    found = find_style(vendor.id, mode, style)
    if found is None:
        raise NotFound("There is no such style.")
    return found


def _fill(vendor: Vendor, row: LinkStyle, name: str, accent: str, accent_dark: str) -> None:
    name = " ".join(name.split())
    if not name or len(name) > 40:
        raise BadStyle("Give it a name of 40 characters at most.", field="name")
    others = [other for other in list_styles(vendor, row.mode) if other.public_id != row.public_id]
    if any(other.name.casefold() == name.casefold() for other in others):
        raise BadStyle("You have a style of this name already.", field="name")
    if not accent:
        raise BadStyle("Choose its colour.", field="accent")
    row.name, row.accent = name, check_colour(accent, "light", "accent")
    row.accent_dark = check_colour(accent_dark, "dark", "accent_dark") if accent_dark else None
