"""Payer, vendor and staff look at one payment: what happened, when, how much, what went back and what it is called agree row by row."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from flask import Flask

from checkout.history import HIDDEN
from checkout.history import WORDS as PAYERS
from core.disputes.follow import follow_dispute
from core.kernel.clock import now, shifted
from core.payments.models import Payment
from core.payments.queries import refunds_of_sale, timeline
from core.payments.start import payment_token, receipt_token
from core.payments.transfer_cases import give_back_transfer
from core.payments.unexpected import give_back
from core.providers.disputes import DisputeOutcome
from portal.history import WORDS as VENDORS
from tests.browser import Browser, Page
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import (
    Shop,
    again,
    ask_refund,
    fresh,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    open_payment,
    tell,
    tell_refund,
    unit,
)
from tests.portal.admin.people import look_into, make_staff

MONEY = re.compile(r"[A-Z]{0,2}[£$€]\s?[\d,]+\.\d\d")


# --- the states ------------------------------------------------------------------------------------------------------


def paid(shop: Shop) -> Payment:
    return make_paid(shop)


def paid_and_receipt_opened(shop: Shop) -> Payment:
    payment = make_paid(shop)
    with shifted(timedelta(minutes=1)):
        Browser(shop.app).get(f"/receipt/{receipt_token(shop.vendor, payment)}")
    return payment


def paid_after_a_decline(shop: Shop) -> Payment:
    payment = make_declined(shop)
    with shifted(timedelta(minutes=2)):
        attempt = open_payment(shop, fresh(shop, payment))
        tell(shop, payment, attempt, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount, occurred_at=now())
    return payment


def partly_refunded(shop: Shop) -> Payment:
    payment = make_paid(shop)
    with shifted(timedelta(minutes=1)):
        tell_refund(shop, ask_refund(shop, payment, "5.00"), "succeeded")
    with shifted(timedelta(minutes=2)):
        tell_refund(shop, ask_refund(shop, payment, "3.00"), "failed", failure_reason="lost_or_stolen_card")
    with shifted(timedelta(minutes=3)):
        tell_refund(shop, ask_refund(shop, payment, "2.00"), "pending")
    return payment


def refunded(shop: Shop) -> Payment:
    payment = make_paid(shop)
    with shifted(timedelta(minutes=1)):
        tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    with shifted(timedelta(minutes=2)):
        tell_refund(shop, ask_refund(shop, payment, "15.00"), "succeeded")
    return payment


def by_transfer(shop: Shop, *minors: int) -> Payment:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    reference = begin_transfer(shop, payment).provider_reference or ""
    bank = TestBank(shop)
    for minor in minors:
        bank.tell(transfer(minor, reference))
    return payment


def transfer_in_part(shop: Shop) -> Payment:
    return by_transfer(shop, 1000)


def transfer_over_paid(shop: Shop) -> Payment:
    return by_transfer(shop, 1000, 2000)


def transfer_over_paid_and_given_back(shop: Shop) -> Payment:
    payment = by_transfer(shop, 3000)
    with shifted(timedelta(minutes=1)), unit(shop.app):
        give_back_transfer(shop.vendor, again(payment), by=shop.user.public_id, reason="", iban="")
    return payment


def declined(shop: Shop) -> Payment:
    return make_declined(shop)


def charged_twice(shop: Shop) -> Payment:
    payment = make_paid(shop)
    charge = f"ch_{secrets.token_hex(8)}"
    with shifted(timedelta(minutes=1)):
        tell(shop, payment, None, "succeeded", charge=charge, captured=payment.amount, occurred_at=now())
    return payment


def charged_twice_and_given_back(shop: Shop) -> Payment:
    payment = charged_twice(shop)
    with shop.app.app_context():
        charge = next(e.detail["charge"] for e in timeline(shop.vendor, payment) if e.kind == "payment.unexpected_money")
    with shifted(timedelta(minutes=2)), unit(shop.app):
        refund = give_back(shop.vendor, again(payment), charge=charge, by=shop.user.public_id, form_token=secrets.token_urlsafe(18))
    with shifted(timedelta(minutes=3)):
        tell_refund(shop, refund, "succeeded")
    return payment


def disputed(shop: Shop) -> Payment:
    payment = make_paid(shop)
    with shifted(timedelta(minutes=1)), unit(shop.app):
        _hear(shop, payment, "needs_response")
    return payment


def dispute_won(shop: Shop) -> Payment:
    payment = disputed(shop)
    with shifted(timedelta(minutes=2)), unit(shop.app):
        _hear(shop, payment, "won")
    return payment


def dispute_lost(shop: Shop) -> Payment:
    payment = disputed(shop)
    with shifted(timedelta(minutes=2)), unit(shop.app):
        _hear(shop, payment, "lost")
    return payment


def _hear(shop: Shop, payment: Payment, state: str) -> None:
    told = DisputeOutcome(state, f"du_{payment.public_id}", again(payment).charge or "", payment.amount, "fraudulent")
    follow_dispute(shop.vendor, again(payment), told, provider=payment.provider, cause="poll")


STATES: tuple[tuple[Callable[[Shop], Payment], str], ...] = (
    (paid, "Paid"), (paid_and_receipt_opened, "Paid"), (paid_after_a_decline, "Paid"), (partly_refunded, "Partly refunded"), (refunded, "Refunded"), (declined, "Declined"),
    (transfer_in_part, "Waiting for the payer"), (transfer_over_paid, "Paid"), (transfer_over_paid_and_given_back, "Paid"),
    (charged_twice, "Paid"), (charged_twice_and_given_back, "Paid"), (disputed, "Disputed"), (dispute_won, "Paid"), (dispute_lost, "Refunded"),
)  # fmt: skip


# --- what each of them reads -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One line of somebody's history: what it is called, exactly when it was, and the sum it names."""

    title: str
    at: datetime
    sum: str


