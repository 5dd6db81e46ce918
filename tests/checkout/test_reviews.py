"""Payers whom rules let through, refuse or send to review; and what becomes of a review: the money exact, and each act once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.lists import list_payments
from core.payments.queries import list_attempts, timeline
from core.payments.refund import request_refund
from core.payments.review import AUTHORISED_FOR, DecidedAlready, approve, claim_lapsed, decline, end_by_clock, list_reviews
from core.payments.review_models import Screening
from core.providers.registry import provider_named
from core.risk.lists import add_entry, find_hits
from core.risk.rules import Condition, Hit, Rule
from tests.browser import Form
from tests.factories import again, fresh, make_paid, release_all, unit
from tests.ruled import BY, ruled

if TYPE_CHECKING:
    from core.payments.models import Payment
    from tests.browser import Browser, Page
    from tests.factories import Shop

LARGE = Condition("amount", currency="GBP", minor=4_000)
REVIEW_LARGE = Rule("Large payment of 40", (LARGE,), "review")


@pytest.fixture(autouse=True)
def no_rules(shop: Shop) -> Iterator[None]:
    """Whatever a test puts in force is gone afterwards."""
    with ruled(shop.app):
        yield


def pressed(payer: Browser, path: str, email: str = "ada@example.com") -> Page:
    """Through the link, and a published card that is approved."""
    page = payer.submit(payer.get(path).form(), email=email)
    form = next(Form(page, e) for e in page.all("form") if e.attrs.get("action", "").endswith("/practice"))
    return payer.submit(form, scenario="approve")


def newest(shop: Shop) -> Payment:
    with shop.app.app_context():
        return list_payments(shop.vendor, "test").rows[0]


def review_of(shop: Shop, payment: Payment) -> Screening:
    with shop.app.app_context():
        return list_reviews(shop.vendor, payment)[-1]


def money(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        return {name: one.minor for (name, _, _), one in balances(shop.vendor, "test").items() if one}


def waiting(shop: Shop, payer: Browser, new_path: Callable[..., str], work: Callable[[], int]) -> tuple[Payment, Page]:
    page = pressed(payer, new_path())
    work()
    payment = newest(shop)
    assert (payment.state, review_of(shop, payment).state) == ("processing", "waiting") and money(shop) == {}
    return payment, page


def decided(shop: Shop, act: Callable[..., str], payment: Payment, **more: Any) -> str:
    with unit(shop.app):
        row = db.session.get_one(Screening, (shop.vendor.id, "test", review_of(shop, payment).id))
        return act(shop.vendor, row, by=more.pop("by", BY), **more)


def test_without_rules_nothing_is_written_down_and_the_card_is_charged_at_once(shop: Shop, payer: Browser, new_path: Any) -> None:
    pressed(payer, new_path())
    payment = newest(shop)
    with shop.app.app_context():
        assert payment.state == "succeeded" and not list_attempts(shop.vendor, payment)[0].screened
        assert list_reviews(shop.vendor, payment) == []


def test_a_reviewed_card_is_authorised_and_not_taken_until_somebody_approves(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, page = waiting(shop, payer, new_path, work)
        shown = payer.get(page.address)
        assert "This payment is being checked" in shown.text and "not taken" in shown.text
        for word in ("Large payment", "fraud", "rule", "suspicious"):
            assert word not in shown.text
        assert review_of(shop, payment).reasons == [{"rule": "Large payment of 40"}]
        assert decided(shop, approve, payment) == "approved"
        work()
        paid = fresh(shop, payment)
        assert (paid.state, paid.captured_minor) == ("succeeded", 4_500)
        assert money(shop)["seller_pending"] == 4_500 - paid.fee_minor
        assert decided(shop, approve, payment) == "approved", "the same press again"
        work()
        assert fresh(shop, payment).captured_minor == 4_500
    with shop.app.app_context():
        kinds = [event.kind for event in timeline(shop.vendor, payment)]
    assert kinds.count("payment.under_review") == kinds.count("payment.review_approved") == kinds.count("payment.succeeded") == 1


def test_of_two_people_the_first_decides_and_the_other_is_told(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, _ = waiting(shop, payer, new_path, work)
        decided(shop, decline, payment, by="stf_first")
        with pytest.raises(DecidedAlready):
            decided(shop, approve, payment, by="stf_second")
        work()
    assert fresh(shop, payment).captured_minor == 0 and money(shop) == {}


def test_what_is_not_accepted_is_let_go_and_both_read_so_in_neutral_words(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, page = waiting(shop, payer, new_path, work)
        assert decided(shop, decline, payment, words="Nobody answers the telephone") == "refunded"
        work()
        over = fresh(shop, payment)
        assert (over.state, over.decline_code, over.captured_minor, money(shop)) == ("requires_method", "not_accepted", 0, {})
        with shop.app.app_context():
            attempt = list_attempts(shop.vendor, payment)[0]
        with shop.app.app_context():
            assert provider_named("sandbox", "test").inquire(attempt.provider_reference or "").state == "canceled"
    shown = payer.get(page.address)
    assert "This payment was not accepted" in shown.text and "No money was taken" in shown.text
    theirs = payer.get(f"/checkout/{page.address.split('/')[2]}/history")
    assert "The payment was not accepted" in theirs.text
    vendors = shop.browser().get(f"/portal/payments/{payment.public_id}")
    assert "Checked: the payment is not accepted" in vendors.text and "not accepted by the platform’s checks" in vendors.text
    for text in (shown.text, theirs.text, vendors.text):
        assert "Large payment of 40" not in text and "telephone" not in text
    assert "A payment was not accepted after a check" in shop.browser().get("/portal/notices").text


def test_refused_as_fraud_the_payer_is_on_the_lists_and_the_next_try_is_refused_unasked(
    shop: Shop, payer: Browser, another_payer: Browser, new_path: Any, work: Any
) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, _ = waiting(shop, payer, new_path, work)
        assert review_of(shop, payment).address.startswith("2001:db8:") and review_of(shop, payment).card
        assert decided(shop, decline, payment, fraud=True, lists=["email", "card"]) == "fraud"
        work()
        assert money(shop) == {}
        path = new_path(amount="5.00")
        page = another_payer.submit(another_payer.get(path).form(), email="ada@example.com")
        shown = another_payer.submit(page.form(f"{page.address}/attempts"))
        blocked = newest(shop)
        assert (blocked.state, blocked.decline_code) == ("requires_method", "not_accepted")
        assert "This payment was not accepted" in shown.text and "list" not in shown.heading
        with shop.app.app_context():
            assert [attempt.provider_reference for attempt in list_attempts(shop.vendor, blocked)] == [None], "no processor was asked"
            assert find_hits("test", card=review_of(shop, payment).card) == (Hit("block", "card"),)
            assert find_hits("test", address=review_of(shop, payment).address) == (), "it was not ticked"
        pressed(another_payer, path, "somebody-else@example.org")  # the very card, under another name
        work()
        assert (newest(shop).state, newest(shop).decline_code, money(shop)) == ("requires_method", "not_accepted", {})


def test_fields_on_our_page_are_not_opened_for_a_refused_payer_and_nothing_is_counted_before_they_press(
    shop: Shop, payer: Browser, new_path: Any
) -> None:
    with ruled(shop.app, Rule("None of it", (LARGE,), "block")):
        page = payer.submit(payer.get(new_path()).form(), email="ada@example.com")
        form = page.form(f"{page.address}/attempts")
        payer.client.post(form.action, data={**form.values, "surface": "fields", "method": "card"})
        payment = newest(shop)
        with shop.app.app_context():
            assert (payment.state, list_attempts(shop.vendor, payment)) == ("created", [])
        assert "This payment was not accepted" in payer.submit(payer.get(page.address).form(f"{page.address}/attempts")).text


def test_the_clock_lets_go_before_the_authorisation_ends_and_says_so(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, _ = waiting(shop, payer, new_path, work)
        row = review_of(shop, payment)
        key = (row.vendor_id, row.mode, row.id)
        with unit(shop.app):
            assert key not in claim_lapsed()
            assert end_by_clock(shop.vendor, db.session.get_one(Screening, key)) == "waiting", "not before its time"
        with shifted(AUTHORISED_FOR + timedelta(minutes=1)):
            with unit(shop.app):
                assert key in claim_lapsed()
                assert end_by_clock(shop.vendor, db.session.get_one(Screening, key)) == "lapsed"
            work()
    assert (fresh(shop, payment).captured_minor, money(shop)) == (0, {})
    with shop.app.app_context():
        assert "payment.review_lapsed" in [event.kind for event in timeline(shop.vendor, payment)]
        from core.notifications.models import Message

        assert (
            db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="payment_failed", recipient="ada@example.com").count() == 1
        )


def test_a_review_whose_bank_has_let_go_has_nothing_left_to_decide(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment, _ = waiting(shop, payer, new_path, work)
        with shop.app.app_context():
            attempt = list_attempts(shop.vendor, payment)[0]
        from workers.payments import settle_attempt

        with shop.app.app_context():
            provider_named("sandbox", "test").cancel(attempt.provider_reference or "")
            settle_attempt(shop.vendor.id, mode="test", attempt=str(attempt.id))
        assert decided(shop, approve, payment) == "gone"
        work()
    assert (fresh(shop, payment).captured_minor, money(shop)) == (0, {})


def test_a_rule_about_the_card_lets_good_cards_pay_and_stops_the_third_payment(
    shop: Shop, payer: Browser, another_payer: Browser, new_path: Any, work: Any
) -> None:
    often = Rule("One card again and again", (Condition("often", of="card", most=1, hours=24),), "block")
    with ruled(shop.app, often):
        path = new_path(kind="reusable")
        pressed(payer, path, "one@example.com")
        work()
        assert newest(shop).state == "succeeded"
        pressed(another_payer, path, "two@example.com")
        work()
        assert (newest(shop).state, newest(shop).decline_code) == ("requires_method", "not_accepted")


def test_a_card_from_another_country_than_the_payer_says_is_reviewed(shop: Shop, payer: Browser, new_path: Any, work: Any) -> None:
    with ruled(shop.app, Rule("From elsewhere", (Condition("country"),), "review")):
        page = payer.submit(payer.get(new_path()).form(), email="ada@example.com")
        with unit(shop.app):
            from tests.factories import again

            again(newest(shop)).payer_country = "GB"  # the published card is from the US
        form = next(Form(page, e) for e in page.all("form") if e.attrs.get("action", "").endswith("/practice"))
        payer.submit(form, scenario="approve")
        work()
        assert review_of(shop, newest(shop)).reasons == [{"rule": "From elsewhere"}]


def test_who_is_on_the_allow_list_goes_past_every_rule(shop: Shop, payer: Browser, new_path: Any) -> None:
    with ruled(shop.app, Rule("None of it", (LARGE,), "block")):
        with unit(shop.app):
            add_entry("test", "allow", "domain", "example.com", reason="Our own people", by=BY)
        pressed(payer, new_path(), "ada@mail.example.com")
        assert newest(shop).state == "succeeded"


def test_a_new_payer_is_one_who_never_paid_this_seller(shop: Shop, payer: Browser, new_path: Any) -> None:
    make_paid(shop, email="old@example.com")
    with ruled(shop.app, Rule("New and large", (LARGE, Condition("new_payer")), "block")):
        pressed(payer, new_path(kind="reusable"), "old@example.com")
        assert newest(shop).state == "succeeded"


def test_money_that_could_not_be_held_is_reviewed_when_paid_waits_with_the_payment_and_is_refunded_whole(shop: Shop, work: Any) -> None:
    with ruled(shop.app, REVIEW_LARGE):
        payment = _paid_by_bank(shop)
        work()
        row = review_of(shop, payment)
        assert (row.state, row.held, row.lapses_at) == ("waiting", False, None)
        with shifted(timedelta(days=30)):
            release_all(shop.app)
            assert fresh(shop, payment).released_at is None, "nothing is released while somebody looks at it"
        for _ in range(2):
            assert decided(shop, decline, payment) == "refunded"
            assert fresh(shop, payment).refunding_minor == 4_500 and abs(money(shop)["refund_in_flight"]) == 4_500


def test_no_form_of_the_sellers_takes_the_place_of_the_refund_that_was_decided(shop: Shop, work: Any) -> None:
    """A refund of a penny under the very name that the decision would give its own: the payer gets all that is left all the same."""
    with ruled(shop.app, REVIEW_LARGE):
        payment = _paid_by_bank(shop)
        work()
        name = f"review-{review_of(shop, payment).public_id}"  # all that the field of a form takes
        with unit(shop.app):
            request_refund(shop.vendor, again(payment), amount=Money(1, "GBP"), reason="other", by="usr_seller", form_token=name)
        assert decided(shop, decline, payment, fraud=True) == "fraud"
        assert fresh(shop, payment).refunding_minor == 4_500


def _paid_by_bank(shop: Shop) -> Payment:
    """As the checkout does it, for a way to pay at which nothing can be authorised first."""
    from core.kernel.clock import now
    from core.payments.attempt import begin_attempt, record_opening
    from core.payments.weigh import keep_weighed, weigh_try
    from core.providers.contract import Opening
    from tests.factories import make_link, make_payment, tell

    payment = make_payment(shop, make_link(shop, amount="45.00"))
    with unit(shop.app):
        weighed = weigh_try(shop.vendor, payment, "bank_redirect", address="192.0.2.1")
        assert weighed and not weighed.hold
        attempt = begin_attempt(shop.vendor, again(payment), method="card")
        keep_weighed(payment, attempt, weighed)
    with unit(shop.app):
        attempt = record_opening(
            shop.vendor, again(attempt), Opening(provider_reference=f"cs_{attempt.public_id}", redirect_url="http://127.0.0.1/")
        )
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{attempt.public_id}", captured=payment.amount, occurred_at=now())
    return fresh(shop, payment)
