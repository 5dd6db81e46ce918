"""A member's own page and the list of somebody's memberships: what is charged when and why, the papers, and what each button means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from flask import Flask

from core.billing.carry_out import finalise_due_of
from core.customers.keys import key_token, make_key
from core.kernel.clock import frozen
from core.memberships import member as acts
from core.memberships.leaving import leaving
from core.memberships.page import member_token, replace_address
from tests.browser import Browser
from tests.core.billing.kept import at
from tests.core.memberships.joined import NOVEMBER, Joined, make_gym, sell
from tests.factories import Shop, unit
from workers.invoices import make_invoice


@pytest.fixture(scope="module")
def gym(app: Flask) -> Shop:
    return make_gym(app)


@pytest.fixture
def ada(gym: Shop) -> Joined:
    joined = Joined(gym, NOVEMBER)
    joined.answer(NOVEMBER)
    return joined


@contextmanager
def looking(who: Joined, on: date) -> Iterator[tuple[Browser, str]]:
    """A browser on that day, and the path of their page."""
    with frozen(at(on, 12)):
        with unit(who.app):
            path = f"/m/{member_token(who.vendor, who.fresh())}"
        yield Browser(who.app), path


def mine(who: Joined, on: date) -> str:
    with who.unit(on):
        key = make_key(who.vendor, "test", who.email)
    with frozen(at(on)), unit(who.app):
        return f"/mine/{key_token(who.vendor, key)}"


def test_the_page_says_what_is_charged_next_when_and_why(ada: Joined) -> None:
    with looking(ada, date(2026, 11, 10)) as (browser, here):
        text = browser.get(here).text
    assert "What is charged next" in text and "£10.00 on 1 December 2026, Visa ending in 4242" in text
    assert "Basic, 1–31 Dec 2026" in text.replace("\u2009", "") and "The next month begins on that day" in text


def test_a_planned_smaller_plan_and_a_balance_are_in_the_sum(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER, "Gold")
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 10)):
        (choice,) = [each for each in acts.list_choices(gym.vendor, ada.row()) if each.plan.name == "Basic"]
        acts.change_plan(gym.vendor, ada.fresh(), plan=choice.plan, shown=acts.sum_shown(choice), by="payer")
    with looking(ada, date(2026, 11, 10)) as (browser, here):
        page = browser.get(here)
    assert "£10.00 on 1 December 2026" in page.text and "Stay with Gold" in page.text and "From 1 December 2026" in page.text


def test_cancelling_says_its_last_day_and_what_is_not_paid_back(ada: Joined) -> None:
    on = date(2026, 11, 10)
    with looking(ada, on) as (browser, here):
        page = browser.get(here)
        assert "30 November 2026 is your last day" in page.text and "Nothing is paid back" in page.text
        page = browser.submit(page.form(f"{here}/cancel"))
        assert "Last day 30 November 2026" in page.text and "Nothing: it ends before another month begins." in page.text
        assert "It then goes on: £10.00 is charged on 1 December 2026" in page.text
        page = browser.submit(page.form(f"{here}/keep"))
        assert "£10.00 on 1 December 2026" in page.text
    ada.to(date(2026, 12, 1))
    assert ada.paid() == [1000, 1000], "what the page said is what was charged"


def test_whoever_owes_reads_what_stays_open_when_they_cancel_and_it_is_that(ada: Joined) -> None:
    on = date(2026, 12, 3)
    ada.to(on, pays="no")
    with looking(ada, on) as (browser, here):
        page = browser.get(here)
        for words in (
            "£10.00 is open",
            "Until 17 December 2026 everything goes on",
            "tried again on that day",
            "It ends tonight: 3 December 2026",
        ):
            assert words in page.text, words
        with unit(ada.app):
            said = leaving(ada.row())
        assert said.owed and f"{said.owed.decimal_text} stays open" in page.text
        browser.submit(page.form(f"{here}/cancel"))
    ada.to(date(2026, 12, 5), pays="")
    assert [owed.due for owed in ada.state().unpaid] == [said.owed]
    with looking(ada, date(2026, 12, 5)) as (browser, here):
        page = browser.get(here)
    assert "3 December 2026 was its last day" in page.text and f"{said.owed.decimal_text} stays open" in page.text


def test_a_trial_that_is_cancelled_costs_nothing_and_says_so(gym: Shop) -> None:
    sell(gym, "Taster", "20.00", trial_days=7)
    ada = Joined(gym, NOVEMBER, "Taster")
    with looking(ada, date(2026, 11, 3)) as (browser, here):
        text = browser.get(here).text
    assert "£20.00 on 8 November 2026" in text and "7 November 2026 is your last day" in text and "Nothing is charged any more" in text
    assert "Nothing is paid back" not in text


def test_the_invoice_is_a_page_and_a_pdf_for_its_payer_alone_and_stays_after_the_end(gym: Shop, ada: Joined) -> None:
    other = Joined(gym, NOVEMBER)
    other.answer(NOVEMBER)
    (document,) = ada.documents()
    with ada.unit(NOVEMBER, 20):
        finalise_due_of(ada.row())
    with looking(ada, NOVEMBER) as (browser, here):
        invoice = f"{here}/invoices/{document.public_id}"
        early = browser.client.get(f"{invoice}.pdf")
        assert early.status_code == 303 and early.headers["Location"].endswith(document.public_id), "not printed yet: its page says so"
        with ada.app.app_context():
            make_invoice(gym.vendor.id, mode="test", document=str(document.id))
        page = browser.get(here)
        assert ("Paid" in page.text and f"{invoice}.pdf" in page.links()[0]) or any(
            link.endswith(f"{invoice}.pdf") for link in page.links()
        )
        read = browser.get(invoice)
        assert (
            read.heading == "Invoice"
            and document.name in read.text
            and "Basic" in read.text
            and "Paid with Visa ending in 4242" in read.text
        )
    with looking(other, NOVEMBER) as (browser, theirs):
        for ending in ("", ".pdf", ".xml"):
            browser.get(f"{theirs}/invoices/{document.public_id}{ending}", status=404)
    with ada.unit(date(2026, 11, 10)):
        acts.cancel(gym.vendor, ada.fresh(), by="payer")
    ada.to(date(2026, 12, 3))
    with looking(ada, date(2027, 6, 1)) as (browser, here):
        page = browser.get(here)
        assert "30 November 2026 was its last day" in page.text and "Join again" in page.text
        pdf = browser.client.get(f"{here}/invoices/{document.public_id}.pdf")
        assert pdf.mimetype == "application/pdf" and pdf.data.startswith(b"%PDF")
        with unit(ada.app):
            replace_address(gym.vendor, ada.fresh(), by="payer")
        browser.get(f"{here}/invoices/{document.public_id}", status=404)


def test_the_list_of_somebodys_memberships_cancels_and_keeps(ada: Joined) -> None:
    on = date(2026, 11, 12)
    here = mine(ada, on)
    with frozen(at(on, 13)):
        browser = Browser(ada.app)
        page = browser.get(here)
        assert "Your memberships" in page.text and "Next charge: £10.00 on 1 December 2026" in page.text
        assert "It pays for your membership Basic" in page.text, "beside the card"
        page = browser.submit(page.form(f"{here}/memberships/{ada.member.public_id}/cancel"))
        assert "Last day: 30 November 2026" in page.text and ada.state().planned is not None
        page = browser.submit(page.form(f"{here}/memberships/{ada.member.public_id}/keep"))
        assert "goes on" in page.text and ada.state().planned is None


def test_nobody_cancels_what_is_somebody_elses(gym: Shop, ada: Joined) -> None:
    bob = Joined(gym, NOVEMBER)
    bob.answer(NOVEMBER)
    here = mine(bob, NOVEMBER)
    with frozen(at(NOVEMBER, 13)):
        browser = Browser(bob.app)
        browser.submit(browser.get(here).form(f"{here}/memberships/{bob.member.public_id}/cancel"))
        form = browser.get(here).form(f"{here}/memberships/{bob.member.public_id}/keep")
        form.action = f"{here}/memberships/{ada.member.public_id}/cancel"
        browser.submit(form, status=404)
    assert ada.state().planned is None and bob.state().planned is not None
