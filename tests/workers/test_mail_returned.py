"""Letters come back by a command or over HTTP, under our signature only; then the vendor sees it, and that address gets no more."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from flask import Flask
from structlog.testing import capture_logs

from core.accounts import email_links
from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.mail_stops import find_stop, forget_stops
from core.notifications.models import Message, Notice
from core.notifications.notify import notify
from core.notifications.return_address import letter_name
from core.payments.models import PaymentLink
from core.payments.send_link import send_link
from core.payments.sendings import Fate, list_sendings
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_link, make_paid, make_shop, unit
from tests.workers.inbox import Inbox
from tests.workers.returned import SAID, bounced, complained
from workers.messages import send_message

RELAY = {"Authorization": "Bearer a-secret-of-the-relay", "Content-Type": "message/rfc822"}


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def ask(shop: Shop, kind: str, *, to: str = "ada@example.com", **ids: str) -> Message:
    with unit(shop.app):
        return notify(shop.vendor, kind, mode="test", to=to, **ids)


def leave(shop: Shop, message: Message) -> Message:
    with shop.app.app_context():
        send_message(message.vendor_id, mode=message.mode, message=str(message.id))
    return again(shop, message)


def again(shop: Shop, message: Message) -> Message:
    with unit(shop.app):
        return db.session.get_one(Message, (message.vendor_id, message.mode, message.id), populate_existing=True)


def send(shop: Shop, link: PaymentLink | None = None, to: str = "ada@example.com") -> tuple[PaymentLink, Message]:
    """A link sent by e-mail, on its way."""
    link = link or make_link(shop)
    with unit(shop.app):
        (sending,) = send_link(
            shop.vendor, link, sender=shop.user, recipients=[to], message="", reminders=[], form_token=secrets.token_hex(10)
        )  # fmt: skip
        letter = db.session.get_one(Message, (shop.vendor.id, "test", sending.message_id))
    return link, leave(shop, letter)


def fate(shop: Shop, link: PaymentLink) -> Fate:
    with unit(shop.app):
        return list_sendings(shop.vendor, link)[0]


def pipe(shop: Shop, raw: bytes, **environment: str) -> str:
    """As a mail server's alias hands it over."""
    done = shop.app.test_cli_runner(env=environment).invoke(args=["mail-returned"], input=raw)
    assert done.exit_code == 0, done.output
    return str(done.output.splitlines()[-1])


def post(shop: Shop, raw: bytes, query: str = "") -> str:
    answer = shop.app.test_client().post(f"/mail/returned{query}", data=raw, headers=RELAY)
    assert answer.status_code == 200
    return str(answer.get_json()["outcome"])


def stop_of(shop: Shop, address: str = "ada@example.com") -> tuple[bool, bool]:
    with unit(shop.app):
        stop = find_stop(shop.vendor, "test", address)
        return (stop is not None and stop.unreachable_at is not None, stop is not None and stop.unwanted_at is not None)


@pytest.mark.parametrize("way", [pipe, post])
def test_a_letter_that_comes_back_is_seen_where_the_vendor_looks(shop: Shop, inbox: Inbox, way: object) -> None:
    make_paid(shop, email="ada@example.com")
    link, letter = send(shop)
    assert letter.state == "sent" and inbox.return_to == [f"returned+{letter_name(letter.id)}@portal.example"]
    raw = bounced(inbox.mails[0], inbox.return_to[0])
    assert [way(shop, raw), way(shop, raw)] == ["bounced", "ignored"], "the same report twice is one piece of news"
    assert (again(shop, letter).state, fate(shop, link).state, fate(shop, link).problem) == ("bounced", "bounced", SAID)
    owner = shop.browser()
    assert "Came back" in owner.get(f"/portal/links/{link.public_id}/send").text
    assert "Came back" in owner.get("/portal/outbox?state=lost").text
    assert "Letters come back" in owner.get("/portal/customers").text
    shown = owner.get(f"/portal/outbox/{letter.public_id}")
    assert "This address takes no letters" in shown.text and SAID in shown.text
    notices = owner.get("/portal/notices")
    assert "A letter to a customer came back" in notices.text and "ada@example.com" in notices.text
    assert "1 letter with this link did not arrive." in owner.get(f"/portal/links/{link.public_id}").text
    opening = next(e.attrs["action"] for e in notices.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert owner.submit(notices.form(opening)).address.endswith(letter.public_id)
    with unit(shop.app):
        assert [one.kind for one in db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, about=letter.public_id)] == [
            "letter_returned"
        ]


