"""What a document calls a plan: its name on the day it was charged, in whatever letters, and never the code it stands under on price lists."""

from __future__ import annotations

from datetime import date

from flask import Flask

from core.billing.models import BillingDocument
from core.kernel.money import Money
from core.memberships.plans import PlanTerms, change_plan
from core.subscriptions.sheet import sheet_of
from tests.core.billing.kept import at
from tests.core.memberships.joined import NOVEMBER, Joined, plan_named, sell
from tests.core.subscriptions.plans import Moment
from tests.factories import Shop, make_shop, unit


def titles(shop: Shop, document: BillingDocument) -> list[str]:
    with unit(shop.app):
        return [str(line.title) for line in sheet_of(document).lines]


def test_a_document_says_the_name_the_plan_had_on_its_day(app: Flask) -> None:
    shop = make_shop(app, business="Haus am See")
    sell(shop, "夜のヨガ", "10.00")
    ada = Joined(shop, NOVEMBER, "夜のヨガ")
    ada.answer(NOVEMBER)
    with Moment(app, at(date(2026, 11, 20))):
        terms = PlanTerms("Fünf-Uhr-Yoga", Money.of("10.00", shop.vendor.currency))
        change_plan(shop.vendor, plan_named(shop, "夜のヨガ"), terms=terms, by=shop.user.public_id)
    ada.to(date(2026, 12, 2))
    first, renewal = ada.documents()
    assert titles(shop, first) == ["夜のヨガ plan"]
    assert titles(shop, renewal) == ["Fünf-Uhr-Yoga plan"]
