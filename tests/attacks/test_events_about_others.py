"""Authentic events that name what is not theirs: another vendor's payment, another mode, another sum, another refund, a used charge."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time

import pytest

from core.kernel.config import settings
from core.kernel.db import db
from core.ledger.queries import balances
from core.providers.models import InboxEvent
from tests.factories import ask_refund, fresh, make_link, make_paid, make_payment, make_shop, open_payment, tell_refund


@pytest.fixture
def shop(app):
    return make_shop(app)


@pytest.fixture
def other(app):
    return make_shop(app, business="Next Door")


@pytest.fixture
def work(app):
    """The workers' work on money alone: letters and papers that other tests left behind are not waited for."""
    from workers.runner import drain

    def run():
        with app.app_context():
            while drain("money"):
                pass

    return run


def metadata(shop, payment, attempt=None, **more):
    named = {"vendor": shop.vendor.public_id, "mode": payment.mode, "payment": payment.public_id}
    return named | ({"attempt": attempt.public_id} if attempt else {}) | more


def paid_event(about, payment, *, amount=None, currency=None, charge=None):
    charge = charge or f"ch_{secrets.token_hex(8)}"
    intent = {
        "id": f"pi_{secrets.token_hex(8)}", "object": "payment_intent", "status": "succeeded", "latest_charge": charge, "metadata": about,
        "amount_received": payment.amount_minor if amount is None else amount, "currency": (currency or payment.currency).lower(),
    }  # fmt: skip
    return "payment_intent.succeeded", intent


def refund_event(about, refund, *, amount=None, identity=None):
    body = {
        "id": identity or f"re_{secrets.token_hex(8)}", "object": "refund", "status": "succeeded", "metadata": about,
        "amount": refund.amount_minor if amount is None else amount, "currency": refund.currency.lower(),
    }  # fmt: skip
    return "refund.updated", body


def send(client, *events, secret=None, mode="test", provider="sandbox", age=0):
    """Post events as the processor does; answers (status, event id) of each."""
    answers = []
    for kind, subject in events:
        event = {
            "id": f"evt_{secrets.token_hex(8)}", "object": "event", "type": kind, "created": int(time.time()), "livemode": False,
            "data": {"object": subject},
        }  # fmt: skip
        raw, at = json.dumps(event).encode(), int(time.time()) - age
        key = secret or settings().secrets["sandbox_webhook_secret"]
        mark = hmac.new(key.encode(), b"%d." % at + raw, hashlib.sha256).hexdigest()
        answer = client.post(f"/hooks/{provider}/{mode}", data=raw, headers={"Stripe-Signature": f"t={at},v1={mark}"})
        answers.append((answer.status_code, event["id"]))
    return answers


def results(app, answers):
    with app.app_context():
        return [db.session.get(InboxEvent, ("sandbox", "test", identity)).result for _, identity in answers]


def test_an_event_that_names_one_vendor_and_anothers_payment_settles_nothing(app, client, shop, other, work):
    """Also when the same batch holds honest events of both vendors."""
    target, honest, own = make_payment(other), make_payment(other), make_payment(shop)
    crossed = paid_event({**metadata(other, target), "vendor": shop.vendor.public_id}, target)
    answers = send(client, crossed, paid_event(metadata(other, honest), honest), paid_event(metadata(shop, own), own))
    work()
    assert results(app, answers) == ["unmatched", "settled", "settled"]
    assert fresh(other, target).state == "created"


@pytest.mark.parametrize("vendor", ["vnd_" + "0" * 22, "", "vnd_' OR 1=1 --", "💥"])
def test_an_event_of_no_vendor_settles_nothing(app, client, shop, work, vendor):
    payment = make_payment(shop)
    answers = send(client, paid_event({**metadata(shop, payment), "vendor": vendor}, payment))
    work()
    assert results(app, answers) == ["unmatched"] and fresh(shop, payment).state == "created"


