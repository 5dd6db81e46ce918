"""The paper jobs: print the receipt of a payment as it stands, the poster of a link, the statement of a month or of a payout, and keep it."""

from __future__ import annotations

import uuid
from datetime import date

import structlog

from core.accounts.branding import find_logo
from core.accounts.queries import get_vendor
from core.accounts.receipts import find_receipt_settings
from core.directory.queries import branch_by_row
from core.invoices.issue import bring_up_to_date
from core.invoices.models import SaleDocument
from core.invoices.queries import PAPER, corrected_by, get_payment_of
from core.kernel.db import db, unit_of_work
from core.ledger.months import bounds, paper_name
from core.ledger.statement import make_statement as draw_up
from core.ledger.statement import statement_lines
from core.notifications.models import Paper
from core.notifications.papers import keep_paper, newest_paper
from core.payments.models import Payment, PaymentLink
from core.payments.queries import references_of, refunds_of_sale
from core.payments.sale import find_cart, find_details
from core.payments.start import receipt_token
from core.payouts.paper import paper_name as payout_name
from core.payouts.queries import account_of, get_payout
from core.payouts.reasons import reason_of
from core.payouts.statement import lines_of, sums_of
from core.web import addresses
from core.web.payout_paper import payout_html
from core.web.pdf import render_archive, render_pdf
from core.web.poster import poster_html, poster_name
from core.web.receipt import receipt_html
from core.web.sale_invoice import sale_invoice_html
from core.web.statement_paper import MOST_LINES, statement_html

log = structlog.get_logger("workers")
SECONDS_FOR_A_STATEMENT = 45  # it may have many pages, and must be done before its lease ends


def make_receipt(vendor_id: uuid.UUID, *, mode: str, payment: str) -> Paper | None:
    """Print the receipt and keep it; a refund settled since the last one makes a new version, a repeat makes none.

    The invoices and credit notes that it needs are issued first: they are the next to be printed. Nothing to print for a payment
    that was never captured. Raises PaperNotPrinted when the press cannot: try again later.
    """
    with unit_of_work():
        bring_up_to_date(get_vendor(vendor_id), db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment))))
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
    address = addresses.receipt(receipt_token(vendor, payment), vendor)
    cart, said, extra = find_cart(vendor, payment), find_details(vendor, payment), find_receipt_settings(vendor)
    refunds, logo = refunds_of_sale(vendor, payment), find_logo(vendor)
    return receipt_html(vendor, payment, refunds, address=address, cart=cart, said=said, extra=extra, locale=payment.locale, logo=logo)


def print_sale_document(vendor_id: uuid.UUID, *, mode: str, document: str) -> Paper:
    """Print an invoice or a credit note of a payment, once and for ever. Raises PaperNotPrinted when the press cannot: try again later."""
    with unit_of_work():
        row = db.session.get_one(SaleDocument, (vendor_id, mode, uuid.UUID(document)))
        name = row.public_id
        if (kept := newest_paper(vendor_id, mode, about=name, kind=PAPER)) is not None:
            return kept
        html = sale_invoice_html(row, get_payment_of(row), corrected_by(row), locale=row.locale)
    printed = render_archive(html, e_invoice=None)
    with unit_of_work():
        return newest_paper(vendor_id, mode, about=name, kind=PAPER) or keep_paper(
            vendor_id, mode, about=name, kind=PAPER, pdf=printed.data
        )


def make_poster(vendor_id: uuid.UUID, *, mode: str, link: str, size: str, address: str, caption: str, branch: str = "") -> Paper:
    """Print the sheet and keep it under what it says. Raises PaperNotPrinted when the press cannot: try again later."""
    with unit_of_work():
        vendor, shown = get_vendor(vendor_id), db.session.get_one(PaymentLink, (vendor_id, mode, uuid.UUID(link)))
        amount = shown.amount or shown.total
        place = branch_by_row(vendor_id, mode, uuid.UUID(branch) if branch else None)
        html = poster_html(
            vendor,
            title=shown.title,
            amount=amount,
            mode=mode,
            address=address,
            caption=caption or None,
            size=size,
            locale=shown.locale,
            branch=place,
        )
    printed = render_pdf(html)
    with unit_of_work():
        return keep_paper(vendor_id, mode, about=poster_name(shown.public_id, size, html), kind="poster", pdf=printed.data)


def make_statement(vendor_id: uuid.UUID, *, mode: str, month: str, currency: str, locale: str) -> Paper | None:
    """Print the statement of a month and keep it. None for a month that is not over: what is printed never changes.

    A month with more lines than a person would read on paper is printed with its sums; every line is in the file.
    Raises PaperNotPrinted when the press cannot: try again later.
    """
    first = date.fromisoformat(f"{month}-01")
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        made = draw_up(vendor, mode, currency, *bounds(first, vendor.time_zone))
        if not made.is_over:
            return None
        few = sum(total.count for total in made.totals) <= MOST_LINES
        lines = statement_lines(vendor, mode, made, limit=MOST_LINES)[0] if few else None
        references = references_of(vendor, mode, {line.about for line in lines or []})
        extra = find_receipt_settings(vendor)
        html = statement_html(vendor, made, lines, first=first, mode=mode, references=references, extra=extra, locale=locale)
        name = paper_name(first, currency, zone=vendor.time_zone, locale=locale)
    printed = render_pdf(html, seconds=SECONDS_FOR_A_STATEMENT)
    with unit_of_work():
        return keep_paper(vendor_id, mode, about=name, kind="statement", pdf=printed.data)


def make_payout_statement(vendor_id: uuid.UUID, *, mode: str, payout: str, locale: str) -> Paper | None:
    """Print what a payout is made of and keep it; it is added up anew first, and nothing is printed of one that does not add up. Raises
    PaperNotPrinted when the press cannot: try again later."""
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        shown = get_payout(vendor, mode, payout)
        sums = sums_of(shown)
        if not sums.add_up:
            return None
        lines = lines_of(vendor, shown, limit=MOST_LINES + 1)
        few = lines if len(lines) <= MOST_LINES else None
        extra = find_receipt_settings(vendor)
        why_not = reason_of(shown.failure_reason)
        html = payout_html(vendor, shown, sums, few, account_of(vendor, shown), why_not=why_not, extra=extra, locale=locale)
        name = payout_name(shown, locale=locale)
    printed = render_pdf(html, seconds=SECONDS_FOR_A_STATEMENT)
    with unit_of_work():
        return keep_paper(vendor_id, mode, about=name, kind="payout", pdf=printed.data)
