"""Sending again: by hand, as a test, and everything that was missed in its newest state."""

from __future__ import annotations

import ast
import inspect
from datetime import timedelta
from typing import Any

import pytest

from core.hooks import endpoints
from core.hooks.catch_up import EndpointOff, NothingToSend, TooLongAgo, catch_up, missed, send_again, send_test
from core.hooks.deliver import give_back
from core.hooks.feed import list_events, newest_event
from core.hooks.samples import sample_of
from core.hooks.shapes import SHAPES
from core.hooks.types import TYPES
from core.kernel.clock import now
from tests.core.hooks.conftest import Hooked
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, ask_refund, make_paid, tell_refund, unit

HOUR = timedelta(hours=1)


def missed_of(hooked: Hooked, since: Any = None) -> tuple[int, int, int]:
    with unit(hooked.app):
        found = missed(hooked.shop.vendor, again(hooked.endpoint), since or now() - HOUR)
    return len(found.events), found.left_out, found.has


def off(hooked: Hooked) -> None:
    with unit(hooked.app):
        endpoints.switch_off(hooked.endpoint, why="by_hand", by="usr_x")


def on(hooked: Hooked) -> None:
    with unit(hooked.app):
        endpoints.switch_on(hooked.endpoint, by="usr_x")


def place(hooked: Hooked) -> None:
    while hooked.relay():
        pass


def test_a_receiver_that_was_away_gets_the_newest_state_of_each_object(hooked: Hooked) -> None:
    off(hooked)
    payment = make_paid(hooked.shop)
    refund = ask_refund(hooked.shop, payment, "5.00")
    tell_refund(hooked.shop, refund, "succeeded")
    place(hooked)
    on(hooked)
    assert missed_of(hooked) == (3, 4, 0)  # a link, a payment, a refund; two older states of each of the last two are left out
    assert hooked.turn() == 0  # looking sends nothing
    with unit(hooked.app):
        catch_up(hooked.shop.vendor, again(hooked.endpoint), now() - HOUR, by="usr_x")
    hooked.turn()
    assert hooked.receiver.types == ["link.created", "payment.succeeded", "refund.succeeded"]
    assert missed_of(hooked) == (0, 4, 3)


def test_older_states_that_still_wait_are_not_sent_after_the_newer_one(hooked: Hooked) -> None:
    hooked.receiver.answers = [(500, {})]
    hooked.pays()
    hooked.turn()  # the first one fails, and all of them wait
    with unit(hooked.app):
        catch_up(hooked.shop.vendor, again(hooked.endpoint), now() - HOUR, by="usr_x")
    hooked.turn()
    assert [one.state for one in hooked.deliveries()].count("superseded") == 4
    assert hooked.receiver.types[1:] == ["link.created", "payment.succeeded"]


def test_pressed_twice_at_once_it_sends_once(hooked: Hooked, at_once: AtOnce) -> None:
    off(hooked)
    hooked.pays()
    on(hooked)

    def press() -> Any:
        return catch_up(hooked.shop.vendor, again(hooked.endpoint), now() - HOUR, by="usr_x")

    gave = at_once(press, press, press)
    assert not [one for one in gave if isinstance(one, Exception)]
    hooked.turn()
    assert hooked.receiver.types == ["link.created", "payment.succeeded"]


def test_moments_that_are_not_kept_or_have_not_come_are_refused(hooked: Hooked) -> None:
    for since in (now() - timedelta(days=91), now() + HOUR):
        with unit(hooked.app), pytest.raises(TooLongAgo):
            missed(hooked.shop.vendor, hooked.endpoint, since)


def test_only_what_the_endpoint_wants_is_caught_up(hooked: Hooked) -> None:
    with unit(hooked.app):
        endpoints.change_endpoint(
            hooked.shop.vendor, hooked.endpoint, by="usr_x", address=hooked.receiver.address, name="", types=["refund.*"]
        )
    hooked.pays()
    assert hooked.deliveries() == [] and missed_of(hooked) == (0, 0, 0)


def test_a_delivery_is_sent_again_under_the_same_event_id(hooked: Hooked) -> None:
    hooked.pays()
    hooked.turn()
    first = hooked.deliveries()[-1]
    with unit(hooked.app):
        second = send_again(hooked.shop.vendor, again(first), by="usr_x")
    assert (second.cause, second.asked_by, second.event_id) == ("again", "usr_x", first.event_id) and second.public_id != first.public_id
    hooked.turn()
    ids = [headers["webhook-id"] for headers, _ in hooked.receiver.got]
    assert ids[-1] == ids[-2] and len(ids) == 5


