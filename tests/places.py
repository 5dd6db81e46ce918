"""Pages that need something to be there before they can be looked at: of the portal, of the public directory, of the staff's desk."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask

from core.accounts.models import Vendor
from core.directory.index import address_of
from core.directory.models import Branch, Listing
from core.fx.history import embedded_history
from core.fx.rates import latest_day, record_rates
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask, enqueue
from core.notifications.models import Message
from core.payments.lists import PaymentFilter, list_payments
from core.payments.models import Payment
from core.payments.queries import list_links
from core.providers.inbox import receive_event
from core.providers.models import InboxEvent
from core.risk.attack import begin_by_hand
from tests.factories import Shop, make_link, make_payment, unit
from tests.world import TITLE, State, payment_path


def guarded_states(shop: Shop) -> list[State]:
    """What payers of a vendor under attack are asked, with the browser's own work held up so that it can be seen."""
    with unit(shop.app):
        begin_by_hand(shop.vendor, "test", by=shop.user.public_id, hours=1)
    payments = [make_payment(shop, make_link(shop, title=TITLE, amount="65.00")) for _ in range(2)]
    return [
        State("proof-fields", "Under attack: the fields wait for a moment's work", payment_path(shop, payments[0]), _await_proof),
        State("proof", "The same on a page of its own", payment_path(shop, payments[1]), _press_pay),
    ]


def _await_proof(page: Any) -> None:
    page.locator("#card-fields [data-proof]").wait_for()


def _press_pay(page: Any) -> None:
    page.route("**/js/checkout.js*", lambda route: route.abort())  # as in a browser that cannot show the fields
    page.reload()
    page.get_by_role("button", name="Pay £").click()
    page.get_by_role("heading", name="One moment, please").wait_for()


def portal_states(shop: Shop) -> list[State]:
    """Of a vendor with a week behind it: one payment, one link, one customer; and the forms that lead on from them."""
    with shop.app.app_context():
        rows = list_payments(shop.vendor, "test", limit=100).rows
        refunded = next(p for p in rows if p.state == "succeeded" and p.refunded)
        paid = [p for p in rows if p.state == "succeeded" and p.refundable == p.captured][:3]
        unpaid = next(p for p in rows if p.state in ("requires_method", "canceled", "expired", "created", "requires_action"))
        link = list_links(shop.vendor, "test", limit=50).rows[-1]
        listing = db.session.query(Listing).filter_by(vendor_id=shop.vendor.id, mode="test").first()
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="receipt").first()
    assert listing and letter
    of = f"/portal/payments/{paid[0].public_id}"
    to = f"/portal/links/{link.public_id}"
    return [
        State("payment", "Portal: one payment", f"/portal/payments/{refunded.public_id}"),
        State("link", "Portal: one link", to),
        State("new-link-2", "Portal: new link, the second step", "/portal/links/new", lambda page: _step(page, 2)),
        State("new-link-3", "Portal: new link, the third step", "/portal/links/new", lambda page: _step(page, 3)),
        State("link-report", "Portal: what came of a link", f"{to}/report"),
        State("link-send", "Portal: a link is sent by e-mail", f"{to}/send"),
        State("refund", "Portal: what a refund does", of, _look_at_refund),
        State("bulk", "Portal: several payments are ticked", "/portal/payments?tick=all"),
        State("bulk-refund", "Portal: what several refunds come to", "/portal/payments", lambda page: _look_at_refunds(page, paid)),
        State("mark", "Portal: a payment is marked by hand", f"/portal/payments/{unpaid.public_id}/mark/paid"),
        State("why", "Portal: why this figure", f"{of}/why/keep"),
        State("customer", "Portal: one customer", "/portal/customers", _open_first),
        State("message", "Portal: one letter", f"/portal/outbox/{letter.public_id}"),
        State("statement", "Portal: one month", "/portal/statements", _open_first),
        State("listing", "Portal: one listing", f"/portal/listings/{listing.public_id}"),
        State("products", "Portal: its products", f"/portal/listings/{listing.public_id}/products"),
        State("branch", "Portal: a new branch", f"/portal/listings/{listing.public_id}/branches/new"),
    ]


