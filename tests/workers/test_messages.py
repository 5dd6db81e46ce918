"""Messages leave by a real mail server: once, with the truth of the moment; without a server they are kept where they can be read."""

from __future__ import annotations

import email
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from email import policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from core.accounts import email_links
from core.accounts.email_links import open_link
from core.accounts.invite import invite
from core.accounts.models import User
from core.accounts.queries import get_vendor
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import Cancel
from core.closing.close import ask_to_close
from core.customers.keys import make_key
from core.directory.moderate import withdraw_listing
from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.notifications.models import Message
from core.notifications.notify import KINDS, notify
from core.notifications.queries import list_messages
from core.notifications.send import LEASE
from core.notifications.team import Choice, choose
from core.payments.attempt import live_attempt
from core.payments.charge import charge_saved
from core.payments.link import expire_link
from core.payments.long_export import record_failure, request_export, write_next
from core.payments.models import Payment
from core.payments.payer_page import report_problem
from core.payments.queries import get_link
from core.payments.saved import keep_card
from core.payments.send_link import send_link
from core.payments.sendings import list_sendings
from core.payments.start import give_up
from core.payments.transfer_cases import give_back_transfer
from core.payouts.accounts import add_account
from core.providers.saved import SavedMethod
from core.risk.attack import begin_by_surge
from core.web.pdf import PaperNotPrinted
from tests.core.billing.kept import make_seller
from tests.core.directory.stalls import make_listing
from tests.core.memberships.joined import Joined, sell
from tests.core.payments.transfers import TestBank, begin_transfer, settle_order, transfer
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.kinds import begun
from tests.core.subscriptions.told import NOVEMBER, OCTOBER, Life, customer_of, the_house
from tests.factories import (
    Shop,
    again,
    ask_refund,
    fresh,
    make_declined,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    tell_refund,
    unit,
)
from tests.factories import make_link as pay_link
from workers import messages
from workers.messages import send_message


class Inbox:
    """A real mail server that keeps what it is given, or answers what a test tells it to."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


class AnyPort(Controller):
    """On a port the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def shop(app, unit) -> Shop:
    return make_shop(app, business="Blue Door Bäckerei 🥐")