def test_by_hand_it_leaves_although_the_endpoint_rests(hooked: Hooked) -> None:
    hooked.receiver.answers = [(503, {"Retry-After": "600"})]
    hooked.pays()
    hooked.turn()
    assert hooked.turn() == 0
    with unit(hooked.app):
        send_again(hooked.shop.vendor, again(hooked.deliveries()[0]), by="usr_x")
    assert hooked.turn() > 0


def test_a_test_event_goes_to_one_endpoint_only(hooked: Hooked) -> None:
    other = Hooked(hooked.shop, hooked.receiver)
    with unit(hooked.app):
        send_test(hooked.shop.vendor, again(hooked.endpoint), by="usr_x")
    assert hooked.turn() == 1 and other.turn() == 0
    (event,) = hooked.receiver.events
    assert event["type"] == "endpoint.test" and event["data"]["object"]["id"] == hooked.endpoint.public_id


def test_a_test_of_a_type_sends_what_really_happened(hooked: Hooked) -> None:
    payment = hooked.pays()
    hooked.turn()
    with unit(hooked.app):
        send_test(hooked.shop.vendor, again(hooked.endpoint), "payment.succeeded", by="usr_x")
        with pytest.raises(NothingToSend):
            send_test(hooked.shop.vendor, again(hooked.endpoint), "payment.sold", by="usr_x")
    hooked.turn()
    assert hooked.receiver.events[-1]["data"]["object"]["id"] == payment.public_id


def test_of_a_type_that_has_not_happened_a_marked_sample_is_sent_to_this_endpoint_alone(hooked: Hooked) -> None:
    other = Hooked(hooked.shop, hooked.receiver)
    with unit(hooked.app):
        for _twice in range(2):
            send_test(hooked.shop.vendor, again(hooked.endpoint), "payment.succeeded", by="usr_x")
    assert hooked.turn() == 2 and other.turn() == 0
    first, second = hooked.receiver.events
    assert first["id"] != second["id"] and first["data"]["object"]["id"] != second["data"]["object"]["id"], "no receiver drops it as known"
    assert {one["type"] for one in (first, second)} == {"payment.succeeded"} == {one["data"]["sample_of"] for one in (first, second)}
    assert first["data"]["object"]["status"] == "succeeded" and first["mode"] == "test"
    with unit(hooked.app):
        assert missed(hooked.shop.vendor, again(other.endpoint), now() - HOUR).events == [], "it is no event of its type for anybody else"
        assert newest_event(hooked.shop.vendor, "test", "payment.succeeded") is None
        assert list_events(hooked.shop.vendor, "test", types=["payment.*"]).rows == []


def test_of_live_mode_nothing_is_made_up(hooked: Hooked) -> None:
    with unit(hooked.app):
        real = endpoints.make_endpoint(hooked.shop.vendor, "live", name="Live", address="https://shop.example/hooks", types=[], by="usr_x")[
            0
        ]
        with pytest.raises(NothingToSend):
            send_test(hooked.shop.vendor, real, "payment.succeeded", by="usr_x")


@pytest.mark.parametrize("type_", TYPES)
def test_a_sample_has_the_fields_of_a_real_object(shop: Shop, type_: str) -> None:
    """Those that the code writes which tells of real ones, as they stand in its text."""
    family = type_.partition(".")[0]
    (written,) = [node.value for node in ast.walk(ast.parse(inspect.getsource(SHAPES[family][1]))) if isinstance(node, ast.Return)]
    assert isinstance(written, ast.Dict)
    sample = sample_of(shop.vendor, "test", type_)
    assert sample.keys() == {key.value for key in written.keys if isinstance(key, ast.Constant)}


def test_nothing_is_sent_to_one_that_is_off(hooked: Hooked) -> None:
    off(hooked)
    with unit(hooked.app), pytest.raises(EndpointOff):
        send_test(hooked.shop.vendor, again(hooked.endpoint), by="usr_x")
    with unit(hooked.app), pytest.raises(EndpointOff):
        catch_up(hooked.shop.vendor, again(hooked.endpoint), now() - HOUR, by="usr_x")
    with unit(hooked.app):
        give_back(hooked.key)


def test_the_catcher_shows_what_would_be_sent(hooked: Hooked) -> None:
    from workers.hooks import take_turn

    with unit(hooked.app):
        made = endpoints.make_catcher(hooked.shop.vendor, "test", by="usr_x")
        assert endpoints.make_catcher(hooked.shop.vendor, "test", by="usr_x").id == made.id
    hooked.pays()
    with hooked.app.app_context():
        assert take_turn((made.vendor_id, "test", made.id)) == 4
    assert hooked.receiver.got == []
    assert all(one.state == "delivered" for one in hooked.deliveries() if one.endpoint_id == made.id)
