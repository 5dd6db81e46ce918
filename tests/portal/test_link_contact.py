"""What a link asks to reach its payer: an e-mail address that must, may or need not be given, kept with this payment only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from core.customers.models import Customer
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.bulk import resend_receipts
from core.payments.discount import CodeRefused
from core.payments.models import Payment, PaymentLink
from core.payments.offer_check import BadOffer
from core.payments.start import EmailNeeded, receipt_token
from tests.browser import Browser
from tests.core.payments.carts import buy, code, link_with, paid
from tests.factories import Shop, again, ask_refund, link_address, tell_refund, unit


def last_payment(shop: Shop) -> Payment:
    with shop.app.app_context():
        return db.session.scalars(select(Payment).where(Payment.vendor_id == shop.vendor.id).order_by(Payment.id.desc()).limit(1)).one()


def count(shop: Shop, model: type, *more: object) -> int:
    with shop.app.app_context():
        return db.session.scalar(select(func.count()).select_from(model).where(model.vendor_id == shop.vendor.id, *more)) or 0


def test_off_the_page_asks_for_no_address_and_the_payment_goes_on(shop: Shop, stranger: Browser) -> None:
    link = link_with(shop, amount="12.00", email="off")
    page = stranger.get(link_address(shop, link))
    assert not page.all("input", name_="email") and not page.all("input", name_="remind")
    shown = stranger.submit(page.form(), name="Ada")
    assert shown.status == 200 and "12.00" in shown.text
    payment = last_payment(shop)
    assert (payment.email, payment.payer_name) == ("", "Ada")
    assert count(shop, Customer) == 0, "nobody is known as a customer by it"


def test_optional_it_is_marked_so_kept_when_given_and_refused_when_it_is_none(shop: Shop, stranger: Browser) -> None:
    link = link_with(shop, amount="12.00", email="optional")
    page = stranger.get(link_address(shop, link))
    box = page.all("input", name_="email")[0]
    assert box.attrs["autocomplete"] == "email" and "optional" in page.text
    wrong = stranger.submit(page.form(), status=422, email="ada@@example", name="Ada")
    assert any("name@example.com" in error for error in wrong.errors) and wrong.all("input", name_="name")[0].attrs["value"] == "Ada"
    stranger.submit(page.form(), email="Ada@Example.com")
    assert last_payment(shop).email == "ada@example.com" and count(shop, Customer) == 1
    other = Browser(shop.app)
    other.submit(other.get(link_address(shop, link)).form(), email="")
    assert last_payment(shop).email == "" and count(shop, Customer) == 1


def test_required_is_how_it_was(shop: Shop, stranger: Browser) -> None:
    link = link_with(shop, amount="12.00")
    page = stranger.submit(stranger.get(link_address(shop, link)).form(), status=422, email="")
    assert any("the receipt goes there" in error for error in page.errors)
    with unit(shop.app), pytest.raises(EmailNeeded):
        buy(shop, link, email=" ", amount=link.amount)


def test_paid_without_an_address_nobody_is_written_to_and_every_page_stands(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    link = link_with(shop, amount="12.00", email="off")
    with unit(shop.app):
        payment = buy(shop, link, email="", amount=link.amount)
    payment = paid(shop, payment)
    work()
    assert count(shop, Message, Message.recipient == "") == 0 and count(shop, Message, Message.kind == "receipt") == 0
    assert count(shop, Message, Message.kind == "payment_received") == 1, "the seller is told all the same"
    page = owner.get(f"/portal/payments/{payment.public_id}")
    assert "Ada" in page.text and "Ada" in owner.get("/portal/payments").text
    refund = ask_refund(shop, payment, "2.00")
    tell_refund(shop, refund, "succeeded")
    assert count(shop, Message, Message.kind == "refund_sent") == 0
    with unit(shop.app):
        sent, left = resend_receipts(shop.vendor, [again(payment)], by="usr_x")
    assert sent == 0 and "no e-mail address" in str(left[0].why)
    receipt = receipt_token(shop.vendor, payment)
    shown = stranger.get(f"/receipt/{receipt}")
    assert "Ada" in shown.text and "All your payments" not in shown.text
    assert stranger.get(f"/receipt/{receipt}/mine", status=404)


def test_whoever_left_none_are_not_one_person(shop: Shop) -> None:
    from core.payments.reviews_everywhere import paid_before
    from core.payments.weigh import _begun_with, _has_paid_before

    link = link_with(shop, amount="12.00", email="off")
    with unit(shop.app):
        first = buy(shop, link, email="", amount=link.amount)
    paid(shop, first)
    with unit(shop.app):
        second = buy(shop, link, email="", amount=link.amount)
        assert (_begun_with(shop.vendor, second, 24), _has_paid_before(shop.vendor, second), paid_before(second)) == (1, False, (0, 0))


def test_a_code_that_counts_each_person_wants_the_address_and_a_link_that_asks_for_none_takes_no_codes(shop: Shop) -> None:
    code(shop, "ONCE", most_each=1)
    link = link_with(shop, amount="12.00", email="optional", discounts=True)
    with unit(shop.app), pytest.raises(CodeRefused, match="e-mail address"):
        buy(shop, link, email="", amount=link.amount, choices={"code": "ONCE"})
    with pytest.raises(BadOffer):
        link_with(shop, amount="12.00", email="off", discounts=True)
    with pytest.raises(BadOffer):
        link_with(shop, amount="12.00", email="perhaps")


def test_the_vendor_chooses_it_in_the_links_form_and_reads_it_on_its_page(shop: Shop, owner: Browser) -> None:
    wish = {"title": "A tin for tips", "amount_kind": "fixed", "amount": "3.00", "currency": "GBP", "email": "off"}
    made = owner.submit(owner.get("/portal/links/new").form(), **wish)
    assert "Not asked" in made.text
    with shop.app.app_context():
        link = db.session.scalars(select(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id)).one()
    edit = owner.get(f"/portal/links/{link.public_id}/edit").form()
    assert edit.values["email"] == "off"
    assert "Not asked" not in owner.submit(edit, email="required").text
