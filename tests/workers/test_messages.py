"""Messages leave by a real mail server: once, with the truth of the moment; without a server they are kept where they can be read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from core.accounts import api_keys, email_links
from core.accounts.email_links import open_link
from core.kernel.clock import shifted
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.notifications.models import Message
from core.notifications.notify import KINDS
from core.notifications.queries import list_messages
from core.notifications.send import LEASE
from core.payments.link import expire_link
from core.payments.queries import get_link
from core.payments.sendings import list_sendings
from core.web.pdf import PaperNotPrinted
from tests.factories import (
    Shop,
    ask_refund,
    fresh,
    make_paid,
    make_shop,
    tell_refund,
)
from tests.workers.inbox import Inbox
from tests.workers.letters import about_a_link, ask, of_every_kind
from workers import messages
from workers.messages import send_message


@pytest.fixture
def shop(app, unit) -> Shop:
    return make_shop(app, business="Blue Door Bäckerei 🥐")


def send(message: Message) -> Message:
    send_message(message.vendor_id, mode=message.mode, message=str(message.id))
    with unit_of_work():
        return db.session.get(Message, (message.vendor_id, message.mode, message.id), populate_existing=True)


OF_A_MODE = {
    "checkout",
    "report",
    "rule",
    "line",
    "stop",
    "payment",
    "link",
    "began",
    "export",
    "listing",
    "after",
    "subscription",
    "key",
    "document",
    "member",
    "endpoint",
    "account",
    "payout",
    "dispute",
    "day",
}


OF_NO_MODE = {"/portal/live/application", "/portal/settings/audit-log", "/portal/settings/pay-domains"}


def test_every_kind_is_written_and_arrives_as_text_and_as_html(shop: Shop, inbox: Inbox) -> None:
    asked = of_every_kind(shop)
    assert [m.kind for m in asked] == list(KINDS)
    assert {send(m).state for m in asked} == {"sent"}
    for message, mail in zip(asked, inbox.mails, strict=True):
        text, html = (mail.get_body((form,)).get_content() for form in ("plain", "html"))
        assert mail["Message-ID"] == f"<{message.public_id}@portal.example>"
        assert settings().public_url in text and settings().public_url in html
        assert "http://" not in html.replace(settings().public_url, "") and "<img" not in html
        for address in re.findall(rf"{settings().public_url}/portal/[^\s\"<]*", text + html):
            assert "mode=test" in address or urlsplit(address).path in OF_NO_MODE, address
            assert "business=vnd_" in address, address
        assert ("TEST MODE" in text) == ("TEST MODE" in html) == ("[Test]" in mail["Subject"]) == (not OF_A_MODE.isdisjoint(message.params))


def test_a_key_from_elsewhere_is_told_of_with_its_address_and_only_while_it_counts(shop: Shop) -> None:
    with unit_of_work():
        key, _ = api_keys.make_key(shop.vendor, "test", name="Till", by="usr_x", addresses=["203.0.113.7"])
    told = {"key": key.public_id, "what": "elsewhere", "address": "198.51.100.7"}
    letter = send(ask(shop, "key_news", **told))
    assert letter.state == "kept" and "came from" in letter.text and "198.51.100.7" in letter.text and "another network" in letter.subject
    with unit_of_work():
        api_keys.revoke_key(shop.vendor, "test", key.public_id, by="usr_x")
    assert "counts no more" in (send(ask(shop, "key_news", **told)).last_error or "")


def test_the_customer_hears_from_the_shop_and_can_answer_it(shop: Shop, inbox: Inbox) -> None:
    payment = make_paid(shop)
    sent = send(ask(shop, "receipt", payment=payment.public_id))
    (mail,) = inbox.mails
    assert mail["From"].addresses[0].display_name == "Blue Door Bäckerei 🥐 via Portal"
    assert mail["Reply-To"].addresses[0].addr_spec == shop.vendor.support_email
    (pdf,) = mail.iter_attachments()
    assert pdf.get_filename() == f"receipt-{payment.reference}.pdf" and pdf.get_content().startswith(b"%PDF-")
    assert sent.enclosed == [pdf.get_filename()]
    assert f"Attached {pdf.get_filename()}" in shop.browser().get(f"/portal/outbox/{sent.public_id}").text


def test_a_receipt_that_cannot_be_printed_is_still_written(shop: Shop, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def jammed(*_: object, **__: object) -> None:
        raise PaperNotPrinted("no pango here")

    monkeypatch.setattr(messages, "make_receipt", jammed)
    assert send(ask(shop, "receipt", payment=make_paid(shop).public_id)).enclosed == []
    assert list(inbox.mails[0].iter_attachments()) == []
    assert "attached" not in inbox.mails[0].get_body(("plain",)).get_content()


def test_without_a_mail_server_messages_are_kept_to_be_read(shop: Shop) -> None:
    kept = [send(m) for m in of_every_kind(shop)]
    assert {m.kind: m.last_error for m in kept if m.state != "kept"} == {}
    assert all(m.subject and m.text and m.html and m.sent_at is None for m in kept)
    text = {m.kind: m.text for m in kept}
    assert "The account is closed. (AC04)" in text["payout_failed"]
    assert re.search(r"Refunded since: £10.00\nOur fee: £0.23\nFor you: £14.77\n", text["payment_received"]), "the sums explain each other"


def test_once_sent_a_message_is_never_sent_again(shop: Shop, inbox: Inbox) -> None:
    message = ask(shop, "password_changed", user=shop.user.public_id)
    for _ in range(3):
        send(message)
    assert len(inbox.mails) == 1


def test_a_worker_that_died_after_sending_doubles_the_letter_recognisably(
    shop: Shop, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = ask(shop, "password_changed", user=shop.user.public_id)

    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(messages, "record_sent", killed)
        with pytest.raises(SystemExit):
            send(message)
    assert send(message).state == "queued"  # its lease is not over: nobody else sends it meanwhile
    with shifted(LEASE + timedelta(seconds=1)):
        assert send(message).state == "sent"
    assert [m["Message-ID"] for m in inbox.mails] == [f"<{message.public_id}@portal.example>"] * 2


@pytest.mark.parametrize(("answer", "state"), [("451 later", "queued"), ("554 never", "bounced")])
def test_a_no_is_written_down_and_no_job_is_poisoned(shop: Shop, inbox: Inbox, answer: str, state: str) -> None:
    inbox.answer = answer
    message = send(ask(shop, "password_changed", user=shop.user.public_id))
    assert message.state == state and answer in message.last_error
    inbox.answer = "250 OK"
    assert send(message).state == ("sent" if state == "queued" else "bounced")


def test_a_link_that_no_longer_works_is_not_sent(shop: Shop, inbox: Inbox) -> None:
    with unit_of_work():
        old = email_links.make_link(shop.user, "password-reset").token_id
    message = ask(shop, "reset_password", user=shop.user.public_id, token=old)
    with unit_of_work():
        email_links.make_link(shop.user, "password-reset")
    assert send(message).state == "overtaken" and "no longer works" in send(message).last_error
    assert inbox.mails == []


def test_a_letter_that_was_wanted_and_ran_out_before_it_could_leave_failed(shop: Shop, inbox: Inbox) -> None:
    with unit_of_work():
        link = email_links.make_link(shop.user, "password-reset")
    message = ask(shop, "reset_password", user=shop.user.public_id, token=link.token_id)
    with shifted(timedelta(hours=25)):
        late = send(message)
    assert late.state == "failed" and "before it could be sent" in (late.last_error or "") and inbox.mails == []


def test_the_link_in_the_letter_opens_the_door(shop: Shop, inbox: Inbox) -> None:
    with unit_of_work():
        link = email_links.make_link(shop.user, "password-reset")
    send(ask(shop, "reset_password", to=shop.user.email, user=shop.user.public_id, token=link.token_id))
    text = inbox.mails[0].get_body(("plain",)).get_content()
    token = next(word for word in text.split() if "/reset-password/" in word).rpartition("/")[2]
    with unit_of_work():
        assert open_link("password-reset", token)[0].token_id == link.token_id


def test_a_customer_is_not_told_of_a_refund_that_has_failed_since(shop: Shop, inbox: Inbox) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    tell_refund(shop, refund, "failed", failure_reason="account_closed")
    assert send(ask(shop, "refund_sent", payment=payment.public_id, refund=refund.public_id)).state == "overtaken"
    send(ask(shop, "refund_failed", payment=payment.public_id, refund=refund.public_id))
    assert "We have not written to your customer" in inbox.mails[0].get_body(("plain",)).get_content()


def test_a_vendor_learns_that_the_customer_was_told_too_early(shop: Shop, inbox: Inbox) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    send(ask(shop, "refund_sent", payment=payment.public_id, refund=refund.public_id))
    tell_refund(shop, refund, "failed", failure_reason="account_closed")
    send(ask(shop, "refund_failed", payment=payment.public_id, refund=refund.public_id))
    assert "told your customer earlier" in inbox.mails[1].get_body(("plain",)).get_content()


def test_a_link_sent_by_e_mail_says_what_it_is_for_from_whom_and_how_much_is_open(shop: Shop, inbox: Inbox) -> None:
    for message in about_a_link(shop):
        assert send(message).state == "sent"
    first, second = inbox.mails
    assert first["From"].addresses[0].display_name == "Blue Door Bäckerei 🥐 via Portal"
    assert first["Reply-To"].addresses[0].addr_spec == shop.vendor.support_email
    assert second["Subject"] == "[Test] Reminder from Blue Door Bäckerei 🥐: Sourdough course"
    for mail in inbox.mails:
        text, html = (mail.get_body((form,)).get_content() for form in ("plain", "html"))
        assert "Two lines," in text and "<b>plain</b>." in text and "&lt;b&gt;plain" in html and "<b>plain" not in html
        assert "£300.00" in text and "Due on" in text and "/pay/" in text and "opened" in text


def test_a_letter_about_a_link_is_not_sent_once_it_is_paid_or_over(shop: Shop, inbox: Inbox) -> None:
    first, reminder = about_a_link(shop)
    with unit_of_work():
        link = get_link(shop.vendor, "test", first.params["link"])
    make_paid(shop, link, amount="300.00")
    assert send(reminder).state == "overtaken" and "paid" in send(reminder).last_error
    other, _ = about_a_link(shop)
    with unit_of_work():
        expire_link(get_link(shop.vendor, "test", other.params["link"]), by="usr_x")
    assert send(other).state == "overtaken" and inbox.mails == []


def test_a_refused_address_is_seen_at_the_sending(shop: Shop, inbox: Inbox) -> None:
    inbox.answer = "550 no such mailbox"
    first, _ = about_a_link(shop)
    send(first)
    with unit_of_work():
        (fate,) = list_sendings(shop.vendor, get_link(shop.vendor, "test", first.params["link"]))
    assert fate.state == "bounced" and "550 no such mailbox" in fate.problem


def test_a_payment_brings_both_sides_their_message(shop: Shop, inbox: Inbox, work: Callable[[], int]) -> None:
    payment = make_paid(shop, email="payer@example.com")
    work()
    told = {m["To"]: m["Subject"] for m in inbox.mails}
    assert told["payer@example.com"] == "[Test] Your receipt from Blue Door Bäckerei 🥐: £25.00"
    assert told[shop.vendor.support_email] == "[Test] £25.00 received: Sourdough course"
    with unit_of_work():
        assert {m.state for m in list_messages(shop.vendor, "test", about=fresh(shop, payment).public_id).rows} == {"sent"}


def test_a_message_that_is_gone_is_no_work(shop: Shop) -> None:
    send_message(shop.vendor.id, mode="test", message=str(uuid.uuid4()))
