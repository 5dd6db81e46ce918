"""Saves a card the way a payer does: through our acts, on the processor's own page."""

from __future__ import annotations

import secrets
from typing import Any

from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.payments import saving
from core.payments.charge import charge_saved
from core.payments.models import Attempt, Payment
from core.payments.saved_models import SavedCard, SavedCharge, Saving
from tests.factories import Shop, again, fresh
from tests.sandbox.running import ask, pay, post_form

VISA, ASKS_ONCE, ASKS_ALWAYS, FAILS_LATER = "4242424242424242", "4000002500003155", "4000002760003184", "4000000000000341"


def new_address() -> str:
    return f"ada-{secrets.token_hex(6)}@example.com"


def ask_saving(shop: Shop, email: str, **more: Any) -> Saving:
    """Written down, and opened at the processor."""
    with unit_of_work():
        asked = saving.request_saving(
            shop.vendor, "test", email=email, name="Ada Payer", description="Bread every week", form_token=secrets.token_urlsafe(12), **more
        )
    urls = {"return_url": "http://shop.test/r", "cancel_url": "http://shop.test/c"}
    opening = saving.open_saving_at_provider(shop.vendor, asked, **urls)
    with unit_of_work():
        return saving.record_saving_opened(asked, opening)


def type_card(environment: dict[str, str], asked: Saving, number: str = VISA) -> None:
    """On the processor's page, with the bank's consent where it asks."""
    assert asked.redirect_url
    _, location, page = pay(asked.redirect_url, number)
    assert location, page
    if "/3ds/" in location:
        post_form(location if location.startswith("http") else environment["SANDBOX_URL"] + location, answer="approve")


def save_card(shop: Shop, environment: dict[str, str], number: str = VISA, email: str | None = None, **more: Any) -> SavedCard:
    asked = ask_saving(shop, email or new_address(), **more)
    type_card(environment, asked, number)
    outcome = saving.inquire_saving(asked)
    assert outcome is not None
    with unit_of_work():
        assert saving.settle_saving(asked, outcome) == "saved"
    done = fresh(shop, asked)
    with unit_of_work():
        return db.session.get_one(SavedCard, (done.vendor_id, done.mode, done.card_id))


def wish_charge(
    shop: Shop, card: SavedCard, amount: str = "25.00", *, reference: str = "", on_settled: str | None = None
) -> tuple[Payment, Attempt]:
    """Written down and committed; no worker has seen it."""
    reference = reference or secrets.token_hex(8)
    with unit_of_work():
        payment = charge_saved(
            shop.vendor,
            again(card),
            amount=Money.of(amount, "GBP"),
            description="Bread, October",
            reference=reference,
            on_settled=on_settled,
        )
    with unit_of_work():
        return payment, db.session.query(Attempt).filter_by(vendor_id=shop.vendor.id, mode="test", payment_id=payment.id, number=1).one()


def charge_row(payment: Payment) -> SavedCharge:
    with unit_of_work():
        return db.session.get_one(SavedCharge, (payment.vendor_id, payment.mode, payment.id), populate_existing=True)


def processor(environment: dict[str, str], method: str, path: str, body: str | None = None) -> Any:
    """What the processor itself says, by its own control calls."""
    import json

    headers = {"Authorization": f"Bearer {environment['SANDBOX_API_KEY']}", "Content-Type": "application/json"}
    status, _, text = ask(method, f"{environment['SANDBOX_URL']}/{path}", body, headers)
    assert status < 300, text
    return json.loads(text)


def charges_of(environment: dict[str, str], payment: Payment) -> list[dict[str, Any]]:
    """Every charge the processor made for a payment that took money."""
    found, after = [], ""
    while True:
        page = processor(environment, "GET", f"_sandbox/charges?after={after}")
        found += page["charges"]
        after = page.get("next") or ""
        if not after:
            return [one for one in found if one["metadata"].get("payment") == payment.public_id and one["amount_captured"]]
