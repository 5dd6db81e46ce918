"""What a payer sees of the guard: mostly nothing; else a proof with or without scripts, or a neutral page that loses nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.methods.rules import switch_method
from core.payments.queries import timeline
from core.payments.screen import hold_payment
from core.payments.start import payment_token
from core.risk import proof
from core.risk.attack import begin_by_hand
from core.risk.proof import WAIT_UNDER_ATTACK
from core.risk.score import LIMITS, Verdict
from sandbox.published import BY_NUMBER
from tests.factories import again, fresh, make_link, make_payment, make_shop, open_payment, unit
from tests.sight import barriers, wider_than_screen


def begin(shop, *, currency="GBP"):
    payment = make_payment(shop, make_link(shop, currency=currency), email="sam@example.com", name="Sam Whitlock")
    with shop.app.app_context():
        return payment, f"/checkout/{payment_token(shop.vendor, payment)}"


def attack(shop):
    with unit(shop.app):
        begin_by_hand(shop.vendor, "test", by=shop.user.public_id, hours=1)


def hold(shop, payment):
    with unit(shop.app):
        hold_payment(again(payment), Verdict(120, LIMITS[0]))


def press(payer, path, **more):
    page = payer.get(path)
    return payer.submit(page.form(f"{path}/attempts"), status=None, follow=False, **more)


def test_a_usual_payer_notices_nothing(shop, payer):
    _, path = begin(shop)
    sent = press(payer, path)
    assert sent.response.status_code == 303 and "/c/pay/" in sent.response.headers["Location"]


def test_under_attack_a_payer_without_scripts_waits_and_goes_on_to_the_card(shop, payer):
    payment, path = begin(shop)
    attack(shop)
    asked = press(payer, path)
    assert asked.heading == "One moment, please" and f"wait {WAIT_UNDER_ATTACK} seconds" in asked.text
    assert shop.vendor.support_email in asked.text
    early = payer.submit(asked.form(f"{path}/attempts"), status=200)
    assert "a little early" in early.text and fresh(shop, payment).state == "created"
    with shifted(timedelta(seconds=WAIT_UNDER_ATTACK + 2)):
        sent = payer.submit(early.form(f"{path}/attempts"), status=303, follow=False)
    assert "/c/pay/" in sent.response.headers["Location"]


def test_the_proof_of_one_payment_is_none_for_another(shop, payer):
    _, path = begin(shop)
    _, other = begin(shop)
    attack(shop)
    asked = press(payer, path).form(f"{path}/attempts")
    with shifted(timedelta(seconds=WAIT_UNDER_ATTACK + 2)):
        again_asked = press(payer, other, proof=asked.values["proof"], nonce="1")
    assert again_asked.heading == "One moment, please"


def test_a_held_payer_reads_what_to_do_and_whom_to_ask(shop, payer):
    payment, path = begin(shop)
    hold(shop, payment)
    page = payer.get(path)
    assert page.heading == "Card payments are paused here for a while"
    assert shop.vendor.support_email in page.text and "No money was taken" in page.text
    for word in ("fraud", "stolen", "suspicious", "blocked", "attack"):
        assert word not in page.text.lower()
    assert "Card payments were paused for a while" in payer.get(f"{path}/history").text


def test_no_form_of_another_tab_gets_past_the_hold(shop, payer):
    payment, path = begin(shop)
    form = payer.get(path).form(f"{path}/attempts")
    hold(shop, payment)
    sent = payer.submit(form, status=303, follow=False)
    assert sent.response.headers["Location"] == path and fresh(shop, payment).state == "created"


def test_after_half_an_hour_the_payment_goes_on_with_all_that_was_typed(shop, payer):
    payment, path = begin(shop)
    hold(shop, payment)
    with shifted(timedelta(minutes=31)):
        page = payer.get(path)
        assert page.heading == "Pay by card" and fresh(shop, payment).payer_name == "Sam Whitlock"
        assert "/c/pay/" in press(payer, path).response.headers["Location"]


def test_a_bank_transfer_stays_open_to_a_held_payer(app, payer):
    shop = make_shop(app, currency="USD", country="US")
    with unit(shop.app):
        switch_method(shop.vendor, "test", "bank_transfer", on=True, by=shop.user.public_id)
    payment, path = begin(shop, currency="USD")
    hold(shop, payment)
    page = payer.get(path)
    told = payer.submit(page.form(f"{path}/attempts"))
    assert fresh(shop, payment).method == "bank_transfer" and "IBAN" in told.text


def test_a_way_without_a_card_stays_open_too_and_is_not_asked_for_a_proof(app, payer):
    shop = make_shop(app, currency="EUR", country="NL")
    with unit(shop.app):
        switch_method(shop.vendor, "test", "bank_redirect", on=True, by=shop.user.public_id)
    payment, path = begin(shop, currency="EUR")
    attack(shop)
    hold(shop, payment)
    sent = payer.submit(payer.get(path).form(f"{path}/attempts"), status=303, follow=False)
    assert "/c/pay/" in sent.response.headers["Location"] and fresh(shop, payment).method == "bank_redirect"
    assert payer.get(path).heading == "Not finished yet", "and is not hidden behind the hold"


def test_a_card_page_that_is_open_is_called_off_by_a_worker(shop, payer, work):
    from core.payments.attempt import live_attempt

    payment, path = begin(shop)
    press(payer, path)
    hold(shop, payment)
    assert payer.get(path).heading == "Card payments are paused here for a while"
    work()
    with shop.app.app_context():
        assert live_attempt(again(payment)) is None


def test_the_history_says_why_to_the_vendor(shop):
    payment, _ = begin(shop)
    open_payment(shop, payment)
    hold(shop, payment)
    hold(shop, payment)
    with shop.app.app_context():
        assert [event.kind for event in timeline(shop.vendor, payment)].count("payment.held") == 1
    page = shop.browser().get(f"/portal/payments/{payment.public_id}")
    assert "it looked like card testing" in page.text and "Declined cards from one network address" in page.text


@pytest.mark.parametrize("scripts", [True, False])
def test_a_payer_proves_in_a_real_browser_and_pays(shop, visitor, monkeypatch, scripts):
    """With scripts the fields open by themselves after a moment; without, the payer waits and presses."""
    from tests.checkout.desk import APPROVED, Desk

    monkeypatch.setattr(proof, "WAIT_UNDER_ATTACK", 1)
    _, path = begin(shop)
    attack(shop)
    page = visitor(scripts=scripts)
    desk = Desk(page, scripts)
    page.goto(path)
    if scripts:
        page.locator("[data-frame]").wait_for()
        desk.card(APPROVED)
    else:
        page.get_by_role("button", name="Pay £").click()
        page.get_by_role("heading", name="One moment, please").wait_for()
        page.wait_for_timeout(1_200)
        page.get_by_role("button", name="Continue").click()
        desk.card_again(APPROVED)
    desk.sees("Paid")


def test_the_fields_open_in_the_page_however_early_the_number_is_found(shop, visitor, monkeypatch):
    from tests.checkout.desk import APPROVED, Desk

    monkeypatch.setattr(proof, "BITS_UNDER_ATTACK", 8)
    _, path = begin(shop)
    attack(shop)
    page = visitor()
    # htmx takes its time to listen to a new form: as on a slow phone with the solver kept from before
    page.add_init_script("if (top === self) addEventListener('DOMContentLoaded', () => { htmx.config.defaultSettleDelay = 1500 })")
    desk = Desk(page, True)
    page.goto(path)
    desk.card(APPROVED)
    desk.sees("Paid")


def test_scripts_solve_the_page_of_its_own_too(shop, visitor):
    _, path = begin(shop)
    attack(shop)
    page = visitor()
    page.route("**/js/checkout.js*", lambda route: route.abort())
    page.goto(path)
    page.get_by_role("button", name="Pay £").click()
    page.wait_for_url("**/c/pay/**")


def test_rubbish_in_the_fields_of_the_proof_is_only_asked_again(shop, payer):
    _, path = begin(shop)
    attack(shop)
    for sent, nonce in (("x" * 3000, "1"), ("é", "٣"), (secrets.token_urlsafe(200), "-"), ("a.b.c", "9" * 40)):
        assert press(payer, path, proof=sent, nonce=nonce).heading == "One moment, please"


def test_the_proof_is_free_of_barriers_and_whole_on_the_smallest_screen(shop, visitor):
    from tests.checkout.test_every_state import FOREIGN, SMALL

    _, path = begin(shop)
    attack(shop)
    page = visitor(scripts=False, phone=True)
    page.goto(path)
    page.get_by_role("button", name="Pay £").click()
    page.get_by_role("heading", name="One moment, please").wait_for()
    page.set_viewport_size(SMALL)
    whole = page.content()
    looked = visitor(phone=True)  # axe is a script itself; the page's own would be done with its work, and gone, before axe is
    looked.route("**/js/proof*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    looked.route("**/proof-page", lambda route: route.fulfill(body=whole, content_type="text/html"))
    looked.goto("/proof-page")
    assert not wider_than_screen(looked) and barriers(looked, without=FOREIGN) == []


def test_a_decline_at_the_processor_is_counted_with_its_card_wherever_the_news_comes_from(shop, payer, work):
    """From the pretend processor's page to the counters: it sends the mark of the card as Stripe does."""
    from core.risk.score import judge
    from tests.sandbox.running import pay

    payment, path = begin(shop)
    location = press(payer, path).response.headers["Location"]
    pay(location, "4000000000009995")
    payer.get(f"{path}/return")
    work()
    with shop.app.app_context():
        (event,) = [event for event in timeline(shop.vendor, payment) if event.kind == "attempt.declined"]
    card = BY_NUMBER["4000000000009995"].fingerprint
    scope = f"{shop.vendor.id}:test"
    assert judge(scope, {"card": card}).score == 100 // next(
        limit.most for limit in LIMITS if (limit.counted, limit.of) == ("links", "card")
    )
    for of, value in (("email", "sam@example.com"), ("link", str(payment.link_id)), ("vendor", str(shop.vendor.id))):
        assert judge(scope, {of: value}).score > 0, (of, event.detail)
