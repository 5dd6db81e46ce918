"""What is let go of: old events, a payer who is erased, a business that has closed."""

from __future__ import annotations

from datetime import timedelta

from core.customers.queries import find_customer
from core.hooks.deliver import body_of
from core.hooks.models import EventDraft, EventFeed, HookAttempt, HookSecret
from core.hooks.prune import forget_endpoints, forget_told, prune_deliveries, prune_told
from core.kernel.clock import shifted
from core.kernel.db import db
from core.payments.personal_data import erase_person
from tests.core.hooks.conftest import Hooked
from tests.factories import make_link, make_paid, unit


def test_an_erased_payer_stands_in_no_event_and_in_none_that_comes_later(hooked: Hooked) -> None:
    hooked.pays()
    hooked.turn()
    late = make_paid(hooked.shop)  # drafted, and relayed after they are erased
    with unit(hooked.app):
        customer = find_customer(hooked.shop.vendor, "test", "ada@example.com")
        assert customer
        forget_told(hooked.shop.vendor, customer)
        erase_person(hooked.shop.vendor, customer, by="usr_x")
    while hooked.relay():
        pass
    told = [(event, body_of(event).decode()) for event in hooked.events()]
    assert not [body for _, body in told if "ada@example.com" in body or "Ada Payer" in body]
    assert {event.data["object"]["payer"]["name"] for event, _ in told if event.type.startswith("payment.")} == {""}
    assert late.public_id in {event.subject for event, _ in told}
    with unit(hooked.app):
        answers = db.session.query(HookAttempt.answer).filter_by(vendor_id=hooked.shop.vendor.id)
        assert sorted(answer for (answer,) in answers) == ["", "", "", "noted"]  # that of the link stays


def test_deliveries_and_events_go_after_ninety_days_and_what_waits_stays(hooked: Hooked) -> None:
    make_link(hooked.shop)
    hooked.relay()
    hooked.turn()
    with shifted(timedelta(days=1)):
        hooked.receiver.answers = [(500, {})]
        make_link(hooked.shop)
        hooked.relay()
        hooked.turn()
    with shifted(timedelta(days=92)), unit(hooked.app):
        while prune_deliveries(1000):
            pass
        while prune_told(1000):
            pass
    (waiting,) = hooked.deliveries()
    assert waiting.state == "waiting" and [event.id for event in hooked.events()] == [waiting.event_id]


def test_nothing_is_left_of_the_webhooks_of_a_business_that_has_closed(hooked: Hooked) -> None:
    hooked.pays()
    hooked.turn()
    make_link(hooked.shop)
    with unit(hooked.app):
        forget_endpoints(hooked.shop.vendor)
    assert hooked.deliveries() == hooked.events() == []
    with unit(hooked.app):
        for model in (EventDraft, EventFeed, HookSecret, HookAttempt):
            assert not db.session.query(model).filter_by(vendor_id=hooked.shop.vendor.id).count()
