"""What a lost database did since its back-up is not done again by the restored one: charged cards, moved payouts, sent refunds, given numbers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.billing.number import skip_to, take_number
from core.hooks.feed import GAP, leave_a_gap
from core.hooks.models import EventFeed
from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.errors import Conflict
from core.kernel.ids import named_id, public_id
from core.kernel.money import Money
from core.ledger.queries import find_breaks
from core.payments.found_again import take_up_payment
from core.payments.models import Payment
from core.payments.queries import find_payment, list_refunds
from core.payments.saved_models import SavedCard
from core.payouts.found_again import DoesNotFit, take_up_carried
from core.payouts.queries import find_payout
from core.providers.contract import Outcome
from core.providers.receivers import MoveToReceiver
from core.providers.registry import provider_named, seller_payer
from core.providers.saved import ChargeSaved
from tests.cards import charge_row, charges_of, save_card, wish_charge
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import receiving
from tests.core.payouts.carried import CarriedSeller
from tests.factories import Shop, again, ask_refund, fresh, make_paid, make_shop, unit
from workers.outside import find_outside_refunds
from workers.payments import send_refund
from workers.runner import drain
from workers.saved import send_charge

pytestmark = pytest.mark.usefixtures("nobody_elses")
AMOUNT = Money.of("25.00", "GBP")


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


def charged_before(shop: Shop, card: SavedCard, reference: str, words: str = "Bread, October") -> tuple[dict[str, str], Outcome]:
    """The database that is lost has charged this card for this, under the numbers that follow from it."""
    payment = named_id("pay", f"{shop.vendor.id}:test:charge:{reference}")
    told = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment, "attempt": named_id("att", payment)}
    wish = ChargeSaved(
        reference=told["attempt"], mode="test", amount=AMOUNT, description=words, email=card.email, customer=card.provider_customer,
        method=card.provider_method, metadata=told,
    )  # fmt: skip
    outcome = provider_named("sandbox", "test").charge_saved(wish)
    assert outcome.state == "succeeded"
    return told, outcome


def is_whole(shop: Shop) -> bool:
    with unit_of_work():
        return find_breaks(shop.vendor.id) == []


def test_what_is_charged_anew_is_the_charge_that_was_made_before(shop: Shop, environment: dict[str, str]) -> None:
    card, reference = save_card(shop, environment), secrets.token_hex(8)
    _, outcome = charged_before(shop, card, reference)
    payment, attempt = wish_charge(shop, card, reference=reference)
    send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))
    paid = fresh(shop, payment)
    assert (paid.state, paid.charge, len(charges_of(environment, payment))) == ("succeeded", outcome.charge, 1) and is_whole(shop)


def test_a_charge_that_waited_for_longer_than_a_key_lives_is_looked_up_first(shop: Shop, environment: dict[str, str]) -> None:
    card, reference = save_card(shop, environment), secrets.token_hex(8)
    payment, attempt = wish_charge(shop, card, reference=reference)
    _, outcome = charged_before(shop, card, reference, "Other words: the same key again would be refused")
    with shifted(timedelta(hours=30)):
        send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))
    assert fresh(shop, payment).charge == outcome.charge and len(charges_of(environment, payment)) == 1 and is_whole(shop)


def test_what_was_taken_up_is_what_is_wished_for_anew_and_its_caller_is_told(
    shop: Shop, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers import jobs

    heard: list[tuple[str, str]] = []
    monkeypatch.setitem(jobs.OUTSIDE, "look_at_charge", lambda vendor_id, *, mode, payment, result: heard.append((payment, result)))
    card, reference = save_card(shop, environment), secrets.token_hex(8)
    told, outcome = charged_before(shop, card, reference)
    for result in ("settled", "already"):
        with unit_of_work():
            assert take_up_payment(shop.vendor, "test", "sandbox", told, outcome, description="Bread, October") == result
    payment, _ = wish_charge(shop, card, reference=reference, on_settled="look_at_charge")
    drain("money")
    paid = fresh(shop, payment)
    assert (paid.public_id, paid.state, paid.email, charge_row(payment).card_id) == (told["payment"], "succeeded", card.email, card.id)
    assert heard == [(str(payment.id), "succeeded")] and len(charges_of(environment, payment)) == 1 and is_whole(shop)
    assert wish_charge(shop, card, reference=reference)[0].id == payment.id


def test_words_that_are_not_ours_take_nothing_up(shop: Shop) -> None:
    number = public_id("pay")
    outcome = Outcome("succeeded", "", charge="ch_lost", captured=AMOUNT, occurred_at=now())
    told = {"vendor": shop.vendor.public_id, "mode": "test", "payment": number}
    for wrong in ({"mode": "live"}, {"vendor": "vnd_other"}, {"payment": "pay_'; --"}):
        with unit_of_work():
            assert take_up_payment(shop.vendor, "test", "sandbox", {**told, **wrong}, outcome, description="") == "not_ours"
    with unit_of_work():
        assert find_payment(shop.vendor, "test", number) is None


def refund_sent_before(shop: Shop, payment: Payment, amount: str) -> Any:
    """Asked for here, and sent by the database that is lost; for another reason, so that the same key again would be refused."""
    refund = ask_refund(shop, payment, amount)
    names = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "refund": refund.public_id}
    sent = provider_named("sandbox", "test").refund(refund.public_id, payment.charge or "", refund.amount, "duplicate", names)
    return refund, sent


def bought(shop: Shop, environment: dict[str, str]) -> Payment:
    payment, attempt = wish_charge(shop, save_card(shop, environment))
    send_charge(shop.vendor.id, mode="test", attempt=str(attempt.id))
    with unit_of_work():
        return fresh(shop, payment)


def test_a_refund_that_was_sent_before_is_found_and_not_sent_again(shop: Shop, environment: dict[str, str]) -> None:
    payment = bought(shop, environment)
    refund, sent = refund_sent_before(shop, payment, "7.00")
    find_outside_refunds(shop.vendor.id, provider="sandbox", mode="test", refund=sent.provider_reference)
    late, _ = refund_sent_before(shop, payment, "3.00")
    with shifted(timedelta(hours=30)):
        send_refund(shop.vendor.id, mode="test", refund=str(late.id))
    with unit_of_work():
        found = {one.public_id: one.state for one in list_refunds(shop.vendor, again(payment))}
    assert found == {refund.public_id: "succeeded", late.public_id: "succeeded"}
    assert fresh(shop, payment).refunded_minor == 1000 and is_whole(shop)
    (charge,) = charges_of(environment, payment)
    assert charge["amount_refunded"] == 1000


@pytest.fixture
def carried(app: Flask) -> Iterator[CarriedSeller]:
    made = CarriedSeller(make_shop(app, currency="USD"))
    made.connects()
    made.fills()
    made.sells("100.00")
    with shifted(timedelta(days=30)):
        made.release()
        yield made


def moved_before(seller: CarriedSeller, minor: int) -> str:
    """The database that is lost has moved so much to the seller's account at the processor."""
    number = public_id("po")
    names = {"vendor": seller.shop.vendor.public_id, "mode": "test", "payout": number}
    receiver = seller.receiver().provider_reference or ""
    seller_payer("sandbox", "test").move_to_receiver(
        MoveToReceiver(f"{number}-move-0", receiver, Money(minor, "USD"), f"Payout {number}", names)
    )
    return number


