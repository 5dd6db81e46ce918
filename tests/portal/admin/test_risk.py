"""The staff's pages of rules, lists and reviews: written, tried, published, decided; by whom, and what bad input reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.payments.lists import list_payments
from core.payments.review import list_reviews
from core.payments.reviews_everywhere import list_waiting
from core.risk.rule_sets import draft, drop_draft, forget, published
from core.risk.rules import Condition, Rule
from tests.browser import Browser, Form, Page
from tests.factories import Shop, link_address, make_declined, make_link, make_paid, make_shop, unit
from tests.portal.admin.people import look_into, make_staff
from tests.ruled import ruled
from tests.valid_html import problems_of_html

RULES, LISTS, REVIEWS = "/staff/risk/test", "/staff/risk/test/lists", "/staff/reviews?mode=test"


@pytest.fixture(autouse=True)
def alone(app: Flask) -> Iterator[None]:
    with ruled(app):
        yield
        with unit(app):
            if (left := draft("test")) is not None:
                drop_draft("test", revision=left.revision)


def reviewer(app: Flask) -> Browser:
    return make_staff(app, "reviewer").browser()


def add(browser: Browser, **typed: str) -> Page:
    page = browser.get(RULES)
    return browser.submit(page.form(f"{RULES}/rules"), **{"name": "Large", "over": "400", "currency": "GBP", "action": "review", **typed})


def test_a_rule_is_written_tried_and_published_and_counts_only_then(app: Flask, shop: Shop) -> None:
    make_paid(shop, make_link(shop, amount="512.00"))
    make_declined(shop, make_link(shop, amount="701.00"))
    browser = reviewer(app)
    empty = browser.get(RULES)
    assert "No rule counts" in empty.text and problems_of_html(empty.html) == []
    page = add(browser)
    assert "over £400.00" in page.text and not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/publication")]
    with app.app_context():
        assert published("test") is None or not published("test").rules
    tried = browser.submit(page.form(f"{RULES}/trial"))
    assert "What it would have done" in tried.text and problems_of_html(tried.html) == []
    with app.app_context():
        row = draft("test")
        assert row and row.trial
        [one] = row.trial["rules"]
        assert one["payments"] >= 2 and one["payments"] > one["paid"] >= 1 and one["sums"]["GBP"] >= 121_300
        assert row.trial["totals"]["present"]["review"] == 0 and row.trial["totals"]["new"]["review"] == one["payments"]
    bad = browser.submit(tried.form(f"{RULES}/publication"), reason="", status=422)
    assert bad.error_summary
    done = browser.submit(bad.form(f"{RULES}/publication"), reason="Chargebacks in autumn")
    assert "counts from now on" in done.text and "Chargebacks in autumn" in done.text
    with app.app_context():
        row = published("test")
        assert row and [rule["name"] for rule in row.rules] == ["Large"]
        written = db.session.query(AuditEntry).filter_by(action="risk_rules.published")
        assert row.version in [entry.detail["version"] for entry in written]
    assert "over £400.00" in browser.get(f"{RULES}/versions/{row.version}").text
    browser.get(f"{RULES}/versions/999999", status=404)
    browser.get(f"{RULES}/versions/x", status=404)


def test_a_change_of_the_draft_asks_for_another_try_and_an_old_page_does_not_win(app: Flask) -> None:
    browser = reviewer(app)
    page = add(browser)
    old = browser.submit(page.form(f"{RULES}/trial"))
    add(browser, name="Larger", over="900")
    refused = browser.submit(old.form(f"{RULES}/publication"), reason="x", status=None)
    assert refused.status in (409, 422) and "Somebody has changed these rules meanwhile" in refused.text
    page = browser.get(RULES)
    assert not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/publication")]
    up = browser.submit(page.form(f"{RULES}/rules/1/up"))
    assert up.text.index("Larger") < up.text.index("1. Larger") + 20 and "2. Large" in up.text
    gone = browser.submit(up.form(f"{RULES}/rules/0/removal"))
    assert "Larger" not in gone.text
    assert "The draft is gone" in browser.submit(gone.form(f"{RULES}/draft/removal")).text


BAD = [
    ({"name": ""}, "Give the rule a name"),
    ({"over": ""}, "Choose at least one condition"),
    ({"over": "much"}, ""),
    ({"often_of": "email", "often_most": "", "often_hours": "3"}, "Enter a number from 1 to 400"),
    ({"often_of": "email", "often_most": "2", "often_hours": "99"}, "Enter a number from 1 to 24"),
    ({"action": "explode"}, "Choose one of these"),
    ({"action": "authenticate", "country": "1"}, "too late for 3-D Secure"),
    ({"action": "authenticate", "often_of": "card", "often_most": "2", "often_hours": "3"}, "too late for 3-D Secure"),
]


@pytest.mark.parametrize(("typed", "said"), BAD)
def test_a_bad_rule_is_refused_at_its_field_and_nothing_typed_is_lost(app: Flask, typed: dict[str, str], said: str) -> None:
    browser = reviewer(app)
    values = {"name": "My rule", "over": "400", "currency": "GBP", "action": "review", **typed}
    page = browser.submit(browser.get(RULES).form(f"{RULES}/rules"), status=422, **values)
    assert page.error_summary and said in page.text
    kept = page.form(f"{RULES}/rules").values
    assert all(kept[name] == values[name] for name in ("name", "over"))
    with app.app_context():
        assert draft("test") is None


def test_a_rule_that_asks_for_3_d_secure_is_written_tried_and_counts(app: Flask, shop: Shop) -> None:
    make_paid(shop, make_link(shop, amount="612.00"))
    browser = reviewer(app)
    page = add(browser, name="Ask the bank", action="authenticate", new_payer="1")
    assert page.text.count("Ask for 3-D Secure") >= 2 and problems_of_html(page.html) == []
    tried = browser.submit(page.form(f"{RULES}/trial"))
    with app.app_context():
        row = draft("test")
        assert row and row.trial and row.trial["totals"]["new"]["authenticate"] >= 1
        assert row.trial["totals"]["present"]["authenticate"] == 0
    done = browser.submit(tried.form(f"{RULES}/publication"), reason="Large payments of people we do not know")
    assert "counts from now on" in done.text
    with app.app_context():
        counts = published("test")
        assert counts and [rule["action"] for rule in counts.rules] == ["authenticate"]


def test_somebody_is_put_on_a_list_and_taken_off(app: Flask) -> None:
    browser = reviewer(app)
    page = browser.get(LISTS)
    assert "Nobody is on a list" in page.text
    wrong = browser.submit(page.form(LISTS), kind="card", value="4242424242424242", reason="x", status=422)
    assert "Never a card number" in " ".join(wrong.error_summary)
    there = browser.submit(wrong.form(LISTS), kind="domain", value="mail.example", reason="Throwaway addresses")
    assert "mail.example" in there.text and "Throwaway addresses" in there.text and problems_of_html(there.html) == []
    browser.submit(there.form(LISTS), kind="domain", value="mail.example", reason="Again", status=422)
    off = next(f.attrs["action"] for f in there.all("form") if f.attrs.get("action", "").endswith("/removal"))
    assert "Nobody is on a list" in browser.submit(browser.get(LISTS).form(off)).text
    browser.get(f"{LISTS}?after=x", status=404)


def test_whoever_only_reads_is_offered_nothing_to_change(app: Flask) -> None:
    browser = make_staff(app, "finance").browser()
    for path in (RULES, LISTS, REVIEWS):
        page = browser.get(path)
        assert [f for f in page.all("form") if "/staff/risk" in f.attrs.get("action", "")] == []


def _waiting(app: Flask, shop: Shop, work: Callable[[], int]) -> str:
    """A payment that waits; its review's number."""
    payer = Browser(app)
    page = payer.submit(payer.get(link_address(shop, make_link(shop, amount="512.00"))).form(), email="ada@example.com", name="Ada Payer")
    payer.submit(next(Form(page, e) for e in page.all("form") if e.attrs.get("action", "").endswith("/practice")), scenario="approve")
    work()
    with app.app_context():
        return list_reviews(shop.vendor, list_payments(shop.vendor, "test").rows[0])[0].public_id


