"""Where figures come from: reasons, statements, the chart on the home page, and the trail and notes of one payment."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.kernel import clock
from core.kernel.db import db
from tests.browser import Browser
from tests.factories import (  # fmt: skip
    Shop,
    ask_refund,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    open_payment,
    tell,
    tell_refund,
    unit,
)
from tests.portal.tokens import token

# --- reasons ---


def test_every_figure_of_a_payment_is_the_sum_of_its_lines(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, paid, "7.77"), "failed", failure_reason="lost")
    ask_refund(shop, paid, "1.01")
    for slug in ("paid", "fee", "refunded", "keep"):
        page = owner.get(f"/portal/payments/{paid.public_id}/why/{slug}")
        assert "The journal lines come to" not in page.text, slug
        value = re.search(r"[−]?£[\d.]+", page.heading)
        assert value and page.all("tr", class_="table-total")[0].text.endswith(value[0]), (slug, page.heading)
    owner.get(f"/portal/payments/{paid.public_id}/why/nothing", status=404)


def test_what_was_taken_walks_by_key_over_exactly_its_payments(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.why.LINES_ON_A_PAGE", 2)
    link = make_link(shop, amount="10.00", kind="reusable")
    paid = [make_paid(shop, link) for _ in range(5)]
    with clock.shifted(timedelta(days=-3)):
        make_paid(shop, link)
    address, seen = next(one for one in owner.get("/portal/").links() if "/why/taken" in one), ""
    assert "Taken £50.00" in owner.get(address).text
    for _ in range(3):
        page = owner.get(address)
        seen += page.text
        address = next((one for one in page.links() if "after=" in one), "")
    assert not address and all(seen.count(one.reference) == 1 for one in paid)


@pytest.mark.parametrize(
    "path",
    ["taken", "taken?since=2026-01-01&until=2025-01-01", "taken?since=2020-01-01&until=2026-01-01", "taken?since=x&until=y", "success?since=2026-02-30&until=2026-03-01",
     "release?day=%00", "taken?since=2026-01-01&until=2026-01-02&currency=XX", "taken?since=2026-01-01&until=2026-01-02&after=x~y"],
)  # fmt: skip
def test_a_reason_that_does_not_exist_is_not_found(owner: Browser, path: str) -> None:
    owner.get(f"/portal/why/{path}", status=404)


def test_statements_are_pages_and_files_of_the_same_sums(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="100.00"))
    month = f"{clock.now():%Y-%m}"
    page = owner.get(f"/portal/statements/{month}")
    assert "So far £98.50" in page.text and "It adds up" in page.text and month in str(owner.get("/portal/statements").links())
    rows = list(csv.DictReader(io.StringIO(owner.client.get(f"/portal/statements/{month}.csv").get_data(as_text=True))))
    assert [row["balance"] for row in rows] == ["0.00", "98.50", "98.50"] and rows[1]["fee"] == "-1.50"
    for bad in ("2026-13", "x", "2199-01", f"{month}?currency=XYZ", f"{month}?after=x"):
        owner.get(f"/portal/statements/{bad}", status=404)


def test_the_home_chart_stands_beside_its_table(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="10.00"))
    make_declined(shop)
    page = owner.get("/portal/")
    assert len(page.all("rect", class_="chart-bar")) == 1 and page.all("svg", class_="chart-drawing")[0].attrs["role"] == "img"
    assert "50.0 %" in page.text and "1 of 2 that ended were paid" in page.text and "Next release £9.85" in page.text
    release = next(one for one in page.links() if "/why/release" in one)
    assert (
        "Becomes available £9.85" in owner.get(release).text
        and "50.0 %" in owner.get(next(o for o in page.links() if "/why/success" in o)).text
    )


# --- one payment ---


def test_the_trail_names_what_the_processor_sent_with_private_things_blacked_out(
    shop: Shop, owner: Browser, work: Callable[[], int]
) -> None:
    from core.providers.inbox import receive_event

    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "declined", charge="ch_x", decline_code="do_not_honor")
    with unit(shop.app):
        cause = db.session.scalar(
            text("SELECT cause FROM payment_events WHERE payment_id = :id AND kind = 'attempt.declined'"), {"id": payment.id}
        )
        raw = '{"client_secret": "pi_1_secret_abc", "email": "a@b.example", "n": "4242 4242 4242 4242", "amount": 2500, "card": {"last4": "4242"}}'
    with shop.app.app_context():
        receive_event(provider=payment.provider, mode="test", event_id=cause, type="charge.failed", raw=raw)
    page = owner.get(f"/portal/payments/{payment.public_id}/events/{cause}")
    assert "2500" in page.text and '"last4": "4242"' in page.text
    assert not any(word in page.html for word in ("secret_abc", "a@b.example", "4242 4242"))
    owner.get(f"/portal/payments/{make_payment(shop).public_id}/events/{cause}", status=404)


def test_a_payer_who_was_not_confirmed_is_told_in_words_and_not_as_a_banks_reason(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    payment = make_payment(shop, link)
    tell(shop, payment, open_payment(shop, payment), "declined", decline_code="payment_intent_authentication_failure")
    history = owner.get(f"/portal/payments/{payment.public_id}").text
    assert "The payer did not confirm it with their bank, or could not." in history
    assert "authentication failure" not in history and "The bank's reason" not in history
    report = owner.get(f"/portal/links/{link.public_id}/report").text
    assert "Not confirmed with the bank" in report and "authentication failure" not in report and "Declined:" not in report
    assert "that a bank refused" not in report and "The bank’s reason" not in report


def test_what_our_own_checks_stopped_is_no_banks_refusal(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    payment = make_payment(shop, link)
    tell(shop, payment, open_payment(shop, payment), "declined", decline_code="not_accepted")
    report = owner.get(f"/portal/links/{link.public_id}/report").text
    assert "Not accepted by the platform’s checks" in report and "Declined:" not in report


def test_a_note_is_kept_for_the_team_and_can_be_put_back(shop: Shop, owner: Browser) -> None:
    address = f"/portal/payments/{make_paid(shop).public_id}"
    assert owner.submit(owner.get(address).form(f"{address}/remarks"), remark="  ", status=422).errors
    page = owner.submit(owner.get(address).form(f"{address}/remarks"), remark="<b>Rang</b> up & asked.\nTwice.")
    assert "<b>Rang</b>" not in page.html and "Twice." in page.text
    strike = next(e.attrs["action"] for e in page.all("form") if "/remarks/rem_" in e.attrs.get("action", ""))
    support = make_colleague(shop, "support").browser()
    assert support.post(strike, {"csrf_token": token(support)}).status == 403
    gone = owner.submit(page.form(strike))
    assert "Twice." not in gone.text
    assert "Twice." in owner.submit(gone.form(strike.replace("/remove", "/restore"))).text
