"""What staff see: everybody's payments with the vendor's own trail, vendors, work that gave up, events, and a log of their own looking."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.audit import THE_HOUSE, AuditEntry, record
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask, enqueue
from core.ledger.models import Proof
from core.providers.inbox import receive_event
from core.providers.models import InboxEvent
from tests.browser import Browser, Page
from tests.factories import (
    Shop,
    ask_refund,
    fresh,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell_refund,
    unit,
)
from tests.portal.admin.people import WHY, Colleague, look_into, make_staff


@pytest.fixture
def colleague(app: Flask) -> Colleague:
    return make_staff(app)


@pytest.fixture
def desk(colleague: Colleague) -> Browser:
    return colleague.browser()


def references(page: Page) -> set[str]:
    return {e.text for e in page.all("span", class_="code")}


# --- payments --------------------------------------------------------------------------------------------------------------------


def test_payments_of_all_vendors_stand_in_one_list_newest_first(app: Flask, shop: Shop, desk: Browser) -> None:
    email = f"{secrets.token_hex(6)}@example.com"  # other tests pay at the same time, some of them in days to come
    other = make_shop(app, business="Harbour Books")
    made = [make_paid(shop, email=email), make_paid(other, email=email), make_declined(shop, email=email)]
    page = desk.get(f"/staff/payments?q={email}")
    assert [e.text for e in page.all("span", class_="code")] == [payment.reference for payment in reversed(made)]
    assert "Harbour Books" in page.text


def test_every_payment_is_on_exactly_one_page_of_the_list(app: Flask, shop: Shop, desk: Browser) -> None:
    link = make_link(shop)
    made = {make_declined(shop, link, email=f"p{n}@example.com").reference for n in range(28)}
    seen: list[str] = []
    path: str | None = f"/staff/payments?vendor={shop.vendor.public_id}"
    while path:
        page = desk.get(path)
        seen += [e.text for e in page.all("span", class_="code")]
        path = next((e.attrs["href"] for e in page.all("a", rel="next")), None)
    assert len(seen) == len(set(seen)) == 28 and set(seen) == made


def test_the_filters_narrow_the_list_together(app: Flask, shop: Shop, desk: Browser) -> None:
    other = make_shop(app, business=f"Kiln {secrets.token_hex(4)}")
    paid = make_paid(shop, email="grace@example.com")
    declined, theirs = make_declined(shop, email="grace@example.com"), make_paid(other, email="grace@example.com")
    everywhere = {paid.reference, declined.reference, theirs.reference}
    for query, wanted in {
        "q=grace@example.com": everywhere,
        "q=GRACE@example.com&status=succeeded": {paid.reference, theirs.reference},
        f"q=grace@example.com&vendor={other.vendor.public_id}": {theirs.reference},
        f"q=grace@example.com&vendor={other.vendor.name}": {theirs.reference},
        f"q=4242&vendor={shop.vendor.public_id}": {paid.reference},
        f"q={paid.reference.lower().replace('-', '')}": {paid.reference},
        f"q={theirs.public_id}": {theirs.reference},
        "q=grace@example.com&mode=live": set(),
        "q=grace@example.com&method=visa&mode=test": {paid.reference, theirs.reference},
        "q=grace@example.com&method=card&status=succeeded": {paid.reference, theirs.reference},
        "q=grace@example.com&method=bank_transfer": set(),
        f"q=grace@example.com&since={now() + timedelta(days=2):%Y-%m-%d}": set(),
        f"q=grace@example.com&until={now():%Y-%m-%d}&status=succeeded": {paid.reference, theirs.reference},
    }.items():
        assert references(desk.get(f"/staff/payments?{query}")) & everywhere == wanted, query


@pytest.mark.parametrize(
    "query", ["q=somebody", "q=%00", "vendor=nobody-is-called-this", "vendor=%00", "since=never", "status=gone", "mode=other", "method=x"]
)
def test_a_filter_that_cannot_be_read_is_said_and_kept(desk: Browser, query: str) -> None:
    page = desk.get(f"/staff/payments?{query}")
    assert page.error_summary, query


@pytest.mark.parametrize("path", ["/staff/payments?after=pay_x", "/staff/payments/pay_x", "/staff/payments/%F0%9F%98%80", "/staff/vendors/vnd_x",
    "/staff/vendors?after=x", "/staff/events?after=a~b~c", "/staff/events/sandbox/test/none", "/staff/jobs?after=x", "/staff/audit?after=x"])  # fmt: skip
def test_what_does_not_exist_is_not_found(desk: Browser, path: str) -> None:
    desk.get(path, status=404)


def trail(page: Page) -> list[str]:
    return [e.text for e in page.all("li") if "moment" in e.attrs.get("class", "").split()]


def test_staff_and_vendor_read_the_same_history_row_by_row(shop: Shop, desk: Browser) -> None:
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "succeeded")
    theirs = [line.replace("You", "") for line in trail(shop.browser().get(f"/portal/payments/{paid.public_id}"))]
    ours = trail(look_into(desk, f"/staff/payments/{paid.public_id}"))
    assert len(ours) == len(theirs) > 6
    titles = lambda lines: [line.split(" · ")[0][:18] for line in lines]  # noqa: E731  (times are in each reader's zone, links lead elsewhere)
    assert titles(ours) == titles(theirs)
    figures = [e.text for e in look_into(desk, f"/staff/payments/{paid.public_id}").all("p", class_="stat-value")]
    assert figures and figures == [e.text for e in shop.browser().get(f"/portal/payments/{paid.public_id}").all("p", class_="stat-value")]


def test_staff_are_offered_nothing_to_press_on_a_payment(shop: Shop, desk: Browser) -> None:
    page = look_into(desk, f"/staff/payments/{make_paid(shop).public_id}")
    assert [e.attrs["action"] for e in page.all("form") if e.attrs.get("method") == "post"] == [
        "/staff/sign-out"
    ] * 2  # at a desk, and in the menu on a phone


# --- vendors ---------------------------------------------------------------------------------------------------------------------


def test_a_vendor_is_found_by_name_number_and_address_and_shown_with_its_money_and_people(shop: Shop, desk: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    for words in (shop.vendor.public_id, shop.email.upper()):
        assert shop.vendor.public_id in desk.get(f"/staff/vendors?q={words}").text
    page = look_into(desk, f"/staff/vendors/{shop.vendor.public_id}")
    assert page.heading == shop.vendor.name and shop.email in page.text and "owner" in page.text
    assert "£98.50" in page.text and paid.reference in page.text


def test_a_search_for_vendors_that_finds_none_says_what_it_takes(desk: Browser) -> None:
    assert "No vendor fits" in desk.get("/staff/vendors?q=there-is-no-such-vendor").text


def test_a_vendors_rows_are_shown_only_after_saying_why_and_the_vendor_reads_it(shop: Shop, desk: Browser) -> None:
    paid = make_paid(shop)
    assert "Nobody has looked" in shop.browser().get("/portal/settings/staff-visits").text
    page = desk.get(f"/staff/payments/{paid.public_id}")
    assert page.heading == f"Look into {shop.vendor.name}" and paid.reference not in page.html
    for reason in ("", "x", "  a  ", "why" * 101):
        refused = desk.submit(page.form(), reason=reason, status=422)
        assert (refused.error_summary and refused.form().values["reason"] == reason.strip()) or not reason.strip()
    shown = desk.submit(page.form(), reason=WHY)
    assert paid.reference in shown.html and WHY in shown.text
    assert desk.get(f"/staff/vendors/{shop.vendor.public_id}").heading == shop.vendor.name, "once for the vendor, not for each page"
    assert WHY in shop.browser().get("/portal/settings/staff-visits").text
    with frozen(now() + timedelta(minutes=29)):
        desk.get("/staff/")
    with frozen(now() + timedelta(minutes=31)):
        assert desk.get(f"/staff/payments/{paid.public_id}").heading.startswith("Look into")


def test_the_reason_of_one_opens_nothing_to_another_and_no_other_vendor(app: Flask, shop: Shop, desk: Browser) -> None:
    other = make_shop(app)
    look_into(desk, f"/staff/vendors/{shop.vendor.public_id}")
    assert make_staff(app).browser().get(f"/staff/vendors/{shop.vendor.public_id}").heading.startswith("Look into")
    assert desk.get(f"/staff/vendors/{other.vendor.public_id}").heading.startswith("Look into")
    assert "Nobody has looked" in other.browser().get("/portal/settings/staff-visits").text


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example/staff/", "/portal/", "/staff/\\evil"])
def test_after_the_reason_comes_a_staff_page_and_nothing_else(shop: Shop, desk: Browser, goal: str) -> None:
    form = desk.get(f"/staff/vendors/{shop.vendor.public_id}/visits/new?next={goal}").form()
    answer = desk.client.post(f"/staff/vendors/{shop.vendor.public_id}/visits?next={goal}", data={**form.values, "reason": WHY})
    assert answer.headers["Location"] == f"/staff/vendors/{shop.vendor.public_id}"


# --- work that gave up -----------------------------------------------------------------------------------------------------------


def dead_task(shop: Shop, error: str = "the press is broken") -> OutboxTask:
    with unit(shop.app):
        task = enqueue("make_receipt", shop.vendor.id, queue="papers", mode="test", payment="a payment", api_key="sk_test_abcdef")
        task.state, task.attempts, task.last_error = "dead", 12, error
    return task


def state_of(shop: Shop, task: OutboxTask) -> tuple[str, int]:
    with unit(shop.app):
        kept = db.session.get_one(OutboxTask, (shop.vendor.id, task.id), populate_existing=True)
        return kept.state, kept.attempts


def test_work_that_gave_up_is_shown_without_secrets_and_one_or_all_of_it_is_tried_again(shop: Shop, desk: Browser) -> None:
    task, another = dead_task(shop, "no answer to ada@example.com with sk_test_0123456789"), dead_task(shop)
    page = desk.get("/staff/jobs")
    assert "make_receipt" in page.text and "no answer to" in page.text
    assert "ada@example.com" not in page.html and "sk_test" not in page.html
    assert "tried again now" in desk.submit(page.form(f"/staff/jobs/{task.id}/retries")).text
    assert state_of(shop, task) == ("waiting", 0) and state_of(shop, another)[0] == "dead"
    desk.submit(page.form(f"/staff/jobs/{task.id}/retries"), status=404)
    desk.submit(desk.get("/staff/jobs").form("/staff/jobs/retries"))
    assert state_of(shop, another) == ("waiting", 0)
    with unit(shop.app):
        for one in (task, another):
            db.session.delete(db.session.get_one(OutboxTask, (shop.vendor.id, one.id)))


# --- events ----------------------------------------------------------------------------------------------------------------------


def told(app: Flask, work, metadata: dict[str, str], amount: int = 2500) -> str:  # type: ignore[no-untyped-def]
    """An event of the processor's, opened by a worker; answers its number."""
    event_id = f"evt_{secrets.token_hex(8)}"
    intent = {"id": f"pi_{event_id}", "object": "payment_intent", "status": "succeeded", "metadata": metadata, "receipt_email": "ada@example.com",
              "client_secret": "pi_x_secret_y", "amount": amount, "amount_received": amount, "currency": "gbp", "latest_charge": f"ch_{event_id}"}  # fmt: skip
    body = {
        "id": event_id,
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": 1_790_000_000,
        "livemode": False,
        "data": {"object": intent},
    }
    with app.app_context():
        receive_event(provider="sandbox", mode="test", event_id=event_id, type="payment_intent.succeeded", raw=json.dumps(body))
    work()
    return event_id


