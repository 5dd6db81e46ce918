"""The poster of a link: a sheet with the vendor's name, what is paid, how much, the code to scan and the address to type."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

import segno
from markupsafe import Markup

from core.accounts.models import Vendor
from core.kernel.money import Money
from core.web.mail import stationery_for
from core.web.reader import Reader

SIZES = ("a4", "a6")


class Place(Protocol):
    """A branch of the vendor's."""

    @property
    def name(self) -> str: ...
    @property
    def street(self) -> str: ...
    @property
    def town(self) -> str: ...


def poster_html(
    vendor: Vendor,
    *,
    title: str,
    amount: Money | None,
    mode: str,
    address: str,
    caption: str | None,
    size: str,
    locale: str = "",
    branch: Place | None = None,
) -> str:
    """The sheet as the press takes it. `address` is what the code says, `caption` what people read and type below it, `locale` the link's language.

    `branch` is the place it hangs in, named below the business.
    """
    sheet = stationery_for(Reader(locale, vendor.time_zone)).get_template("papers/poster.html")
    place = [line for line in (branch.name, ", ".join(part for part in (branch.street, branch.town) if part)) if line] if branch else []
    return sheet.render(
        vendor=vendor, title=title, amount=amount, practice=mode == "test", caption=caption, size=size, code=_code(address), place=place
    )


def poster_name(link: str, size: str, html: str) -> str:
    """Under what the printed sheet is kept: a link whose title, amount or address has changed has no poster until it is printed anew."""
    return f"{link}:{size}:{sha256(html.encode()).hexdigest()[:16]}"


def _code(address: str) -> Markup:
    """Drawn into the page itself, with the quiet zone that scanners need."""
    drawn = segno.make(address, error="m", micro=False)
    return Markup(
        drawn.svg_inline(border=4, omitsize=True, svgclass="code", lineclass=None, light="#fff", title="QR code: the address to pay at")
    )
