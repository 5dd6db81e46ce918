"""Refund links: asked for once, paid once, never more than did not arrive, and the books are whole whatever the bank does."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from core.customers.queries import find_customer
from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.kernel.shadow import replay
from core.kernel.signing import TokenRefused, make_token
from core.ledger.queries import balance, find_breaks
from core.notifications.models import Message, Notice
from core.payments import refund as refunds
from core.payments.claim import (
    LIFE,
    ClaimMovedOn,
    NoRefundLink,
    approve_claim,
    expire_claim,
    get_claim,
    is_stuck,
    list_claims,
    list_claims_to_expire,
    make_claim,
    refuse_claim,
    revoke_claim,
)
from core.payments.claim_answer import READABLE, BadClaim, ClaimOver, answer_claim, claim_token, open_claim
from core.payments.claim_models import RefundClaim
from core.payments.disputed import stop_refunds
from core.payments.models import Payment
from core.payments.order_files import make_order_file
from core.payments.order_refused import refuse_order
from core.payments.personal_data import StillUnderWay, erase_person, personal_data
from core.payments.queries import list_refunds
from core.payments.refund import ASKED, PaymentDisputed, RefundExceedsPayment, request_refund, settle_refund
from core.payments.refund_models import Refund
from core.payments.refund_queue import cancel_queued
from core.payments.replay import SHADOWS
from core.payments.start import lock_payment
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.request import request_payout
from core.providers.bank_orders import find_order
from core.providers.contract import RefundOutcome
from core.providers.registry import our_bank
from tests.core.payments.claims import OTHER, THEIRS, approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import held, lines
from tests.core.payments.transfers import ELSEWHERE, TestBank, begin_transfer, euros_at_another_bank
from tests.core.payouts.sellers import send_waiting_orders
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, make_payment, release_all, tell_refund, unit
from workers.payments import send_refund

ROUNDS = 12


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def whole(shop: Shop) -> bool:
    with unit(shop.app):
        return find_breaks(shop.vendor.id, "test") == []


def messages(shop: Shop, kind: str) -> list[Message]:
    with shop.app.app_context():
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


# --- from the failed refund to the money -----------------------------------------------------------------------------------


def test_what_could_not_go_back_is_paid_to_the_named_account(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = opened(shop, payment, refund)
    assert (claim.state, claim.amount, claim.expires_at) == ("open", refund.amount, claim.created_at + LIFE)
    assert [m.recipient for m in messages(shop, "refund_claim")] == [payment.email]
    claim = named(shop, claim, holder="  Ada   Payer ", iban="de12 5001 0517 0648 4898 90")
    assert (claim.state, claim.holder, claim.iban, claim.masked) == ("claimed", "Ada Payer", THEIRS, "DE·· ···· 9890")
    assert held(shop) == before, "no money moves before somebody has approved it"
    assert len(list_of_refunds(shop, payment)) == 1
    approved(shop, claim)
    paying = refund_of(shop, claim)
    assert (paying.state, paying.provider, paying.amount, paying.reason) == ("requested", "bank", refund.amount, refund.reason)
    assert held(shop)["refund_in_flight"] == 4_000
    send_waiting_orders(app)
    assert send(shop, paying) == "pending"
    with unit(app):
        file = make_order_file("test", by="stf_one")
        order = find_order("test", paying.public_id)
        assert order is not None and (order.to_name, order.to_account, order.account) == ("Ada Payer", THEIRS, ELSEWHERE)
        assert THEIRS.encode() in file.raw and b"Ada Payer" in file.raw and b"40.00" in file.raw
    assert fresh(shop, claim).state == "approved", "a file is no statement"
    bank_says(shop, paying)
    assert (fresh(shop, claim).state, fresh(shop, paying).state) == ("paid", "succeeded")
    row = fresh(shop, payment)
    assert (row.refunded_minor, row.refunding_minor, row.fee_returned_minor) == (4_000, 0, payment.fee_minor)
    books = held(shop)
    assert "refund_in_flight" not in books and books["psp_clearing"] == before["psp_clearing"], "what the processor holds is untouched"
    assert whole(shop)
    kinds = [line for line in lines(shop, payment) if line.startswith(("claim.", "refund."))]
    assert kinds == [
        "refund.requested", "refund.submitted", "refund.failed", "claim.opened", "claim.answered", "refund.requested", "claim.approved",
        "refund.submitted", "refund.pending", "refund.succeeded",
    ]  # fmt: skip
    assert len(messages(shop, "refund_sent")) == 1


def list_of_refunds(shop: Shop, payment: Payment) -> list[Refund]:
    with shop.app.app_context():
        return list_refunds(shop.vendor, payment)


def test_a_transfer_that_comes_back_leaves_everything_as_it_was_and_can_be_asked_for_again(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    bank_says(shop, paying)
    bank_says(shop, paying, back="AC04")
    assert (fresh(shop, claim).state, fresh(shop, paying).state, held(shop)) == ("failed", "failed", before)
    assert whole(shop)
    again_asked = approved(shop, named(shop, opened(shop, payment, refund), iban=OTHER))
    paying = refund_of(shop, again_asked)
    send(shop, paying)
    bank_says(shop, paying)
    assert (fresh(shop, again_asked).state, fresh(shop, payment).refunded_minor) == ("paid", 4_000)
    assert whole(shop)


def test_a_transfer_the_bank_refuses_to_make_gives_the_money_back(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    send(shop, refund_of(shop, claim))
    with unit(app):
        order = find_order("test", refund_of(shop, claim).public_id)
        assert order is not None
        refuse_order(order, by="stf_one", reason="the account is closed")
    assert (fresh(shop, claim).state, held(shop)) == ("failed", before)
    assert whole(shop)


def test_a_part_is_paid_as_a_part(shop: Shop) -> None:
    payment, refund = failed_refund(shop, back="15.00")
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    bank_says(shop, paying)
    assert (fresh(shop, payment).refunded_minor, fresh(shop, payment).refundable.minor) == (1_500, 2_500)
    assert whole(shop)


def test_sent_twice_it_is_one_order(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    paying = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
    send(shop, paying)
    with unit(app):
        first = find_order("test", paying.public_id)
    with app.app_context():
        told = our_bank("test").refund_to(
            paying.public_id, payment.public_id, paying.amount, holder="Eve", iban=OTHER, of_transfers=False, vendor="vnd_x", text="again"
        )
    with unit(app):
        now_ = find_order("test", paying.public_id)
        assert first and now_ and (told.state, now_.to_account, now_.end_to_end) == ("pending", THEIRS, first.end_to_end)


def test_a_transfer_of_an_unknown_account_is_asked_for_in_parts(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop, amount="60.00", currency="EUR"))
    attempt = begin_transfer(shop, payment)
    tx = Tx(6_000, reference=attempt.provider_reference or "", name="")
    TestBank(shop, "EUR").tell(Line((tx,), booked_on=now().date()))
    payment = fresh(shop, payment)
    assert payment.state == "succeeded"
    with unit(app):
        assert is_stuck(again(payment), None)
    claim = opened(shop, payment, None, Money.of("20.00", "EUR"))
    with unit(app), pytest.raises(NoRefundLink):
        make_claim(shop.vendor, again(payment), None, amount=Money.of("20.00", "EUR"), by="usr_x")
    for one, minor in ((claim, 2_000), (None, 4_000)):
        one = one or opened(shop, payment, None, Money(minor, "EUR"))
        paying = refund_of(shop, approved(shop, named(shop, one)))
        assert send(shop, paying) == "pending"
        bank_says(shop, paying)
        assert fresh(shop, one).state == "paid"
    assert fresh(shop, payment).refundable.minor == 0
    assert whole(shop)


def test_what_the_balance_does_not_hold_waits_in_line_and_can_be_called_off(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with shifted(timedelta(days=3)):
        release_all(app)
    _spend(shop)
    claim = approved(shop, claim)
    paying = refund_of(shop, claim)
    assert (claim.state, paying.state) == ("approved", "queued")
    with unit(app):
        cancel_queued(shop.vendor, "test", paying.public_id, by=shop.user.public_id)
    assert fresh(shop, claim).state == "failed"
    assert whole(shop)


def _spend(shop: Shop) -> None:
    """The balance is paid out."""
    with shifted(-2 * COOLING_OFF), unit(shop.app):
        add_account(shop.vendor, "test", currency="EUR", holder="Blue Door Bakery", iban=THEIRS, by=shop.user.public_id)
    with unit(shop.app):
        request_payout(shop.vendor, "test", "EUR", by=shop.user.public_id, form_token=public_id("frm"))
        assert not balance(shop.vendor, "test", "seller_available", "EUR")


# --- once ----------------------------------------------------------------------------------------------------------------


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


def _answer(shop: Shop, claim: RefundClaim, iban: str) -> RefundClaim:
    return answer_claim(shop.vendor, again(claim), holder="Ada", iban=iban)


def test_of_two_accounts_named_at_once_one_counts(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        claim = opened(shop, payment, refund)
        done = at_once(partial(_answer, shop, claim, THEIRS), partial(_answer, shop, claim, OTHER))
        assert {type(answer) for answer in done} == {RefundClaim, ClaimOver}
        assert lines(shop, payment, "claim.answered") == ["claim.answered"]


def _make(shop: Shop, payment: Payment, refund: Refund) -> RefundClaim:
    return make_claim(shop.vendor, again(payment), again(refund), amount=None, by="usr_x")


def test_of_two_links_made_at_once_one_is_made(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        payment, refund = failed_refund(shop)
        done = at_once(*[partial(_make, shop, payment, refund)] * 2)
        assert {type(answer) for answer in done} == {RefundClaim, NoRefundLink}


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


# --- what is refused -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("holder", {"holder": " "}),
        ("holder", {"holder": "A" * 71}),
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


def test_a_transfer_that_the_bank_has_not_been_told_of_is_called_off_by_a_dispute(shop: Shop) -> None:
    """Its bank has taken the money back from the card: a transfer beside it would be the second time, and our bank refuses none."""
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    assert send(shop, refund_of(shop, claim)) == "pending"
    with unit(shop.app):
        stop_refunds(shop.vendor, lock_payment(again(payment)))
    transfer = refund_of(shop, claim)
    assert (transfer.state, transfer.failure_reason, fresh(shop, claim).state) == ("failed", "charge_disputed", "failed")
    with unit(shop.app):
        assert getattr(find_order("test", transfer.public_id), "state", None) == "failed"
    assert fresh(shop, payment).refunding_minor == 0 and whole(shop)
    assert opened(shop, payment, refund).state == "open", "when it has been decided the payer can be asked again"


def test_a_transfer_that_a_file_carries_is_not_called_off_behind_its_back(app: Flask, shop: Shop) -> None:
    send_waiting_orders(app)
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    send(shop, refund_of(shop, claim))
    with unit(app):
        make_order_file("test", by="stf_x")
    with unit(app):
        stop_refunds(shop.vendor, lock_payment(again(payment)))
    assert (refund_of(shop, claim).state, fresh(shop, claim).state) == ("pending", "approved")


def test_one_that_is_ordered_after_the_dispute_began_is_called_off_at_once(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    transfer = refund_of(shop, claim)
    with unit(shop.app):
        assert refunds.begin_sending(again(transfer))
    with unit(shop.app):
        again(payment).disputed_minor = 4_000
    with shop.app.app_context():
        send_refund(shop.vendor.id, mode="test", refund=str(transfer.id))
    assert (refund_of(shop, claim).state, fresh(shop, claim).state) == ("failed", "failed")
    with unit(shop.app):
        again(payment).disputed_minor = 0
    assert whole(shop)


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


@pytest.mark.parametrize("code", ["charge_already_refunded", "amount_too_large", "charge_disputed"])
def test_what_the_processor_does_not_hold_any_more_is_not_paid_beside(shop: Shop, code: str) -> None:
    """Somebody gave it back there, and the news of that have not come yet: a transfer would be the second time."""
    payment = make_paid(shop, make_link(shop, amount="40.00", currency="EUR"))
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "failed", failure_reason=code)
    with pytest.raises(NoRefundLink, match="pay twice"):
        opened(shop, payment, refund)


def test_a_form_that_bears_the_number_of_an_approval_is_not_taken_for_one(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with unit(shop.app):
        request_refund(
            shop.vendor, again(payment), amount=Money(1, "EUR"), reason="other", by="usr_x", form_token=f"claim:{claim.public_id}"
        )  # fmt: skip
    with pytest.raises(ClaimMovedOn):
        approved(shop, claim)
    assert fresh(shop, claim).state == "claimed"


def test_a_failed_refund_that_arrived_after_all_is_an_alarm_and_is_not_paid_again(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    arrived = RefundOutcome("succeeded", f"re_{refund.public_id}", refund.amount)
    with unit(shop.app):
        assert settle_refund(shop.vendor, again(refund), arrived, cause="evt_late") == "stale"
    with unit(shop.app):
        looking = select(OutboxTask).where(OutboxTask.job == "find_outside_refunds", OutboxTask.args["charge"].astext == payment.charge)
        assert db.session.scalars(looking).one()
        assert again(refund).failure_reason == "expired_or_canceled_card", "news may be old: nothing is said before the processor was asked"
    for _ in range(2):
        with unit(shop.app):
            settle_refund(shop.vendor, again(refund), arrived, cause=ASKED)
    assert len(messages(shop, "refund_not_booked")) == 1
    with pytest.raises(ClaimMovedOn, match="pay twice"):
        approved(shop, claim)
    assert fresh(shop, claim).state == "claimed" and fresh(shop, payment).refunding_minor == 0 and whole(shop)


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


# --- the clock and the address ---------------------------------------------------------------------------------------------


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


# --- whose data it is ------------------------------------------------------------------------------------------------------


def test_the_account_is_handed_out_and_taken_away_with_the_person(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with unit(app):
        customer = find_customer(shop.vendor, "test", payment.email)
        assert customer is not None
        told = personal_data(shop.vendor, customer)["payments"][0]["refund_links"]
        assert [(one["iban"], one["account_holder"], one["state"]) for one in told] == [(THEIRS, "Ada Payer", "claimed")]
    with unit(app), pytest.raises(StillUnderWay, match="refund link"):
        erase_person(shop.vendor, customer, by="usr_x")
    with unit(app):
        refuse_claim(shop.vendor, again(claim), reason="Ada, this is not yours.", by="usr_x")
    with unit(app):
        erase_person(shop.vendor, customer, by="usr_x")
    row = fresh(shop, claim)
    assert (row.iban, row.holder, row.reason, row.masked) == ("", "", "", "")


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


def test_the_logs_give_the_same_refunds_again(app: Flask, shop: Shop) -> None:
    """Made anew from history and journals, payments and refunds are what their rows say."""

    payment, refund = failed_refund(shop)
    paying = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
    send(shop, paying)
    bank_says(shop, paying)
    with unit(app):
        about = {payment.public_id, paying.public_id, refund.public_id}
        told = [sentence for shadow in SHADOWS for sentence in replay(shadow, shop.vendor.id).differences]
        assert about and [sentence for sentence in told if any(name in sentence for name in about)] == []
