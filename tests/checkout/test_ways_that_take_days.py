"""Ways to pay whose bank answers days later: what the payer reads meanwhile, and what a late yes or no does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.checkout.test_stages import address_of, form_token
from tests.checkout.ways import at_the_bank, attempts_of, choose, offer
from tests.factories import fresh, make_payment
from tests.sandbox.running import answer_bank


@pytest.fixture
def patience(environment):
    """Banks that answer later do so when the test says."""
    import json

    from tests.sandbox.running import ask

    def control(path, **body):
        headers = {"Authorization": f"Bearer {environment['SANDBOX_API_KEY']}", "Content-Type": "application/json"}
        status, _, text = ask("POST", f"{environment['SANDBOX_URL']}/_sandbox/{path}", json.dumps(body), headers)
        assert status in (200, 201), text

    control("stories", story="bank_late", seconds=3600, times=1)
    return lambda intent, outcome: control("processing", payment_intent=intent, outcome=outcome)


def delayed(payer, shop, sandbox, answer="late_yes"):
    """A payment whose bank takes its time; gives it with the page and the name the processor has for it."""
    from core.payments.queries import list_attempts
    from core.providers.registry import provider_named

    offer(shop, "bank_redirect")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    answer_bank(at_the_bank(choose(payer, page, "bank_redirect"), "pay_by_bank", sandbox), answer)
    page = payer.get(f"{page.address}/return")
    with shop.app.app_context():
        reference = list_attempts(shop.vendor, payment)[-1].provider_reference
    with shop.app.app_context():
        return payment, page, provider_named("sandbox", "test").inquire(reference).payment_intent


def letters(shop, payment, work):
    from core.notifications.queries import list_messages

    work()
    with shop.app.app_context():
        return [
            message.kind
            for message in list_messages(shop.vendor, "test", about=payment.public_id).rows
            if message.recipient == payment.email
        ]


def test_a_delayed_payment_is_explained_and_a_letter_says_the_same(payer, shop, sandbox, patience, work, live_server):
    payment, page, _ = delayed(payer, shop, sandbox)
    assert page.heading == "We have received your instruction"
    for words in ("This can take up to 4 days.", "Please do not pay again.", payment.email, payment.reference, "You can close this page."):
        assert words in page.text
    assert "fail" not in page.text.lower() and "declined" not in page.text.lower()
    assert letters(shop, payment, work) == ["instruction_received"]
    payer.get(f"{page.address}/return")
    assert letters(shop, payment, work) == ["instruction_received"]


def test_a_delayed_payment_does_not_expire_and_is_paid_days_later(payer, shop, sandbox, patience, work, live_server):
    from core.kernel import clock
    from workers.schedule import tick

    payment, page, intent = delayed(payer, shop, sandbox)
    with clock.shifted(timedelta(days=3)):
        with shop.app.app_context():
            tick()
        work()
        assert fresh(shop, payment).state == "processing"
        assert payer.get(page.address).heading == "We have received your instruction"
    patience(intent, "succeeded")
    with clock.shifted(timedelta(days=3)):
        page = payer.get(f"{page.address}/return")
    assert page.heading == "Paid" and "Pay by Bank" in page.text
    paid = fresh(shop, payment)
    assert (paid.state, paid.method, paid.method_kind, paid.captured_minor) == (
        "succeeded",
        "bank_redirect",
        "pay_by_bank",
        paid.amount_minor,
    )
    with clock.shifted(timedelta(days=3)):
        assert "receipt" in letters(shop, payment, work)


def test_the_waiting_part_of_a_delayed_payment_looks_again_slowly_and_sends_on(payer, shop, sandbox, patience):
    _, page, intent = delayed(payer, shop, sandbox)
    part = payer.part(f"{page.address}/state")
    assert "delay:60s" in part.html and "We have received your instruction" in part.text
    patience(intent, "succeeded")
    payer.get(f"{page.address}/return")
    assert payer.client.get(f"{page.address}/state", headers={"HX-Request": "true"}).headers["HX-Redirect"] == page.address


def test_a_late_no_gives_a_day_to_pay_in_another_way(payer, shop, sandbox, patience, work):
    from core.kernel import clock
    from workers.schedule import tick

    payment, page, intent = delayed(payer, shop, sandbox, "late_no")
    patience(intent, "failed")
    with clock.shifted(timedelta(days=2)):
        page = payer.get(f"{page.address}/return")
        assert page.heading == "The payment did not go through" and "No money was taken." in page.text
        with shop.app.app_context():
            tick()
        work()
        assert payer.get(page.address).heading == "The payment did not go through"
        assert "/c/pay/" in choose(payer, page, "card")
    assert [(method, state) for _, method, state, _ in attempts_of(shop, payment)] == [
        ("bank_redirect", "declined"),
        ("card", "action_required"),
    ]


def test_a_delayed_payment_cannot_be_cancelled_or_paid_again_meanwhile(payer, shop, sandbox, patience):
    payment, page, _ = delayed(payer, shop, sandbox)
    token = form_token(payer, shop)
    for act in ("cancel", "attempts", "country"):
        after = payer.post(f"{page.address}/{act}", {"csrf_token": token, "method": "card", "country": "GB"}, status=200)
        assert after.heading == "We have received your instruction"
    assert len(attempts_of(shop, payment)) == 1
