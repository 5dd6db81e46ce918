"""Another way to pay than the one begun: the first is closed at the provider, and after a no there is another try."""

from __future__ import annotations

from tests.checkout.test_stages import address_of, form_token
from tests.checkout.ways import at_the_bank, attempts_of, choose, offer
from tests.factories import fresh, make_payment, unit
from tests.sandbox.running import answer_bank

# --- switching -----------------------------------------------------------------------------------------------------------


def test_choosing_another_way_closes_the_first_at_the_provider(payer, euro, sandbox):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    first = choose(payer, page, "bank_redirect")
    bank = at_the_bank(first, "ideal", sandbox)
    page = payer.get(page.address)
    assert page.heading == "Not finished yet" and page.form(f"{page.address}/attempts").values["method"] == "bank_redirect"
    second = choose(payer, page, "card")
    assert second != first
    assert attempts_of(euro, payment) == [(1, "bank_redirect", "abandoned", "hosted"), (2, "card", "action_required", "hosted")]
    answer_bank(bank, "approve")
    assert payer.get(f"{page.address}/return").heading == "Not finished yet"
    assert fresh(euro, payment).state == "requires_action"


def test_a_way_paid_at_the_moment_of_switching_is_paid_and_nothing_else_begins(payer, euro, sandbox):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    answer_bank(at_the_bank(choose(payer, page, "bank_redirect"), "ideal", sandbox), "approve")
    after = payer.submit(page.form(f"{page.address}/attempts"), method="card")
    assert after.heading == "Paid" and "iDEAL" in after.text
    assert [number for number, *_ in attempts_of(euro, payment)] == [1]


def test_fields_that_open_by_themselves_call_nothing_off(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    choose(payer, page, "bank_redirect")
    token = {"HX-Request": "true", "X-CSRFToken": form_token(payer, euro)}
    for values in ({"surface": "fields", "method": "card"}, {"surface": "fields"}):
        answer = payer.client.post(f"{page.address}/attempts", data=values, headers=token)
        assert answer.status_code == 200 and "iframe" not in answer.text
    assert attempts_of(euro, payment) == [(1, "bank_redirect", "action_required", "hosted")]
    answer = payer.client.post(f"{page.address}/attempts", data={"surface": "fields", "method": "card", "switch": "yes"}, headers=token)
    assert "/elements/card?client_secret=" in answer.text
    assert attempts_of(euro, payment) == [(1, "bank_redirect", "abandoned", "hosted"), (2, "card", "action_required", "fields")]


def test_pressing_the_same_way_twice_leads_to_the_same_page(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    assert choose(payer, page, "bank_redirect") == choose(payer, page, "bank_redirect")
    assert len(attempts_of(euro, payment)) == 1


def test_a_processor_that_cannot_say_whether_the_first_is_closed_lets_no_second_begin(payer, euro, monkeypatch):
    from checkout import try_card
    from core.providers.contract import Outcome

    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    choose(payer, page, "bank_redirect")
    monkeypatch.setattr(try_card, "close_at_provider", lambda payment, attempt: Outcome("unknown", attempt.provider_reference))
    payer.submit(page.form(f"{page.address}/attempts"), method="card", follow=True, status=None)
    assert [(method, state) for _, method, state, _ in attempts_of(euro, payment)] == [("bank_redirect", "unknown")]


def test_another_way_chosen_while_the_cards_fields_are_being_opened_closes_them(payer, euro, monkeypatch):
    """The card's try has no name at the processor when it is looked at, and has one a moment later."""
    from checkout import try_card
    from core.kernel.db import unit_of_work
    from core.payments.attempt import begin_attempt, close_at_provider, open_at_provider, record_opening

    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    with unit(euro.app):
        fields = begin_attempt(euro.vendor, payment, surface="fields", method="card")
    looked, back = [], f"https://portal.example{page.address}/return"

    def opened_in_the_other_request(of, attempt):
        outcome = close_at_provider(of, attempt)
        if not looked:
            opening = open_at_provider(euro.vendor, payment, fields, return_url=back, cancel_url=back)
            with unit_of_work():
                record_opening(euro.vendor, fields, opening)
        looked.append(outcome)
        return outcome

    monkeypatch.setattr(try_card, "close_at_provider", opened_in_the_other_request)
    choose(payer, page, "bank_redirect")
    assert [(method, state) for _, method, state, _ in attempts_of(euro, payment)] == [
        ("card", "abandoned"),
        ("bank_redirect", "action_required"),
    ]
    assert len(looked) == 2


# --- after a no ------------------------------------------------------------------------------------------------------------


def test_after_a_no_at_the_bank_another_way_may_be_chosen(payer, euro, sandbox):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    answer_bank(at_the_bank(choose(payer, page, "bank_redirect"), "ideal", sandbox), "refuse")
    page = payer.get(f"{page.address}/return")
    assert page.heading == "The payment did not go through" and "No money was taken." in page.text and "card" not in page.heading
    assert "Your bank did not carry it out." in page.text
    choose(payer, page, "card")
    assert [(method, state) for _, method, state, _ in attempts_of(euro, payment)] == [
        ("bank_redirect", "abandoned"),
        ("card", "action_required"),
    ]
