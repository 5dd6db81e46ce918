"""Two tabs of one payer, one calling off while the other opens the card page: money may never move for a payment that was called off."""

from __future__ import annotations

import pytest

from core.kernel.db import db, unit_of_work
from core.payments.attempt import begin_attempt, live_attempt, lock_both, move_attempt, record_opening
from core.payments.close import record_close
from core.payments.models import Payment
from core.payments.settle import settle
from core.providers.contract import Opening, Outcome
from core.providers.registry import provider_named
from tests.browser import Browser
from tests.factories import fresh, link_address, make_link, make_payment, make_shop, open_payment, unit


@pytest.fixture
def shop(app):
    return make_shop(app)


def pay_page(app, shop, **terms):
    """A browser on the page of a payment just begun through a link with one place."""
    link = make_link(shop, kind="single", **terms)
    payer = Browser(app)
    page = payer.submit(payer.get(link_address(shop, link)).form(), email="sam@example.com", name="Sam")
    return link, payer, page


def test_a_card_page_that_opens_while_the_payment_is_called_off_is_closed_and_not_handed_out(app, shop, monkeypatch):
    """The processor is slow to open; meanwhile the other tab cancels. The address that then arrives must reach nobody."""
    import checkout.try_card as door

    _, payer, page = pay_page(app, shop)
    cancel = page.form(page.address.split("?")[0] + "/cancel")
    opened: list[str] = []
    real = door.open_at_provider

    def slow(*args, **kwargs):
        opening = real(*args, **kwargs)
        opened.append(opening.provider_reference)
        assert payer.client.post(cancel.action, data=cancel.values).status_code == 303
        return opening

    monkeypatch.setattr(door, "open_at_provider", slow)
    attempts = page.form(page.address.split("?")[0] + "/attempts")
    answer = payer.client.post(attempts.action, data={**attempts.values, "surface": "hosted"})
    assert opened, "the processor was asked"
    assert "/c/pay/" not in answer.headers.get("Location", "") + answer.get_data(as_text=True), "the payer was sent to a card page"
    with app.app_context():
        assert provider_named("sandbox", "test").inquire(opened[0]).state == "canceled", "what was opened is closed again"


def test_a_payment_is_not_called_off_while_another_tab_has_opened_a_card_page(app, shop):
    """The cancelling tab saw no card page; by the time it writes, there is one. The place in the link must not be given away."""
    link = make_link(shop, kind="single")
    payment = make_payment(shop, link)
    open_payment(shop, payment)  # what the other tab did, after the cancelling one had looked
    with unit(app):
        assert record_close(shop.vendor, payment, None, None, to="canceled", actor="payer") != "canceled"
    payment = fresh(shop, payment)
    assert (payment.state, payment.holds_place) == ("requires_action", True)


def test_a_payment_is_not_called_off_when_only_an_older_card_page_was_closed(app, shop):
    """The first card page was closed for the cancelling tab; the other tab has meanwhile opened a second one."""
    payment = make_payment(shop, make_link(shop, kind="single"))
    first = open_payment(shop, payment)
    with unit(app):
        _, row = lock_both(first)
        move_attempt(row, "abandoned")
    second = open_payment(shop, payment)
    assert second.id != first.id
    with unit(app):
        record_close(shop.vendor, payment, first, Outcome("canceled", first.provider_reference or ""), to="canceled", actor="payer")
    payment = fresh(shop, payment)
    assert (payment.state, payment.holds_place) == ("requires_action", True)


def test_an_answer_that_opens_an_abandoned_try_does_not_bring_it_back_to_life(app, shop):
    payment = make_payment(shop)
    with unit(app):
        attempt = begin_attempt(shop.vendor, payment)
    with unit(app):
        record_close(shop.vendor, payment, attempt, Outcome("canceled", ""), to="canceled", actor="payer")
    assert fresh(shop, payment).state == "canceled"
    with unit(app):
        attempt = record_opening(shop.vendor, attempt, Opening("cs_late", redirect_url="http://127.0.0.1/card"))
    with app.app_context():
        assert live_attempt(payment) is None
    assert fresh(shop, payment).state == "canceled"


def test_an_opening_is_written_down_upon_what_became_of_the_payment_meanwhile(app, shop):
    """The rows in hand are from before the processor was asked. Another tab has called the try off since, and that is what stands."""
    payment = make_payment(shop)
    with app.app_context():
        with unit_of_work():
            in_hand = db.session.get_one(Payment, (payment.vendor_id, payment.mode, payment.id))
            attempt = begin_attempt(shop.vendor, in_hand)
        with app.app_context(), unit_of_work():
            record_close(shop.vendor, payment, attempt, Outcome("canceled", ""), to="canceled", actor="payer")
        with unit_of_work():
            opened = record_opening(shop.vendor, attempt, Opening("cs_late", redirect_url="http://127.0.0.1/card"))
            assert (in_hand.state, opened.state) == ("canceled", "abandoned")
    assert fresh(shop, payment).state == "canceled"
    assert fresh(shop, attempt).provider_reference == "cs_late"  # what is open there must be closed


def opened_meanwhile(app, shop, **terms):
    """A try that was read before it had an address at the processor, and has one by now."""
    payment = make_payment(shop, make_link(shop, **terms))
    with unit(app):
        attempt = begin_attempt(shop.vendor, payment)
    with unit(app):
        record_opening(shop.vendor, attempt, Opening("cs_meanwhile", redirect_url="http://127.0.0.1/card"))
    return payment, attempt


def test_a_try_that_was_opened_after_all_is_not_called_off_unasked(app, shop):
    payment, attempt = opened_meanwhile(app, shop, kind="single")
    with unit(app):
        record_close(shop.vendor, payment, attempt, Outcome("canceled", ""), to="canceled", actor="payer")
    assert (fresh(shop, payment).state, fresh(shop, payment).holds_place) == ("requires_action", True)
    assert fresh(shop, attempt).state == "action_required"


def test_no_second_card_page_is_opened_beside_one_that_was_thought_never_opened(app, shop):
    """Two tabs, one with scripts and one without: two open card pages would be two charges."""
    payment, attempt = opened_meanwhile(app, shop)
    with unit(app):
        settle(shop.vendor, payment, attempt, Outcome("canceled", ""), cause="close")
    with unit(app):
        assert begin_attempt(shop.vendor, payment, surface="hosted").id == attempt.id