def rows(page: Page) -> list[Row]:
    """The lines of the history on a page."""
    found = []
    for item in [e for e in page.all("li") if "moment" in e.attrs.get("class", "").split()]:
        inside = [e for e in page.elements if item in e.parents]
        title = next(e.text for e in inside if e.attrs.get("class") == "moment-title")
        at = datetime.fromisoformat(next(e.attrs["datetime"] for e in inside if e.name == "time"))
        text = next((e.text for e in inside if e.attrs.get("class") == "moment-text"), "")
        found.append(Row(title, at, (MONEY.findall(text) or [""])[0]))
    return found


def of_events(found: list[Row], kinds: set[str]) -> list[tuple[datetime, str]]:
    """The vendor's or the staff's lines about events of these kinds, as instants and sums."""
    titles = {VENDORS[kind][0] for kind in kinds}
    return [(row.at, row.sum) for row in found if row.title in titles]


def facts(page: Page) -> dict[str, str]:
    names = [e for e in page.all("dt") if e.within("main")]
    values = [e for e in page.all("dd") if e.within("main")]
    return {name.text: value.text for name, value in zip(names, values, strict=True)}


def figures(page: Page) -> dict[str, str]:
    """The sums at the top of the vendor's and the staff's page."""
    titles = [e.text for e in page.all("p", class_="stat-label")]
    return dict(zip(titles, [e.text for e in page.all("p", class_="stat-value")], strict=True))


def badge(page: Page) -> str:
    return next(e.text for e in page.all("span", class_="badge") if e.within("main"))


@dataclass
class Views:
    payer: Page
    vendor: Page
    staff: Page


def views(app: Flask, shop: Shop, payment: Payment) -> Views:
    token = payment_token(shop.vendor, payment)
    return Views(
        Browser(app).get(f"/checkout/{token}/history"),
        shop.browser().get(f"/portal/payments/{payment.public_id}"),
        look_into(make_staff(app).browser(), f"/staff/payments/{payment.public_id}"),
    )


