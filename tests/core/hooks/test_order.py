"""Events of one object reach an endpoint in their order: a later one waits for an earlier one, a minute at most, and nobody else waits with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from core.hooks.catch_up import send_again, send_test
from core.hooks.deliver import lend_endpoints
from core.hooks.models import HookDelivery
from core.hooks.order import LONGEST_HOLD, held_until
from core.kernel.clock import frozen
from core.kernel.db import db
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import Receiver, receiving
from tests.factories import Shop, unit

STEPS = ["payment.created", "payment.requires_action", "payment.succeeded"]


def listening(shop: Shop, receiver: Receiver, *answers: tuple[int, dict[str, str]]) -> Hooked:
    """An endpoint that hears of payments and answers like this at first."""
    receiver.answers = list(answers)
    return Hooked(shop, receiver, types=["payment.*"])


def failed_first(shop: Shop, receiver: Receiver, *answers: tuple[int, dict[str, str]]) -> tuple[Hooked, datetime]:
    """Three events of one payment, of which the first was refused just now; and when the youngest of them was to be sent first."""
    hooked = listening(shop, receiver, *answers or [(500, {})])
    hooked.pays()
    youngest = max(one.due_at for one in hooked.deliveries() if one.due_at)
    with frozen(youngest):
        assert hooked.turn() == 1
    return hooked, youngest


def turn_at(hooked: Hooked, at: datetime) -> int:
    with frozen(at):
        return hooked.turn()


def test_later_events_wait_until_the_first_has_arrived(shop: Shop, receiver: Receiver) -> None:
    hooked, at = failed_first(shop, receiver)
    assert turn_at(hooked, at) == 0 and turn_at(hooked, at + timedelta(seconds=4)) == 0
    assert turn_at(hooked, at + timedelta(seconds=6)) == 3
    assert receiver.types == [STEPS[0], *STEPS]
    sequence = [event["sequence"] for event in receiver.events[1:]]
    assert sequence == sorted(sequence) and len(set(sequence)) == 3


def test_after_a_minute_they_go_anyway_and_still_one_after_the_other(shop: Shop, receiver: Receiver) -> None:
    hooked, at = failed_first(shop, receiver, (500, {}), (500, {}))
    assert turn_at(hooked, at + timedelta(seconds=6)) == 1  # in vain, and then again in five minutes
    first, *later = hooked.deliveries()
    made = min(one.created_at for one in later)
    assert first.due_at and first.due_at > at + timedelta(minutes=4)
    assert hooked.now().due_at == made + LONGEST_HOLD  # it is looked at again when the minute is over, and not before
    assert turn_at(hooked, made + LONGEST_HOLD - timedelta(milliseconds=1)) == 0
    assert turn_at(hooked, at + LONGEST_HOLD) == 2
    assert receiver.types == [STEPS[0], *STEPS]
    assert turn_at(hooked, first.due_at) == 1 and receiver.types[-1] == STEPS[0]


def test_a_turn_that_finds_only_held_ones_is_not_taken_again_and_again(shop: Shop, receiver: Receiver, only_these: Any) -> None:
    hooked, at = failed_first(shop, receiver)
    only_these(hooked)
    with hooked.app.app_context():
        for seconds, lent in (0, []), (4, []), (6, [hooked.key]):
            with frozen(at + timedelta(seconds=seconds)):
                assert lend_endpoints(5, slow=False) == lent


def test_what_is_due_together_after_a_long_rest_goes_in_its_order(shop: Shop, receiver: Receiver) -> None:
    """The first one failed and is due later than those behind it, whose minute is long over."""
    hooked, at = failed_first(shop, receiver, (503, {"Retry-After": "600"}))
    assert turn_at(hooked, at + timedelta(seconds=590)) == 0
    assert turn_at(hooked, at + timedelta(seconds=601)) == 3
    assert receiver.types == [STEPS[0], *STEPS]


def test_events_of_other_objects_are_not_held(shop: Shop, receiver: Receiver) -> None:
    hooked = listening(shop, receiver, (500, {}))
    held, other = hooked.pays(), hooked.pays()
    at = max(one.due_at for one in hooked.deliveries() if one.due_at)
    assert turn_at(hooked, at) == 1 and turn_at(hooked, at) == 3
    got = [(event["data"]["object"]["id"], event["type"]) for event in receiver.events]
    assert got == [(held.public_id, STEPS[0]), *((other.public_id, step) for step in STEPS)]


def test_another_endpoint_is_not_held(shop: Shop, receiver: Receiver) -> None:
    with receiving() as second:
        quick = listening(shop, second)
        hooked, at = failed_first(shop, receiver)
        assert turn_at(quick, at) == 3 and second.types == STEPS
    assert receiver.types == STEPS[:1] and turn_at(hooked, at) == 0


def test_one_that_is_given_up_holds_nothing_any_more(shop: Shop, receiver: Receiver) -> None:
    hooked, at = failed_first(shop, receiver)
    with unit(hooked.app):
        first = db.session.merge(hooked.deliveries()[0])
        first.state, first.due_at, first.ended_at = "failed", None, at
    assert turn_at(hooked, at) == 2 and receiver.types == STEPS


def test_what_a_person_asks_for_neither_waits_nor_holds_anything_up(shop: Shop, receiver: Receiver) -> None:
    hooked, at = failed_first(shop, receiver)
    with unit(hooked.app), frozen(at):
        send_test(shop.vendor, hooked.endpoint, STEPS[2], by="usr_x")
    receiver.answers = [(500, {})]
    assert turn_at(hooked, at) == 1 and receiver.types == [STEPS[0], STEPS[2]]
    with unit(hooked.app), frozen(at):
        send_again(shop.vendor, hooked.deliveries()[0], by="usr_x")
    receiver.answers = [(500, {})]
    assert turn_at(hooked, at) == 1  # refused: it waits for its second try, of an event with a smaller number
    hooked.pays()
    fresh = max(one.due_at for one in hooked.deliveries() if one.due_at and not one.attempts)
    assert turn_at(hooked, fresh) == 3 and receiver.types[-3:] == STEPS


def test_it_is_told_until_when_it_waits(shop: Shop, receiver: Receiver) -> None:
    hooked, at = failed_first(shop, receiver)
    first, second, _ = hooked.deliveries()
    with unit(hooked.app):
        with frozen(at):
            assert held_until(first) is None and held_until(second) == second.created_at + LONGEST_HOLD
        with frozen(at + LONGEST_HOLD):
            assert held_until(second) is None


def test_who_does_not_know_of_the_order_writes_deliveries_all_the_same(shop: Shop, receiver: Receiver) -> None:
    """A process older than the two columns leaves them out, while an update is on: PostgreSQL takes them from the event."""
    hooked, _ = failed_first(shop, receiver)
    old = [
        column.name for column in HookDelivery.__table__.columns if column.name not in ("id", "public_id", "cause", "subject", "position")
    ]
    names = ", ".join(old)
    for later in hooked.deliveries():
        with unit(hooked.app):
            db.session.execute(
                text(f"""INSERT INTO hook_deliveries (id, public_id, cause, {names})
                         SELECT gen_random_uuid(), left('old_' || public_id, 40), 'again', {names} FROM hook_deliveries WHERE id = :id"""),
                {"id": later.id},
            )
    events = {event.id: (event.subject, event.position) for event in hooked.events()}
    made = hooked.deliveries()
    assert len(made) == 6 and all((one.subject, one.position) == events[one.event_id] for one in made)
