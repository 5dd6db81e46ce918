"""The paper jobs: print the receipt of a payment as it stands, or the poster of a link, and keep it."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.queries import get_vendor
from core.accounts.receipts import find_receipt_settings
from core.kernel.db import db, unit_of_work
from core.notifications.models import Paper
from core.notifications.papers import keep_paper
from core.payments.models import Payment, PaymentLink
from core.payments.queries import refunds_of_sale
from core.payments.sale import find_cart, find_details
from core.payments.start import receipt_token
from core.web import addresses
from core.web.pdf import render_pdf
from core.web.poster import poster_html, poster_name
from core.web.receipt import receipt_html

log = structlog.get_logger("workers")


def make_receipt(vendor_id: uuid.UUID, *, mode: str, payment: str) -> Paper | None:
    """Print the receipt and keep it; a refund settled since the last one makes a new version, a repeat makes none.

    Nothing to print for a payment that was never captured. Raises PaperNotPrinted when the press cannot: try again later.
    """
    with unit_of_work():
        html = _written(vendor_id, db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment))))
    if html is None:
        return None
    printed = render_pdf(html)
    if printed.refused:
        log.warning("paper_wanted_files", payment=payment, addresses=printed.refused)
    with unit_of_work():
        about = db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment))).public_id
        return keep_paper(vendor_id, mode, about=about, kind="receipt", pdf=printed.data)


def _written(vendor_id: uuid.UUID, payment: Payment) -> str | None:
    if payment.captured_at is None:
        return None
    vendor = get_vendor(vendor_id)
    address = addresses.receipt(receipt_token(vendor, payment))
    cart, said, extra = find_cart(vendor, payment), find_details(vendor, payment), find_receipt_settings(vendor)
    return receipt_html(
        vendor, payment, refunds_of_sale(vendor, payment), address=address, cart=cart, said=said, extra=extra, locale=payment.locale
    )


def make_poster(vendor_id: uuid.UUID, *, mode: str, link: str, size: str, address: str, caption: str) -> Paper:
    """Print the sheet and keep it under what it says. Raises PaperNotPrinted when the press cannot: try again later."""
    with unit_of_work():
        vendor, shown = get_vendor(vendor_id), db.session.get_one(PaymentLink, (vendor_id, mode, uuid.UUID(link)))
        amount = shown.amount or shown.total
        html = poster_html(vendor, title=shown.title, amount=amount, mode=mode, address=address, caption=caption or None, size=size, locale=shown.locale)
    printed = render_pdf(html)
    with unit_of_work():
        return keep_paper(vendor_id, mode, about=poster_name(shown.public_id, size, html), kind="poster", pdf=printed.data)
