"""Marking one payment by hand, and doing one thing to many: what the pages ask, what they do, and who may."""

from __future__ import annotations

import csv
import io
import secrets
from typing import Any

import pytest

from core.customers.queries import find_customer
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.mark import mark_payment
from core.payments.models import Payment
from core.payments.queries import list_refunds
from core.payments.refund_models import Refund
from core.payments.saved import keep_card
from core.payments.screen import hold_payment
from core.payments.sharing import Sharing, set_sharing
from core.providers.saved import SavedMethod
from core.risk.score import LIMITS, Verdict
from tests.browser import Browser
from tests.core.payments.transfers import begin_transfer
from tests.factories import Shop, again, ask_refund, fresh, make_colleague, make_link, make_paid, make_payment, make_shop, tell_refund, unit

LIST, BULK = "/portal/payments", "/portal/payments/bulk"


def bulk(browser: Browser, act: str, *payments: Payment, scope: str = "ticked", query: str = "", **expected: Any) -> Any:
    token = browser.get(f"{LIST}?{query}").form(BULK).values["csrf_token"]
    numbers = [payment.public_id for payment in payments]
    return browser.post(f"{BULK}?{query}", {"csrf_token": token, "act": act, "scope": scope, "payments": numbers}, **expected)


def refunds(shop: Shop, payment: Payment) -> list[Refund]:
    with shop.app.app_context():
        return list_refunds(shop.vendor, payment)


# --- one by hand -----------------------------------------------------------------------------------------------------------


def test_a_payment_is_marked_as_paid_with_a_reason(shop: Shop, owner: Browser) -> None:
    payment = make_payment(shop)
    show = f"{LIST}/{payment.public_id}"
    assert f"{show}/mark/paid" in owner.get(show).links()
    form = owner.get(f"{show}/mark/paid").form(f"{show}/mark/paid")
    assert "Say why" in " ".join(owner.submit(form, reason=" ", status=422).errors)
    page = owner.submit(form, reason="Paid in cash at the counter")
    for words in ("Marked as paid by hand", "Paid in cash at the counter"):
        assert words in page.text
    assert "Refund this payment" not in page.text
    row = next(csv.DictReader(io.StringIO(owner.client.get("/portal/payments.csv").get_data(as_text=True))))
    assert (row["status"], row["marked"], row["paid"]) == ("marked_paid", "paid", "0.00")
    assert "Paid in cash at the counter" in owner.get("/portal/settings/audit-log").text
    assert payment.reference in owner.get(f"{LIST}?status=marked_paid").text


def test_what_has_moved_on_meanwhile_leads_back_to_its_page(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    assert paid.reference in owner.get(f"{LIST}/{paid.public_id}/mark/paid").title
    owner.get(f"{LIST}/{paid.public_id}/mark/lost", status=404)
    payment = make_payment(shop)
    form = owner.get(f"{LIST}/{payment.public_id}/mark/invalid").form(f"{LIST}/{payment.public_id}/mark/invalid")
    owner.submit(form, reason="Ordered twice")
    assert "Ordered twice" in owner.submit(form, reason="Ordered twice").text, "pressed twice, it is marked once"


@pytest.mark.parametrize("role", ["support", "viewer", "developer"])
def test_only_who_answers_for_money_marks(shop: Shop, role: str) -> None:
    payment, colleague = make_payment(shop), make_colleague(shop, role).browser()
    assert "mark/paid" not in colleague.get(f"{LIST}/{payment.public_id}").html
    colleague.get(f"{LIST}/{payment.public_id}/mark/paid", status=403)


# --- many at once ------------------------------------------------------------------------------------------------------------


def test_payments_are_put_away_and_brought_back(shop: Shop, owner: Browser) -> None:
    away, stays = make_paid(shop), make_paid(shop)
    assert "1 payment put away" in bulk(owner, "archive", away).text
    assert away.reference not in owner.get(LIST).text and stays.reference in owner.get(LIST).text
    for query in ("archived=only", "archived=all", f"q={away.reference}"):
        assert away.reference in owner.get(f"{LIST}?{query}").text
    assert away.reference not in owner.client.get("/portal/payments.csv").get_data(as_text=True)
    assert "1 payment is back" in bulk(owner, "unarchive", away, query="archived=only").text
    assert away.reference in owner.get(LIST).text


def test_receipts_are_sent_again_to_those_who_paid(shop: Shop, owner: Browser) -> None:
    paid, unpaid = make_paid(shop), make_payment(shop)
    page = bulk(owner, "receipt", paid, unpaid)
    assert "1 receipt is on its way." in page.text and f"{unpaid.reference}: Not paid" in page.text
    with shop.app.app_context():
        letters = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="receipt", about=paid.public_id).all()
    assert [letter.recipient for letter in letters] == [paid.email]


def test_the_ticked_ones_are_exported_and_no_other(shop: Shop, owner: Browser) -> None:
    chosen, other = make_paid(shop), make_paid(shop)
    token = owner.get(LIST).form(BULK).values["csrf_token"]
    sent = {"csrf_token": token, "act": "export", "scope": "ticked", "payments": [chosen.public_id]}
    text = owner.client.post(BULK, data=sent).get_data(as_text=True)
    assert chosen.reference in text and other.reference not in text


