"""Refund links in the portal: offered where a refund is stuck, decided by who may, and told in one trail to everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.accounts.models import Membership
from core.accounts.roles import make_role
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.notifications.models import Message
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from tests.browser import Browser, Page
from tests.core.payments.claims import THEIRS, approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.transfers import TestBank, begin_transfer, euros_at_another_bank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, ask_refund, fresh, make_colleague, make_link, make_paid, make_payment, make_shop, tell_refund, unit
from tests.portal.admin.people import look_into, make_staff

LINKS = "/portal/refund-links"


@pytest.fixture(autouse=True)
def euros() -> Iterator[None]:
    with euros_at_another_bank():
        yield


@pytest.fixture
def stuck(shop: Shop) -> tuple[Payment, Refund]:
    return failed_refund(shop)


@pytest.fixture
def claim(shop: Shop, stuck: tuple[Payment, Refund]) -> RefundClaim:
    return named(shop, opened(shop, *stuck))


def show(payment: Payment) -> str:
    return f"/portal/payments/{payment.public_id}"


def where_of(payment: Payment, refund: Refund | None = None) -> str:
    return f"{show(payment)}/refund-link" + (f"?refund={refund.public_id}" if refund else "")


def actions(page: Page) -> list[str]:
    return [form.attrs.get("action", "").rpartition("/")[2] for form in page.all("form") if LINKS in form.attrs.get("action", "")]


def test_a_stuck_refund_becomes_a_link_and_then_money(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund]) -> None:
    payment, refund = stuck
    assert where_of(payment, refund) in owner.get("/portal/refunds?status=failed").links()
    page = owner.get(show(payment))
    assert where_of(payment, refund) in page.links()
    asked = owner.get(where_of(payment, refund))
    assert "€40.00" in asked.text and payment.email in asked.text and "30 days" in asked.text
    made = owner.submit(asked.form(f"{show(payment)}/refund-link"))
    assert "on its way to" in made.text and "Waits for the payer" in made.text and actions(made) == ["withdraw"]
    with unit(shop.app):
        row = db.session.scalars(select(RefundClaim).where(RefundClaim.vendor_id == shop.vendor.id)).one()
    page = owner.get(show(payment))
    assert where_of(payment, refund) not in page.links() and f"{LINKS}/{row.public_id}" in page.links()
    assert where_of(payment, refund) not in owner.get("/portal/refunds?status=failed").links()
    named(shop, row)
    home = owner.get("/portal/")
    assert "1 refund to a named account waits for approval" in home.text and f"{LINKS}/{row.public_id}" in home.links()
    assert "A payer named an account for a refund" in owner.get("/portal/notices").text
    page = owner.get(f"{LINKS}/{row.public_id}")
    assert "Ada Payer" in page.text and "9890" in page.text and THEIRS not in page.html and actions(page) == ["approve", "refuse"]
    done = owner.submit(page.form(f"{LINKS}/{row.public_id}/approve"))
    assert "Approved" in done.text and done.address == show(payment)
    paying = refund_of(shop, row)
    send(shop, paying)
    bank_says(shop, paying)
    page = owner.get(show(payment))
    assert "Paid out" in page.text and THEIRS not in page.html
    assert actions(owner.get(f"{LINKS}/{row.public_id}")) == []
    for words in ("asked for an account", "named an account", "named account was approved"):
        assert words in page.text
    with unit(shop.app):
        assert find_breaks(shop.vendor.id, "test") == []


def test_the_staff_read_the_same_trail(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund], claim: RefundClaim) -> None:
    payment, _ = stuck
    page = look_into(make_staff(shop.app).browser(), f"/staff/payments/{payment.public_id}")
    for words in ("asked for an account", "named an account"):
        assert words in page.text
    assert THEIRS not in page.html


def test_an_account_is_not_approved_and_the_payer_is_told_why(
    shop: Shop, owner: Browser, stuck: tuple[Payment, Refund], claim: RefundClaim
) -> None:
    payment, refund = stuck
    page = owner.get(f"{LINKS}/{claim.public_id}")
    form = page.form(f"{LINKS}/{claim.public_id}/refuse")
    assert any("Say why" in error for error in owner.submit(form, reason=" ", status=422).errors)
    assert any("300" in error for error in owner.submit(form, reason="x" * 301, status=422).errors)
    done = owner.submit(form, reason="The name is another one.")
    assert "Not approved" in done.text and "The name is another one." in done.text and actions(done) == []
    with unit(shop.app):
        letters = db.session.scalars(
            select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "refund_claim_refused")
        ).all()
        assert [letter.recipient for letter in letters] == [payment.email]
    assert where_of(payment, refund) in owner.get(show(payment)).links(), "another link can be made"
    late = owner.submit(form, reason="Again", status=200)
    assert "The name is another one." in late.text
    owner.submit(page.form(f"{LINKS}/{claim.public_id}/approve"), status=409)


def test_a_link_is_taken_back(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund]) -> None:
    claim = opened(shop, *stuck)
    page = owner.get(f"{LINKS}/{claim.public_id}")
    done = owner.submit(page.form(f"{LINKS}/{claim.public_id}/withdraw"))
    assert "Taken back" in done.text and fresh(shop, claim).state == "revoked"
    named(shop, again_opened := opened(shop, *stuck))
    token = done.form("/portal/mode").values["csrf_token"] if "/portal/mode" in done.html else page.form().values["csrf_token"]
    owner.post(f"{LINKS}/{again_opened.public_id}/withdraw", {"csrf_token": token}, status=409)


def test_why_there_is_no_link_stands_on_the_page(shop: Shop, owner: Browser) -> None:
    payment, refund = failed_refund(shop, currency="GBP")
    page = owner.get(show(payment))
    assert "carries euros only" in page.text and where_of(payment, refund) not in page.links()
    assert where_of(payment, refund) not in owner.get("/portal/refunds").links()
    assert "carries euros only" in owner.get(where_of(payment, refund)).text
    fine = make_paid(shop, make_link(shop, amount="40.00", currency="EUR"))
    under_way = ask_refund(shop, fine, "10.00")
    for where in (where_of(fine, under_way), where_of(fine)):
        page = owner.get(where)
        assert "can go back the way it came" in page.text and page.all("form", action=f"{show(fine)}/refund-link") == []
    for wrong in (f"{where_of(fine)}?refund=ref_x", f"{where_of(fine)}?refund={refund.public_id}"):
        owner.get(wrong, status=404)


def test_an_amount_is_asked_for_where_nothing_could_be_tried(shop: Shop, owner: Browser) -> None:
    payment = make_payment(shop, make_link(shop, amount="60.00", currency="EUR"))
    attempt = begin_transfer(shop, payment)
    TestBank(shop, "EUR").tell(Line((Tx(6_000, reference=attempt.provider_reference or "", name=""),), booked_on=now().date()))
    page = owner.get(show(payment))
    assert where_of(payment) in page.links() and "did not say from which account" in page.text
    form = owner.get(where_of(payment)).form(f"{show(payment)}/refund-link")
    assert form.values["amount"] == "60.00"
    for wrong, words in (("60.01", "At most"), ("0", "above zero"), ("", "above zero"), ("abc", "amount"), ("-5", "")):
        page = owner.submit(form, amount=wrong, status=422)
        assert any(words in error for error in page.errors) and page.form(f"{show(payment)}/refund-link").values["amount"] == wrong
    made = owner.submit(form, amount="25.00")
    assert "€25.00" in made.text
    assert where_of(payment) not in owner.get(show(payment)).links()


def test_who_may_and_who_may_not(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund], claim: RefundClaim) -> None:
    payment, refund = stuck
    support = make_colleague(shop, "support").browser()
    page = support.get(f"{LINKS}/{claim.public_id}")
    assert actions(page) == [] and "can decide this" in page.text
    token = support.get(show(payment)).form(f"{show(payment)}/remarks").values["csrf_token"]
    for act in ("approve", "refuse", "withdraw"):
        support.post(f"{LINKS}/{claim.public_id}/{act}", {"csrf_token": token, "reason": "x"}, status=403)
    support.get(where_of(payment, refund), status=403)
    support.post(f"{show(payment)}/refund-link", {"csrf_token": token, "refund": refund.public_id}, status=403)
    assert where_of(payment, refund) not in support.get(show(payment)).links()
    stranger = make_shop(shop.app).browser()
    stranger.get(f"{LINKS}/{claim.public_id}", status=404)
    stranger.get(where_of(payment, refund), status=404)
    token = stranger.get("/portal/settings").form().values["csrf_token"]
    for act in ("approve", "refuse", "withdraw"):
        stranger.post(f"{LINKS}/{claim.public_id}/{act}", {"csrf_token": token, "reason": "x"}, status=404)
    Browser(shop.app).get(f"{LINKS}/{claim.public_id}", follow=False, status=303)
    assert fresh(shop, claim).state == "claimed"


def test_a_role_of_ones_own_may_ask_and_not_approve(shop: Shop, claim: RefundClaim) -> None:
    helper = make_colleague(shop, "viewer")
    with unit(shop.app):
        role = make_role(shop.vendor, name="Asks", permissions={"payments.see", "payments.refund"}, by=shop.user.public_id)
        whose = (Membership.vendor_id == shop.vendor.id, Membership.user_id == helper.user.id)
        membership = db.session.scalars(select(Membership).where(*whose)).one()
        membership.role, membership.custom_role_id = "custom", role.id
    page = helper.browser().get(f"{LINKS}/{claim.public_id}")
    assert actions(page) == [] and "can decide this" in page.text


def test_it_is_asked_again_who_is_there_before_money_goes_to_an_account(shop: Shop, claim: RefundClaim) -> None:
    browser = shop.browser()
    with shifted(timedelta(minutes=20)):
        form = browser.get(f"{LINKS}/{claim.public_id}").form(f"{LINKS}/{claim.public_id}/approve")
        asked = browser.submit(form)
        assert "confirm_password" in asked.html and fresh(shop, claim).state == "claimed"


def test_a_disputed_payment_is_not_paid_beside(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund], claim: RefundClaim) -> None:
    payment, _ = stuck
    with unit(shop.app):
        again(payment).disputed_minor = 4_000
    page = owner.get(f"{LINKS}/{claim.public_id}")
    assert "while it is disputed" in page.text
    page = owner.submit(page.form(f"{LINKS}/{claim.public_id}/approve"), status=409)
    assert "disputed" in page.text and fresh(shop, claim).state == "claimed"
    with unit(shop.app):
        again(payment).disputed_minor = 0


def test_what_went_back_another_way_is_said_before_it_is_approved(shop: Shop, owner: Browser) -> None:
    payment, refund = failed_refund(shop, back="15.00")
    claim = named(shop, opened(shop, payment, refund))
    address = f"/portal/refund-links/{claim.public_id}"
    assert "refunded already" not in owner.get(address).text
    tell_refund(shop, ask_refund(shop, payment, "15.00"), "succeeded")
    assert "€15.00 of this payment has been refunded already" in owner.get(address).text


def test_what_the_team_did_stands_in_the_log(shop: Shop, owner: Browser, stuck: tuple[Payment, Refund], claim: RefundClaim) -> None:
    approved(shop, claim)
    text = owner.get("/portal/settings/audit-log").text
    assert "Sent a refund link" in text and "Approved a refund to an account the payer named" in text
    assert THEIRS not in text
