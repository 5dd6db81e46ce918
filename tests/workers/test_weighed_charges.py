"""Rules weigh charges to saved cards with nobody there: refused unasked, authorised for a person, or the payer is asked for by their bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from core.kernel.db import db, unit_of_work
from core.ledger.queries import balances, find_breaks
from core.notifications.models import Message
from core.payments.models import Payment
from core.payments.review import approve, decline, list_reviews
from core.payments.review_models import Screening
from core.payments.saved_models import SavedCard
from core.risk.lists import add_entry
from core.risk.rules import Condition, Rule
from tests.cards import charge_row, charges_of, new_address, save_card, wish_charge
from tests.factories import Shop, fresh, make_shop, unit
from tests.ruled import BY, ruled
from workers import jobs
from workers.runner import drain
from workers.saved import send_charge

pytestmark = pytest.mark.usefixtures("nobody_elses")
LARGE = Condition("amount", currency="GBP", minor=4_000)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture(autouse=True)
def alone(app: Flask) -> Iterator[None]:
    with ruled(app):
        yield


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the caller's own job is told."""
    told: list[str] = []
    monkeypatch.setitem(jobs.OUTSIDE, "look_at_charge", lambda vendor_id, *, mode, payment, result: told.append(result))
    return told


def charged(shop: Shop, card: SavedCard, amount: str = "45.00") -> Payment:
    """Written down, and everything done that is due."""
    payment, _ = wish_charge(shop, card, amount, on_settled="look_at_charge")
    drain("money")
    drain("money")
    return fresh(shop, payment)


def screening(shop: Shop, payment: Payment) -> Screening:
    with shop.app.app_context():
        return list_reviews(shop.vendor, payment)[-1]


def decide(shop: Shop, act: Callable[..., str], payment: Payment) -> str:
    with unit(shop.app):
        row = db.session.get_one(Screening, (shop.vendor.id, "test", screening(shop, payment).id))
        return act(shop.vendor, row, by=BY)


def money(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        assert find_breaks(shop.vendor.id) == []
        return {name: one.minor for (name, _, _), one in balances(shop.vendor, "test").items() if one}


def letters(payment: Payment, kind: str) -> int:
    mine = (Message.vendor_id == payment.vendor_id, Message.about == payment.public_id, Message.kind == kind)
    with unit_of_work():
        return int(db.session.scalar(select(func.count()).select_from(Message).where(*mine)) or 0)


def test_without_rules_nothing_is_written_down(shop: Shop, environment: dict[str, str]) -> None:
    payment = charged(shop, save_card(shop, environment))
    with shop.app.app_context():
        assert (payment.state, list_reviews(shop.vendor, payment)) == ("succeeded", [])


def test_what_a_rule_refuses_is_never_sent_and_whoever_wished_it_is_told(shop: Shop, environment: dict[str, str], news: list[str]) -> None:
    card = save_card(shop, environment)
    with ruled(shop.app, Rule("None of it", (LARGE,), "block")):
        payment = charged(shop, card)
        assert (payment.state, payment.decline_code, news) == ("requires_method", "not_accepted", ["declined"])
        assert (screening(shop, payment).state, screening(shop, payment).reasons) == ("refused", [{"rule": "None of it"}])
        assert charges_of(environment, payment) == [] and charge_row(payment).hard is False
        small = charged(shop, card, "39.00")
        assert (small.state, screening(shop, small).state) == ("succeeded", "passed")


@pytest.mark.parametrize("kind", ["card", "country", "email"])
def test_a_card_on_the_block_list_is_refused_before_its_bank_is_asked(kind: str, shop: Shop, environment: dict[str, str]) -> None:
    card = save_card(shop, environment)
    value = {"card": card.fingerprint, "country": card.country, "email": card.email}[kind]
    assert value
    with ruled(shop.app):
        with unit(shop.app):
            add_entry("test", "block", kind, value, reason="Seen before", by=BY)
        payment = charged(shop, card)
    assert (payment.state, payment.decline_code, charges_of(environment, payment)) == ("requires_method", "not_accepted", [])


def test_a_card_saved_long_ago_is_known_once_it_is_authorised_and_let_go(shop: Shop, environment: dict[str, str], news: list[str]) -> None:
    """Its mark was not kept then."""
    card = save_card(shop, environment)
    mark = card.fingerprint
    with unit(shop.app):
        db.session.execute(update(SavedCard).where(SavedCard.vendor_id == shop.vendor.id).values(fingerprint="", country=None))
    with ruled(shop.app):
        with unit(shop.app):
            add_entry("test", "block", "card", mark, reason="Seen before", by=BY)
        payment = charged(shop, card)
    assert (payment.state, payment.decline_code, news) == ("requires_method", "not_accepted", ["declined"])
    assert (charges_of(environment, payment), money(shop)) == ([], {})


def test_a_reviewed_charge_is_authorised_and_taken_once_somebody_approves(
    shop: Shop, environment: dict[str, str], news: list[str], work: Callable[[], int]
) -> None:
    with ruled(shop.app, Rule("Look at it", (LARGE,), "review")):
        payment = charged(shop, save_card(shop, environment))
        row = screening(shop, payment)
        assert (payment.state, row.state, row.held, news, money(shop)) == ("processing", "waiting", True, [], {})
        assert decide(shop, approve, payment) == "approved"
        work()
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor, news) == ("succeeded", 4_500, ["succeeded"])
    assert len(charges_of(environment, payment)) == 1 and money(shop)["seller_pending"] == 4_500 - paid.fee_minor


