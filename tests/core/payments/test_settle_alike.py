"""A payment settled by itself ends as one settled in a batch: the same rows, whatever is told of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from core.kernel.clock import now
from core.kernel.db import driver, unit_begun
from core.kernel.money import Money
from core.payments.hear import Told
from core.payments.models import Attempt, Payment
from core.payments.settle import settle_at_once, settle_many
from core.providers.contract import Outcome, ThreeDSecure
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, fresh, make_link, make_payment, open_payment, unit

FACTS: dict[str, dict[str, Any]] = {
    "a card": {"card_brand": "visa", "card_last4": "4242", "card_funding": "credit", "method": "card", "kind": "card"},
    "a card whose bank asked": {"card_brand": "visa", "card_last4": "3184", "secured": ThreeDSecure("authenticated", "challenge", "2.2.0")},
    "no card": {},
    "a way without a card": {"method": "bank_redirect", "kind": "ideal"},
    "what the processor kept": {"card_brand": "visa", "card_last4": "4242", "fee": Money(55, "GBP"), "fee_reference": "txn_1"},
    "that it kept nothing": {"card_brand": "visa", "card_last4": "4242", "fee": Money(0, "GBP"), "fee_reference": "txn_1"},
}
# All that a capture writes, without what is its own each time: ids, instants, the charge.
WRITTEN = {
    "payments": """SELECT state, captured_minor, available_at IS NULL, card_brand, card_last4, card_funding, provider, method, method_kind,
                   processor_fee_minor, decline_code, holds_place, version FROM payments WHERE id = %s""",
    "attempts": "SELECT state, next_inquiry_at IS NULL FROM attempts WHERE payment_id = %s",
    "payment_events": """SELECT seq, kind, from_state, to_state, actor, detail - 'charge', cause LIKE 'evt_%%' FROM payment_events
                         WHERE payment_id = %s AND kind IN ('payment.succeeded', 'fee.recorded') ORDER BY seq""",
    "outbox": """SELECT queue, job, state, attempts, args ->> 'mode' FROM outbox WHERE job = 'payment_settled' AND args ->> 'payment' = %s::text""",
    "journals": """SELECT j.kind, j.n_legs, j.digest FROM journals j JOIN payments p ON p.public_id = j.about AND p.vendor_id = j.vendor_id
                   WHERE p.id = %s ORDER BY j.id""",
    "entries": """SELECT e.leg, e.code, e.sub, e.currency, e.amount_minor, e.ref FROM journals j
                  JOIN payments p ON p.public_id = j.about AND p.vendor_id = j.vendor_id
                  JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id
                  WHERE p.id = %s ORDER BY j.id, e.leg""",
}


def written(shop: Shop, payment: Payment) -> dict[str, list[Any]]:
    with unit(shop.app):
        return {table: driver().execute(question, (payment.id,)).fetchall() for table, question in WRITTEN.items()}


def outcome_of(payment: Payment, charge: str, facts: dict[str, Any]) -> Outcome:
    return Outcome(
        **{"state": "succeeded", "provider_reference": "cs", "charge": charge, "captured": payment.amount, "occurred_at": now()} | facts
    )


def by_itself(shop: Shop, payment: Payment, attempt: Attempt | None, outcome: Outcome) -> str:
    with shop.app.app_context():
        result = settle_at_once(shop.vendor, payment, attempt, outcome, cause="evt_one")
        assert not unit_begun() or result not in ("settled", "already")
        return result


def in_a_batch(shop: Shop, payment: Payment, attempt: Attempt | None, outcome: Outcome) -> str:
    with unit(shop.app):
        return settle_many([Told(shop.vendor, payment, attempt, outcome, "evt_many")])[0]


@pytest.mark.parametrize("with_attempt", [True, False], ids=["of an attempt", "of no attempt"])
@pytest.mark.parametrize("facts", FACTS.values(), ids=FACTS)
def test_both_ways_write_the_same(facts: dict[str, Any], with_attempt: bool, shop: Shop) -> None:
    link, seen = make_link(shop), []
    for number, way in enumerate((by_itself, in_a_batch)):
        payment = make_payment(shop, link)
        attempt = open_payment(shop, payment)
        outcome = outcome_of(payment, f"ch_{number}", facts if "fee" not in facts else facts | {"fee_reference": f"txn_{number}"})
        assert way(shop, payment, attempt if with_attempt else None, outcome) == "settled"
        seen.append(written(shop, payment))
    assert seen[0] == seen[1]
    kept = {"three_d_secure": {"result": "authenticated", "flow": "challenge", "version": "2.2.0"}} if "secured" in facts else {}
    assert seen[0]["payment_events"][0][5] == {"amount_minor": payment.amount_minor, "currency": payment.currency} | kept
    assert {table: len(rows) for table, rows in seen[0].items()} == {
        "payments": 1,
        "attempts": 1,
        "payment_events": 2 if "fee" in facts else 1,
        "outbox": 1,
        "journals": 2 if facts.get("fee") else 1,
        "entries": 5 if facts.get("fee") else 3,
    }


@pytest.mark.parametrize("way", [by_itself, in_a_batch], ids=["by itself", "in a batch"])
def test_both_ways_say_the_same_of_what_is_known(way: Any, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    assert way(shop, payment, attempt, outcome_of(payment, "ch_1", FACTS["no card"])) == "settled"
    before = written(shop, payment)
    assert way(shop, payment, attempt, outcome_of(payment, "ch_1", FACTS["no card"])) == "already"
    assert written(shop, payment) == before


def test_a_payment_that_there_is_not_is_said_to_be_unknown(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    outcome = outcome_of(payment, "ch_1", {})
    payment.id = attempt.id  # of nobody
    with shop.app.app_context():
        assert settle_at_once(shop.vendor, payment, None, outcome, cause="evt_1") == "unknown_payment"


def test_told_twice_at_once_by_itself_it_is_booked_once(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for number in range(30):
        payment = make_payment(shop, link)
        attempt = open_payment(shop, payment)
        act = partial(settle_at_once, shop.vendor, payment, attempt, outcome_of(payment, f"ch_{number}", {}), cause="evt_1")
        assert sorted(at_once(act, act, act)) == ["already", "already", "settled"]
        assert [len(rows) for rows in written(shop, payment).values()][3:5] == [1, 1]
        assert fresh(shop, payment).version == written(shop, payment)["payment_events"][-1][0]


def test_by_itself_and_in_a_batch_at_once_it_is_booked_once(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for number in range(20):
        payment = make_payment(shop, link)
        attempt = open_payment(shop, payment)
        outcome = outcome_of(payment, f"ch_{number}", {})
        one = partial(settle_at_once, shop.vendor, payment, attempt, outcome, cause="evt_1")
        many = partial(settle_many, [Told(shop.vendor, payment, attempt, outcome, "evt_2")])
        assert sorted(str(answer) for answer in at_once(one, many)) in (["['already']", "settled"], ["['settled']", "already"])
        assert [len(rows) for rows in written(shop, payment).values()][3:5] == [1, 1]
