"""The receipt of a payment as one HTML page: what a browser shows at its address and what the press prints are the same text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import segno
from markupsafe import Markup

from core.accounts.models import Vendor
from core.accounts.receipts import ReceiptWish
from core.kernel.money import Money
from core.web.addresses import verify
from core.web.brand import Colours, carried, logo_of, logo_path, paper_style
from core.web.mail import stationery_for
from core.web.reader import Reader


class Paid(Protocol):
    """What a receipt says of a payment."""

    mode: str
    reference: str
    description: str
    payer_name: str
    payer_reference: str
    reference_label: str
    email: str
    method: str | None
    method_kind: str | None
    card_brand: str | None
    card_last4: str | None
    card_funding: str | None
    captured_at: datetime | None

    @property
    def captured(self) -> Money: ...


class GivenBack(Protocol):
    """What a receipt says of a refund."""

    state: str
    reason: str
    settled_at: datetime | None

    @property
    def amount(self) -> Money: ...


class Said(Protocol):
    """What a receipt says of the payer: whom it is made out to."""

    company: str
    tax_id: str
    billing: Mapping[str, str] | None


def receipt_html(
    vendor: Vendor,
    payment: Paid,
    refunds: Iterable[GivenBack],
    *,
    address: str,
    pdf_address: str = "",
    history_address: str = "",
    mine_address: str = "",
    statement_address: str = "",
    locale: str = "en",
    cart: Any = None,
    said: Said | None = None,
    extra: ReceiptWish | None = None,
    languages: Iterable[tuple[str, str, str]] = (),
    logo: bytes | None = None,
    nonce: str = "",
    issued: Iterable[tuple[str, bool, str]] = (),
    typed: Colours | None = None,
) -> str:
    """The whole page, written in the reader's language and the vendor's time zone. Only refunds that the provider has confirmed are on it.

    `address` is where this receipt can be checked, `pdf_address` what the button on screen opens (none on the PDF itself),
    `history_address` where the payer reads what happened step by step, `mine_address` the way to all they paid this vendor,
    `statement_address` the same facts as a signed statement for programs.
    `cart` is what was bought, where that was more than one sum, and `said` what the payer said of themselves,
    `extra` what the vendor adds and leaves off; `languages` (code, name, address) what the page on screen can be read in. `logo` is
    the picture to carry inside the paper; a page in a browser names its address instead, and shows the vendor's colours under its `nonce`.
    `issued` are the invoices and credit notes beside it: what each is called, whether it gives back, where its PDF is. `typed` are
    colours that nobody has saved yet, for a picture of the receipt in them.
    The same payment and refunds give the same text, whenever and wherever it is written.
    """
    confirmed = sorted((refund for refund in refunds if refund.state == "succeeded"), key=lambda refund: refund.settled_at)
    kept = payment.captured
    for refund in confirmed:
        kept = kept - refund.amount
    reader = Reader(locale, vendor.time_zone)
    sheet = stationery_for(reader).get_template("papers/receipt.html")
    return sheet.render(
        vendor=vendor,
        country=reader.country(vendor.country),
        payment=payment,
        refunds=confirmed,
        kept=kept,
        practice=payment.mode == "test",
        state="refunded" if not kept else "partly-refunded" if confirmed else "paid",
        as_of=confirmed[-1].settled_at if confirmed else payment.captured_at,
        address=address,
        pdf_address=pdf_address,
        history_address=history_address,
        mine_address=mine_address,
        statement_address=statement_address,
        code=_code(address, reader),
        verify=verify(),
        cart=cart,
        buyer=_made_out_to(said, payment.payer_name, reader) if said else None,
        extra=extra or ReceiptWish(),
        languages=list(languages),
        style=paper_style(vendor, typed),
        nonce=nonce,
        issued=list(issued),
        logo=logo_of(vendor),
        logo_src=carried(logo) if logo else logo_path(vendor),
    )


def _made_out_to(said: Said, name: str, reader: Reader) -> list[str]:
    """The lines of an address as a letter has them; none where nothing but a telephone number was given."""
    place = said.billing or {}
    if not (said.company or said.tax_id or place):
        return []
    country = place.get("country", "")
    town = f"{place.get('postcode', '')} {place.get('city', '')}".strip()
    parts = [said.company or name, place.get("line1"), place.get("line2"), town, reader.country(country)]
    return [part for part in (*parts, reader.plain("VAT or tax number %(number)s", number=said.tax_id) if said.tax_id else "") if part]


def _code(address: str, reader: Reader) -> Markup:
    """The address as a QR code drawn into the page itself, so that nothing has to be fetched for it."""
    title = reader.plain("QR code: the address of this receipt")
    drawn = segno.make(address, error="m", micro=False)
    return Markup(drawn.svg_inline(border=0, omitsize=True, svgclass="code", lineclass=None, title=title))
