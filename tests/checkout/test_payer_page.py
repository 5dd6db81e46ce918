"""A payer's own page: its key goes to the payer alone, and behind it stand their payments with one vendor and nobody else's."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest

from core.accounts.remarks import list_remarks
from core.customers.keys import key_token, make_key
from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.models import Message, Notice, Paper
from core.notifications.notify import HOLDS_A_KEY
from core.payments.models import Payment
from core.payments.saved import keep_card
from core.payments.saved_models import SavedCard
from core.providers.saved import SavedMethod
from core.web.throttle import limiter
from tests.checkout.test_receipts import address_of
from tests.factories import Shop, fresh, make_paid, make_payment, make_shop, unit


@pytest.fixture(autouse=True)
def unthrottled() -> Any:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


def page_of(shop: Shop, email: str) -> str:
    with unit(shop.app):
        key = make_key(shop.vendor, "test", email)
        return f"/mine/{key_token(shop.vendor, key)}"


def somebody() -> str:
    return f"ada-{secrets.token_hex(4)}@example.com"


def letters(shop: Shop) -> list[Message]:
    with shop.app.app_context():
        return db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="payer_page").all()


def test_the_key_goes_to_whom_the_receipt_belongs(payer, shop, work):
    email = somebody()
    receipt = address_of(shop, make_paid(shop, email=email))
    assert f"{receipt}/mine" in payer.get(receipt).links()
    asking = payer.get(f"{receipt}/mine")
    assert email not in asking.html and "a…@example.com" in asking.text
    sent = payer.submit(asking.form(f"{receipt}/mine"))
    assert sent.heading == "Look into your mailbox"
    assert [letter.recipient for letter in letters(shop)] == [email]
    assert "payer_page" in HOLDS_A_KEY, "whoever reads the log of letters that were sent must not find the key"
    work()
    address = re.search(r"https?://\S+(/mine/\S+)", letters(shop)[0].text or "")
    assert address and payer.get(address[1]).heading == "All your payments"


def test_the_page_shows_this_payers_payments_and_nobody_elses(payer, shop):
    email = somebody()
    mine, other, elsewhere = make_paid(shop, email=email), make_paid(shop, email=somebody()), make_paid(make_shop(shop.app), email=email)
    begun = make_payment(shop, email=email)
    page = payer.get(page_of(shop, email))
    assert mine.reference in page.text and begun.reference in page.text
    assert other.reference not in page.text and elsewhere.reference not in page.text
    assert any(link.startswith("/receipt/") for link in page.links())


def test_a_newer_key_replaces_the_older_one_and_every_key_runs_out(payer, shop):
    email = somebody()
    make_paid(shop, email=email)
    old, new = page_of(shop, email), page_of(shop, email)
    assert payer.get(old, status=404).heading == "This link is not valid"
    payer.get(new)
    with shifted(timedelta(hours=25)):
        payer.get(new, status=404)
    payer.get(new.replace("/mine/", "/receipt/"), status=404)


def test_a_receipt_is_made_out_to_a_company_within_thirty_days(payer, shop, work):
    email = somebody()
    paid = make_paid(shop, email=email)
    work()
    base = f"{page_of(shop, email)}/{paid.public_id}/details"
    form = payer.get(base).form(base)
    assert payer.submit(form, status=422).errors
    wrong = payer.submit(form, company="Sea Lane Ltd", tax_id="DE000000000", status=422)
    assert wrong.form(base).values["company"] == "Sea Lane Ltd"
    kept = payer.submit(form, company="Sea Lane Ltd", tax_id="DE136695976")
    assert "printed anew" in kept.text
    assert "Sea Lane Ltd" in payer.get(address_of(shop, paid)).text
    work()
    with shop.app.app_context():
        assert db.session.query(Paper).filter_by(vendor_id=shop.vendor.id, about=paid.public_id, kind="receipt").count() == 2
    with shifted(timedelta(days=31)):
        late = f"{page_of(shop, email)}/{paid.public_id}/details"
        assert "for 30 days" in payer.get(late).text
        assert late not in payer.get(late.rsplit("/", 2)[0]).links()


def test_a_problem_reaches_the_team_in_the_payers_words(payer, shop):
    email = somebody()
    paid = make_paid(shop, email=email)
    base = f"{page_of(shop, email)}/{paid.public_id}/problem"
    form = payer.get(base).form(base)
    assert payer.submit(form, problem="  ", status=422).errors
    for number in range(3):
        assert "has been told" in payer.submit(form, problem=f"Cold cake <b>{number}</b>").text
    assert payer.submit(form, problem="Once more", status=422).form(base).values["problem"] == "Once more"
    with shop.app.app_context():
        told = list_remarks(shop.vendor, "test", paid.public_id)
        notices = db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, kind="problem_reported").count()
    assert [remark.text for remark in told] == [f"Cold cake <b>{n}</b>" for n in (2, 1, 0)] and notices == 3
    seen = shop.browser().get(f"/portal/payments/{paid.public_id}")
    assert "Cold cake <b>2</b>" in seen.text and "The payer reports a problem" in seen.text


def test_nobody_elses_payment_is_reached_through_ones_own_key(payer, shop):
    other, email = make_paid(shop, email=somebody()), somebody()
    make_paid(shop, email=email)
    for what in ("details", "problem"):
        payer.get(f"{page_of(shop, email)}/{other.public_id}/{what}", status=404)


def saved(shop: Shop, email: str) -> SavedCard:
    method = SavedMethod(
        customer="cus_x", method=f"pm_{secrets.token_hex(6)}", brand="visa", last4="4242", expiry_month=12, expiry_year=2040
    )
    with unit(shop.app):
        return keep_card(shop.vendor.id, "test", "sandbox", method, email=email, name="Ada")


def test_a_saved_card_is_removed_by_its_owner_only(payer, shop):
    email, stranger = somebody(), somebody()
    for one in (email, stranger):
        make_paid(shop, email=one)
    mine, theirs = saved(shop, email), saved(shop, stranger)
    path = page_of(shop, email)
    form = payer.get(path).form(f"{path}/cards/forget")
    payer.submit(form, card=theirs.public_id)
    assert fresh(shop, theirs).put_away_at is None
    assert "The card is removed" in payer.submit(form, card=mine.public_id).text
    assert fresh(shop, mine).put_away_at is not None


def test_a_payment_marked_by_the_seller_says_so_to_the_payer(payer, shop):
    from core.payments.mark import mark_payment
    from tests.factories import again
    from tests.world import payment_path

    payment: Payment = make_payment(shop)
    with unit(shop.app):
        mark_payment(shop.vendor, again(payment), "paid", reason="secret reason", by="usr_x")
    page = payer.get(payment_path(shop, payment))
    assert page.heading == "Settled with the seller" and "secret reason" not in page.html


def test_the_key_of_an_erased_payer_opens_nothing(payer, shop):
    from core.customers.queries import find_customer
    from core.payments.personal_data import erase_person

    email = somebody()
    make_paid(shop, email=email)
    path = page_of(shop, email)
    payer.get(path)
    with unit(shop.app):
        erase_person(shop.vendor, find_customer(shop.vendor, "test", email), by="usr_x")
    payer.get(path, status=404)
