"""The vendor as the payer sees them: a name, a logo and a colour, where to ask, and whether the money is real."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import g
from flask_babel import gettext as _

from core.accounts.models import Vendor
from core.web.brand import Logo, logo_of, style_of
from core.web.theme import forced_scheme


@dataclass(frozen=True, slots=True)
class Face:
    """What every payer's page shows of the vendor. `reference` goes into the subject of the letter to them."""

    name: str
    support_email: str
    mode: str
    reference: str = ""
    phone: str = ""
    logo: Logo | None = None
    style: str = ""
    preview: bool = False  # a picture of the page inside the portal: nothing on it can be pressed

    @property
    def support_link(self) -> str:
        named = {"reference": self.reference, "vendor": self.name}
        subject = _("Payment %(reference)s to %(vendor)s", **named) if self.reference else _("Payment to %(vendor)s", vendor=self.name)
        return f"mailto:{quote(self.support_email, safe='@')}?subject={quote(subject)}"

    @property
    def phone_link(self) -> str:
        return "tel:" + "".join(sign for sign in self.phone if sign in "+0123456789")


def face_of(vendor: Vendor, mode: str, reference: str = "", colours: tuple[str, str | None] | None = None) -> Face:
    """The vendor's face, in its own colours or in those of a link. From here on this answer is written in the vendor's time zone."""
    g.time_zone = vendor.time_zone
    style = style_of(*(colours or (vendor.accent, vendor.accent_dark)), forced_scheme())
    return Face(vendor.name, vendor.support_email, mode, reference, vendor.support_phone, logo_of(vendor), style)
