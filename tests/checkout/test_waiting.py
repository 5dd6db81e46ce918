"""Pages that change by themselves while somebody looks at them: waiting for an outcome, the last minutes, a processor that is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.checkout.desk import Desk
from tests.checkout.test_stages import address_of
from tests.factories import fresh, make_link, make_payment, open_payment, tell, unit


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_waiting_page_turns_into_the_truth_by_itself(shop, visitor, scripts):
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "unknown")
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.page.goto(address_of(shop, payment))
    desk.sees("Checking with your bank")
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{payment.public_id}", captured=payment.amount)
    desk.sees("Paid")


def test_nobody_is_hurried_before_the_last_five_minutes(shop, visitor, app):
    from core.kernel.db import db

    payment = make_payment(shop)
    desk = Desk(visitor(), True)
    desk.page.goto(address_of(shop, payment))
    desk.sees("Pay by card")
    assert not desk.page.locator("#closing").is_visible()
    with unit(app):
        db.session.merge(fresh(shop, payment)).expires_at = payment.created_at + timedelta(minutes=4)
    desk.page.reload()
    desk.page.get_by_text("This page closes in 4 minutes.").wait_for()


def test_a_processor_that_is_away_is_told_and_the_next_try_works(payer, shop, monkeypatch):
    from checkout import try_card
    from core.providers.contract import ProviderUnreachable

    def away(*args, **kwargs):
        raise ProviderUnreachable("no answer", effect_unknown=True)

    page = payer.get(address_of(shop, make_payment(shop)))
    with monkeypatch.context() as patch:
        patch.setattr(try_card, "open_at_provider", away)
        told = payer.submit(page.form(f"{page.address}/attempts"), status=409)
    assert "cannot be reached just now. No money was taken." in told.text
    sent = payer.submit(told.form(f"{page.address}/attempts"), status=303, follow=False)
    assert "/c/pay/" in sent.response.headers["Location"]


def test_stripes_own_fields_are_used_when_the_payment_goes_through_stripe(shop, visitor, app):
    """Their script is replaced by one that answers as it does: what is looked at is our page and its content policy."""
    from core.kernel.db import db
    from core.payments.attempt import begin_attempt, record_opening
    from core.providers.contract import Opening

    payment = make_payment(shop, make_link(shop, amount="45.00"))
    with unit(app):
        row = db.session.merge(fresh(shop, payment))
        row.provider = "stripe"
        attempt = begin_attempt(shop.vendor, row, surface="fields")
        attempt.provider = "stripe"
        record_opening(shop.vendor, attempt, Opening(provider_reference="pi_1", client_secret="pi_1_secret_2", publishable_key="pk_test_1"))
    desk = Desk(visitor(), True)
    desk.page.route("https://js.stripe.com/**", lambda route: route.fulfill(content_type="text/javascript", body=STRIPE))
    desk.page.goto(address_of(shop, payment))
    desk.page.get_by_text("fields of pi_1_secret_2").wait_for()
    desk.page.get_by_role("button", name="Pay £45.00").click()
    desk.page.get_by_text("Your card was declined: try another.").wait_for()
    with desk.page.expect_request(lambda asked: asked.url.endswith("/return")) as gone:  # Stripe asked for no other page, so ours goes on
        desk.page.get_by_role("button", name="Pay £45.00").click()
    assert gone.value.url.endswith(f"{address_of(shop, payment)}/return")


STRIPE = """
let tries = 0;
window.Stripe = () => ({
  elements: ({ clientSecret }) => ({ create: () => ({ mount: (place) => { place.textContent = `fields of ${clientSecret}`; } }) }),
  confirmPayment: async () => {
    tries += 1;
    if (tries === 1) return { error: { message: "Your card was declined: try another." } };
    return {};
  },
});
"""
