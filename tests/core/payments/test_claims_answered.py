"""Refund links are answered: their payer opens them and names one account, which is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from core.customers.queries import find_customer
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.signing import TokenRefused, make_token
from core.notifications.models import Notice
from core.payments.claim import refuse_claim
from core.payments.claim_answer import READABLE, BadClaim, ClaimOver, answer_claim, claim_token, open_claim
from core.payments.claim_models import RefundClaim
from core.payments.personal_data import StillUnderWay, erase_person, personal_data
from tests.core.payments.claims import OTHER, THEIRS, failed_refund, named, opened
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import lines
from tests.core.payments.transfers import ELSEWHERE, euros_at_another_bank
from tests.factories import Shop, again, fresh, unit

ROUNDS = 12


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def _answer(shop: Shop, claim: RefundClaim, iban: str) -> RefundClaim:
    return answer_claim(shop.vendor, again(claim), holder="Ada", iban=iban)


def test_of_two_accounts_named_at_once_one_counts(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        claim = opened(shop, payment, refund)
        done = at_once(partial(_answer, shop, claim, THEIRS), partial(_answer, shop, claim, OTHER))
        assert {type(answer) for answer in done} == {RefundClaim, ClaimOver}
        assert lines(shop, payment, "claim.answered") == ["claim.answered"]


def test_the_same_answer_twice_is_one_and_another_one_is_refused(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = opened(shop, payment, refund)
    named(shop, claim)
    named(shop, claim)
    with pytest.raises(ClaimOver):
        named(shop, claim, iban=OTHER)
    assert lines(shop, payment, "claim.answered") == ["claim.answered"]
    with shop.app.app_context():
        told = db.session.scalars(select(Notice).where(Notice.vendor_id == shop.vendor.id, Notice.kind == "refund_claimed")).all()
    assert [notice.about for notice in told] == [payment.public_id]


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("holder", {"holder": " "}),
        ("holder", {"holder": "A" * 71}),
        ("holder", {"holder": "🥐 ★"}),
        ("iban", {"iban": ""}),
        ("iban", {"iban": "DE12500105170648489891"}),
        ("iban", {"iban": "12345678"}),
        ("iban", {"iban": "BR1800360305000010009795493C1"}),
        ("iban", {"iban": ELSEWHERE}),
    ],
)
def test_what_is_no_account_is_refused_at_its_field(shop: Shop, field: str, facts: dict[str, str]) -> None:
    payment, refund = failed_refund(shop)
    claim = opened(shop, payment, refund)
    with pytest.raises(BadClaim) as refusal:
        named(shop, claim, **facts)
    assert refusal.value.field == field
    assert fresh(shop, claim).state == "open"


def test_the_address_opens_what_it_is_for_and_nothing_else(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = opened(shop, payment, refund)
    with app.app_context():
        token = claim_token(shop.vendor, claim)
        assert open_claim(token)[2].id == claim.id
        until = now() + timedelta(days=1)
        foreign = make_token("payment", vendor=shop.vendor.public_id, mode="test", token_id=claim.token_id, expires_at=until)
        nobody = make_token("claim", vendor=shop.vendor.public_id, mode="test", token_id="tok_nothing", expires_at=until)
        live = make_token("claim", vendor=shop.vendor.public_id, mode="live", token_id=claim.token_id, expires_at=until)
        for wrong in (token[:-1], token[:-4] + "AAAA", foreign, nobody, live, "x"):
            with pytest.raises(TokenRefused):
                open_claim(wrong)
        with shifted(READABLE + timedelta(hours=1)), pytest.raises(TokenRefused):
            open_claim(token)


def test_the_account_is_handed_out_and_taken_away_with_the_person(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with unit(app):
        customer = find_customer(shop.vendor, "test", payment.email)
        assert customer is not None
        told = personal_data(shop.vendor, customer)["payments"][0]["refund_links"]
        assert [(one["iban"], one["account_holder"], one["state"]) for one in told] == [(THEIRS, "Ada Payer", "claimed")]
        letters = personal_data(shop.vendor, customer)["payments"][0]["messages"]
        assert {one["kind"] for one in letters} >= {"refund_claim"}
        assert not [one for one in letters if one["kind"] == "refund_claim" and one["text"]], "whoever reads it could answer for the payer"
    with unit(app), pytest.raises(StillUnderWay, match="refund link"):
        erase_person(shop.vendor, customer, by="usr_x")
    with unit(app):
        refuse_claim(shop.vendor, again(claim), reason="Ada, this is not yours.", by="usr_x")
    with unit(app):
        erase_person(shop.vendor, customer, by="usr_x")
    row = fresh(shop, claim)
    assert (row.iban, row.holder, row.reason, row.masked) == ("", "", "", "")