@pytest.fixture
def inbox(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    box = Inbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{controller.port}")
    monkeypatch.setenv("MAIL_FROM", "Portal <pay@portal.example>")
    settings.cache_clear()
    yield box
    controller.stop()
    monkeypatch.undo()
    settings.cache_clear()


def ask(shop: Shop, kind: str, *, to: str = "ada@example.com", **ids: str) -> Message:
    with unit_of_work():
        return notify(shop.vendor, kind, mode="test", to=to, **ids)


def send(message: Message) -> Message:
    send_message(message.vendor_id, mode=message.mode, message=str(message.id))
    with unit_of_work():
        return db.session.get(Message, (message.vendor_id, message.mode, message.id), populate_existing=True)


def of_every_kind(shop: Shop) -> list[Message]:
    payment = make_paid(shop)
    done, failed = ask_refund(shop, payment, "10.00"), ask_refund(shop, payment, "5.00")
    tell_refund(shop, done, "succeeded")
    tell_refund(shop, failed, "failed", failure_reason="account_closed")
    with unit_of_work():
        tokens = {p: email_links.make_link(shop.user, p).token_id for p in ("email-verify", "password-reset")}
        asked = invite(shop.vendor, email="ada@example.com", role="support", by=shop.user.public_id)
        choose(shop.vendor, "test", shop.user.public_id, {"refund_failed": Choice(mailed=True)})
    user, pay = shop.user.public_id, payment.public_id
    return [
        ask(shop, "verify_email", user=user, token=tokens["email-verify"]),
        ask(shop, "reset_password", user=user, token=tokens["password-reset"]),
        ask(shop, "password_changed", user=user),
        ask(shop, "second_step", user=user, what="on"),
        ask(shop, "daily_news", user=user, after=str(uuid.UUID(int=0)), until=str(uuid.UUID(int=2**128 - 1))),
        ask(shop, "payment_received", payment=pay),
        ask(shop, "receipt", payment=pay),
        ask(shop, "instruction_received", payment=_processing(shop).public_id),
        ask(shop, "payment_failed", payment=make_declined(shop).public_id),
        ask(shop, "confirm_payment", payment=_to_confirm(shop).public_id),
        ask(shop, "checkout_left", payment=_left(shop).public_id),
        ask(shop, "refund_sent", payment=pay, refund=done.public_id),
        ask(shop, "refund_failed", payment=pay, refund=failed.public_id),
        *_about_transfers(shop),
        ask(shop, "unexpected_money", payment=pay),
        _under_attack(shop),
        ask(shop, "money_returned", payment=pay, refund=done.public_id),
        *_about_payouts(make_shop(shop.app)),
        ask(shop, "refund_outside", payment=pay, refund=done.public_id),
        ask(shop, "refund_not_booked", payment=pay),
        _with_a_problem(shop),
        ask(shop, "payer_page", key=_key(shop)),
        ask(shop, "invitation", invitation=asked.public_id),
        *_about_exports(shop),
        *_about_a_listing(shop),
        *about_a_link(shop),
        *_about_plans(shop),
        _invoiced(shop),
        *about_a_membership(shop),
        *_about_a_closing(make_shop(shop.app)),
    ]


def _about_plans(shop: Shop) -> list[Message]:
    """Of the shop's own plan what is urgent and what is not, and a letter to a member of a business."""
    life = Life(the_house(shop.app), shop.vendor, OCTOBER, "pro").go(NOVEMBER).pay(False)
    plan = {letter.kind: letter for letter in life.letters()}
    seller = make_seller(shop.app)
    (member,) = Life(seller, customer_of(seller), NOVEMBER, "pro").do(Cancel()).letters()
    return [plan["plan_urgent"], plan["plan_news"], member]


def _about_a_closing(shop: Shop) -> list[Message]:
    """An account that is being closed, with the way back, and one that is closed."""
    with unit_of_work():
        row = ask_to_close(
            get_vendor(shop.vendor.id), db.session.get_one(User, shop.user.id), name=shop.vendor.name, expects="", mode="test"
        )
        asked = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="closing_asked").one()
    return [asked, ask(shop, "closing_done", closing=row.public_id)]


def _about_payouts(shop: Shop) -> list[Message]:
    """A bank account that was entered, a payout that left for it, and one that came back."""
    seller = Seller(shop)
    with unit_of_work():
        account = add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery", iban=THEIRS, by=shop.user.public_id)
    payouts = []
    for amount in ("30.00", "40.00"):
        link = pay_link(shop, amount=amount, currency="USD")
        with shifted(timedelta(days=-20)):
            make_paid(shop, link)
        seller.release()
        payouts.append(seller.pays_out())
        seller.bank_says(payouts[-1])
    seller.bank_says(payouts[1], back="AC04")
    return [
        ask(shop, "payout_account", account=account.public_id),
        ask(shop, "payout_paid", payout=payouts[0].public_id),
        ask(shop, "payout_failed", payout=payouts[1].public_id),
    ]


def _with_a_problem(shop: Shop) -> Message:
    payment = make_paid(shop)
    with unit_of_work():
        report_problem(shop.vendor, again(payment), "The cake was cold.\nTwice.")
    return ask(shop, "problem_reported", payment=payment.public_id)


def _key(shop: Shop) -> str:
    with unit_of_work():
        return make_key(shop.vendor, "test", "ada@example.com").token_id


def _invoiced(shop: Shop) -> Message:
    """The first invoice of somebody who subscribes to what the shop sells."""
    with unit_of_work():
        publish_terms(shop.vendor, "test", POLICY, valid_from=date(2020, 1, 1), by="system")
    kept = begun(shop, make_shop(shop.app).vendor)
    (document,) = kept.documents()
    return ask(shop, "invoice", document=document.public_id)


