"""Letters to payers: switched one by one, with the vendor's own words, each with a picture; the receipt never by the way."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.notifications.models import Message
from core.notifications.payer_letters import PAYER_LETTERS, LetterWish, change_letter
from core.payments.send_link import send_link
from core.payments.sharing_models import LinkReminder
from core.payments.start import receipt_token
from tests.browser import Browser
from tests.factories import (
    Shop,
    again,
    ask_refund,
    make_colleague,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    tell_refund,
    unit,
)
from workers.due_letters import send_due

LETTERS = "/portal/settings/letters"
WORDS = "Please bring this letter along.\nRing <twice>."


def change(shop: Shop, kind: str, *, sent: bool = True, paragraph: str = "") -> None:
    with unit(shop.app):
        change_letter(shop.vendor, shop.mode, kind, LetterWish(sent, paragraph), by=shop.user.public_id, receipt_otherwise=True)


def letters(shop: Shop, kind: str) -> list[Message]:
    with shop.app.app_context():
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


def refunded(shop: Shop) -> None:
    tell_refund(shop, ask_refund(shop, make_paid(shop)), "succeeded")


def failed_at_the_bank(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "processing")
    tell(shop, payment, attempt, "declined", charge=f"ch_{secrets.token_hex(6)}", decline_code="insufficient_funds")


NEWS: dict[str, Callable[[Shop], Any]] = {"receipt": make_paid, "refund_sent": refunded, "payment_failed": failed_at_the_bank}


@pytest.mark.parametrize("kind", NEWS)
def test_a_letter_leaves_with_the_vendors_words_in_it(shop: Shop, work: Callable[[], int], kind: str) -> None:
    change(shop, kind, paragraph=WORDS)
    NEWS[kind](shop)
    work()
    (letter,) = letters(shop, kind)
    assert letter.state == "kept", letter.last_error
    assert "Please bring this letter along." in letter.text and "Ring <twice>." in letter.text
    assert "Ring &lt;twice&gt;." in letter.html and letter.html.index("bring this letter") < letter.html.index('class="act"')


@pytest.mark.parametrize("kind", NEWS)
def test_a_letter_that_is_switched_off_does_not_leave_and_nothing_fails(shop: Shop, work: Callable[[], int], kind: str) -> None:
    change(shop, kind, sent=False)
    NEWS[kind](shop)
    work()
    assert letters(shop, kind) == []
    change(shop, kind)
    NEWS[kind](shop)
    work()
    assert len(letters(shop, kind)) == 1, "and again from when it is switched on"


def test_the_receipts_page_stays_when_its_letter_does_not_leave(shop: Shop, work: Callable[[], int]) -> None:
    change(shop, "receipt", sent=False)
    paid = make_paid(shop)
    work()
    with shop.app.app_context():
        path = f"/receipt/{receipt_token(shop.vendor, paid)}"
    assert paid.reference in Browser(shop.app).get(path).text


def test_the_receipt_is_not_switched_off_without_saying_how_payers_get_one(shop: Shop, owner: Browser) -> None:
    page = owner.get(f"{LETTERS}/receipt")
    assert "In many countries a receipt must be given" in page.text
    form = page.form(f"{LETTERS}/receipt")
    del form.values["sent"]
    refused = owner.submit(form, status=422, paragraph="Kept words")
    assert "you owe your payers a receipt" in refused.error_summary[0]
    again = refused.form(f"{LETTERS}/receipt")
    assert again.values["paragraph"] == "Kept words" and "sent" not in again.values
    owner.submit(again, otherwise="y")
    assert "switched off" in owner.get(LETTERS).text


def test_the_others_are_switched_with_one_press(owner: Browser) -> None:
    form = owner.get(f"{LETTERS}/link_reminder").form(f"{LETTERS}/link_reminder")
    del form.values["sent"]
    assert "Saved." in owner.submit(form).notices[0]


@pytest.mark.parametrize("kind", PAYER_LETTERS)
def test_each_letter_has_a_picture_in_which_nothing_can_run(owner: Browser, kind: str) -> None:
    token = owner.get(f"{LETTERS}/{kind}").form(f"{LETTERS}/{kind}").values["csrf_token"]
    sent = owner.client.post(f"{LETTERS}/{kind}/preview", data={"csrf_token": token, "paragraph": "Mind the <b>step</b>"})
    assert sent.status_code == 200 and "Mind the &lt;b&gt;step&lt;/b&gt;" in sent.text
    policy = sent.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "sandbox" in policy and "X-Frame-Options" not in sent.headers
    assert owner.client.get(f"{LETTERS}/{kind}/preview").status_code == 200


def test_a_picture_is_in_the_readers_language(owner: Browser) -> None:
    owner.get("/portal/?lang=de")
    assert "Ihre Erstattung ist unterwegs" in owner.client.get(f"{LETTERS}/refund_sent/preview").text


@pytest.mark.parametrize("kind", ["transfer_instructions", "reset_password", "nothing"])
def test_what_cannot_be_switched_off_has_no_switch(owner: Browser, kind: str) -> None:
    owner.get(f"{LETTERS}/{kind}", status=404)
    owner.get(f"{LETTERS}/{kind}/preview", status=404)


def test_somebody_who_may_not_change_settings_reads_and_does_not_change(shop: Shop) -> None:
    support = make_colleague(shop, "support").browser()
    page = support.get(f"{LETTERS}/receipt")
    assert "An owner or manager can change this." in page.text
    form = page.form(f"{LETTERS}/receipt")
    support.submit(form, status=403)


def test_one_vendors_words_stand_in_nobody_elses_letters(shop: Shop, app: Any, work: Callable[[], int]) -> None:
    other = make_shop(app)
    change(other, "receipt", paragraph="Not for you")
    make_paid(shop)
    work()
    assert "Not for you" not in letters(shop, "receipt")[0].text


def test_a_reminder_that_is_switched_off_is_dropped_and_says_why(shop: Shop) -> None:
    link = make_link(shop, expires_at=now() + timedelta(days=10))
    with unit(shop.app):
        send_link(
            shop.vendor,
            again(link),
            sender=shop.user,
            recipients=["ada@example.com"],
            message="",
            reminders=[7],
            form_token=secrets.token_urlsafe(18),
        )
    change(shop, "link_reminder", sent=False)
    with shifted(timedelta(days=4)), shop.app.app_context():
        send_due("link_reminder")
    assert letters(shop, "link_reminder") == []
    with shop.app.app_context():
        reminder = db.session.scalars(select(LinkReminder).where(LinkReminder.vendor_id == shop.vendor.id)).one()
    assert (reminder.state, reminder.reason) == ("dropped", "you have switched reminders off")