def stored(app: Flask, event_id: str) -> InboxEvent:
    with app.app_context():
        return db.session.get_one(InboxEvent, ("sandbox", "test", event_id), populate_existing=True)


def test_an_event_about_nothing_of_ours_is_shown_redacted_and_opened_again(app: Flask, desk: Browser, colleague: Colleague, work) -> None:  # type: ignore[no-untyped-def]
    event_id = told(app, work, {"vendor": "vnd_x", "mode": "test", "payment": "pay_x"})
    assert stored(app, event_id).result == "unmatched"
    assert event_id in desk.get("/staff/events").text and event_id in desk.get("/staff/events?show=all").text
    page = desk.get(f"/staff/events/sandbox/test/{event_id}")
    assert "payment_intent.succeeded" in page.text and "ada@example.com" not in page.html and "secret_y" not in page.html
    path = f"/staff/events/sandbox/test/{event_id}/replays"
    assert "being opened again" in desk.submit(page.form(path)).text
    assert stored(app, event_id).handled_at is None
    assert "waiting to be opened already" in desk.submit(page.form(path), status=409).text
    work()
    assert stored(app, event_id).result == "unmatched"


def test_an_event_of_a_payment_that_is_replayed_changes_nothing_twice(app: Flask, shop: Shop, desk: Browser, work) -> None:  # type: ignore[no-untyped-def]
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    names = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "attempt": attempt.public_id}
    event_id = told(app, work, names)
    paid = fresh(shop, payment)
    assert (paid.state, stored(app, event_id).result) == ("succeeded", "settled")
    desk.submit(desk.get(f"/staff/events/sandbox/test/{event_id}").form(f"/staff/events/sandbox/test/{event_id}/replays"))
    work()
    again, event = fresh(shop, payment), stored(app, event_id)
    assert event.handled_at is not None and (again.captured_minor, again.version) == (paid.captured_minor, paid.version)


