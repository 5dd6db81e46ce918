"""Vendors: who they are, what they are owed, what they took lately, who works there, and how they have set things up. Nothing can be changed."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import lazy_gettext as later

from core.accounts.domains import list_domains
from core.accounts.everywhere import get_vendor_everywhere, list_vendors_everywhere
from core.accounts.pay_domains import list_pay_domains
from core.accounts.queries import list_team
from core.accounts.receipts import find_receipt_settings
from core.accounts.staff_notes import flags_of
from core.closing.close import find_last as find_last_closing
from core.directory.strikes import count_strikes
from core.disputes.health import LEAST, health_of
from core.ledger.queries import balances
from core.payments.lists import list_payments
from core.payments.refund_queue import debt_limit, lines_of_refunds
from core.web.fields import BooleanField, Form, LineField
from core.web.page import cursor, page
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.vendor_notes import flag_words
from portal.admin.visits import ask_why, visit_of
from portal.balance import summarise

WORLDS = ("live", "test")
LATEST = 10


class VendorForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Search"), most=120)
    live = BooleanField(later("Only those that take live payments"))


@staff_door.get("/staff/vendors")
@staff_may("vendors.see")
def vendors() -> Response:
    form = VendorForm(request.args)
    good, after = form.validate(), cursor()
    found = list_vendors_everywhere((form.q.data or None) if good else None, live_only=bool(good and form.live.data), after=after)
    kept = {name: field.raw_data[0] for name, field in form._fields.items() if good and field.data and field.raw_data}
    return page(
        "portal/admin/vendors/index.html",
        fragment="portal/admin/vendors/_table.html",
        form=form,
        vendors=found.rows,
        flags={vendor_id: flag_words()[flag] for vendor_id, flag in flags_of({row.id for row in found.rows}).items()},
        kept=kept,
        newest=url_for(".vendors", **kept) if after else None,
        older=url_for(".vendors", after=found.next, **kept) if found.next else None,
    )


@staff_door.get("/staff/vendors/<public_id>")
@staff_may("vendors.see")
def vendor(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    visit = visit_of(vendor)
    if visit is None:
        return ask_why(vendor)
    seen(vendor, vendor.public_id)
    may_see_money = staff().may("balances.see")
    books = {mode: summarise(balances(vendor, mode), vendor.currency) for mode in WORLDS} if may_see_money else None
    return page(
        "portal/admin/vendors/show.html",
        vendor=vendor,
        visit=visit,
        team=list_team(vendor),
        books=books,
        lines={mode: lines_of_refunds(vendor, mode) for mode in WORLDS},
        limits={book.currency: debt_limit(book.currency) for kept in (books or {}).values() for book in kept},
        latest={mode: list_payments(vendor, mode, limit=LATEST).rows for mode in WORLDS},
        domains=list_domains(vendor),
        pay_domains=list_pay_domains(vendor),
        extra=find_receipt_settings(vendor),
        world=(world := "live" if vendor.live_enabled else "test"),
        health=health_of(vendor.id, world),
        least=LEAST,
        closing=find_last_closing(vendor),
        strikes=count_strikes(vendor.id, "live"),
        flag=flag_words()[marked] if (marked := flags_of({vendor.id}).get(vendor.id)) else None,
    )