@pytest.mark.parametrize(("make", "word"), STATES, ids=[make.__name__ for make, _ in STATES])
def test_payer_vendor_and_staff_agree_row_by_row(app: Flask, shop: Shop, make: Callable[[Shop], Payment], word: str) -> None:
    payment = fresh(shop, make(shop))
    seen = views(app, shop, payment)
    # what it is called
    assert facts(seen.payer)["State"] == badge(seen.vendor) == badge(seen.staff) == word
    # every row of the vendor's is the staff's, with its instant and its sum
    assert rows(seen.vendor) == rows(seen.staff) and rows(seen.vendor)
    # every row of the payer's is the vendor's and the other way round, but for how we asked and what was booked
    mine = [(row.at, row.sum) for row in rows(seen.payer)]
    assert mine and mine == of_events(rows(seen.vendor), set(PAYERS))
    with app.app_context():
        assert len(mine) == len([e for e in timeline(shop.vendor, payment) if e.kind not in HIDDEN])
    # the sums
    told, vendors, staffs = facts(seen.payer), figures(seen.vendor), figures(seen.staff)
    assert list(vendors.values()) == list(staffs.values())
    assert told["Paid"] == vendors["Paid"]
    assert told.get("Refunded", "–").lstrip("−-") in (vendors["Refunded"].lstrip("−-"), "–")
    assert ("Refunded" in told) == bool(payment.refunded_minor) and ("On its way back to you" in told) == bool(payment.refunding_minor)
    if payment.refunding_minor:
        assert (
            f"{told['On its way back to you']} on its way back" in seen.vendor.text
            and f"{told['On its way back to you']} on its way back" in seen.staff.text
        )
    assert not re.search(r"\bfees?\b", seen.payer.text.casefold()), "what the platform keeps is between it and the vendor"


@pytest.mark.parametrize("make", [paid, partly_refunded, refunded, transfer_over_paid, charged_twice_and_given_back])
def test_the_receipt_says_what_the_history_says(app: Flask, shop: Shop, make: Callable[[Shop], Payment]) -> None:
    payment = fresh(shop, make(shop))
    receipt = Browser(app).get(f"/receipt/{receipt_token(shop.vendor, payment)}")
    history = Browser(app).get(f"/receipt/{receipt_token(shop.vendor, payment)}/history")
    assert facts(history)["State"] == next(e.text for e in receipt.all("p", class_="state"))
    told = [(e.text, v.text) for e, v in zip(receipt.all("dt"), receipt.all("dd"), strict=True)]
    assert facts(history)["Paid"] == dict(told)["Amount paid"]
    given_back = sorted(value.lstrip("−-") for name, value in told if name.startswith("Refunded on"))
    with app.app_context():
        done = [refund.amount for refund in refunds_of_sale(shop.vendor, payment) if refund.state == "succeeded"]
    assert len(given_back) == len(done)
    steps = [row for row in rows(history) if row.title == "Refunded"]
    of_sale = [row.sum for row in steps if row.sum in given_back]
    assert sorted(of_sale)[: len(done)] == given_back
    assert f"/receipt/{receipt_token(shop.vendor, payment)}/history" in receipt.html


def test_every_kind_of_event_is_told_to_the_payer_or_left_out_on_purpose() -> None:
    assert set(PAYERS) | HIDDEN == set(VENDORS) and not set(PAYERS) & HIDDEN


def test_the_history_leads_from_and_to_the_payers_page_and_opens_for_nobody_else(app: Flask, shop: Shop) -> None:
    payment = make_paid(shop)
    token = payment_token(shop.vendor, payment)
    page = Browser(app).get(f"/checkout/{token}")
    assert f"/checkout/{token}/history" in page.html
    assert f"/checkout/{token}" in [e.attrs["href"] for e in Browser(app).get(f"/checkout/{token}/history").all("a")]
    for path in (
        f"/checkout/{token[:-2]}xx/history",
        f"/receipt/{token}/history",
        f"/checkout/{receipt_token(shop.vendor, payment)}/history",
    ):
        refused = Browser(app).get(path, status=404)
        assert shop.vendor.name not in refused.html and payment.reference not in refused.html
    unpaid = make_payment(shop)
    Browser(app).get(f"/receipt/{receipt_token(shop.vendor, unpaid)}/history", status=404)
    assert "/history" not in Browser(app).get(f"/checkout/{payment_token(shop.vendor, unpaid)}").html, "nothing has happened yet"


def test_the_payer_never_reads_what_is_the_teams(app: Flask, shop: Shop) -> None:
    payment = make_paid(shop)
    tell_refund(shop, ask_refund(shop, payment, "5.00", reason="fraudulent"), "failed", failure_reason="lost_or_stolen_card")
    page = Browser(app).get(f"/checkout/{payment_token(shop.vendor, payment)}/history")
    assert "fraud" not in page.text.casefold() and "stolen" not in page.text.casefold()