# --- the first page, and the log -------------------------------------------------------------------------------------------------


def test_what_needs_a_person_is_counted_and_leads_there(shop: Shop, desk: Browser) -> None:
    task = dead_task(shop)
    page = desk.get("/staff/")
    assert "/staff/jobs" in page.html and "Work that gave up" in page.text
    with unit(shop.app):
        db.session.delete(db.session.get_one(OutboxTask, (shop.vendor.id, task.id)))


def test_a_count_goes_no_further_than_the_page_can_say(shop: Shop, desk: Browser) -> None:
    made = [dead_task(shop) for _ in range(3)]
    with unit(shop.app):
        db.session.add_all(
            OutboxTask(vendor_id=shop.vendor.id, id=f"{task.id}"[:24] + f"{n:012x}", queue="papers", job="make_receipt", args={}, state="dead",
                       due_at=now(), attempts=12, created_at=now()) for task in made[:1] for n in range(100)
        )  # fmt: skip
    assert "99+" in desk.get("/staff/").text
    with unit(shop.app):
        db.session.execute(db.delete(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.state == "dead"))


def test_a_broken_book_is_an_alarm_on_the_first_page(app: Flask, shop: Shop, desk: Browser) -> None:
    with unit(app):
        db.session.add(Proof(vendor_id=shop.vendor.id, mode="test", due_at=now() + timedelta(days=1), proven_at=now(), breaks=["a journal is not zero"], broken_since=now()))  # fmt: skip
    try:
        page = desk.get("/staff/")
        assert f"Broken books: {shop.vendor.name}" in page.text and "a journal is not zero" in page.text
        seen = make_staff(app, "reviewer").browser().get("/staff/").text
        assert "do not add up" in seen and "a journal is not zero" not in seen
    finally:
        with unit(app):
            db.session.delete(db.session.get_one(Proof, (shop.vendor.id, "test")))


