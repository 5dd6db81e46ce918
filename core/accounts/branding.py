"""How a vendor looks to its payers: its colour in light and in dark, its logo, and the telephone number beside its e-mail address."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.colours import EDGE, judge, nearest, read_colour
from core.accounts.models import Vendor, VendorLogo
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal

if TYPE_CHECKING:
    from core.accounts.logo import Picture  # only whoever draws one loads what it takes to draw

_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,28}[0-9]")


class BadLook(Refusal):
    """A colour that nobody could read, or a telephone number that is none."""

    code = "bad_look"


@dataclass(frozen=True, slots=True)
class Look:
    """The settings as the page sends them. No colour: ours. No colour for dark: made of the one for light."""

    accent: str = ""
    accent_dark: str = ""
    support_phone: str = ""
    logo_says_name: bool = False


def look_of(vendor: Vendor) -> Look:
    return Look(vendor.accent or "", vendor.accent_dark or "", vendor.support_phone, vendor.logo_says_name)


def colours_of(accent: str | None, accent_dark: str | None) -> dict[str, str]:
    """The colour of each scheme; none at all where the vendor has not chosen one."""
    if not accent:
        return {}
    return {"light": accent, "dark": accent_dark or nearest(accent, "dark")}


def ratio(hundredths: int) -> str:
    """450 as people write it: 4.5:1."""
    return f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".") + ":1"


def check_colour(text: str, scheme: str, field: str) -> str:
    """The colour, when it may be used in this scheme. BadLook at its field with what was measured and what would do."""
    colour = read_colour(text.strip())
    if colour is None:
        raise BadLook("Write a colour like #0a5560.", field=field)
    found = judge(colour, scheme)
    if found.good:
        return colour
    where = "the light page" if scheme == "light" else "the dark page"
    if found.on_page < EDGE:
        measured = f"A button in {colour} would hardly stand out from {where}: its contrast is {ratio(found.on_page)}, and 3:1 is needed."
    else:
        measured = (
            f"Neither white nor black text can be read on {colour}: the better one reaches {ratio(found.on_text)}, and 4.5:1 is needed."
        )
    raise BadLook(f"{measured} The nearest colour that works is {found.nearest}.", field=field)


def check_phone(text: str) -> str:
    phone = " ".join(text.split())
    if phone and (not _PHONE.fullmatch(phone) or sum(sign.isdigit() for sign in phone) < 5):
        raise BadLook("Write a telephone number with its country code, like +44 20 7946 0000.", field="support_phone")
    return phone


def change_look(vendor: Vendor, look: Look, *, by: str) -> Vendor:
    """From now on every page, receipt and letter to a payer looks so. Refuses what could not be read, with the nearest that can."""
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    wished = asdict(look) | {
        "accent": check_colour(look.accent, "light", "accent") if look.accent else None,
        "accent_dark": check_colour(look.accent_dark, "dark", "accent_dark") if look.accent_dark else None,
        "support_phone": check_phone(look.support_phone),
    }
    if wished["accent_dark"] and not wished["accent"]:
        raise BadLook("Choose the colour for light pages as well, or leave both empty.", field="accent")
    changes = audit.differences({name: getattr(row, name) for name in wished}, wished)
    for name in changes:
        setattr(row, name, wished[name])
    if changes:
        audit.record(row.id, actor=by, action="branding.changed", subject=row.public_id, changes=changes)
    return row


def set_logo(vendor: Vendor, picture: Picture, *, by: str) -> Vendor:
    """Show this picture from now on. The one before is forgotten: its address carries its digest, so no cache mixes them up."""
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    kept = {"digest": picture.digest, "png": picture.png, "updated_at": now()}
    db.session.execute(insert(VendorLogo).values(vendor_id=row.id, **kept).on_conflict_do_update(index_elements=["vendor_id"], set_=kept))
    row.logo_digest, row.logo_width, row.logo_height = picture.digest, picture.width, picture.height
    audit.record(row.id, actor=by, action="logo.changed", subject=row.public_id)
    return row


def remove_logo(vendor: Vendor, *, by: str) -> Vendor:
    """Back to the first letter of the name. Repeating it changes nothing."""
    row = locked(Vendor, vendor.id)
    if row is None:
        raise NotFound
    if row.logo_digest:
        db.session.execute(delete(VendorLogo).where(VendorLogo.vendor_id == row.id))
        row.logo_digest, row.logo_width, row.logo_height = None, 0, 0
        audit.record(row.id, actor=by, action="logo.removed", subject=row.public_id)
    return row


def find_logo(vendor: Vendor) -> bytes | None:
    """The picture itself, for a paper or a letter that carries it along."""
    return db.session.scalar(select(VendorLogo.png).where(VendorLogo.vendor_id == vendor.id)) if vendor.logo_digest else None


def find_logo_by_address(vendor: str, digest: str) -> bytes | None:
    """The picture an address names. One that was replaced is no longer there."""
    shown = select(VendorLogo.png).join(Vendor, Vendor.id == VendorLogo.vendor_id)
    return db.session.scalar(shown.where(Vendor.public_id == vendor, VendorLogo.digest == digest))