def _about_exports(shop: Shop) -> list[Message]:
    """A file that is ready, and one that could not be written."""
    how = {"subject": "payments", "file_format": "csv", "kept": {}, "language": "en", "by": shop.user.public_id}
    with unit_of_work():
        ready, failed = (request_export(shop.vendor, "test", form_token=secrets.token_hex(10), **how) for _ in range(2))
    with unit_of_work():
        write_next(shop.vendor.id, "test", ready.id)
        while not record_failure(shop.vendor.id, "test", failed.id):
            pass
    return [ask(shop, "export_ready", export=ready.public_id), ask(shop, "export_failed", export=failed.public_id)]


def _about_a_listing(shop: Shop) -> list[Message]:
    """A page that staff took out of the directory, and let back in."""
    gone, back = make_listing(shop), make_listing(shop, title="Rye and Co")
    with unit_of_work():
        withdraw_listing(gone, by="stf_test", reason="The address on it does not exist.")
    return [ask(shop, "listing_withdrawn", listing=gone.public_id), ask(shop, "listing_restored", listing=back.public_id)]


def _under_attack(shop: Shop) -> Message:
    with unit_of_work():
        begin_by_surge(shop.vendor, "test", declines=12)
    return ask(shop, "attack_mode", began=now().isoformat(timespec="seconds"))


def _processing(shop: Shop) -> Payment:
    """A payment that the payer has done their part of, and whose bank takes its time."""
    payment = make_payment(shop)
    tell(shop, payment, open_payment(shop, payment), "processing")
    return payment


def _to_confirm(shop: Shop) -> Payment:
    """A payment charged to a saved card, whose bank wants its customer."""
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034)
    with unit_of_work():
        card = keep_card(shop.vendor.id, "test", "sandbox", method, email="ada@example.com", name="Ada")
        payment = charge_saved(shop.vendor, card, amount=Money(2500, "GBP"), description="Bread", reference=secrets.token_hex(8))
    with unit_of_work():
        attempt = live_attempt(payment)
    tell(shop, payment, attempt, "requires_action", closed=True)
    return payment


def _left(shop: Shop) -> Payment:
    """A payment that ran out of time, through a link that is still open."""
    payment = make_payment(shop, pay_link(shop, kind="reusable"))
    with unit_of_work():
        give_up(payment, to="expired", actor="system")
    return payment


def about_a_link(shop: Shop) -> list[Message]:
    """The letter that a link was sent with, and a reminder of it."""
    link = pay_link(shop, amount=None, kind="request", total_minor=30_000, due_on=(now() + timedelta(days=30)).date())
    with unit_of_work():
        (sending,) = send_link(
            shop.vendor, link, sender=shop.user, recipients=["ada@example.com"], message="Two lines,\n<b>plain</b>.", reminders=[], form_token=secrets.token_hex(10)
        )  # fmt: skip
        first = db.session.get_one(Message, (shop.vendor.id, "test", sending.message_id))
    return [first, ask(shop, "link_reminder", link=link.public_id, sending=sending.public_id)]


def about_a_membership(shop: Shop) -> list[Message]:
    """The welcome to one, and the address of its page."""
    today = now().date()
    sell(shop, "Basic", "10.00", on=today - timedelta(days=2))
    member = Joined(shop, today, email="grace@example.com")
    member.answer(today)
    kinds = ("membership_welcome", "membership_page")
    return [ask(shop, kind, member=member.member.public_id) for kind in kinds]


def _about_transfers(shop: Shop) -> list[Message]:
    """One payment that is waited for, of which a part has come, and one to which too much came, some of which went back."""
    bank, link = TestBank(shop), pay_link(shop, currency="USD")
    waiting, over = make_payment(shop, link), make_payment(shop, link)
    waited, more = (begin_transfer(shop, payment).provider_reference or "" for payment in (waiting, over))
    bank.tell(transfer(1000, waited), transfer(2600, more))
    with unit(shop.app):
        (returned,) = give_back_transfer(shop.vendor, again(over), by=shop.user.public_id)
    settle_order(bank, returned.public_id)
    bank.tell(transfer(100, more))
    return [
        ask(shop, "transfer_instructions", payment=waiting.public_id),
        ask(shop, "transfer_partial", payment=waiting.public_id),
        ask(shop, "transfer_held", payment=over.public_id),
        ask(shop, "transfer_decision", payment=over.public_id),
        ask(shop, "transfer_returned", payment=over.public_id, transfer_return=returned.public_id),
        ask(shop, "transfer_taken_back", payment=over.public_id),
    ]