def entries(shop: Shop, colleague: Colleague) -> list[tuple[str, str]]:
    with unit(shop.app):
        mine = db.select(AuditEntry).where(AuditEntry.vendor_id == shop.vendor.id, AuditEntry.actor == colleague.member.public_id)
        return [(entry.action, entry.subject) for entry in db.session.scalars(mine.order_by(AuditEntry.id))]


def test_every_page_with_a_vendors_rows_is_written_down_under_the_vendor(shop: Shop, desk: Browser, colleague: Colleague) -> None:
    paid = make_paid(shop)
    look_into(desk, f"/staff/payments/{paid.public_id}")
    look_into(desk, f"/staff/vendors/{shop.vendor.public_id}")
    assert entries(shop, colleague) == [
        ("staff.visit_begun", shop.vendor.public_id),
        ("staff.viewed", paid.public_id),
        ("staff.viewed", shop.vendor.public_id),
    ]


def test_what_was_searched_for_is_not_in_the_log_but_that_it_was_is(app: Flask, desk: Browser, colleague: Colleague) -> None:
    desk.get("/staff/payments?q=grace@example.com")
    with unit(app):
        mine = db.select(AuditEntry).where(AuditEntry.actor == colleague.member.public_id).order_by(AuditEntry.id.desc()).limit(1)
        entry = db.session.scalars(mine).one()
    assert entry.detail == {"page": "/staff/payments", "filters": ["q"]}