def test_a_payout_that_was_moved_before_is_taken_up_and_goes_on_once(carried: CarriedSeller) -> None:
    vendor = carried.shop.vendor
    number, amount = moved_before(carried, 5000), Money(5000, "USD")
    for _ in range(2):
        with unit(carried.shop.app):
            take_up_carried(vendor, "test", "sandbox", number, amount, at=now() - timedelta(days=2))
    with unit(carried.shop.app):
        payout = find_payout(vendor, "test", number)
        assert payout is not None
    assert (payout.amount_minor, payout.carried_minor, carried.has().minor) == (5000, 4850, 4850)
    assert carried.carries(payout).state == "in_transit" and carried.there(payout) == [(5000, 0)]
    rest = carried.pays_out()
    assert (rest.amount_minor, carried.has().minor) == (4850, 0) and carried.books_are_whole()


def test_more_than_the_seller_has_is_a_persons_to_look_at(carried: CarriedSeller) -> None:
    with pytest.raises(DoesNotFit), unit(carried.shop.app):
        take_up_carried(carried.shop.vendor, "test", "sandbox", moved_before(carried, 9851), Money(9851, "USD"), at=now())
    assert carried.has().minor == 9850 and carried.books_are_whole()


def test_numbers_that_were_given_are_left_out(shop: Shop) -> None:
    today = now().date()
    with unit(shop.app):
        assert take_number(shop.vendor.id, "live", "INV-", today)[0] == 1
        assert skip_to(shop.vendor.id, "live", "invoice", 40, by="operator", why="Given after the back-up") == (2, 40)
    with unit(shop.app):
        assert take_number(shop.vendor.id, "live", "INV-", today)[0] == 41
        with pytest.raises(Conflict):
            skip_to(shop.vendor.id, "live", "invoice", 41, by="operator", why="Again")


def test_places_of_a_feed_that_were_given_are_never_given_again(app: Flask) -> None:
    with receiving() as receiver:
        hooked = Hooked(make_shop(app), receiver)
        make_paid(hooked.shop)
        hooked.relay()
        last = hooked.events()[-1].position
        for _ in range(2):
            with unit(app):
                leave_a_gap()
        with unit(app):
            feed = db.session.get(EventFeed, hooked.key[:2])
            assert feed is not None and feed.position == last + GAP, "once, however often it is asked for"
        make_paid(hooked.shop)
        hooked.relay()
        assert next(event.position for event in hooked.events() if event.position > last) == last + GAP + 1
