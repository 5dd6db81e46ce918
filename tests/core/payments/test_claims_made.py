"""Refund links are made: of exactly what did not arrive, once, where the payer can be asked and paid; and they run out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.kernel.config import settings
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.payments.claim import LIFE, NoRefundLink, expire_claim, get_claim, list_claims, list_claims_to_expire, make_claim
from core.payments.claim_answer import ClaimOver
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from tests.core.payments.claims import approved, failed_refund, named, opened
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import lines
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, tell_refund, unit

ROUNDS = 12


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def _make(shop: Shop, payment: Payment, refund: Refund) -> RefundClaim:
    return make_claim(shop.vendor, again(payment), again(refund), amount=None, by="usr_x")


def test_of_two_links_made_at_once_one_is_made(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        done = at_once(*[partial(_make, shop, payment, refund)] * 2)
        assert {type(answer) for answer in done} == {RefundClaim, NoRefundLink}


@pytest.mark.parametrize("currency", ["GBP", "USD"])
def test_other_currencies_have_no_link(shop: Shop, currency: str) -> None:
    payment, refund = failed_refund(shop, currency=currency)
    with pytest.raises(NoRefundLink, match=r"euros only"):
        opened(shop, payment, refund)


def test_without_an_account_of_ours_there_is_no_link(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    payment, refund = failed_refund(shop)
    monkeypatch.setitem(settings().bank_accounts, "test", "")
    with pytest.raises(NoRefundLink):
        opened(shop, payment, refund)


def test_whoever_left_no_address_cannot_be_asked(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    with unit(shop.app):
        again(payment).email = ""
    with pytest.raises(NoRefundLink, match="no e-mail address"):
        opened(shop, payment, refund)


def test_what_arrived_or_is_on_its_way_has_no_link(shop: Shop) -> None:
    payment = make_paid(shop, make_link(shop, amount="40.00", currency="EUR"))
    under_way, done = ask_refund(shop, payment, "10.00"), ask_refund(shop, payment, "5.00")
    tell_refund(shop, done, "succeeded")
    for refund in (under_way, done, None):
        with pytest.raises(NoRefundLink):
            opened(shop, payment, refund, Money.of("1.00", "EUR"))


def test_an_open_link_runs_out_and_a_named_account_waits_on(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    other, stuck = failed_refund(shop)
    claim, waiting = opened(shop, payment, refund), named(shop, opened(shop, other, stuck))
    mine = (claim.vendor_id, claim.mode, claim.id)
    with unit(app):
        assert mine not in list_claims_to_expire(1_000)
        expire_claim(*mine)
    assert fresh(shop, claim).state == "open", "the clock was early"
    with shifted(LIFE):
        assert fresh(shop, claim).standing == "expired", "it counts as over before the clock has looked"
        with pytest.raises(ClaimOver):
            named(shop, claim)
        with unit(app):
            due = list_claims_to_expire(1_000)
        assert mine in due and (waiting.vendor_id, waiting.mode, waiting.id) not in due
        for _ in range(2):
            with unit(app):
                expire_claim(*mine)
    assert (fresh(shop, claim).state, fresh(shop, waiting).state) == ("expired", "claimed")
    assert lines(shop, payment, "claim.expired") == ["claim.expired"]
    assert opened(shop, payment, refund).state == "open", "a new one can be made"


def test_links_belong_to_their_vendor(shop: Shop, first_shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = opened(shop, payment, refund)
    with unit(shop.app):
        assert get_claim(shop.vendor, "test", claim.public_id).id == claim.id
        for vendor, mode, number in (
            (first_shop.vendor, "test", claim.public_id),
            (shop.vendor, "live", claim.public_id),
            (shop.vendor, "test", "x"),
        ):
            with pytest.raises(Refusal):
                get_claim(vendor, mode, number)
        assert list_claims(first_shop.vendor, payment) == []
    with pytest.raises(Conflict):
        approved(shop, claim)