def test_the_log_says_yes_and_no(shop: Shop, desk: Browser) -> None:
    with unit(shop.app):
        record(shop.vendor.id, actor="stf_x", action="review.approved", subject="rvw_x", held=True, known=[False, "word"])
    page = desk.get(f"/staff/audit?vendor={shop.vendor.public_id}")
    assert "yes" in page.text and "no, word" in page.text and "True" not in page.text and "False" not in page.text
    own = shop.browser().get("/portal/settings/audit-log")
    assert "True" not in own.text and "False" not in own.text


def test_the_log_says_it_in_the_words_of_the_vendors_own(shop: Shop, desk: Browser) -> None:
    with unit(shop.app):
        record(shop.vendor.id, actor="system", action="refund.requested", subject="-", amount_minor=2500, currency="GBP")
        record(shop.vendor.id, actor="bank", action="payout_receiver.changed", subject="rcv_x", before="open", after="closed")
    text = desk.get(f"/staff/audit?vendor={shop.vendor.public_id}").text
    own = shop.browser().get("/portal/settings/audit-log").text
    for words in ("Asked for a refund", "Account at the processor changed its state", "amount: £25.00", "open → closed", "Automatic"):
        assert words in text and words in own, words
    for code in ("refund.requested", "payout_receiver.changed", "amount minor", "system", "before:"):
        assert code not in text, code


def test_what_only_the_house_does_has_words_too(app: Flask, desk: Browser, colleague: Colleague) -> None:
    with unit(app):
        record(THE_HOUSE, actor=colleague.member.public_id, action="line.charge", subject="bln_x")
    text = desk.get("/staff/audit").text
    assert "Booked bank money as a charge of the bank’s" in text and "line.charge" not in text


def test_the_log_shows_what_staff_did_and_saw(shop: Shop, desk: Browser, colleague: Colleague) -> None:
    task = dead_task(shop)
    desk.submit(desk.get("/staff/jobs").form(f"/staff/jobs/{task.id}/retries"))
    page = desk.get(f"/staff/audit?by_staff=y&vendor={shop.vendor.public_id}")
    assert "Had work tried again" in page.text and colleague.email in page.text and shop.vendor.name in page.text
    assert "Signed up" not in page.text and "Signed up" in desk.get(f"/staff/audit?vendor={shop.vendor.public_id}").text
    with unit(shop.app):
        db.session.delete(db.session.get_one(OutboxTask, (shop.vendor.id, task.id)))


def test_htmx_gets_the_list_alone(desk: Browser) -> None:
    for path, part in (("/staff/payments", "payments"), ("/staff/vendors", "vendors"), ("/staff/audit", "entries")):
        assert desk.part(path).html.lstrip().startswith(f'<div id="{part}">'), path
