"""Choosing how to pay, without scripts: what is listed, what the server enforces, switching, and answers that take days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.methods.rules import Bounds, bound_method, move_method, switch_method
from tests.checkout.test_stages import address_of, form_token
from tests.factories import fresh, make_link, make_payment, make_shop, tell, unit
from tests.sandbox.running import answer_bank, post_form, wait_until


def offer(shop, *methods):
    """Switches these on, whatever their order."""
    with unit(shop.app):
        for method in methods:
            switch_method(shop.vendor, "test", method, on=True, by="usr_test")


def bound(shop, method, **bounds):
    with unit(shop.app):
        bound_method(shop.vendor, "test", method, bounds=Bounds(**bounds), by="usr_test")


def listed(page):
    return [e.attrs["value"] for e in page.all("input", type="radio") if e.attrs["name"] == "method"]


def choose(payer, page, method, **more):
    """Presses the button with this way chosen; gives the address the payer is sent to."""
    sent = payer.submit(page.form(f"{page.address}/attempts"), method=method, status=303, follow=False, **more)
    return sent.response.headers["Location"]


def attempts_of(shop, payment):
    from core.payments.queries import list_attempts

    with shop.app.app_context():
        return [(a.number, a.method, a.state, a.surface) for a in list_attempts(shop.vendor, payment)]


def at_the_bank(location, kind, sandbox):
    """From the hosted page to the page of the bank or of the code."""
    status, onward, text = post_form(location, type=kind)
    assert status == 303, text
    return onward if onward.startswith("http") else sandbox + onward


@pytest.fixture
def euro(app):
    return make_shop(app, currency="EUR", country="NL")


@pytest.fixture
def sandbox(environment):
    return environment["SANDBOX_URL"]


# --- what is listed ----------------------------------------------------------------------------------------------------


def test_one_way_needs_no_choice(payer, shop):
    page = payer.get(address_of(shop, make_payment(shop)))
    assert page.heading == "Pay by card" and listed(page) == []


def test_several_ways_are_listed_in_the_sellers_order_and_the_first_is_chosen(payer, euro):
    offer(euro, "bank_redirect", "wallet")
    with unit(euro.app):
        move_method(euro.vendor, "test", "bank_redirect", up=True, by="usr_test")
        move_method(euro.vendor, "test", "bank_redirect", up=True, by="usr_test")
    page = payer.get(address_of(euro, make_payment(euro)))
    assert page.heading == "How would you like to pay?"
    assert listed(page) == ["bank_redirect", "card", "wallet"]
    assert page.form(f"{page.address}/attempts").values["method"] == "bank_redirect"
    for words in ("iDEAL, Bancontact", "Apple Pay, Google Pay", "Credit or debit card"):
        assert words in page.text


def test_a_way_that_may_take_days_says_so_in_the_list(payer, shop):
    offer(shop, "bank_redirect")
    assert "Can take up to 4 days." in payer.get(address_of(shop, make_payment(shop))).text


@pytest.mark.parametrize(
    ("bounds", "amount", "shown"),
    [
        ({"currency": "EUR", "minimum_minor": 2500}, "25.00", True),
        ({"currency": "EUR", "minimum_minor": 2501}, "25.00", False),
        ({"currency": "EUR", "maximum_minor": 2499}, "25.00", False),
        ({"currencies": ("GBP",)}, "25.00", False),
        ({"currencies": ("EUR",)}, "25.00", True),
    ],
)
def test_the_sellers_bounds_decide_what_is_listed(payer, euro, bounds, amount, shown):
    offer(euro, "bank_redirect", "wallet")
    bound(euro, "bank_redirect", **bounds)
    page = payer.get(address_of(euro, make_payment(euro, make_link(euro, amount=amount))))
    assert listed(page) == (["card", "wallet", "bank_redirect"] if shown else ["card", "wallet"])


def test_a_link_may_allow_some_only(payer, euro):
    offer(euro, "bank_redirect", "wallet")
    link = make_link(euro, methods=("card", "bank_redirect"))
    assert listed(payer.get(address_of(euro, make_payment(euro, link)))) == ["card", "bank_redirect"]
    alone = make_link(euro, methods=("bank_redirect",))
    page = payer.get(address_of(euro, make_payment(euro, alone)))
    assert page.heading == "Pay with: Your bank" and listed(page) == []


def test_the_country_is_asked_where_it_matters_and_narrows_the_list(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    assert listed(page) == ["card", "bank_redirect"]
    page = payer.submit(page.form(f"{page.address}/country"), country="NL")
    assert "Approve it in your online banking: iDEAL" in page.text and "Bancontact" not in page.text
    page = payer.submit(page.form(f"{page.address}/country"), country="JP")
    assert page.heading == "Pay by card" and page.form(f"{page.address}/country").values["country"] == "JP"
    page = payer.submit(page.form(f"{page.address}/country"), country="")
    assert listed(page) == ["card", "bank_redirect"]


@pytest.mark.parametrize("typed", ["XX", "Netherlands", "nl", "N\x00", "'; --", "N" * 5000])
def test_what_is_no_country_is_refused(payer, euro, typed):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    payer.submit(page.form(f"{page.address}/country"), country=typed, status=422)
    assert fresh(euro, payment).payer_country is None


def test_nobody_is_asked_for_a_country_that_decides_nothing(payer, shop):
    offer(shop, "wallet")
    page = payer.get(address_of(shop, make_payment(shop)))
    assert "Where do you pay from?" not in page.text


def test_when_nothing_fits_the_payer_is_told_whom_to_ask(payer, shop):
    payment = make_payment(shop)
    bound(shop, "card", currency="GBP", maximum_minor=100)
    page = payer.get(address_of(shop, payment))
    assert page.heading == "This cannot be paid here at the moment"
    assert shop.vendor.support_email in page.text
    assert payer.submit(page.form(f"{page.address}/cancel")).heading == "Payment cancelled"


# --- what the server enforces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["qr", "bank_transfer", "cash", "", "card\x00", "c" * 3000])
def test_a_way_that_is_not_open_is_refused_whatever_the_form_says(payer, shop, method):
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    refused = payer.submit(page.form(f"{page.address}/attempts"), method=method, status=409)
    assert "This way to pay is not open to this payment." in refused.text
    assert attempts_of(shop, payment) == []


def test_a_way_switched_off_while_the_page_was_open_is_refused(payer, euro):
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    with unit(euro.app):
        switch_method(euro.vendor, "test", "bank_redirect", on=False, by="usr_test")
    payer.submit(page.form(f"{page.address}/attempts"), method="bank_redirect", status=409)
    assert attempts_of(euro, payment) == []


def test_a_form_of_before_there_was_a_choice_pays_by_card(payer, shop):
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    payer.post(f"{page.address}/attempts", {"csrf_token": form_token(payer, shop), "surface": "hosted"}, status=303, follow=False)
    assert attempts_of(shop, payment) == [(1, "card", "action_required", "hosted")]


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


# --- answers that take days --------------------------------------------------------------------------------------------------


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


# --- through whom the money came -----------------------------------------------------------------------------------------------


def test_what_really_paid_is_written_down_also_when_another_way_was_chosen(payer, shop, sandbox, work, live_server):
    from tests.sandbox.running import pay

    offer(shop, "wallet")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    pay(choose(payer, page, "wallet"), "4000056655665556")
    page = payer.get(f"{page.address}/return")
    assert page.heading == "Paid" and "Visa debit ending in 5556" in page.text
    paid = fresh(shop, payment)
    assert (paid.method, paid.method_kind, paid.card_funding, paid.provider) == ("card", "card", "debit", "sandbox")


def test_news_that_name_no_kind_are_completed_by_later_ones(shop):
    """An event may leave out how it was paid; asking says it, and says it was another way than the chosen one."""
    from core.kernel.money import Money

    offer(shop, "wallet")
    payment = make_payment(shop)
    attempt = wallet_attempt(shop, payment)
    facts = {"charge": f"ch_{payment.public_id}", "captured": payment.amount}
    assert tell(shop, payment, attempt, "succeeded", **facts) == "settled"
    assert (fresh(shop, payment).method, fresh(shop, payment).method_kind) == ("wallet", None)
    more = {"card_brand": "visa", "card_last4": "4242", "card_funding": "credit", "method": "card", "kind": "card"}
    tell(shop, payment, attempt, "succeeded", **facts, **more, fee=Money(55, "GBP"), fee_reference="txn_1" + payment.public_id)
    known = fresh(shop, payment)
    assert (known.method, known.method_kind, known.card_funding, known.card_last4) == ("card", "card", "credit", "4242")


def wallet_attempt(shop, payment):
    from core.payments.attempt import begin_attempt, record_opening
    from core.providers.contract import Opening

    with unit(shop.app):
        attempt = begin_attempt(shop.vendor, payment, method="wallet")
        return record_opening(
            shop.vendor, attempt, Opening(provider_reference=f"cs_{payment.public_id}", redirect_url="http://127.0.0.1/x")
        )


def test_a_webhook_is_heard_for_the_provider_of_its_attempt(payer, euro, sandbox, work, live_server):
    """The payer never comes back: the event alone settles it."""
    offer(euro, "bank_redirect")
    payment = make_payment(euro)
    page = payer.get(address_of(euro, payment))
    answer_bank(at_the_bank(choose(payer, page, "bank_redirect"), "bancontact", sandbox), "approve")
    wait_until(lambda: (work(), fresh(euro, payment).state)[1] == "succeeded")
    assert payer.get(page.address).heading == "Paid"


def test_a_wallet_is_one_press_above_everything_else(payer, shop):
    offer(shop, "wallet")
    payment = make_payment(shop)
    page = payer.get(address_of(shop, payment))
    forms = [e for e in page.all("form") if e.attrs.get("id") in ("express", "card-leave")]
    assert [e.attrs["id"] for e in forms] == ["express", "card-leave"]
    sent = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
    assert sent.response.headers["Location"] and attempts_of(shop, payment) == [(1, "wallet", "action_required", "hosted")]


def test_without_a_wallet_or_beside_nothing_there_is_no_express_button(payer, shop):
    assert not payer.get(address_of(shop, make_payment(shop))).all("form", id="express")
    offer(shop, "bank_redirect")
    assert not payer.get(address_of(shop, make_payment(shop))).all("form", id="express")
