"""Refund links are decided: approved or refused once, taken back while they are open, and never for more than is left."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

import pytest
from flask import Flask

from core.kernel.errors import Refusal
from core.payments.claim import ClaimMovedOn, NoRefundLink, approve_claim, refuse_claim, revoke_claim
from core.payments.claim_answer import ClaimOver
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund import PaymentDisputed, RefundExceedsPayment, request_refund
from core.payments.refund_models import Refund
from tests.core.payments.claims import approved, failed_refund, list_of_refunds, named, opened, refund_of, whole
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import held
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import Shop, again, ask_refund, fresh, tell_refund, unit

ROUNDS = 12


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def _approve(shop: Shop, claim: RefundClaim) -> RefundClaim:
    return approve_claim(shop.vendor, again(claim), by=shop.user.public_id)


def test_two_approvals_at_once_pay_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        claim = named(shop, opened(shop, payment, refund))
        done = at_once(*[partial(_approve, shop, claim)] * 2)
        assert [type(answer) for answer in done] == [RefundClaim, RefundClaim]
        assert {answer.paid_by for answer in done} == {refund_of(shop, claim).id}
        assert fresh(shop, payment).refunding_minor == 4_000 and len(list_of_refunds(shop, payment)) == 2
    assert held(shop)["refund_in_flight"] == ROUNDS * 4_000


def _refuse(shop: Shop, claim: RefundClaim) -> RefundClaim:
    return refuse_claim(shop.vendor, again(claim), reason="No.", by="usr_x")


def test_an_approval_and_a_refusal_at_once_do_not_both_count(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        claim = named(shop, opened(shop, payment, refund))
        done = at_once(partial(_approve, shop, claim), partial(_refuse, shop, claim))
        assert {type(answer) for answer in done} == {RefundClaim, ClaimMovedOn}
        assert (fresh(shop, claim).state == "approved") == (fresh(shop, payment).refunding_minor == 4_000)
    assert whole(shop)


def test_a_refund_the_usual_way_and_an_approval_at_once_never_give_back_more_than_came(shop: Shop, at_once: AtOnce) -> None:
    def usual(payment: Payment) -> Refund:
        return request_refund(
            shop.vendor, again(payment), amount=payment.captured, reason="other", by="usr_x", form_token=secrets.token_hex(10)
        )

    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        claim = named(shop, opened(shop, payment, refund))
        done = at_once(partial(_approve, shop, claim), partial(usual, payment))
        assert sum(isinstance(answer, Refusal) for answer in done) == 1
        assert fresh(shop, payment).refunding_minor == 4_000
    assert whole(shop)


def test_while_it_is_disputed_nothing_is_named_and_nothing_is_paid(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    waiting, (other, stuck) = named(shop, opened(shop, payment, refund)), failed_refund(shop)
    unnamed = opened(shop, other, stuck)
    for row in (payment, other):
        with unit(shop.app):
            again(row).disputed_minor = 4_000
    with pytest.raises(PaymentDisputed):
        approved(shop, waiting)
    with pytest.raises(ClaimOver):
        named(shop, unnamed)
    assert (fresh(shop, waiting).state, fresh(shop, unnamed).state) == ("claimed", "open")
    for row in (payment, other):
        with unit(shop.app):
            again(row).disputed_minor = 0
    assert approved(shop, waiting).state == "approved"


def test_what_has_gone_back_otherwise_is_not_paid_again(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    with pytest.raises(RefundExceedsPayment):
        approved(shop, claim)
    assert fresh(shop, payment).refunded_minor == 1_000
    with unit(shop.app):
        refuse_claim(shop.vendor, again(claim), reason="It went back to your card.", by="usr_x")
    with pytest.raises(NoRefundLink):
        opened(shop, payment, refund)


def test_a_link_is_taken_back_only_while_it_is_open(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = opened(shop, payment, refund)
    for _ in range(2):
        with unit(shop.app):
            assert revoke_claim(shop.vendor, again(claim), by="usr_x").state == "revoked"
    with pytest.raises(ClaimOver):
        named(shop, claim)
    with pytest.raises(ClaimMovedOn):
        approved(shop, claim)
    other = named(shop, opened(shop, payment, refund))
    with unit(shop.app), pytest.raises(ClaimMovedOn):
        revoke_claim(shop.vendor, again(other), by="usr_x")


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_a_refusal_needs_a_reason(shop: Shop, reason: str) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with unit(shop.app), pytest.raises(Refusal, match="Say why"):
        refuse_claim(shop.vendor, again(claim), reason=reason, by="usr_x")
    assert fresh(shop, claim).state == "claimed"