def test_no_letter_goes_there_any_more_until_somebody_lets_it_through(shop: Shop, inbox: Inbox) -> None:
    link, _ = send(shop)
    pipe(shop, bounced(inbox.mails[0], inbox.return_to[0]))
    held = leave(shop, ask(shop, "receipt", payment=make_paid(shop, email="ADA@example.com").public_id, to="ADA@example.com"))
    _, second = send(shop, link)
    assert (held.state, second.state, len(inbox.mails)) == ("held", "held", 1)
    assert fate(shop, link).state == "held"
    page = shop.browser().get(f"/portal/links/{link.public_id}/send")
    assert "Not sent: this address refused an earlier letter." in page.text
    other = make_shop(shop.app)
    assert leave(other, ask(other, "receipt", payment=make_paid(other).public_id)).state == "sent", (
        "another vendor's letters are its own matter"
    )
    owner = shop.browser()
    action = f"/portal/outbox/{held.public_id}/let-through"
    shown = owner.submit(owner.get(f"/portal/outbox/{held.public_id}").form(action))
    assert "It is on its way." in shown.text and stop_of(shop) == (False, False)
    assert leave(shop, held).state == "sent" and "ADA@example.com" in [str(mail["To"]) for mail in inbox.mails]
    assert "Let an address through again" in owner.get("/portal/settings/audit-log").text
    shown = owner.submit(owner.get(f"/portal/outbox/{second.public_id}").form(f"/portal/outbox/{second.public_id}/let-through"))
    assert leave(shop, second).state == "sent"


def test_who_may_not_send_messages_lets_nothing_through(shop: Shop, inbox: Inbox) -> None:
    _, letter = send(shop)
    pipe(shop, bounced(inbox.mails[0], inbox.return_to[0]))
    viewer = make_colleague(shop, "viewer").browser()
    page = viewer.get(f"/portal/outbox/{letter.public_id}")
    assert "let-through" not in page.html and "This address takes no letters" in page.text
    token = page.form("/sign-out").values["csrf_token"]
    viewer.client.post(f"/portal/outbox/{letter.public_id}/let-through", data={"csrf_token": token})
    stranger = make_shop(shop.app).browser()
    token = stranger.get("/portal/").form("/sign-out").values["csrf_token"]
    assert stranger.client.post(f"/portal/outbox/{letter.public_id}/let-through", data={"csrf_token": token}).status_code == 404
    assert stop_of(shop) == (True, False) and again(shop, letter).state == "bounced"


def test_a_receipt_is_not_sent_again_to_an_address_that_takes_none(shop: Shop, inbox: Inbox) -> None:
    receipt = leave(shop, ask(shop, "receipt", payment=make_paid(shop).public_id))
    pipe(shop, bounced(inbox.mails[0], inbox.return_to[0]))
    owner, action = shop.browser(), f"/portal/outbox/{receipt.public_id}/again"
    refused = owner.submit(owner.get(f"/portal/outbox/{receipt.public_id}").form(action), status=422)
    assert "This address refused an earlier letter." in refused.text and refused.form(action).values["email"] == "ada@example.com"
    owner.submit(owner.get(f"/portal/outbox/{receipt.public_id}").form(action), email="right@example.com")


def test_an_address_refused_as_the_letter_is_handed_over_has_bounced_at_once(shop: Shop, inbox: Inbox) -> None:
    inbox.answer_to_address = "550 5.1.1 no such mailbox"
    link, letter = send(shop)
    assert (letter.state, stop_of(shop), fate(shop, link).state) == ("bounced", (True, False), "bounced")
    assert send(shop, link)[1].state == "held"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("450 4.2.1 try later", "queued"), ("550 5.7.1 relaying denied", "bounced"), ("554 5.7.1 blocked by our policy", "bounced"),
        ("550 blocked for spam", "bounced"), ("552 5.2.2 mailbox full", "bounced"),
    ],
)  # fmt: skip
def test_a_no_that_is_not_about_the_address_stops_no_further_letters(shop: Shop, inbox: Inbox, answer: str, state: str) -> None:
    inbox.answer_to_address = answer
    link, letter = send(shop)
    assert (letter.state, stop_of(shop)) == (state, (False, False))
    inbox.answer_to_address = "250 OK"
    assert send(shop, link)[1].state == "sent"


