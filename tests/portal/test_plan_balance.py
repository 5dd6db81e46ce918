"""The balance that is left when a plan has ended: its vendor has it back with one press, the staff with a reason."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.accounts.house import HOUSE
from core.billing.wishes import Cancel, ChooseTier
from core.kernel.clock import frozen
from core.kernel.db import db
from core.payments.refund_models import Refund
from tests.core.billing.kept import at
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit
from tests.portal.admin.people import make_staff
from tests.portal.plan_pages import life_of, looking
from tests.valid_html import problems_of_html

TENTH, ELEVENTH = date(2026, 11, 10), date(2026, 11, 11)
PATH = "/portal/plan/balance"


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def sent_back(life: Life) -> int:
    with unit(life.app):
        ids = [payment.id for payment in life.payments()]
        found = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(Refund.vendor_id == HOUSE, Refund.payment_id.in_(ids))
        return int(db.session.scalar(found) or 0)


def test_who_has_ended_its_plan_has_the_rest_back_once(app: Flask) -> None:
    life = life_of(app, "pro")
    life.wish(TENTH, Cancel(now=True))
    life.to(ELEVENTH)
    with looking(life.shop, ELEVENTH) as browser:
        ended = browser.get("/portal/plan")
        assert "Have it paid back" in ended.text and "are kept until 9 February 2027" in ended.text and "/portal/listings.zip" in ended.html
        page = browser.get(PATH)
        assert "£2.00" in page.text and "4242" in page.text and problems_of_html(page.html) == []
        done = browser.submit(page.form(PATH))
        assert "£2.00 is on its way back to you" in " ".join(done.notices)
        again = browser.submit(page.form(PATH), status=409)
        assert "Nothing was paid back" in again.text and "There is nothing to pay back" in again.text
    assert sent_back(life) == 200


def test_while_the_plan_runs_it_says_what_the_balance_is_for(app: Flask) -> None:
    life = life_of(app, "pro")
    life.wish(TENTH, ChooseTier("starter", now=True))
    with looking(life.shop, TENTH) as browser:
        page = browser.get(PATH)
        assert "the balance pays its next invoices" in page.text and "Pay £" not in page.text
    assert sent_back(life) == 0


def test_the_staff_pay_it_back_at_any_time_with_a_reason_the_vendor_reads(app: Flask) -> None:
    life = life_of(app, "pro")
    life.wish(TENTH, ChooseTier("starter", now=True))
    path = f"/staff/subscriptions/{life.row.public_id}/balance"
    with frozen(at(TENTH, 13)):
        staff = make_staff(app, "finance").browser()
        with unit(app):
            assert path in staff.get(f"/staff/subscriptions/{life.row.public_id}").html
        page = staff.get(path)
        refused = staff.submit(page.form(path), status=422, reason="")
        assert "Say in a few words why" in refused.text and problems_of_html(refused.html) == []
        staff.submit(refused.form(path), reason="They closed a shop and asked")
    assert sent_back(life) == 140
    with looking(life.shop, TENTH) as browser:
        assert "They closed a shop and asked" in browser.get("/portal/plan").text


def test_a_reviewer_reads_it_and_sends_nothing(app: Flask) -> None:
    life = life_of(app, "pro")
    life.wish(TENTH, ChooseTier("starter", now=True))
    path, reviewer = f"/staff/subscriptions/{life.row.public_id}/balance", make_staff(app, "reviewer").browser()
    page = reviewer.get(path)
    assert "£1.40" in page.text and not [e for e in page.all("form") if path in e.attrs.get("action", "")]
