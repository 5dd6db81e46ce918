"""Events: written in the transaction of the change, placed in an order that nobody who reads on can miss a part of."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError

from core.billing.states import SUBSCRIPTION
from core.disputes.states import DISPUTE
from core.hooks.feed import CursorGone, NoSuchType, check_types, envelope, get_event, list_events
from core.hooks.models import EventDraft
from core.hooks.prune import prune_told
from core.hooks.relay import feeds_to_relay, relay
from core.hooks.shapes import SHAPES
from core.hooks.types import FAMILIES, TYPES, family_of, wants
from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.errors import NotFound
from core.orders.states import CHECKOUT, ORDER
from core.payments.claim import refuse_claim
from core.payments.link import pause_link, resume_link
from core.payments.models import PaymentLink
from core.payments.states import CLAIM, PAYMENT, REFUND
from core.payouts.states import PAYOUT
from tests.core.hooks.conftest import events_of
from tests.core.payments.claims import THEIRS, approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import Shop, again, ask_refund, make_link, make_paid, make_payment, tell_refund, unit
from workers.hooks import relay_feed


def place(shop: Shop) -> None:
    with unit(shop.app):
        while relay(shop.vendor.id, "test"):
            pass


def read(shop: Shop, **more: Any) -> list[str]:
    with unit(shop.app):
        return [event.type for event in list_events(shop.vendor, "test", limit=100, **more).rows]


def test_a_shop_finds_its_own_names_and_values_under_the_name_that_the_api_has_for_them(shop: Shop) -> None:
    own = {"Order": "4711"}
    with unit(shop.app):
        link = again(make_link(shop))
        link.key_values = own
    make_paid(shop, link)
    place(shop)
    told = [event.data["object"] for event in events_of(shop) if event.type in ("link.created", "payment.succeeded")]
    assert len(told) == 2 and all(one["metadata"] == one["key_values"] for one in told)
    assert told[-1]["object"] == "payment" and told[-1]["metadata"] == own


def test_every_state_that_something_may_come_to_has_a_type_with_words() -> None:
    tables = {
        "payment": PAYMENT,
        "refund": REFUND,
        "refund_link": CLAIM,
        "dispute": DISPUTE,
        "payout": PAYOUT,
        "membership": SUBSCRIPTION,
        "checkout": CHECKOUT,
        "order": ORDER,
    }
    states = {f"{name}.{state}" for name, table in tables.items() for state in table}
    # What an order and a checkout begin as is called by what happened.
    assert states - {"order.waiting", "checkout.open"} <= set(TYPES)
    assert {family_of(type_) for type_ in TYPES} == set(FAMILIES)


def test_a_payment_tells_its_life_in_order(shop: Shop) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, "succeeded")
    place(shop)
    events = events_of(shop)
    assert [event.type for event in events if event.type != "link.created"] == [
        "payment.created", "payment.requires_action", "payment.succeeded", "refund.requested", "refund.submitted", "refund.succeeded",
    ]  # fmt: skip
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    last = envelope(events[-1])
    assert last["data"]["object"] | {"created_at": 0, "sent_at": 0, "settled_at": 0} == {
        "id": refund.public_id, "object": "refund", "mode": "test", "status": "succeeded", "payment": payment.public_id,
        "amount": {"amount": 1000, "currency": "GBP"}, "reason": "requested_by_customer", "failure_reason": None,
        "created_at": 0, "sent_at": 0, "settled_at": 0,
    }  # fmt: skip
    assert last["sequence"] == len(events) and last["type"] == "refund.succeeded"


def test_a_refund_link_tells_its_life_and_of_its_payer_nothing(shop: Shop) -> None:
    with euros_at_another_bank():
        claim = named(shop, opened(shop, *failed_refund(shop)))
        refused = named(shop, opened(shop, *failed_refund(shop)))
        with unit(shop.app):
            refuse_claim(shop.vendor, again(refused), reason="The name is another one.", by=shop.user.public_id)
        approved(shop, claim)
        paying = refund_of(shop, claim)
        send(shop, paying)
        bank_says(shop, paying)
        bank_says(shop, paying, back="AC04")
    place(shop)
    events = [event for event in events_of(shop) if event.type.startswith("refund_link.")]
    told = [event.type.partition(".")[2] for event in events if event.subject == claim.public_id]
    assert told == ["open", "claimed", "approved", "paid", "failed"]
    assert [event.type.partition(".")[2] for event in events if event.subject == refused.public_id] == ["open", "claimed", "refused"]
    last = envelope(events[-1])["data"]["object"]
    assert (last["object"], last["status"], last["amount"], last["paid_by"]) == (
        "refund_link", "failed", {"amount": 4000, "currency": "EUR"}, paying.public_id,
    )  # fmt: skip
    whole = str([envelope(event) for event in events])
    assert THEIRS not in whole and "Ada" not in whole and "another one" not in whole and "account" not in last
    assert all(one["settled_at"] for one in (last, next(e.data["object"] for e in events if e.type.endswith(".paid"))))


def test_one_event_whose_object_cannot_be_read_holds_no_other_back(shop: Shop) -> None:
    with unit(shop.app):
        db.session.add(EventDraft(vendor_id=shop.vendor.id, mode="test", type="payment.succeeded", subject="no-number", at=now()))
    payment = make_paid(shop)
    place(shop)
    found = events_of(shop)
    assert found[0].data["object"] == {"id": "no-number", "object": "payment"}
    assert payment.public_id in [event.subject for event in found]


@pytest.mark.parametrize("problem", [AttributeError("no such field"), TypeError("not a number"), ZeroDivisionError(), RecursionError()])
def test_whatever_goes_wrong_with_one_object_the_others_are_told(shop: Shop, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    broken, whole = make_link(shop), make_link(shop)
    model, write = SHAPES["link"]

    def trips(vendor: Any, link: PaymentLink) -> dict[str, Any]:
        if link.public_id == broken.public_id:
            raise problem
        return write(vendor, link)

    monkeypatch.setitem(SHAPES, "link", (model, trips))
    place(shop)
    first, second = events_of(shop)
    assert (first.subject, first.data) == (str(broken.id), {"object": {"id": str(broken.id), "object": "link"}})
    assert second.data["object"] == write(shop.vendor, whole) | {"updated_at": second.data["object"]["updated_at"]}


def test_an_object_that_the_database_cannot_give_holds_no_other_back(shop: Shop) -> None:
    """A day without end can be stored and not be read: the driver refuses the whole row."""
    broken, whole = make_link(shop), make_link(shop)
    with unit(shop.app):
        db.session.execute(text("UPDATE payment_links SET archived_at = 'infinity' WHERE id = :id"), {"id": broken.id})
    with pytest.raises(DBAPIError):
        place(shop)
    with shop.app.app_context():
        assert relay_feed(shop.vendor.id, "test") == 3  # the change above is one as well
        assert relay_feed(shop.vendor.id, "test") == 0
    named = {"object": {"id": str(broken.id), "object": "link"}}
    told = [(event.subject, event.data == named) for event in events_of(shop)]
    assert told == [(str(broken.id), True), (whole.public_id, False), (str(broken.id), True)]


def test_the_snapshot_is_never_older_than_its_event(shop: Shop) -> None:
    make_paid(shop)
    place(shop)
    paid = next(event for event in events_of(shop) if event.type == "payment.succeeded")
    shown = paid.data["object"]
    assert (shown["status"], shown["captured"]["amount"], shown["payer"]) == (
        "succeeded",
        2500,
        {"email": "ada@example.com", "name": "Ada Payer"},
    )


def test_what_is_rolled_back_is_no_event(shop: Shop) -> None:
    link = make_link(shop)
    with shop.app.app_context(), pytest.raises(RuntimeError), unit_of_work():
        pause_link(again(link), by="usr_x")
        db.session.flush()
        raise RuntimeError
    place(shop)
    assert [event.type for event in events_of(shop)] == ["link.created"]
    with unit(shop.app):
        pause_link(again(link), by="usr_x")
    with unit(shop.app):
        resume_link(again(link), by="usr_x")
    place(shop)
    assert [event.type for event in events_of(shop)] == ["link.created", "link.paused", "link.active"]


def test_an_event_committed_late_is_not_skipped_by_whoever_reads_on(shop: Shop) -> None:
    """The early change waits in an open transaction while a later one is committed, relayed and read."""
    slow, quick = make_link(shop), make_link(shop)
    place(shop)
    changed, go = threading.Event(), threading.Event()

    def late() -> None:
        with unit(shop.app):
            pause_link(db.session.get(PaymentLink, (slow.vendor_id, slow.mode, slow.id)), by="usr_x")
            db.session.flush()
            changed.set()
            go.wait(60)

    thread = threading.Thread(target=late)
    thread.start()
    assert changed.wait(60)
    with unit(shop.app):
        pause_link(again(quick), by="usr_x")
    place(shop)
    with unit(shop.app):
        first = list_events(shop.vendor, "test")
    assert [event.subject for event in first.rows if event.type == "link.paused"] == [quick.public_id]
    go.set()
    thread.join(60)
    place(shop)
    with unit(shop.app):
        second = list_events(shop.vendor, "test", after=first.next)
    assert [(event.type, event.subject) for event in second.rows] == [("link.paused", slow.public_id)]


def test_two_relays_at_once_place_each_event_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(6):
        make_payment(shop)
    gave = at_once(*[lambda: relay(shop.vendor.id, "test")] * 4)
    assert not [one for one in gave if isinstance(one, Exception)]
    events = events_of(shop)
    assert len(events) == sum(gave) == 12  # six links and six payments
    assert sorted(event.position for event in events) == list(range(1, 13))
    with unit(shop.app):
        assert not db.session.scalar(db.select(func.count()).where(EventDraft.vendor_id == shop.vendor.id))


def test_a_vendor_with_a_long_row_hides_nobody(shop: Shop, first_shop: Shop) -> None:
    other = another_shop(first_shop)
    for _ in range(3):
        make_link(shop)
    make_link(other)
    with unit(shop.app):
        found = feeds_to_relay(100_000)
    assert found.count((shop.vendor.id, "test")) == found.count((other.vendor.id, "test")) == 1


def test_a_reader_goes_on_from_where_it_was(shop: Shop) -> None:
    make_paid(shop)
    place(shop)
    seen, after = [], None
    for _ in range(10):
        with unit(shop.app):
            page = list_events(shop.vendor, "test", after=after, limit=2)
        seen += [event.type for event in page.rows]
        after = page.next
        if not page.has_more:
            break
    assert seen == ["link.created", "payment.created", "payment.requires_action", "payment.succeeded"]
    with unit(shop.app):
        nothing = list_events(shop.vendor, "test", after=after)
    assert (nothing.rows, nothing.next, nothing.has_more) == ([], after, False)
    assert read(shop, types=["payment.succeeded"]) == ["payment.succeeded"]
    assert read(shop, types=["link.*"]) == ["link.created"]


def test_a_cursor_that_is_not_kept_any_more_says_so(shop: Shop, first_shop: Shop) -> None:
    make_link(shop)
    place(shop)
    (event,) = events_of(shop)
    with shifted(timedelta(days=91)), unit(shop.app):
        while prune_told(1000):
            pass
    make_link(shop)
    place(shop)
    with unit(shop.app), pytest.raises(CursorGone):
        list_events(shop.vendor, "test", after=event.public_id)
    (kept,) = events_of(shop)
    assert kept.position == 2  # it goes on counting
    with unit(shop.app), pytest.raises(NotFound):
        get_event(another_shop(first_shop).vendor, "test", kept.public_id)


def test_types_are_chosen_singly_or_by_family() -> None:
    assert check_types(["payment.*", "payout.paid", "payout.paid"], field="types") == ["payment.*", "payout.paid"]
    for wrong in ("payment", "payments.*", "payment.paid", "*", ""):
        with pytest.raises(NoSuchType):
            check_types([wrong], field="types")
    assert wants([], "payment.succeeded") and wants(["payment.*"], "payment.succeeded") and not wants(["payment.*"], "refund.failed")
    assert not wants([], "endpoint.test")
