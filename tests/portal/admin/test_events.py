"""Events of processors: narrowed by what came of them and what they are about, and read beside their raw text."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from flask import Flask

from core.providers.inbox import receive_event
from tests.browser import Browser
from tests.factories import Shop, make_payment, open_payment
from tests.portal.admin.people import make_staff
from tests.portal.admin.test_pages import told


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app).browser()


def test_events_are_narrowed_by_what_came_of_them_and_what_they_are_about_and_read_beside_their_raw_text(
    app: Flask, shop: Shop, desk: Browser, work: Callable[[], int]
) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    names = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "attempt": attempt.public_id}
    placed, unknown = told(app, work, names), told(app, work, {"vendor": "vnd_x", "mode": "test", "payment": "pay_x"})
    for query, shows in (
        ("", (False, True)), ("show=handled", (True, False)), ("show=all&kind=payment", (True, True)), ("show=all&kind=refund", (False, False)),
        ("show=waiting", (False, False)), ("show=all&kind=other", (False, False)),
    ):  # fmt: skip
        html = desk.get(f"/staff/events?{query}").html
        assert (placed in html, unknown in html) == shows, query
    assert "cannot be used" in desk.get("/staff/events?kind=nonsense").text
    page = desk.get(f"/staff/events/sandbox/test/{placed}")
    facts = dict(zip([e.text for e in page.all("dt")], [e.text for e in page.all("dd")], strict=True))
    assert facts["About"] == "Payments" and facts["Payment"] == payment.public_id and facts["State"] == "Succeeded"
    assert facts["Taken"] == "£25.00" and '"object"' in page.text, "the raw text stands beside it"


def test_what_the_adapter_cannot_read_is_said_to_be_so(app: Flask, desk: Browser) -> None:
    event_id = f"evt_{secrets.token_hex(8)}"
    with app.app_context():
        receive_event(provider="sandbox", mode="test", event_id=event_id, type="payout.paid", raw='{"id": "po_1"}')
    assert "Our adapter cannot read it" in desk.get(f"/staff/events/sandbox/test/{event_id}").text
