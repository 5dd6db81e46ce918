"""Payments in the portal: the list, one payment's page and history, and refunds told truthfully."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.payments.refund_models import Refund
from core.providers.contract import ThreeDSecure
from tests.browser import Browser, Page
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import Seller
from tests.factories import Shop, ask_refund, fresh, make_declined, make_link, make_paid, make_payment, open_payment, tell, tell_refund


def refund(browser: Browser, payment_id: str, *, status: int = 200, **values: str) -> Page:
    show = f"/portal/payments/{payment_id}"
    return browser.submit(browser.get(show).form(f"{show}/refunds"), status=status, **values)


def refunds_of(shop: Shop) -> list[Refund]:
    with shop.app.app_context():
        return list(db.session.scalars(db.select(Refund).where(Refund.vendor_id == shop.vendor.id).order_by(Refund.id)))


# --- the list ---


def test_an_empty_list_teaches(owner: Browser) -> None:
    assert "No payments yet" in owner.get("/portal/payments").text


def test_filters_live_in_the_address_and_find_what_they_say(shop: Shop, owner: Browser) -> None:
    paid, declined = make_paid(shop, email="paid@example.com"), make_declined(shop, email="declined@example.com")
    both = owner.get("/portal/payments").text
    assert paid.reference in both and declined.reference in both
    for query, there, gone in (
        ("status=succeeded", paid, declined),
        ("status=requires_method", declined, paid),
        (f"q={paid.reference.lower()}", paid, declined),
        ("q=DECLINED@example.com", declined, paid),
        (f"q={declined.public_id}", declined, paid),
    ):
        text = owner.get(f"/portal/payments?{query}").text
        assert there.reference in text and gone.reference not in text, query
    assert paid.reference not in owner.get("/portal/payments?since=2099-01-01").text
    assert paid.reference in owner.get(f"/portal/payments?since={paid.created_at:%Y-%m-%d}&until={paid.created_at:%Y-%m-%d}").text


def test_what_came_afterwards_is_filtered_as_it_is_shown(shop: Shop, owner: Browser) -> None:
    made = {name: make_paid(shop, email=f"{name}@example.com") for name in ("kept", "refunded", "partly_refunded")}
    made["disputed"] = make_paid(shop, make_link(shop, currency="USD"))
    tell_refund(shop, ask_refund(shop, made["refunded"], "25.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, made["partly_refunded"], "5.00"), "succeeded")
    case_of(Seller(shop), made["disputed"]).tell()
    for status in ("refunded", "partly_refunded", "disputed"):
        for query in (f"status={status}", f"q=status:{status}"):
            text = owner.get(f"/portal/payments?{query}").text
            assert [name for name, payment in made.items() if payment.reference in text] == [status], query
        assert made[status].public_id in owner.get(f"/portal/payments.csv?status={status}").response.get_data(as_text=True)
    everything = owner.get("/portal/payments?status=succeeded").text
    assert all(payment.reference in everything for payment in made.values()), "all of them were paid"


def test_a_long_list_walks_by_key_and_keeps_its_filters(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, kind="reusable")
    references = [make_payment(shop, link).reference for _ in range(27)]
    first = owner.get("/portal/payments?status=created")
    older = next(address for address in first.links() if "after=" in address)
    assert "status=created" in older and references[-1] in first.text and references[0] not in first.text
    second = owner.get(older)
    assert references[0] in second.text and references[-1] not in second.text


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-02-30", "status=nonsense", "q=%00", "q=" + "x" * 300, "since=9999-99-99", "since=0001-01-01"]
)
def test_a_filter_that_cannot_be_used_is_said_and_not_used(shop: Shop, owner: Browser, query: str) -> None:
    paid = make_paid(shop)
    page = owner.get(f"/portal/payments?{query}")
    assert page.error_summary and paid.reference in page.text


@pytest.mark.parametrize("cursor", ["x", "pay_0000000000000000000000", "%00", "' OR 1=1", "9" * 5000])
def test_a_cursor_we_did_not_give_leads_nowhere(owner: Browser, cursor: str) -> None:
    assert owner.get(f"/portal/payments?after={cursor}", status=None).status in (400, 404)


def test_htmx_gets_the_rows_alone(shop: Shop, owner: Browser) -> None:
    make_paid(shop)
    assert owner.part("/portal/payments?status=succeeded").html.strip().startswith('<div id="payments">')


# --- one payment ---


def test_a_payment_shows_its_sums_and_its_whole_history(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    page = owner.get(f"/portal/payments/{paid.public_id}")
    assert page.heading == "£100.00" and "Paid £100.00" in page.text and "Fee −£1.50" in page.text and "You keep £98.50" in page.text
    told = [e.text for e in page.all("p", class_="moment-title")]
    assert told[-1] == "Payment started" and "Visa ending in 4242" in page.text
    assert told.index("Booked: Payment") == told.index("Paid") - 1, "the newest first: it is paid, and then booked"


def test_what_was_booked_stands_behind_what_it_was_booked_for_whatever_the_clock_of_the_database_says(shop: Shop, owner: Browser) -> None:
    with shifted(-timedelta(days=2)):
        paid = make_paid(shop, make_link(shop, amount="100.00"))
    with shifted(-timedelta(days=1)):
        refund = ask_refund(shop, paid, "10.00")
    with shifted(-timedelta(hours=20)):
        tell_refund(shop, refund, "succeeded")
    page = owner.get(f"/portal/payments/{paid.public_id}")
    told = [e.text for e in page.all("p", class_="moment-title")]
    story = [
        "Message: Refund sent", "Booked: Refund reached the payer", "Refunded", "Booked: Refund", "Refund asked for", "Booked: Payment", "Paid",
    ]  # fmt: skip
    assert [title for title in told if title in story] == story, told


def test_its_history_says_what_the_payers_bank_said(shop: Shop, owner: Browser) -> None:
    payment = make_payment(shop)
    secured = ThreeDSecure("authenticated", "challenge", "2.2.0")
    tell(
        shop,
        payment,
        open_payment(shop, payment),
        "succeeded",
        charge="ch_asked",
        captured=payment.amount,
        occurred_at=now(),
        secured=secured,
    )
    words = "3-D Secure 2.2.0: The payer’s bank asked them to confirm the payment, and they did"
    assert words in owner.get(f"/portal/payments/{payment.public_id}").text
    assert "3-D Secure" not in owner.get(f"/portal/payments/{make_paid(shop).public_id}").text


def test_a_declined_payment_says_why_and_offers_no_refund(shop: Shop, owner: Browser) -> None:
    page = owner.get(f"/portal/payments/{make_declined(shop).public_id}")
    assert "insufficient funds" in page.text and not any("/refunds" in f.attrs.get("action", "") for f in page.all("form"))


def test_a_payment_of_the_other_world_is_not_there(shop: Shop, owner: Browser) -> None:
    owner.get("/portal/payments/pay_0000000000000000000000", status=404)


# --- refunds ---


def test_the_form_offers_what_is_left(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    show = f"/portal/payments/{paid.public_id}"
    assert owner.get(show).form(f"{show}/refunds").values["amount"] == "15.00"


def test_a_refund_is_told_step_by_step(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    page = refund(owner, paid.public_id, amount="10.00", reason="duplicate", note="Paid twice on Friday.")
    assert "Asked for" in page.text and "£10.00 on its way back" in page.text and "Paid twice on Friday." in page.text
    assert "Refunded" not in [e.text for e in page.all("span", class_="badge")]
    (asked,) = refunds_of(shop)
    tell_refund(shop, asked, "pending")
    assert "On its way" in owner.get(f"/portal/payments/{paid.public_id}").text
    with shop.app.app_context():
        pending = db.session.get(Refund, (asked.vendor_id, asked.mode, asked.id))
        assert pending and pending.state == "pending"


def test_while_a_refund_is_on_its_way_all_that_says_how_it_stands_is_asked_for_again(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    refund = ask_refund(shop, paid, "5.00")
    page = owner.get(f"/portal/payments/{paid.public_id}")
    [asks] = [one for one in page.elements if one.attrs.get("id") == "refunds"]
    again = {part.removeprefix("#") for part in asks.attrs["hx-select-oob"].split(",")}
    assert again == {"sums", "standing", "history", "books"} <= {one.attrs["id"] for one in page.elements if "id" in one.attrs}
    tell_refund(shop, refund, "succeeded")
    done = owner.get(f"/portal/payments/{paid.public_id}")
    assert [one.text for one in done.elements if one.attrs.get("id") == "standing"] == ["Partly refunded"]


def test_a_refund_that_succeeded_says_refunded_and_one_that_failed_says_why(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "failed", failure_reason="expired_or_canceled_card")
    page = owner.get(f"/portal/payments/{paid.public_id}")
    badges = [e.text for e in page.all("span", class_="badge")]
    assert "Partly refunded" in badges and "Refunded" in badges and "Failed" in badges
    assert "Expired or canceled card. The money is back in your balance." in page.text
    assert fresh(shop, paid).refunded.minor == 1000 and fresh(shop, paid).refunding.minor == 0


@pytest.mark.parametrize("amount", ["25.01", "0", "-5", "NaN", "1e2", "٥", "1_0", "", "10.001", "9" * 30, "5\x00"])
def test_a_wrong_amount_is_refused_at_its_field_and_kept(shop: Shop, owner: Browser, amount: str) -> None:
    paid = make_paid(shop)
    page = refund(owner, paid.public_id, amount=amount, note="Kept note", status=422)
    form = page.form(f"/portal/payments/{paid.public_id}/refunds")
    assert page.errors and form.values["note"] == "Kept note" and not refunds_of(shop)
    assert form.values["amount"] == amount


def test_a_form_sent_twice_is_one_refund(shop: Shop, owner: Browser) -> None:
    show = f"/portal/payments/{make_paid(shop).public_id}"
    form = owner.get(show).form(f"{show}/refunds")
    owner.submit(form, amount="10.00")
    owner.submit(form, amount="10.00")
    assert [r.amount_minor for r in refunds_of(shop)] == [1000]


def test_nothing_more_than_was_paid_goes_back_over_several_refunds(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    refund(owner, paid.public_id, amount="20.00")
    page = refund(owner, paid.public_id, amount="5.01", status=422)
    assert any("At most" in error for error in page.errors)
    refund(owner, paid.public_id, amount="5.00")
    assert not any("/refunds" in f.attrs.get("action", "") for f in owner.get(f"/portal/payments/{paid.public_id}").all("form"))


def test_after_a_refusal_the_form_keeps_its_number(shop: Shop, owner: Browser) -> None:
    show = f"/portal/payments/{make_paid(shop).public_id}"
    form = owner.get(show).form(f"{show}/refunds")
    again = owner.submit(form, amount="99.00", status=422).form(f"{show}/refunds")
    assert again.values["form_token"] == form.values["form_token"]


@pytest.mark.parametrize(("tell", "letters"), [("y", 1), ("", 0)])
def test_whoever_refunds_decides_whether_the_payer_is_written_to(shop: Shop, owner: Browser, tell: str, letters: int) -> None:
    from core.notifications.queries import list_messages
    from core.payments.queries import list_refunds

    paid = make_paid(shop)
    form = owner.get(f"/portal/payments/{paid.public_id}").form(f"/portal/payments/{paid.public_id}/refunds")
    assert form.values["tell_payer"] == "y", "written to unless somebody says no"
    if not tell:
        del form.values["tell_payer"]
    owner.submit(form, amount="5.00")
    with shop.app.app_context():
        (refund,) = list_refunds(shop.vendor, paid)
    tell_refund(shop, refund, "succeeded")
    with shop.app.app_context():
        sent = [m for m in list_messages(shop.vendor, "test", about=paid.public_id).rows if m.kind == "refund_sent"]
    assert len(sent) == letters and fresh(shop, paid).refunded.minor == 500


def test_a_refund_form_that_is_refused_keeps_the_payers_letter_off(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    form = owner.get(f"/portal/payments/{paid.public_id}").form(f"/portal/payments/{paid.public_id}/refunds")
    del form.values["tell_payer"]
    refused = owner.submit(form, amount="5000", status=422)
    assert "tell_payer" not in refused.form(f"/portal/payments/{paid.public_id}/refunds").values


def test_of_what_all_went_back_no_day_is_named_from_which_it_is_available(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    show = f"/portal/payments/{paid.public_id}"
    assert "Available from" in owner.get(show).text
    tell_refund(shop, ask_refund(shop, paid), "succeeded")
    assert "Available from" not in owner.get(show).text