def test_a_review_is_read_with_reasons_and_facts_and_ends_once(app: Flask, work: Callable[[], int]) -> None:
    shop = make_shop(app)
    with ruled(app, Rule("Large at once", (Condition("amount", currency="GBP", minor=40_000),), "review")):
        number = _waiting(app, shop, work)
        first, second = reviewer(app), reviewer(app)
        listed = first.get(REVIEWS)
        assert "Large at once" in listed.text and "£512.00" in listed.text and "ada@example.com" in listed.text
        assert problems_of_html(listed.html) == []
        page, late = first.get(f"/staff/reviews/{number}"), second.get(f"/staff/reviews/{number}")
        assert "0 paid of 0 begun" in page.text and "Put aside by the payer’s bank" in page.text and problems_of_html(page.html) == []
        done = first.submit(page.form(f"/staff/reviews/{number}/fraud"), words="The card is not hers")
        assert "It is not accepted" in done.text and "The card is not hers" in done.text
        told = second.submit(late.form(f"/staff/reviews/{number}/approval"), status=None)
        assert told.status in (409, 422) and "somebody else, or the clock, was faster" in told.text
        work()
        payment = "/staff/payments/" + _payment_of(app, shop)
        shown = look_into(first, payment)
        assert "Checked: the payment is not accepted" in shown.text
        [link] = [one.attrs["href"] for one in shown.all("a") if "/staff/reviews/" in one.attrs.get("href", "")]
        assert link == f"/staff/reviews/{number}" and payment in [
            one.attrs["href"] for one in first.get(link).all("a") if "href" in one.attrs
        ]
        lists = first.get(LISTS)
        assert "ada@example.com" in lists.text and "The card is not hers" in lists.text and _payment_of(app, shop) in lists.text
    with app.app_context():
        assert shop.vendor.id not in {vendor.id for vendor, _, _ in list_waiting("test")}
    forget()


def _payment_of(app: Flask, shop: Shop) -> str:
    with app.app_context():
        return list_payments(shop.vendor, "test").rows[0].public_id