def test_a_reviewed_charge_that_is_not_accepted_is_let_go_and_whoever_wished_it_is_told(
    shop: Shop, environment: dict[str, str], news: list[str], work: Callable[[], int]
) -> None:
    with ruled(shop.app, Rule("Look at it", (LARGE,), "review")):
        payment = charged(shop, save_card(shop, environment))
        assert decide(shop, decline, payment) == "refunded"
        work()
    over = fresh(shop, payment)
    assert (over.state, over.decline_code, over.captured_minor, news) == ("requires_method", "not_accepted", 0, ["declined"])
    assert (charges_of(environment, payment), money(shop), letters(payment, "payment_failed")) == ([], {}, 0)


def test_a_charge_whose_bank_is_to_ask_waits_for_its_payer_who_gets_a_letter(
    shop: Shop, environment: dict[str, str], news: list[str], work: Callable[[], int]
) -> None:
    with ruled(shop.app, Rule("Ask the bank", (LARGE,), "authenticate")):
        payment = charged(shop, save_card(shop, environment))
        work()
        assert (payment.state, news, charges_of(environment, payment)) == ("requires_action", ["requires_action"], [])
        assert letters(payment, "confirm_payment") == 1 and screening(shop, payment).action == "authenticate"


def test_a_payer_charged_again_and_again_is_counted_by_address_and_by_card(shop: Shop, environment: dict[str, str]) -> None:
    email = new_address()
    first = save_card(shop, environment, email=email)
    often = [Rule(f"Often with one {of}", (Condition("often", of=of, most=1, hours=24),), "block") for of in ("email", "card")]
    with ruled(shop.app, often[0]):
        assert charged(shop, first).state == "succeeded"
        assert charged(shop, first).decline_code == "not_accepted"
    with ruled(shop.app, often[1]):
        assert charged(shop, save_card(shop, environment)).state == "succeeded"
        assert charged(shop, save_card(shop, environment)).decline_code == "not_accepted", "the very card, under another address"


def test_what_was_decided_stands_however_often_it_is_sent(shop: Shop, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    payment, attempt = wish_charge(shop, save_card(shop, environment), "45.00")
    with ruled(shop.app, Rule("Look at it", (LARGE,), "review")):
        send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))
        with ruled(shop.app, Rule("None of it", (LARGE,), "block")):
            send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))
    with shop.app.app_context():
        rows: list[Any] = list_reviews(shop.vendor, payment)
    assert [(row.action, row.held) for row in rows] == [("review", True)]
