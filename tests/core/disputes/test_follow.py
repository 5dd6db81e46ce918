"""News of a dispute: late, twice, in the wrong order or about somebody else's money, it ends in one truth."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from core.disputes.follow import DisputeTooEarly
from core.disputes.models import Dispute
from core.disputes.queries import history_of
from core.kernel.db import db
from core.ledger.models import Journal
from core.notifications.models import Message, Notice
from core.payments.models import Payment
from core.payments.queries import timeline
from tests.core.disputes.cases import Case, case_of, usd
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.factories import make_link, make_payment, unit


def steps(case: Case) -> list[str]:
    with unit(case.seller.shop.app):
        return [event.kind for event in history_of(case.seller.shop.vendor, case.here)]


def test_the_history_tells_it_and_the_payments_own_does_too(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released, fee=1500)
    case.tell()
    case.now("under_review", submissions=1).tell()
    case.won().tell()
    assert steps(case) == ["dispute.needs_response", "dispute.under_review", "dispute.won"]
    with unit(seller.shop.app):
        told = [event.kind for event in timeline(seller.shop.vendor, released) if event.kind.startswith("dispute.")]
    assert told == ["dispute.opened", "dispute.under_review", "dispute.won"]


def test_a_step_that_was_missed_stands_in_the_history(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released).won()
    case.tell()
    assert steps(case) == ["dispute.needs_response", "dispute.under_review", "dispute.won"]


@pytest.mark.parametrize("seed", range(12))
def test_any_order_any_number_of_times_ends_the_same(seller: Seller, released: Payment, seed: int) -> None:
    case = case_of(seller, released, fee=1500)
    life = [case.outcome]
    for step in (lambda: case.now("under_review"), case.won, lambda: case.again(fee=1500), lambda: case.now("under_review"), case.won):
        life.append(step().outcome)
    heard = life * 2
    random.Random(seed).shuffle(heard)
    for outcome in [*heard, life[-1]]:
        case.tell(outcome)
    assert (case.here.state, case.here.cycle, case.paid.disputed) == ("won", 2, usd(0))
    assert seller.has() == usd(9750) and seller.books_are_whole()
    with unit(seller.shop.app):
        mine = select(func.count()).where(Journal.vendor_id == seller.shop.vendor.id, Journal.event_key.like(f"dp:{case.here.public_id}:%"))
        assert db.session.scalar(mine) == 4, "opened and won, twice"


@pytest.mark.parametrize("_round", range(10))
def test_told_twice_at_once_it_is_one(seller: Seller, released: Payment, at_once: AtOnce, _round: int) -> None:
    case = case_of(seller, released, fee=1500)
    assert sorted(at_once(case.told, case.told)) == ["settled", "stale"]
    assert seller.has("seller_hold") == usd(9750) and seller.books_are_whole()


def test_of_another_charge_or_currency_nothing_is_booked(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released)
    assert case.tell(replace(case.outcome, charge="ch_of_somebody")) == "mismatch"
    assert case.tell(replace(case.outcome, amount=replace(case.outcome.amount, currency="EUR"))) == "mismatch"
    assert case.tell(replace(case.outcome, state="unknown")) == "mismatch"
    with unit(seller.shop.app):
        assert db.session.scalar(select(Dispute.id).where(Dispute.vendor_id == seller.shop.vendor.id)) is None


def test_before_its_payment_is_paid_here_it_comes_again(seller: Seller) -> None:
    payment = make_payment(seller.shop, make_link(seller.shop, currency="USD"))
    with pytest.raises(DisputeTooEarly):
        case_of(seller, payment, 2500).tell()


def test_the_team_is_told_once_when_it_opens_and_once_when_it_is_decided(seller: Seller, released: Payment) -> None:
    case = case_of(seller, released)
    for _ in range(2):
        case.tell()
    case.now("under_review").tell()
    for _ in range(2):
        case.now("lost").tell()
    with unit(seller.shop.app):
        mine = select(Notice.kind).where(Notice.vendor_id == seller.shop.vendor.id, Notice.kind.like("dispute_%")).order_by(Notice.id)
        assert list(db.session.scalars(mine)) == ["dispute_opened", "dispute_sent", "dispute_decided"]
        letters = select(Message.kind).where(Message.vendor_id == seller.shop.vendor.id, Message.kind.like("dispute_%"))
        assert sorted(db.session.scalars(letters)) == ["dispute_decided", "dispute_opened"]