OF_A_MODE = {"payment", "link", "began", "export", "listing", "after", "subscription", "key", "document", "member", "account", "payout"}


def test_every_kind_is_written_and_arrives_as_text_and_as_html(shop: Shop, inbox: Inbox) -> None:
    asked = of_every_kind(shop)
    assert [m.kind for m in asked] == list(KINDS)
    assert {send(m).state for m in asked} == {"sent"}
    for message, mail in zip(asked, inbox.mails, strict=True):
        text, html = (mail.get_body((form,)).get_content() for form in ("plain", "html"))
        assert mail["Message-ID"] == f"<{message.public_id}@portal.example>"
        assert settings().public_url in text and settings().public_url in html
        assert "http://" not in html.replace(settings().public_url, "") and "<img" not in html
        assert ("TEST MODE" in text) == ("TEST MODE" in html) == ("[Test]" in mail["Subject"]) == (not OF_A_MODE.isdisjoint(message.params))


def test_the_customer_hears_from_the_shop_and_can_answer_it(shop: Shop, inbox: Inbox) -> None:
    payment = make_paid(shop)
    send(ask(shop, "receipt", payment=payment.public_id))
    (mail,) = inbox.mails
    assert mail["From"].addresses[0].display_name == "Blue Door Bäckerei 🥐 via Portal"
    assert mail["Reply-To"].addresses[0].addr_spec == shop.vendor.support_email
    (pdf,) = mail.iter_attachments()
    assert pdf.get_filename() == f"receipt-{payment.reference}.pdf" and pdf.get_content().startswith(b"%PDF-")


def test_a_receipt_that_cannot_be_printed_is_still_written(shop: Shop, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def jammed(*_: object, **__: object) -> None:
        raise PaperNotPrinted("no pango here")

    monkeypatch.setattr(messages, "make_receipt", jammed)
    send(ask(shop, "receipt", payment=make_paid(shop).public_id))
    assert list(inbox.mails[0].iter_attachments()) == []
    assert "attached" not in inbox.mails[0].get_body(("plain",)).get_content()


def test_without_a_mail_server_messages_are_kept_to_be_read(shop: Shop) -> None:
    kept = [send(m) for m in of_every_kind(shop)]
    assert {m.kind: m.last_error for m in kept if m.state != "kept"} == {}
    assert all(m.subject and m.text and m.html and m.sent_at is None for m in kept)


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


@pytest.mark.parametrize(("answer", "state"), [("451 later", "queued"), ("554 never", "failed")])
def test_a_no_is_written_down_and_no_job_is_poisoned(shop: Shop, inbox: Inbox, answer: str, state: str) -> None:
    inbox.answer = answer
    message = send(ask(shop, "password_changed", user=shop.user.public_id))
    assert message.state == state and answer in message.last_error
    inbox.answer = "250 OK"
    assert send(message).state == ("sent" if state == "queued" else "failed")


def test_a_link_that_no_longer_works_is_not_sent(shop: Shop, inbox: Inbox) -> None:
    with unit_of_work():
        old = email_links.make_link(shop.user, "password-reset").token_id
    message = ask(shop, "reset_password", user=shop.user.public_id, token=old)
    with unit_of_work():
        email_links.make_link(shop.user, "password-reset")
    assert send(message).state == "failed" and "no longer works" in send(message).last_error
    assert inbox.mails == []


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
    assert send(ask(shop, "refund_sent", payment=payment.public_id, refund=refund.public_id)).state == "failed"
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
    assert send(reminder).state == "failed" and "paid" in send(reminder).last_error
    other, _ = about_a_link(shop)
    with unit_of_work():
        expire_link(get_link(shop.vendor, "test", other.params["link"]), by="usr_x")
    assert send(other).state == "failed" and inbox.mails == []


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
