"""The evidence pack says where the payment stands in the seller's chain, once it stands there."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import select

from core.disputes.records import records_of
from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.chain import Key, extend
from core.ledger.chain_models import ChainLink
from core.ledger.models import Journal
from core.notifications.notify import notify
from core.notifications.send import record_failed, record_kept, record_overtaken
from core.payments.models import Payment
from core.providers.contract import ThreeDSecure
from core.web.dispute_pack import pack_html
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import Seller
from tests.factories import fresh, make_link, make_payment, open_payment, tell, unit
from tests.sandbox.running import wait_until


def test_it_cites_the_entry_that_the_days_paper_proves(seller: Seller, waiting: Payment) -> None:
    shop, case = seller.shop, case_of(seller, waiting)
    case.tell()

    def pack() -> str:
        with unit(shop.app):
            return pack_html(shop.vendor, case.paid, case.here, records_of(shop.vendor, case.paid), answers={}, files=[], as_of=now())

    def link() -> ChainLink | None:
        with unit(shop.app):
            extend(Key(shop.vendor.id, "test"))  # what somebody else has not ended yet holds it up
        with unit(shop.app):
            of = select(Journal.id).where(
                Journal.vendor_id == shop.vendor.id, Journal.about == waiting.public_id, Journal.kind == "capture"
            )
            return db.session.scalar(select(ChainLink).where(ChainLink.vendor_id == shop.vendor.id, ChainLink.of_id.in_(of)))

    assert "SHA-256" not in pack()
    wait_until(lambda: link() is not None)
    found = link()
    assert found is not None and f"entry {found.seq} of the seller’s chain, SHA-256 {found.hash.hex()}" in pack()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (ThreeDSecure("authenticated", "challenge", "2.2.0"), "The payer’s bank asked them to confirm the payment, and they did"),
        (ThreeDSecure("authenticated", "frictionless", "2.2.0"), "The payer’s bank confirmed that it was them, without asking"),
        (ThreeDSecure("attempt_acknowledged", version="2.2.0"), "the card’s network answered for the payer’s bank"),
        (ThreeDSecure("something_new", version="2.2.0"), None),
        (None, None),
    ],
)
def test_it_says_what_the_payers_bank_said_of_them(seller: Seller, told: ThreeDSecure | None, words: str | None) -> None:
    shop = seller.shop
    payment = make_payment(shop, make_link(shop, amount="100.00", currency="USD"))
    charge = f"ch_{secrets.token_hex(8)}"
    tell(
        shop, payment, open_payment(shop, payment), "succeeded",
        charge=charge, captured=payment.amount, card_brand="visa", card_last4="3184", occurred_at=now(), secured=told,
    )  # fmt: skip
    case = case_of(seller, fresh(shop, payment))
    case.tell()
    with unit(shop.app):
        html = pack_html(shop.vendor, case.paid, case.here, records_of(shop.vendor, case.paid), answers={}, files=[], as_of=now())
    if words:
        assert "3-D Secure 2.2.0" in html and words in html
    else:
        assert "3-D Secure" not in html


@pytest.mark.parametrize(
    ("code", "words"),
    [("payment_intent_authentication_failure", "Not confirmed by the payer with their bank<"), ("do_not_honor", "Declined by the card issuer: do not honor<"),
     ("not_accepted", "Stopped on our side; no money was taken<")],
)  # fmt: skip
def test_a_try_that_did_not_go_through_is_told_in_words(seller: Seller, code: str, words: str) -> None:
    shop = seller.shop
    payment = make_payment(shop, make_link(shop, amount="100.00", currency="USD"))
    tell(shop, payment, open_payment(shop, payment), "declined", decline_code=code)
    charge = f"ch_{secrets.token_hex(8)}"
    tell(shop, payment, open_payment(shop, fresh(shop, payment)), "succeeded", charge=charge, captured=payment.amount, occurred_at=now())
    case = case_of(seller, fresh(shop, payment))
    case.tell()
    with unit(shop.app):
        html = pack_html(shop.vendor, case.paid, case.here, records_of(shop.vendor, case.paid), answers={}, files=[], as_of=now())
    assert words in html and "authentication failure" not in html


def test_of_the_letters_it_lists_what_was_sent_and_says_what_did_not_arrive(seller: Seller, waiting: Payment) -> None:
    shop, case = seller.shop, case_of(seller, waiting)
    case.tell()
    with unit(shop.app):
        told = {
            kind: notify(shop.vendor, kind, mode="test", to="ada@example.com", payment=waiting.public_id)
            for kind in ("receipt", "confirm_payment", "payment_failed")
        }
        record_kept(told["receipt"], subject="x", text="x", html="x")
        record_failed(told["confirm_payment"], reason="x")
        record_overtaken(told["payment_failed"], reason="x")
    with unit(shop.app):
        html = pack_html(shop.vendor, case.paid, case.here, records_of(shop.vendor, case.paid), answers={}, files=[], as_of=now())
    assert "Receipt</td>" in html and "Payment to confirm (did not arrive)</td>" in html
    assert "Payment did not go through" not in html, "it never left, because it was not true any more"
