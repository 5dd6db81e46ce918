"""Whose transfers they were: handed out whole; taken away as far as they are no papers of the bank's, which explain the books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from core.customers.models import Customer
from core.customers.queries import find_customer
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.models import Payment
from core.payments.order_files import make_order_file, write_again
from core.payments.order_refused import refuse_order
from core.payments.personal_data import StillUnderWay, erase_person, personal_data
from core.payments.transfer_cases import give_back_transfer
from core.payments.transfer_models import Transfer, TransferReturn
from core.providers.bank_models import BankLine, BankOrder
from core.providers.bank_orders import find_order
from tests.core.payments.claims import THEIRS, approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.settled import lines
from tests.core.payments.transfers import PAYER, TestBank, begin_transfer, euros_at_another_bank, settle_order, transfer
from tests.core.payouts.sellers import send_waiting_orders
from tests.factories import Shop, again, fresh, make_link, make_payment, unit


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    with euros_at_another_bank():
        yield


def overpaid(shop: Shop, email: str = "ada@example.com") -> Payment:
    """Forty euros were asked for, and fifty came."""
    payment = make_payment(shop, make_link(shop, amount="40.00", currency="EUR"), email=email)
    attempt = begin_transfer(shop, payment)
    TestBank(shop, "EUR").tell(transfer(5_000, attempt.provider_reference or "", text="For Ada's cake"))
    return fresh(shop, payment)


def given_back(shop: Shop, payment: Payment) -> TransferReturn:
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id, reason="Ada paid too much")
    return returned


def customer_of(shop: Shop, payment: Payment) -> Customer:
    with unit(shop.app):
        found = find_customer(shop.vendor, payment.mode, payment.email)
    assert found is not None
    return found


def erased(shop: Shop, payment: Payment) -> None:
    with unit(shop.app):
        erase_person(shop.vendor, customer_of(shop, payment), by="usr_x")


def of(shop: Shop, kind: Any, payment: Payment) -> list[Any]:
    with shop.app.app_context():
        return list(db.session.query(kind).filter_by(vendor_id=shop.vendor.id, payment_id=payment.id))


def order_for(shop: Shop, reference: str) -> BankOrder:
    with shop.app.app_context():
        found = find_order("test", reference)
    assert found is not None
    return found


def test_all_of_it_is_handed_out(shop: Shop) -> None:
    payment = overpaid(shop)
    given_back(shop, payment)
    with unit(shop.app):
        told = personal_data(shop.vendor, customer_of(shop, payment))["payments"][0]
    assert told["transfers"] == [
        {
            "amount": "50.00", "currency": "EUR", "booked_on": now().date().isoformat(), "name": "Ada Payer", "account_ends_in": PAYER[-4:],
            "text": told["transfers"][0]["text"],
        }
    ]  # fmt: skip
    (back,) = told["sent_back_to"]
    assert (back["amount"], back["name"], back["iban"], back["state"]) == ("10.00", "Ada Payer", PAYER, "requested")


def test_the_vendors_rows_lose_the_person_and_the_banks_papers_stay(shop: Shop) -> None:
    payment, other = overpaid(shop), overpaid(shop, "ben@example.com")
    returned = given_back(shop, payment)
    with pytest.raises(StillUnderWay, match="on its way"):
        erased(shop, payment)
    assert [one.payer_name for one in of(shop, Transfer, payment)] == ["Ada Payer"], "what is under way is left alone"
    settle_order(TestBank(shop, "EUR"), returned.public_id)
    erased(shop, payment)
    assert [(one.payer_name, one.account_end, one.text, one.amount_minor) for one in of(shop, Transfer, payment)] == [("", "", "", 5_000)]
    assert [one.reason for one in of(shop, TransferReturn, payment)] == [""]
    assert [one.payer_name for one in of(shop, Transfer, other)] == ["Ada Payer"], "another payer's"
    order = order_for(shop, returned.public_id)
    assert (order.to_name, order.to_account, order.state) == ("Ada Payer", PAYER, "settled"), "it explains a journal"
    with shop.app.app_context():
        (line,) = db.session.query(BankLine).filter_by(payment=payment.public_id)
        assert (line.name, line.counter_account) == ("Ada Payer", PAYER)


def test_after_a_refund_link_the_account_is_the_banks_alone(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    send_waiting_orders(app)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    with unit(app):
        file = make_order_file("test", by="stf_one")
    bank_says(shop, paying)
    assert fresh(shop, claim).state == "paid" and lines(shop, payment, "claim.approved")
    erased(shop, payment)
    gone = fresh(shop, claim)
    assert (gone.holder, gone.iban, gone.masked, gone.state) == ("", "", "", "paid")
    assert order_for(shop, paying.public_id).to_account == THEIRS
    with app.app_context():
        assert write_again(file) == file.raw, "what was given to the bank is proved by its orders"


def test_what_no_bank_was_ever_given_loses_the_person(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    with unit(app):
        refuse_order(order_for(shop, paying.public_id), by="stf_one", reason="not this one")
    assert order_for(shop, paying.public_id).to_account == THEIRS
    erased(shop, payment)
    left = order_for(shop, paying.public_id)
    assert (left.to_name, left.to_account, left.to_bic, left.text) == ("", "", "", "")
    assert (left.state, left.amount_minor, left.failure_reason) == ("failed", 4_000, "not this one")
