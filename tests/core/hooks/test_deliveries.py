"""Deliveries: tried again on a schedule, ended by what receivers say, written down try by try, and never lost between commit and sending."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.accounts.roles import list_holders
from core.hooks import endpoints
from core.hooks.deliver import LEASE, Heard, body_of, lend_endpoints, next_letter, record_try
from core.hooks.log import health_of, list_deliveries, tries_of
from core.hooks.models import Event, HookDelivery
from core.hooks.states import LARGEST_BODY, WAITS
from core.kernel.clock import frozen, now, shifted
from core.kernel.db import db
from core.notifications.models import Message, Notice
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import Receiver
from tests.core.payments.conftest import AtOnce
from tests.factories import again, make_link, unit
from workers.hooks import take_turn


def one_event(hooked: Hooked) -> HookDelivery:
    """A single event that waits to be sent."""
    make_link(hooked.shop)
    hooked.relay()
    (delivery,) = hooked.deliveries()
    return delivery


def tries(hooked: Hooked, delivery: HookDelivery) -> list[Any]:
    with unit(hooked.app):
        return tries_of(hooked.shop.vendor, delivery)


def test_what_is_taken_is_sent_once_and_written_down(hooked: Hooked) -> None:
    delivery = one_event(hooked)
    assert hooked.turn() == 1 and hooked.turn() == 0
    (sent,) = hooked.deliveries()
    assert (sent.state, sent.attempts, sent.status, sent.due_at) == ("delivered", 1, 200, None)
    (one,) = tries(hooked, delivery)
    assert (one.status, one.answer, one.problem) == (200, "noted", "") and one.answered["server"]
    assert one.sent["webhook-id"] == hooked.receiver.events[0]["id"]
    assert hooked.now().succeeded_at and hooked.now().due_at is None


@pytest.mark.parametrize("status", [500, 404, 301, 302, 307, 400, 199 + 101])
def test_only_2xx_is_a_success_and_redirects_are_not_followed(hooked: Hooked, status: int) -> None:
    one_event(hooked)
    hooked.receiver.answers = [(status, {"Location": hooked.receiver.address + "/elsewhere"})]
    hooked.turn()
    (delivery,) = hooked.deliveries()
    assert (delivery.state, delivery.attempts, delivery.status) == ("waiting", 1, status)
    assert hooked.receiver.paths == ["/webhooks"]
    assert hooked.now().failing_since is not None


def test_ten_tries_are_made_over_three_days_and_then_it_is_given_up(hooked: Hooked) -> None:
    one_event(hooked)
    hooked.receiver.answers = [(500, {})] * 20
    began, at, waits = now(), now(), []
    for _ in WAITS:
        with frozen(at):
            assert hooked.turn() == 1
        (delivery,) = hooked.deliveries()
        if delivery.due_at is not None:
            waits.append(delivery.due_at - at)
            with frozen(delivery.due_at - timedelta(seconds=1)):
                assert hooked.turn() == 0  # not a second early
            at = delivery.due_at
        if hooked.now().state == "off":  # nothing was taken for three days
            with unit(hooked.app):
                endpoints.switch_on(hooked.endpoint, by="usr_x")
            break
    for wait, planned in zip(waits, WAITS[1:], strict=False):
        assert planned <= wait <= planned * 1.1 + timedelta(seconds=1)
    assert timedelta(days=2) < at - began < timedelta(days=4)
    assert len(hooked.receiver.got) >= 9


def test_the_last_try_ends_it(hooked: Hooked) -> None:
    delivery = one_event(hooked)
    with unit(hooked.app):
        again(delivery).attempts = len(WAITS) - 1
    hooked.receiver.answers = [(500, {})]
    hooked.turn()
    (ended,) = hooked.deliveries()
    assert (ended.state, ended.attempts, ended.due_at) == ("failed", len(WAITS), None) and ended.ended_at


def test_410_switches_off_and_its_owner_hears_of_it(hooked: Hooked) -> None:
    one_event(hooked)
    hooked.receiver.answers = [(410, {})]
    hooked.turn()
    assert (hooked.now().state, hooked.now().why_off) == ("off", "answered_410")
    assert hooked.deliveries()[0].state == "canceled"
    with unit(hooked.app):
        about = {"vendor_id": hooked.shop.vendor.id, "about": hooked.endpoint.public_id}
        assert db.session.query(Notice).filter_by(**about, kind="webhook_stopped").count() == 1
        assert {letter.kind for letter in db.session.query(Message).filter_by(**about)} <= {"webhook_stopped"}
    make_link(hooked.shop)
    hooked.relay()
    assert len(hooked.deliveries()) == 1  # one that is off is told of nothing


def test_a_day_without_a_success_is_told_once_while_there_is_time_to_mend_it(hooked: Hooked) -> None:
    def told() -> int:
        with unit(hooked.app):
            about = {"vendor_id": hooked.shop.vendor.id, "about": hooked.endpoint.public_id, "kind": "webhook_failing"}
            holders = len(list_holders(hooked.shop.vendor, "keys.manage"))
            assert db.session.query(Message).filter_by(**about).count() == db.session.query(Notice).filter_by(**about).count() * holders
            return db.session.query(Notice).filter_by(**about).count()

    one_event(hooked)
    hooked.receiver.answers = [(500, {})] * 3
    hooked.turn()
    with shifted(timedelta(hours=23)):
        hooked.turn()
        assert told() == 0
    for days in (2, 2.5):
        hooked.receiver.answers = [(500, {})]
        with shifted(timedelta(days=days)):
            hooked.turn()
            assert (hooked.now().state, told()) == ("on", 1)


def test_three_days_without_a_success_switch_off(hooked: Hooked) -> None:
    one_event(hooked)
    hooked.receiver.answers = [(500, {}), (500, {})]
    hooked.turn()
    with shifted(timedelta(days=3, hours=8)):
        hooked.turn()
        assert (hooked.now().state, hooked.now().why_off) == ("off", "failing")


def test_one_success_begins_the_days_anew(hooked: Hooked) -> None:
    one_event(hooked)
    hooked.receiver.answers = [(500, {}), (200, {}), (500, {})]
    hooked.turn()
    with shifted(timedelta(days=2)):
        hooked.turn()
    assert hooked.now().failing_since is None
    with shifted(timedelta(days=4)):
        make_link(hooked.shop)
        hooked.relay()
        hooked.turn()
    assert hooked.now().state == "on" and hooked.now().failures == 1


@pytest.mark.parametrize(
    ("status", "asked", "least", "most"),
    [(429, "120", 120, 125), (503, "999999", 3600, 3600), (503, "soon", 0, 60), (500, "120", 0, 10), (429, "-5", 0, 60), (429, "٣", 0, 60)],
)
def test_retry_after_is_honoured_as_far_as_it_is_reasonable(hooked: Hooked, status: int, asked: str, least: int, most: int) -> None:
    delivery, at = one_event(hooked), now()
    with unit(hooked.app):
        letter = next_letter(hooked.key)
        assert letter
        with frozen(at):
            record_try(letter, Heard(status, 5, headers={"retry-after": asked}))
    waits = again_due(hooked, delivery) - at
    assert timedelta(seconds=max(least, 5)) <= waits <= timedelta(seconds=max(most, 6))
    rests = hooked.now().rest_until
    if least:
        assert rests and timedelta(seconds=least) <= rests - at <= timedelta(seconds=most)


def again_due(hooked: Hooked, delivery: HookDelivery) -> Any:
    with unit(hooked.app):
        return again(delivery).due_at


def test_a_retry_after_date_is_read(hooked: Hooked) -> None:
    delivery, at = one_event(hooked), now().replace(microsecond=0)
    with unit(hooked.app):
        letter = next_letter(hooked.key)
        assert letter
        until = (at + timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        with frozen(at):
            record_try(letter, Heard(503, 5, headers={"retry-after": until}))
    assert again_due(hooked, delivery) == at + timedelta(minutes=10)


def test_a_sender_killed_before_it_wrote_anything_down_is_followed_by_another(hooked: Hooked, only_these: Any) -> None:
    """Between commit and sending: the event, the delivery and its due time are committed; a lease that nobody ends runs out."""
    one_event(hooked)
    only_these(hooked)
    with hooked.app.app_context():
        assert lend_endpoints(5, slow=False) == [hooked.key]  # taken by one that dies here
        assert lend_endpoints(5, slow=False) == []
        with shifted(LEASE + timedelta(seconds=1)):
            assert lend_endpoints(5, slow=False) == [hooked.key]
            assert take_turn(hooked.key) == 1
    assert hooked.deliveries()[0].state == "delivered" and len(hooked.receiver.got) == 1


def test_a_sender_killed_after_sending_sends_the_same_event_again(hooked: Hooked) -> None:
    """At least once: the second time under the same id, so that the receiver knows it."""
    one_event(hooked)

    def killed(letter: Any) -> Heard:
        from workers.hooks import send

        send(letter)
        raise KeyboardInterrupt

    with hooked.app.app_context(), pytest.raises(KeyboardInterrupt):
        take_turn(hooked.key, killed)
    assert hooked.deliveries()[0].attempts == 0
    hooked.turn()
    first, second = hooked.receiver.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"] and first[1] == second[1]


def test_two_senders_never_have_the_same_endpoint(hooked: Hooked, only_these: Any, at_once: AtOnce) -> None:
    for _ in range(3):
        make_link(hooked.shop)
    hooked.relay()
    only_these(hooked)
    lent = at_once(*[lambda: lend_endpoints(5, slow=False)] * 4)
    assert sorted(map(len, lent)) == [0, 0, 0, 1]


def test_answers_are_kept_short_and_printable(hooked: Hooked) -> None:
    delivery = one_event(hooked)
    with unit(hooked.app):
        letter = next_letter(hooked.key)
        assert letter
        strange = b"\x00\xff<script>" + b"x" * 5000
        record_try(letter, Heard(500, 7, strange, {f"h{n}": "v" * 900 for n in range(99)} | {"a\x00": "\ud800"}))
    (one,) = tries(hooked, delivery)
    assert len(one.answer) == 2000 and "\x00" not in one.answer and len(one.answered) == 30


def test_a_body_that_is_too_large_names_its_object_only(hooked: Hooked) -> None:
    one_event(hooked)
    with unit(hooked.app):
        event = db.session.query(Event).filter_by(vendor_id=hooked.shop.vendor.id).one()
        assert len(body_of(event)) < 2000
        event.data = {"object": event.data["object"] | {"description": "ü" * LARGEST_BODY}}
        small = body_of(event)
    assert len(small) < 400 and b'"shortened":true' in small and event.subject.encode() in small


def test_the_log_is_narrowed_and_paged(hooked: Hooked) -> None:
    payment = hooked.pays()
    hooked.turn()
    with unit(hooked.app):

        def log(**more: Any) -> list[str]:
            return [line.event.type for line in list_deliveries(hooked.shop.vendor, hooked.endpoint, **more).rows]

        assert len(log()) == 4 and log(family="link") == ["link.created"] and log(state="failed") == []
        assert set(log(about=payment.public_id)) == {"payment.created", "payment.requires_action", "payment.succeeded"}
        first = list_deliveries(hooked.shop.vendor, hooked.endpoint, limit=3)
        assert len(first.rows) == 3 and len(log(after=first.next)) == 1
        assert health_of(hooked.shop.vendor, "test")[hooked.key[2]].delivered == 4


def test_a_receiver_that_nobody_listens_at_is_a_failure_and_rests(hooked: Hooked, receiver: Receiver) -> None:
    one_event(hooked)
    with unit(hooked.app):
        endpoints.change_endpoint(hooked.shop.vendor, hooked.endpoint, by="usr_x", address="http://localhost:9/nobody", name="", types=[])
    hooked.turn()
    (delivery,) = hooked.deliveries()
    (one,) = tries(hooked, delivery)
    assert (one.status, one.problem) == (None, "localhost did not answer.")
    state = hooked.now()
    assert state.slow and state.rest_until and state.rest_until > now()
