"""The payer pays in the processor's fields and closes the browser; no webhook comes. Opening the link again shows the truth."""

from __future__ import annotations

from typing import Any

from tests.browser import Browser
from tests.factories import link_address, make_link
from tests.flows.test_refund_after_an_outage import CARD, of_the_sandbox


def test_a_payer_who_paid_and_closed_the_browser_reads_paid_when_the_link_is_opened_again(shop: Any) -> None:
    from core.kernel.db import db
    from core.payments.models import Attempt

    payer = Browser(shop.app)
    address = link_address(shop, make_link(shop))
    page = payer.get(address)
    page = payer.submit(page.form(), email="sam@example.com")
    token = page.form(f"{page.address}/attempts").values["csrf_token"]
    payer.client.post(f"{page.address}/attempts", data={"surface": "fields"}, headers={"HX-Request": "true", "X-CSRFToken": token})
    with shop.app.app_context():
        intent = db.session.scalar(db.select(Attempt.provider_reference).where(Attempt.vendor_id == shop.vendor.id))
    of_the_sandbox(f"payment_intents/{intent}/confirm", payment_method=CARD, return_url="http://127.0.0.1/")
    assert payer.get(address).heading == "Paid"
