"""The export says what a payer bought and answered: way to pay, tip, tax, discount code, company, tax number and the seller's own questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from core.kernel.db import db
from core.kernel.money import Money
from core.payments.offer import Question, Tips
from core.payments.sale import Details
from core.payments.sale_models import PaymentDetail
from tests.core.payments.carts import LOAF, buy, code, link_with, paid, rate
from tests.core.payments.test_export import rows_of
from tests.factories import Shop, make_paid, make_shop, unit

ASKED = (
    {"slug": "size", "label": "Size", "kind": "select", "value": "Large"},
    {"slug": "gift", "label": "A gift?", "kind": "checkbox", "value": True},
    {"slug": "note", "label": "Note", "kind": "text", "value": "=1+1, \"please\""},
)  # fmt: skip


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def row_of(shop: Shop, number: str) -> dict[str, str]:
    return next(row for row in rows_of(shop) if row["number"] == number)


def begin(shop: Shop, link: Any, **order: Any) -> Any:
    with unit(shop.app):
        return buy(shop, link, **order)


def test_a_sale_with_everything_says_all_of_it(shop: Shop) -> None:
    vat = rate(shop, 2_000)
    code(shop, "HALF", bps=5_000)
    link = link_with(
        shop, items=(replace(LOAF, rate=vat),), tips=Tips((1_000,)), discounts=True, business=True, questions=(Question("size", "Size"),)
    )
    details = Details(company="Ada & Sons", tax_id="GB123456789", answers=ASKED)
    bought = paid(
        shop, begin(shop, link, choices={"code": "HALF", "quantities": {"itm_loaf": 2}, "tip": Money(100, "GBP")}, details=details)
    )
    row = row_of(shop, bought.public_id)
    assert (row["discount_code"], row["company"], row["tax_id"]) == ("HALF", "Ada & Sons", "GB123456789")
    assert (row["tax"], row["tip"], row["amount"]) == ("0.90", "1.00", "6.40"), "half of 9.00, a fifth of it, and the tip"
    assert row["answers"] == 'Size: Large\nA gift?: yes\nNote: =1+1, "please"'
    assert row["method"] == "card"


def test_a_plain_payment_has_empty_cells_for_it(shop: Shop) -> None:
    row = row_of(shop, make_paid(shop).public_id)
    assert {row[name] for name in ("discount_code", "company", "tax_id", "answers")} == {""}
    assert (row["tip"], row["tax"]) == ("0.00", "0.00")


def test_no_answer_is_a_formula(shop: Shop) -> None:
    payment = make_paid(shop)
    evil = {"slug": "x", "label": "=cmd|' /C calc'!A0", "kind": "text", "value": "1"}
    with unit(shop.app):
        key = {"vendor_id": shop.vendor.id, "mode": "test", "payment_id": payment.id}
        db.session.add(PaymentDetail(**key, company="+1", tax_id="@x", answers=[evil]))
    row = row_of(shop, payment.public_id)
    assert (row["company"], row["tax_id"]) == ("'+1", "'@x") and row["answers"].startswith("'=cmd")