def test_another_sum_is_booked_apart_and_is_not_the_sale(app, client, shop, work):
    for change in ({"amount": 1}, {"amount": 1_000_000}, {"currency": "jpy"}, {"currency": "eur"}):
        payment = make_payment(shop)
        answers = send(client, paid_event(metadata(shop, payment), payment, **change))
        work()
        assert results(app, answers) == ["mismatch"], change
        assert (fresh(shop, payment).state, fresh(shop, payment).captured_minor) == ("created", 0)
    with app.app_context():
        held = {name: amount.minor for (name, _, _), amount in balances(shop.vendor, "test").items() if name.startswith("seller")}
    assert not any(held.values()), "nothing of it is the seller's"


def test_an_attempt_of_another_payment_stays_as_it_was(app, client, shop, work):
    payment, neighbour = make_payment(shop), make_payment(shop)
    attempt = open_payment(shop, neighbour)
    send(client, paid_event(metadata(shop, payment, attempt), payment))
    work()
    assert fresh(shop, payment).state == "succeeded"
    assert (fresh(shop, neighbour).state, fresh(shop, attempt).state) == ("requires_action", "action_required")


def test_one_charge_pays_one_payment(app, client, shop, work):
    first, second, charge = make_payment(shop), make_payment(shop), f"ch_{secrets.token_hex(8)}"
    send(client, *(paid_event(metadata(shop, p), p, charge=charge) for p in (first, second)))
    work()
    assert sorted([fresh(shop, first).state, fresh(shop, second).state]) == ["created", "succeeded"]


def test_the_same_event_again_and_again_books_once(app, client, shop, work):
    payment = make_payment(shop)
    kind, subject = paid_event(metadata(shop, payment), payment)
    for _ in range(5):
        send(client, (kind, subject), ("charge.succeeded", charge_of(subject)))
        work()
    assert fresh(shop, payment).captured_minor == payment.amount_minor


def charge_of(intent):
    return {
        "id": intent["latest_charge"], "object": "charge", "captured": True, "amount_captured": intent["amount_received"], "created": int(time.time()),
        "currency": intent["currency"], "payment_intent": intent["id"], "metadata": intent["metadata"],
    }  # fmt: skip


def test_a_refund_event_settles_only_the_refund_it_is_about(app, client, shop, other, work):
    """Another sum, another vendor's name, another refund's number at the processor: none of them says that ours went through."""
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "5.00")
    tell_refund(shop, refund, "pending")
    reference = fresh(shop, refund).provider_reference
    about = metadata(shop, payment, refund=refund.public_id)
    answers = send(
        client,
        refund_event(about, refund, amount=1, identity=reference),
        refund_event(about, refund, amount=2_500, identity=reference),
        refund_event(about, refund),
        refund_event({**about, "vendor": other.vendor.public_id}, refund, identity=reference),
    )
    work()
    assert results(app, answers) == ["mismatch", "mismatch", "mismatch", "unmatched"]
    assert (fresh(shop, refund).state, fresh(shop, payment).refunded_minor) == ("pending", 0)
    assert results(app, send_and_work(client, work, refund_event(about, refund, identity=reference))) == ["settled"]
    assert fresh(shop, payment).refunded_minor == 500


def send_and_work(client, work, *events):
    answers = send(client, *events)
    work()
    return answers


def test_what_is_signed_for_somebody_else_is_not_for_us(app, client, shop):
    payment = make_payment(shop, make_link(shop))
    event = paid_event(metadata(shop, payment), payment)
    tries = [
        ({"secret": "whsec_" + "0" * 48}, 400), ({"secret": "whsec_"}, 400), ({"secret": settings().secrets["sandbox_api_key"]}, 400),
        ({"age": 301}, 400), ({"age": -301}, 400), ({"mode": "live"}, 404), ({"provider": "stripe"}, 404),
        ({"provider": "stripe", "mode": "live"}, 404), ({"provider": "Sandbox"}, 404), ({"mode": "TEST"}, 404),
    ]  # fmt: skip
    assert [send(client, event, **how)[0][0] for how, _ in tries] == [status for _, status in tries]
    assert fresh(shop, payment).state == "created"