def test_what_somebody_asks_for_at_this_moment_is_tried_all_the_same(shop: Shop, inbox: Inbox) -> None:
    leave(shop, ask(shop, "password_changed", to=shop.email, user=shop.user.public_id))
    pipe(shop, bounced(inbox.mails[0], inbox.return_to[0]))
    assert leave(shop, ask(shop, "password_changed", to=shop.email, user=shop.user.public_id)).state == "held"
    with unit(shop.app):
        token = email_links.make_link(shop.user, "password-reset").token_id
    assert leave(shop, ask(shop, "reset_password", to=shop.email, user=shop.user.public_id, token=token)).state == "sent"
    page = shop.browser().get("/portal/settings/notifications")
    assert f"Letters to {shop.email} come back" in page.text


def test_a_complaint_ends_what_nobody_asked_for_and_nothing_else(shop: Shop, inbox: Inbox) -> None:
    link, letter = send(shop)
    raw = complained(inbox.mails[0], inbox.return_to[0])
    assert [post(shop, raw), pipe(shop, raw)] == ["complained", "ignored"]
    assert again(shop, letter).state == "sent" and stop_of(shop) == (False, True)
    assert send(shop, link)[1].state == "held"
    assert "Not sent: its reader wants no such letters." in shop.browser().get(f"/portal/links/{link.public_id}/send").text
    assert leave(shop, ask(shop, "receipt", payment=make_paid(shop).public_id)).state == "sent", "a receipt is owed"
    shown = shop.browser().get(f"/portal/outbox/{letter.public_id}")
    assert "Its reader complained" in shown.text and "let-through" not in shown.html, "only the reader takes that back"


@pytest.mark.parametrize("kind", ["not-spam", "virus", "other", ""])
def test_other_feedback_changes_nothing(shop: Shop, inbox: Inbox, kind: str) -> None:
    send(shop)
    assert pipe(shop, complained(inbox.mails[0], inbox.return_to[0], kind=kind)) == "ignored"
    assert stop_of(shop) == (False, False)


def test_one_of_the_team_who_complained_gets_the_necessary_only_and_can_take_it_back(shop: Shop, inbox: Inbox) -> None:
    paid = make_paid(shop).public_id
    leave(shop, ask(shop, "payment_received", to=shop.email, payment=paid))
    pipe(shop, complained(inbox.mails[0], inbox.return_to[0]))
    assert leave(shop, ask(shop, "payment_received", to=shop.email, payment=paid)).state == "held"
    assert leave(shop, ask(shop, "password_changed", to=shop.email, user=shop.user.public_id)).state == "sent"
    owner = shop.browser()
    page = owner.get("/portal/settings/notifications")
    assert "you do not want our letters" in page.text
    owner.submit(page.form("/portal/settings/notifications/letters"))
    assert stop_of(shop, shop.email) == (False, False)
    assert leave(shop, ask(shop, "payment_received", to=shop.email, payment=paid)).state == "sent"


def forged(inbox: Inbox, letter: Message, what: str) -> bytes:
    """What somebody outside might write who knows everything but the signature."""
    mail = inbox.mails[0]
    name = letter_name(letter.id)
    wrong = name[:-1] + ("a" if name[-1] != "a" else "b")
    del mail["X-Letter"]
    if what == "message id only":
        return bounced(mail, "returned@portal.example")
    if what == "wrong signature":
        return bounced(mail, f"returned+{wrong}@portal.example")
    if what == "no report":
        return f"To: returned+{name}@portal.example\r\nSubject: I am on holiday\r\n\r\nBack on Monday.".encode()
    if what == "only delayed":
        return bounced(mail, f"returned+{name}@portal.example", action="delayed", status="4.4.1")
    if what == "delivered":
        return bounced(mail, f"returned+{name}@portal.example", action="delivered", status="2.0.0")
    if what == "cut short":
        return bounced(mail, f"returned+{name}@portal.example")[:180]
    return what.encode("latin-1")


