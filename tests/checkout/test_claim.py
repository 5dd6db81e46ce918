"""The page of a refund link: in whatever state it is, by whatever address it is asked for, and whatever is typed into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from core.closing.end import go_on_with_closings
from core.closing.models import Closing
from core.kernel.clock import frozen, now, shifted
from core.kernel.db import db
from core.kernel.signing import SKEW
from core.payments.claim import LIFE, refuse_claim, revoke_claim
from core.payments.claim_answer import READABLE
from core.payments.claim_models import RefundClaim
from core.payments.disputed import stop_refunds
from core.payments.models import Payment
from core.payments.start import lock_payment, receipt_token
from core.web.throttle import limiter
from tests.browser import Browser
from tests.core.closing.test_ec_107_what_stands_in_the_way import close, work_off
from tests.core.payments.claims import OTHER, THEIRS, address, approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.transfers import ELSEWHERE, euros_at_another_bank
from tests.factories import Shop, again, fresh, unit
from tests.world import brand


@pytest.fixture(autouse=True)
def euros() -> Iterator[None]:
    with euros_at_another_bank():
        yield


@pytest.fixture
def stuck(shop: Shop) -> tuple[Payment, RefundClaim]:
    payment, refund = failed_refund(shop)
    return payment, opened(shop, payment, refund)


def test_the_link_of_a_closed_business_shows_a_neutral_page_at_once_and_for_good(app: Flask, shop: Shop, payer: Browser) -> None:
    waits, claimed = opened(shop, *failed_refund(shop)), named(shop, opened(shop, *failed_refund(shop)))
    form = payer.get(address(shop, waits)).form(address(shop, waits))
    row = close(shop, mode="live")

    def look() -> None:
        for claim in (waits, claimed):
            page = payer.get(address(shop, claim))
            assert page.heading == "This link has been taken back" and page.all("form") == []
            assert again(claim).amount and "€40.00" not in page.text and "9890" not in page.text and "ada@" not in page.html.lower()

    with app.app_context():
        look()
        late = payer.submit(form, iban="DE12 5001 0517 0648 4898 90")
        assert late.heading == "This link has been taken back" and fresh(shop, waits).state == "open", "nothing was written"
    work_off(shop)
    with app.app_context():
        look()
    for days in (15, 16, 17, 20, 24):
        with frozen(now() + timedelta(days=days)), unit(app):
            go_on_with_closings(1000)
    with unit(app):
        assert db.session.get_one(Closing, (row.vendor_id, row.mode, row.id)).state == "closed"
    with app.app_context():
        look()


def test_the_payer_names_an_account_and_sees_how_far_it_is(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    payment, claim = stuck
    brand(shop)
    where = address(shop, claim)
    page = payer.get(where)
    assert page.heading == "Where shall your refund go?" and "€40.00" in page.text and "Blue Door Bakery" in page.text
    assert "#b4235a" in page.html.lower(), "in the vendor's colour"
    form = page.form(where)
    assert form.values["holder"] == "Ada Payer", "the name of the payment stands there already"
    done = payer.submit(form, iban="DE12 5001 0517 0648 4898 90")
    assert (done.address, done.heading) == (where, "Blue Door Bakery looks at it now")
    assert "ending in 9890" in done.text and THEIRS not in done.html and done.all("form") == []
    approved(shop, claim)
    assert payer.get(where).heading == "Your refund is approved"
    paying = refund_of(shop, claim)
    send(shop, paying)
    bank_says(shop, paying)
    assert payer.get(where).heading == "Your refund is paid"
    with unit(shop.app):
        history = f"/receipt/{receipt_token(shop.vendor, payment)}/history"
    told = payer.get(history).text
    for words in ("You were asked to which account", "You named an account", "The seller approved the refund"):
        assert words in told
    assert "It has left our bank and arrives within three working days" in told and "5 to 10 working days" not in told
    bank_says(shop, paying, back="AC04")
    failed = payer.get(where)
    assert failed.heading == "The transfer did not arrive" and "new link" in failed.text


def test_a_refusal_is_told_with_its_reason(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    _, claim = stuck
    named(shop, claim)
    with unit(shop.app):
        refuse_claim(shop.vendor, again(claim), reason="The name is not yours.\n<b>Call us</b>", by="usr_x")
    page = payer.get(address(shop, claim))
    assert page.heading == "Your refund was not sent to this account"
    assert "The name is not yours." in page.text and "<b>Call us" not in page.html


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"iban": "", "holder": ""}, ("Enter the IBAN", "Enter the name on the account")),
        ({"iban": "DE12500105170648489891"}, ("This is not an IBAN",)),
        ({"iban": "' OR 1=1 --"}, ("This is not an IBAN",)),
        ({"iban": "BR1800360305000010009795493C1"}, ("does not reach this country",)),
        ({"iban": ELSEWHERE}, ("one of your own",)),
        ({"iban": "D" * 43}, ("42 characters at most",)),
        ({"holder": "x" * 71, "iban": THEIRS}, ("70 characters at most",)),
        ({"holder": "Ada\nPayer", "iban": THEIRS}, ("in one line",)),
    ],
)
def test_bad_answers_are_said_at_their_fields_and_nothing_is_lost(
    shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim], typed: dict[str, str], wrong: tuple[str, ...]
) -> None:
    _, claim = stuck
    where = address(shop, claim)
    page = payer.submit(payer.get(where).form(where), status=422, **typed)
    for words in wrong:
        assert any(words in error for error in page.errors), page.errors
    kept = page.form(where).values
    assert all(kept[name] == value for name, value in typed.items() if "\n" not in value)
    assert fresh(shop, claim).state == "open"
    assert payer.submit(page.form(where), holder="Ada Payer", iban=THEIRS).heading.endswith("looks at it now")


def test_a_second_answer_changes_nothing(shop: Shop, payer: Browser, another_payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    _, claim = stuck
    where = address(shop, claim)
    late = another_payer.get(where).form(where)
    payer.submit(payer.get(where).form(where), iban=THEIRS)
    assert "ending in 9890" in another_payer.submit(late, iban=OTHER).text
    assert fresh(shop, claim).iban == THEIRS


def test_what_is_over_says_so_and_takes_no_account(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    payment, claim = stuck
    where = address(shop, claim)
    form = payer.get(where).form(where)
    with shifted(LIFE + timedelta(minutes=1)):
        page = payer.get(where)
        assert page.heading == "This link has run out" and "40.00" not in page.text and payment.reference not in page.text
    with unit(shop.app):
        revoke_claim(shop.vendor, again(claim), by="usr_x")
    page = payer.submit(form, iban=THEIRS)
    assert page.heading == "This link has been taken back" and "40.00" not in page.text and "/status/" not in page.html
    assert fresh(shop, claim).iban == ""


def test_while_the_bank_decides_nothing_is_asked(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    payment, claim = stuck
    where = address(shop, claim)
    form = payer.get(where).form(where)
    with unit(shop.app):
        again(payment).disputed_minor = 4_000
    page = payer.submit(form, iban=THEIRS)
    assert page.heading == "Your bank is deciding about this payment" and page.all("form") == []
    with unit(shop.app):
        again(payment).disputed_minor = 0
    assert payer.get(where).heading == "Where shall your refund go?"


def test_a_transfer_that_a_dispute_called_off_is_not_said_to_have_had_a_wrong_account(
    shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]
) -> None:
    payment, claim = stuck
    approved(shop, named(shop, claim))
    send(shop, refund_of(shop, claim))
    with unit(shop.app):
        held = lock_payment(again(payment))
        stop_refunds(shop.vendor, held)
        held.disputed_minor = 4_000
    assert payer.get(address(shop, claim)).heading == "Your bank is deciding about this payment"
    with unit(shop.app):
        again(payment).disputed_minor = 0


def test_what_we_did_not_issue_opens_nothing(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    payment, claim = stuck
    where = address(shop, claim)
    with unit(shop.app):
        receipt = receipt_token(shop.vendor, payment)
    middle, token = len(where) // 2, payer.get(where).form(where).values["csrf_token"]
    for wrong in (
        where[:-1],
        where[:middle] + ("A" if where[middle] != "A" else "B") + where[middle + 1 :],
        f"/claim/{receipt}",
        "/claim/x",
    ):
        for page in (payer.get(wrong, status=404), payer.post(wrong, {"csrf_token": token, "holder": "Eve", "iban": OTHER}, status=404)):
            assert page.heading == "This link is not valid" and "Blue Door" not in page.text
    for elsewhere in ("receipt", "checkout", "pay", "mine"):
        payer.get(where.replace("/claim/", f"/{elsewhere}/"), status=404)
    with shifted(READABLE + SKEW + timedelta(minutes=1)):
        assert payer.get(where, status=404).heading == "This link is not valid"
    assert fresh(shop, claim).state == "open"


def test_a_form_of_another_site_names_nothing(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    _, claim = stuck
    payer.post(address(shop, claim), {"holder": "Eve", "iban": OTHER}, status=400)
    assert fresh(shop, claim).state == "open"


def test_whether_it_is_genuine_can_be_asked(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    _, claim = stuck
    where = address(shop, claim)

    def verdict() -> str:
        page = payer.submit(payer.get("/verify").form("/verify"), what=where.removeprefix("/claim/"))
        assert "40.00" not in page.text and "Ada" not in page.text
        return page.heading

    assert verdict() == "Genuine"
    with shifted(LIFE):
        assert verdict() == "Expired"
    with unit(shop.app):
        revoke_claim(shop.vendor, again(claim), by="usr_x")
    assert verdict() == "Taken back"


def test_many_tries_have_to_wait(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim]) -> None:
    _, claim = stuck
    where = address(shop, claim)
    form = payer.get(where).form(where)
    before, limiter.enabled = limiter.enabled, True
    try:
        answers = [payer.submit(form, status=None, iban="no").status for _ in range(22)]
    finally:
        limiter.enabled = before
    assert answers[0] == 422 and answers[-1] == 429


@pytest.mark.parametrize("code", ["de", "fr", "es", "pl", "ar", "ja"])
def test_the_page_is_in_the_language_of_the_payment(shop: Shop, payer: Browser, stuck: tuple[Payment, RefundClaim], code: str) -> None:
    payment, claim = stuck
    with unit(shop.app):
        again(payment).locale = code
    page = payer.get(address(shop, claim))
    assert re.search(rf'<html lang="{code}"', page.html) and "%(" not in page.text