def test_many_are_refunded_after_a_look_at_the_total(shop: Shop, owner: Browser) -> None:
    first, second, unpaid = make_paid(shop), make_paid(shop, make_link(shop, amount="10.00")), make_payment(shop)
    look = bulk(owner, "refund", first, second, unpaid)
    assert "In all £35.00 goes back." in look.text and "Refund 2 payments?" in look.text and unpaid.reference in look.text
    assert refunds(shop, first) == [] == refunds(shop, second)
    form = look.form(f"{BULK}/refunds")
    done = owner.submit(form, reason="other")
    assert "2 refunds are asked for." in done.text
    assert [r.amount_minor for r in (*refunds(shop, first), *refunds(shop, second))] == [2_500, 1_000]
    again = owner.submit(form, reason="other")
    assert "Nothing was refunded just now" in again.text
    assert len(refunds(shop, first)) == 1, "sent twice, it is done once"


def test_all_that_fit_the_filters_are_chosen_and_nothing_else(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount="10.00")
    mine, other = [make_paid(shop, link) for _ in range(3)], make_paid(shop)
    look = bulk(owner, "refund", scope="all", query=f"link={link.public_id}")
    assert "Refund 3 payments?" in look.text and "£30.00" in look.text
    owner.submit(look.form(f"{BULK}/refunds"))
    assert all(refunds(shop, payment) for payment in mine) and not refunds(shop, other)


def test_a_total_that_has_changed_is_looked_at_again(shop: Shop, owner: Browser) -> None:
    first, second = make_paid(shop), make_paid(shop)
    form = bulk(owner, "refund", first, second).form(f"{BULK}/refunds")
    owner.submit(bulk(owner, "refund", first).form(f"{BULK}/refunds"))
    page = owner.submit(form)
    assert "has changed since you looked" in page.text and "Refund 1 payment?" in page.text
    assert refunds(shop, second) == []


def test_somebody_elses_payments_are_not_touched(shop: Shop, owner: Browser) -> None:
    theirs = make_paid(make_shop(shop.app))
    make_paid(shop)
    assert "Tick the payments first" in bulk(owner, "archive", theirs).text
    assert fresh(shop, theirs).archived_at is None


def test_each_act_asks_for_its_own_permission(shop: Shop) -> None:
    paid = make_paid(shop)
    viewer, support = make_colleague(shop, "viewer").browser(), make_colleague(shop, "support").browser()
    assert BULK not in viewer.get(LIST).html
    offered = support.get(LIST).html
    assert 'value="receipt"' in offered and 'value="refund"' not in offered
    bulk(support, "refund", paid, status=403)
    bulk(support, "nothing", paid, status=409)


# --- finding them ------------------------------------------------------------------------------------------------------------


def test_the_list_is_narrowed_by_way_currency_and_what_is_out_of_the_ordinary(shop: Shop, owner: Browser) -> None:
    plain, marked = make_paid(shop), make_payment(shop)
    dollars = make_payment(shop, make_link(shop, currency="USD"))
    begin_transfer(shop, dollars)
    with unit(shop.app):
        mark_payment(shop.vendor, again(marked), "paid", reason="In cash", by=shop.user.public_id)
        hold_payment(again(plain), Verdict(100, LIMITS[0]))
    held = make_payment(shop)
    with unit(shop.app):
        hold_payment(again(held), Verdict(100, LIMITS[0]))
    everything = {plain.reference, marked.reference, dollars.reference, held.reference}
    for query, wanted in {
        "": everything, "currency=USD": {dollars.reference}, "method=bank_transfer": {dollars.reference}, "method=visa": {plain.reference},
        "exception=marked": {marked.reference}, "exception=held": {held.reference}, "exception=late": set(), "currency=USD&least=1": set(),
    }.items():  # fmt: skip
        page = owner.get(f"{LIST}?{query}")
        assert {reference for reference in everything if reference in page.text} == wanted, query
    assert "in USD" in owner.get(f"{LIST}?currency=USD&least=1").text


def test_a_payment_is_found_by_the_vendors_own_columns(shop: Shop, owner: Browser) -> None:
    word = secrets.token_hex(4)
    link = make_link(shop)
    with unit(shop.app):
        set_sharing(again(link), by=shop.user.public_id, sharing=Sharing(key_values={"order": word}))
    ours, other = make_paid(shop, fresh(shop, link)), make_paid(shop)
    for path in (f"{LIST}?q=meta:order={word}", f"/portal/search?q=meta:order={word}"):
        page = owner.get(path)
        assert ours.reference in page.text and other.reference not in page.text
    for nothing in ("meta:order", "meta:=x", f"meta:other={word}"):
        assert ours.reference not in owner.get(f"{LIST}?q={nothing}").text


def test_a_customer_shows_refunds_and_saved_cards(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, email=f"ada-{secrets.token_hex(4)}@example.com")
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "succeeded")
    method = SavedMethod(
        customer="cus_x", method=f"pm_{secrets.token_hex(6)}", brand="visa", last4="4242", expiry_month=3, expiry_year=2040
    )
    with unit(shop.app):
        keep_card(shop.vendor.id, "test", "sandbox", method, email=paid.email, name="Ada")
        customer = find_customer(shop.vendor, "test", paid.email)
    assert customer
    page = owner.get(f"/portal/customers/{customer.public_id}")
    assert "Refunds of this customer" in page.text and "Visa ending in 4242" in page.text and "03/2040" in page.text
    assert method.method not in page.html
