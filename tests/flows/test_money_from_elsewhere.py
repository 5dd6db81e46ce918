"""What people do at the processor itself, past us: charge a payer twice, refund in its dashboard. It is booked, shown, and can be mended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from core.kernel.db import db
from core.ledger.queries import balances, find_breaks
from core.payments.refund_models import Refund
from tests.flows.visit import Visit
from tests.sandbox.running import ask, wait_until

REFUND_FAILS = "4000000000005126"


def at_the_processor(visit: Visit, path: str, **fields: Any) -> Any:
    """One call with the account's own key, as its dashboard makes it: it knows nothing of us."""
    headers = {"Authorization": f"Bearer {visit.processor.key}", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, text = ask("POST", f"{visit.processor.address}/v1/{path}", urlencode(fields), headers)
    assert status == 200, text
    return json.loads(text)


def charge_again(visit: Visit) -> str:
    """The payer's card is charged once more for the same payment, as a faulty shop or a person at the dashboard might."""
    mine = visit.processor.charges(visit.payment)[0]["metadata"]
    metadata = {f"metadata[{name}]": value for name, value in mine.items()}
    made = at_the_processor(
        visit, "payment_intents", amount=2500, currency="gbp", payment_method="pm_card_visa", confirm="true", **metadata
    )
    return str(made["latest_charge"])


def held(visit: Visit) -> dict[str, int]:
    with visit.shop.app.app_context():
        assert find_breaks(visit.shop.vendor.id, "test") == []
        return {name: money.minor for (name, _, _), money in balances(visit.shop.vendor, "test").items() if money}


def refunds(visit: Visit) -> list[Refund]:
    with visit.shop.app.app_context():
        return list(db.session.scalars(db.select(Refund).where(Refund.payment_id == visit.first.id).order_by(Refund.id)))


def truth(visit: Visit) -> dict[str, int]:
    """What the processor says it gave back, by charge."""
    return {charge["id"]: charge["amount_refunded"] for charge in visit.processor.charges(visit.payment)}


@pytest.fixture
def paid(visit: Visit) -> Visit:
    visit.browser.get(visit.pay())
    visit.told()
    visit.is_paid_once()
    return visit


def test_a_second_charge_is_given_back_from_the_payments_page(paid: Visit) -> None:
    charge = charge_again(paid)
    paid.told()
    seller, show = paid.shop.browser(), f"/portal/payments/{paid.first.public_id}"
    page = seller.get(show)
    assert "Money that was not expected" in page.text and "charged a second time" in page.text and charge in page.text
    assert "£25.00" in seller.get("/portal/balance/unexpected?currency=GBP").text
    page = seller.submit(page.form(f"{show}/unexpected"))
    assert "The money is being sent back" in page.text and f"{show}/unexpected" not in [f.attrs.get("action") for f in page.all("form")]
    paid.work()
    paid.told()
    assert truth(paid) == {paid.payment.charge: 0, charge: 2500}
    assert "unapplied_receipts" not in held(paid) and "refund_in_flight" not in held(paid)
    assert (paid.payment.refunded_minor, paid.letters("money_returned")) == (0, 1)
    shown = seller.get(show)
    assert "Refunded" in [e.text for e in shown.all("span", class_="badge")]
    assert "Sending back the money that was not expected" in shown.text
    assert seller.get(show).form(f"{show}/refunds").values["amount"] == "25.00", "the sale itself is untouched"


def test_the_button_pressed_in_two_windows_sends_it_back_once(paid: Visit) -> None:
    charge = charge_again(paid)
    paid.told()
    seller, show = paid.shop.browser(), f"/portal/payments/{paid.first.public_id}"
    here, there = seller.get(show).form(f"{show}/unexpected"), seller.get(show).form(f"{show}/unexpected")
    seller.submit(here)
    seller.submit(here)
    assert "on its way back already" in seller.submit(there, status=409).text
    paid.work()
    assert truth(paid)[charge] == 2500 and len(refunds(paid)) == 1


def test_a_return_the_processor_refuses_is_said_and_can_be_tried_again(paid: Visit) -> None:
    charge = charge_again(paid)
    paid.told()
    seller, show = paid.shop.browser(), f"/portal/payments/{paid.first.public_id}"
    paid.processor.story("webhook_lost")
    at_the_processor(paid, "refunds", charge=charge, amount=100)  # part of it went back there, and we have not heard
    seller.submit(seller.get(show).form(f"{show}/unexpected"))
    paid.work()
    page = seller.get(show)
    assert "The money is still held here" in page.text and "back in your balance" not in page.text
    assert page.form(f"{show}/unexpected") and held(paid)["unapplied_receipts"] == 2500


@pytest.mark.parametrize("story", [None, "webhook_doubled", "webhook_out_of_order"])
def test_a_refund_made_in_the_dashboard_is_in_the_books_and_on_the_page(paid: Visit, story: str | None) -> None:
    if story:
        paid.processor.story(story, seconds=0.3)
    at_the_processor(paid, "refunds", charge=paid.payment.charge, amount=1000)
    paid.told()
    paid.time_passes(timedelta(seconds=3))
    assert (paid.payment.refunded_minor, paid.payment.refunding_minor) == (1000, 0)
    assert held(paid)["psp_clearing"] == 1500 - (paid.payment.processor_fee_minor or 0)
    assert (paid.letters("refund_outside"), paid.letters("refund_sent"), len(refunds(paid))) == (1, 1, 1)
    page = paid.shop.browser().get(f"/portal/payments/{paid.first.public_id}")
    assert "Refunded at the processor, not from here" in page.text and "Partly refunded" in page.text
    assert all(row.handled_at for row in paid.inbox())


def test_a_dashboard_refund_that_the_bank_sends_back_is_the_sellers_again(visit: Visit) -> None:
    visit.browser.get(visit.pay(REFUND_FAILS))
    visit.told()
    at_the_processor(visit, "refunds", charge=visit.payment.charge)

    def failed() -> bool:
        visit.told()
        return [refund.state for refund in refunds(visit)] == ["failed"]

    wait_until(failed, 30)
    assert visit.payment.refunded_minor == 0 and held(visit)["seller_pending"] == 2500 - visit.payment.fee_minor


def test_ours_and_theirs_for_the_same_money_end_in_one_refund(paid: Visit) -> None:
    seller, show = paid.shop.browser(), f"/portal/payments/{paid.first.public_id}"
    seller.submit(seller.get(show).form(f"{show}/refunds"), amount="25.00")  # asked for, and not sent yet
    at_the_processor(paid, "refunds", charge=paid.payment.charge)
    paid.told()
    for minutes in (1, 3, 10):
        paid.time_passes(timedelta(minutes=minutes))
    assert truth(paid) == {paid.payment.charge: 2500}
    assert (paid.payment.refunded_minor, paid.payment.refunding_minor) == (2500, 0)
    assert sorted((refund.state, refund.requested_by == "provider") for refund in refunds(paid)) == [("failed", False), ("succeeded", True)]
    assert held(paid).get("seller_pending", 0) == 0 and "refund_in_flight" not in held(paid)


@pytest.mark.parametrize("story", ["webhook_doubled", "webhook_out_of_order", "timeout_after"])
def test_a_refund_that_was_asked_for_once_and_made_twice_is_in_the_books_twice(paid: Visit, story: str) -> None:
    paid.processor.story("refund_doubled")
    paid.processor.story(story, seconds=0.3, **({"times": 1, "path": "/v1/refunds"} if story == "timeout_after" else {}))
    seller, show = paid.shop.browser(), f"/portal/payments/{paid.first.public_id}"
    seller.submit(seller.get(show).form(f"{show}/refunds"), amount="10.00")
    paid.told()
    for minutes in (1, 3, 10):
        paid.time_passes(timedelta(minutes=minutes))
    assert truth(paid) == {paid.payment.charge: 2000}
    assert (paid.payment.refunded_minor, paid.payment.refunding_minor) == (2000, 0)
    assert sorted((refund.state, refund.requested_by == "provider") for refund in refunds(paid)) == [
        ("succeeded", False),
        ("succeeded", True),
    ]
    assert len({refund.provider_reference for refund in refunds(paid)}) == 2 and paid.letters("refund_outside") == 1
    assert held(paid)["psp_clearing"] == 500 - (paid.payment.processor_fee_minor or 0)
    assert "Refunded at the processor, not from here" in seller.get(show).text


def test_a_refund_of_a_charge_that_is_nobodys_changes_nothing(paid: Visit) -> None:
    made = at_the_processor(paid, "payment_intents", amount=700, currency="gbp", payment_method="pm_card_visa", confirm="true")
    before = held(paid)
    at_the_processor(paid, "refunds", charge=made["latest_charge"])
    paid.time_passes(timedelta(seconds=3))
    assert held(paid) == before and refunds(paid) == []