def _step(page: Any, step: int) -> None:
    page.get_by_label("Title").fill("Evening class")
    page.get_by_label("Amount", exact=True).fill("45")
    for _ in range(step - 1):
        page.get_by_role("button", name="Next:").click()
    page.locator(f'[name="at"][value="{step}"]').wait_for(state="attached")


def _look_at_refund(page: Any) -> None:
    page.get_by_text("Refund", exact=True).first.click()
    page.get_by_role("button", name="See what this does").click()
    page.get_by_role("heading", name="What this does").wait_for()


def _look_at_refunds(page: Any, payments: list[Payment]) -> None:
    for payment in payments:
        page.get_by_label(f"Choose {payment.reference}").check()
    page.locator("#bulk-act").select_option("refund")
    page.get_by_role("button", name="Do it").click()
    page.get_by_role("heading", name="What goes back").wait_for()


def _open_first(page: Any) -> None:
    page.locator("main .table tbody a").first.click()
    page.wait_for_load_state()


def directory_states(app: Flask) -> list[State]:
    """The public directory as a stranger meets it. Needs the demo's businesses."""
    with app.app_context():
        listing = db.session.query(Listing).filter(Listing.state == "published", Listing.mode == "live").order_by(Listing.id).first()
        assert listing
        branch = db.session.query(Branch).filter_by(listing_id=listing.id).order_by(Branch.id).first()
        assert branch
        address, at = address_of(listing), branch.slug
    return [
        State("directory", "The directory", "/directory"),
        State("directory-found", "What a word finds", "/directory?q=sourdough"),
        State("directory-nothing", "A word that finds nothing", "/directory?q=zeppelins"),
        State("directory-listing", "A business", f"/directory/{address}"),
        State("directory-branch", "One of its branches", f"/directory/{address}/{at}"),
    ]


def desk_states(shop: Shop) -> list[State]:
    """The staff's pages, with something to look at on each: work that gave up, and an event nobody knows."""
    event = f"evt_{secrets.token_hex(8)}"
    with shop.app.app_context():
        receive_event(provider="sandbox", mode="test", event_id=event, type="payout.paid", raw='{"id": "po_1", "object": "payout"}')
    with unit(shop.app):
        vendor = db.session.get(Vendor, shop.vendor.id)
        newest = list_payments(shop.vendor, "test", PaymentFilter(status="succeeded")).rows[0]
        enqueue("make_receipt", shop.vendor.id, queue="papers", mode="test", payment=str(newest.id))
        db.session.flush()
        task = db.session.query(OutboxTask).filter_by(vendor_id=shop.vendor.id, state="waiting").order_by(OutboxTask.id.desc()).first()
        assert task
        task.state, task.attempts, task.last_error = "dead", 12, "PaperNotPrinted: the press did not answer in time"
        row = db.session.get_one(InboxEvent, ("sandbox", "test", event))
        row.handled_at, row.result = now(), "unmatched"
        if latest_day() is None:
            record_rates(embedded_history(), source="history")
    assert vendor
    of = f"/staff/vendors/{vendor.public_id}"
    return [
        State("why", "Staff: why they look", of),
        State("vendor", "Staff: one vendor", of, _say_why),
        State("payment", "Staff: one payment", f"/staff/payments/{newest.public_id}"),
        State("protection", "Staff: a vendor's protection", f"{of}/protection/test"),
        State("event", "Staff: one event", f"/staff/events/sandbox/test/{event}"),
        State("book", "Staff: one book", f"/staff/books/{vendor.public_id}/test"),
        *(State(name, f"Staff: {name.replace('-', ' ')}", path) for name, path in DESK.items()),
    ]


DESK = {
    "home": "/staff/", "vendors": "/staff/vendors", "payments": "/staff/payments", "listings": "/staff/listings", "bank-money": "/staff/bank-money",
    "books": "/staff/books", "rates": "/staff/rates", "jobs": "/staff/jobs", "events": "/staff/events", "audit": "/staff/audit", "two-step": "/staff/two-step",
}  # fmt: skip


def _say_why(page: Any) -> None:
    if page.get_by_role("heading", name="Look into").count():
        page.locator("main form input[type=text], main form textarea").first.fill("The owner rang about a refund")
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_load_state()