@pytest.mark.parametrize(
    "what",
    [
        "message id only", "wrong signature", "no report", "only delayed", "delivered", "cut short", "", "\x00\xff\xfe", "Content-Type: multipart/report; boundary=",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n!!!!\n--x--",
        "Content-Type: multipart/report; boundary=a\n\n" + "".join(f"--a\nContent-Type: multipart/mixed; boundary=a{n}\n\n--a{n}\n" for n in range(3000)),
    ],
)  # fmt: skip
def test_what_is_not_signed_by_us_or_says_nothing_is_ignored_with_one_line(shop: Shop, inbox: Inbox, what: str) -> None:
    _, letter = send(shop)
    raw = forged(inbox, letter, what)
    with capture_logs() as lines:
        assert post(shop, raw) == "ignored"
    assert [line["event"] for line in lines if line["event"] == "mail_returned"] == ["mail_returned"]
    assert "ada@" not in str(lines), "the log names nobody"
    assert pipe(shop, raw) == "ignored"
    assert again(shop, letter).state == "sent" and stop_of(shop) == (False, False)


def test_the_address_it_came_to_or_the_letter_it_quotes_is_enough(shop: Shop, inbox: Inbox) -> None:
    """Some mail servers rewrite the report's own address, some quote nothing, and aliases say where it came to in the environment."""
    link, _ = send(shop)
    assert pipe(shop, bounced(inbox.mails[0], "returned@portal.example")) == "bounced", "by the header that travelled with it"
    forget(shop)
    send(shop, link)
    raw = bounced(inbox.mails[1], "root@mx.example.com", quotes=False)
    assert pipe(shop, raw) == "ignored" and pipe(shop, raw, ORIGINAL_RECIPIENT=inbox.return_to[1].upper()) == "bounced"
    forget(shop)
    send(shop, link)
    raw = bounced(inbox.mails[2], "root@mx.example.com", quotes=False)
    assert post(shop, raw, f"?recipient={inbox.return_to[2].replace('+', '%2B')}") == "bounced"


def forget(shop: Shop) -> None:
    with unit(shop.app):
        forget_stops(shop.vendor.id, ["ada@example.com"])


def test_a_report_of_long_ago_is_no_news_of_the_address(shop: Shop, inbox: Inbox) -> None:
    send(shop)
    with shifted(timedelta(days=31)):
        assert pipe(shop, bounced(inbox.mails[0], inbox.return_to[0])) == "ignored"
    assert stop_of(shop) == (False, False)


def test_a_letter_that_came_back_soft_says_so_and_the_next_one_leaves(shop: Shop, inbox: Inbox) -> None:
    link, letter = send(shop)
    raw = bounced(inbox.mails[0], inbox.return_to[0], status="4.4.7", said="451 4.4.7 delivery time expired")
    assert pipe(shop, raw) == "bounced" and stop_of(shop) == (False, False) and fate(shop, link).state == "bounced"
    shown = shop.browser().get(f"/portal/outbox/{letter.public_id}")
    assert "This letter came back" in shown.text
    assert send(shop, link)[1].state == "sent"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YQ=="}, {"Authorization": "Bearer "}])
def test_only_the_relay_hands_reports_over(shop: Shop, inbox: Inbox, headers: dict[str, str]) -> None:
    _, letter = send(shop)
    raw = bounced(inbox.mails[0], inbox.return_to[0])
    assert shop.app.test_client().post("/mail/returned", data=raw, headers=headers).status_code == 401
    assert again(shop, letter).state == "sent"


def test_without_a_token_set_up_there_is_no_such_address(app: Flask) -> None:
    assert app.test_client().post("/mail/returned", data=b"x", headers=RELAY).status_code == 404


def test_the_payer_who_is_erased_is_on_no_list(shop: Shop, inbox: Inbox) -> None:
    make_paid(shop, email="ada@example.com")
    send(shop)
    pipe(shop, bounced(inbox.mails[0], inbox.return_to[0]))
    owner: Browser = shop.browser()
    customer = next(one for one in owner.get("/portal/customers").links() if "/customers/cus_" in one)
    assert '"unreachable_since": "20' in owner.client.get(f"{customer.removeprefix('http://localhost')}/personal-data.json").get_data(
        as_text=True
    )
    erase = f"{customer.removeprefix('http://localhost')}/erase"
    owner.submit(owner.get(erase).form(erase))
    assert stop_of(shop) == (False, False)
    assert "ada@example.com" not in owner.get("/portal/outbox").text
