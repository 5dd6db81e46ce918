"""Letters about a link: sent once each, followed from sending to payment, reminded of in time, and never once somebody has paid."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from core.accounts.models import User
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.signing import TokenRefused
from core.notifications.models import Message
from core.payments import send_link as sending_room
from core.payments.archive import archive_link
from core.payments.link import edit_link, pause_link, replace_address
from core.payments.link_terms import LinkTerms
from core.payments.models import PaymentLink
from core.payments.open_address import open_address
from core.payments.origin import Origin
from core.payments.remind import why_silent
from core.payments.send_link import NotSent, cancel_sending, deadline, note_sending_opened, replan_reminders, send_link, sending_token
from core.payments.sendings import Fate, list_sendings
from core.payments.sharing_models import LinkReminder, LinkSending
from core.payments.start import start_payment
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, again, fresh, make_declined, make_link, make_paid, make_payment, open_payment, tell, unit
from workers.due_letters import send_due
from workers.messages import send_message

DAY = timedelta(days=1)
ROUNDS = 20


@pytest.fixture(autouse=True)
def nothing_planned(app: Flask) -> Iterator[None]:
    """What other tests have planned is not this test's to send."""
    with unit(app):
        db.session.execute(db.update(LinkReminder).where(LinkReminder.state == "planned").values(state="dropped", reason="another test's"))
    yield


@pytest.fixture
def link(shop: Shop) -> PaymentLink:
    return make_link(shop, kind="single", expires_at=now() + 10 * DAY)


def send(shop: Shop, link: PaymentLink, *to: str, **more: Any) -> list[LinkSending]:
    wish = {"message": "", "reminders": [], "form_token": secrets.token_urlsafe(18), **more}
    with unit(shop.app):
        sender = db.session.get_one(User, shop.user.id)
        return send_link(shop.vendor, again(link), sender=sender, recipients=list(to or ("ada@example.com",)), **wish)


def fates(shop: Shop, link: PaymentLink) -> list[Fate]:
    with unit(shop.app):
        return list_sendings(shop.vendor, again(link))


def letters(shop: Shop, link: PaymentLink) -> list[tuple[str, str]]:
    with unit(shop.app):
        mine = db.select(Message).where(Message.vendor_id == shop.vendor.id, Message.about == link.public_id).order_by(Message.id)
        return [(message.kind, message.recipient) for message in db.session.scalars(mine)]


def remind(shop: Shop, after: timedelta) -> int:
    with shifted(after), shop.app.app_context():
        return send_due("link_reminder")


def reminders(shop: Shop, link: PaymentLink) -> list[tuple[str, str]]:
    return [(reminder.state, reminder.reason) for fate in fates(shop, link) for reminder in fate.reminders]


# --- sending -------------------------------------------------------------------------------------------------------------


def test_each_recipient_gets_one_letter_and_an_address_of_their_own(shop: Shop, link: PaymentLink) -> None:
    sent = send(shop, link, "Ada@Example.com", "bob@example.com", "ada@example.com")
    assert [s.recipient for s in sent] == ["ada@example.com", "bob@example.com"]
    assert letters(shop, link) == [("link_sent", "ada@example.com"), ("link_sent", "bob@example.com")]
    with unit(shop.app):
        tokens = [sending_token(shop.vendor, again(link), again(s)) for s in sent]
        opened = [open_address(token) for token in tokens]
    assert [o.sending.public_id for o in opened if o.sending] == [s.public_id for s in sent]
    assert {o.link.public_id for o in opened} == {link.public_id}


def test_the_same_form_sends_once_however_often_and_at_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        link, token = make_link(shop), secrets.token_urlsafe(18)

        def act(link: PaymentLink = link, token: str = token) -> list[str]:
            sender = db.session.get_one(User, shop.user.id)
            to = ["a@example.com", "b@example.com"]
            return [
                s.public_id
                for s in send_link(shop.vendor, again(link), sender=sender, recipients=to, message="", reminders=[], form_token=token)
            ]

        first, second = at_once(act, act)
        assert sorted(first) == sorted(second) and len(letters(shop, link)) == 2


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("recipients", {"to": []}),
        ("recipients", {"to": [f"p{n}@example.com" for n in range(51)]}),
        ("message", {"message": "x" * 1001}),
        ("message", {"message": "Look at https://evil.example now"}),
        ("message", {"message": "www.evil.example"}),
        ("first_reminder", {"reminders": [1, 2, 3]}),
        ("first_reminder", {"reminders": [4]}),
        ("first_reminder", {"reminders": [14]}),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_written(
    shop: Shop, link: PaymentLink, field: str, wrong: dict[str, Any]
) -> None:
    to = wrong.pop("to", ["ada@example.com"])
    with pytest.raises(NotSent) as no, unit(shop.app):
        sender = db.session.get_one(User, shop.user.id)
        wish = {"message": "", "reminders": [], "form_token": "f" * 20, **wrong}
        send_link(shop.vendor, again(link), sender=sender, recipients=to, **wish)
    assert no.value.field == field and letters(shop, link) == []


def test_nothing_is_sent_for_a_link_that_takes_no_payments_or_by_somebody_unknown(shop: Shop, link: PaymentLink) -> None:
    with pytest.raises(NotSent, match="your own e-mail"), unit(shop.app):
        stranger = User(public_id="usr_x", email_verified_at=None)
        send_link(shop.vendor, again(link), sender=stranger, recipients=["a@b.example"], message="", reminders=[], form_token="f" * 20)
    with unit(shop.app):
        pause_link(again(link), by="usr_x")
    with pytest.raises(NotSent, match="takes no payments"):
        send(shop, link)


def test_a_day_has_a_limit_and_the_next_one_a_new_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_room, "MOST_A_DAY", 3)
    link = make_link(shop)
    send(shop, link, "a@example.com", "b@example.com")
    with pytest.raises(NotSent, match="a day at most; 2"):
        send(shop, link, "c@example.com", "d@example.com")
    with shifted(DAY + timedelta(minutes=1)):
        send(shop, link, "c@example.com", "d@example.com")


# --- what becomes of a letter --------------------------------------------------------------------------------------------


def test_a_letter_is_followed_from_waiting_to_paid(shop: Shop, link: PaymentLink) -> None:
    (sending,) = send(shop, link)
    assert fates(shop, link)[0].state == "queued"
    with unit(shop.app):
        db.session.get_one(Message, (sending.vendor_id, sending.mode, sending.message_id)).state = "sent"
    assert fates(shop, link)[0].state == "sent"
    with unit(shop.app):
        note_sending_opened(again(sending))
    assert fates(shop, link)[0].state == "opened"
    with unit(shop.app):
        payment = start_payment(
            shop.vendor, again(link), amount=link.amount, email="somebody.else@example.com", name="", form_token="f" * 20, origin=Origin(sending_id=sending.id)
        )  # fmt: skip
    assert fates(shop, link)[0].state == "opened"
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount)
    (fate,) = fates(shop, link)
    assert fate.state == "paid" and fate.paid_by == payment.public_id


def test_a_letter_that_came_back_says_what_the_server_said(shop: Shop, link: PaymentLink) -> None:
    (sending,) = send(shop, link)
    with unit(shop.app):
        message = db.session.get_one(Message, (sending.vendor_id, sending.mode, sending.message_id))
        message.state, message.last_error = "bounced", "the mail server answered 550 no such mailbox"
    (fate,) = fates(shop, link)
    assert (fate.state, fate.problem) == ("bounced", "the mail server answered 550 no such mailbox")


def test_who_pays_under_the_same_e_mail_by_another_address_has_paid(shop: Shop) -> None:
    link = make_link(shop)
    make_paid(shop, link, email="ada@example.com")
    send(shop, link, "ada@example.com", "bob@example.com")
    assert [fate.state for fate in fates(shop, link)] == ["queued", "queued"], "an older payment is another matter"
    make_paid(shop, link, email="ada@example.com")
    assert {fate.sending.recipient: fate.state for fate in fates(shop, link)} == {"ada@example.com": "paid", "bob@example.com": "queued"}


def test_a_new_address_of_the_link_takes_the_letters_address_back(shop: Shop, link: PaymentLink) -> None:
    (sending,) = send(shop, link)
    with unit(shop.app):
        token = sending_token(shop.vendor, again(link), again(sending))
        replace_address(again(link), by="usr_x")
    with pytest.raises(TokenRefused), unit(shop.app):
        open_address(token)


# --- reminders -----------------------------------------------------------------------------------------------------------


def test_two_reminders_leave_on_their_days_and_no_other(shop: Shop, link: PaymentLink) -> None:
    send(shop, link, reminders=[1, 7])
    assert remind(shop, 2 * DAY) == 0
    assert remind(shop, 3 * DAY + timedelta(minutes=1)) == 1 and remind(shop, 3 * DAY + timedelta(minutes=2)) == 0
    assert remind(shop, 9 * DAY + timedelta(minutes=1)) == 1
    assert letters(shop, link) == [("link_sent", "ada@example.com")] + [("link_reminder", "ada@example.com")] * 2


def test_who_has_paid_is_not_reminded(shop: Shop, link: PaymentLink) -> None:
    send(shop, link, reminders=[7])
    make_paid(shop, link, email="quite.another@example.com")  # a link for one payment: it is paid, whoever did
    assert remind(shop, 4 * DAY) == 0
    assert reminders(shop, link) == [("dropped", "paid")]


def test_on_a_link_for_many_only_those_who_have_not_paid_are_reminded(shop: Shop) -> None:
    link = make_link(shop, expires_at=now() + 10 * DAY)
    send(shop, link, "ada@example.com", "bob@example.com", "cy@example.com", reminders=[7])
    make_paid(shop, link, email="ada@example.com")
    make_declined(shop, link, email="cy@example.com")
    assert remind(shop, 4 * DAY) == 1
    assert letters(shop, link)[-1] == ("link_reminder", "bob@example.com")
    states = {fate.sending.recipient: fate.reminders[0].state for fate in fates(shop, link)}
    assert states == {"ada@example.com": "dropped", "bob@example.com": "sent", "cy@example.com": "planned"}, "cy is in the middle of paying"


def test_somebody_paying_this_very_moment_is_asked_about_again_later(shop: Shop, link: PaymentLink) -> None:
    send(shop, link, reminders=[7])
    payment = make_payment(shop, link, email="ada@example.com")
    assert remind(shop, 4 * DAY) == 0 and reminders(shop, link) == [("planned", "")]
    from core.payments.start import give_up

    with unit(shop.app):
        give_up(again(payment), to="canceled", actor="payer")
    assert remind(shop, 4 * DAY + timedelta(minutes=61)) == 1


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda link, sending: pause_link(link, by="usr_x"), "the link takes no payments any more"),
        (lambda link, sending: archive_link(link, by="usr_x"), "the link takes no payments any more"),
        (lambda link, sending: replace_address(link, by="usr_x"), "the link has a new address"),
        (lambda link, sending: cancel_sending(sending, by="usr_x"), "cancelled"),
    ],
)
def test_no_reminder_leaves_when_there_is_nothing_to_pay(shop: Shop, link: PaymentLink, act: Any, reason: str) -> None:
    (sending,) = send(shop, link, reminders=[7])
    with unit(shop.app):
        act(again(link), again(sending))
    assert remind(shop, 4 * DAY) == 0 and reminders(shop, link) == [("dropped", reason)]


def test_a_letter_called_off_before_it_left_does_not_leave(shop: Shop, link: PaymentLink) -> None:
    (sending,) = send(shop, link)
    with unit(shop.app):
        cancel_sending(again(sending), by="usr_x")
        cancel_sending(again(sending), by="usr_x")
        assert why_silent(again(link), again(sending)) == "cancelled"
    with shop.app.app_context():
        send_message(shop.vendor.id, mode=link.mode, message=str(fresh(shop, sending).message_id))
    with unit(shop.app):
        (fate,) = list_sendings(shop.vendor, again(link))
        assert (fate.letter, fate.state) == ("overtaken", "canceled")


def test_a_request_is_reminded_of_until_all_of_it_is_paid(shop: Shop) -> None:
    due = (now() + 10 * DAY).date()
    link = make_link(shop, amount=None, kind="request", total_minor=10_000, due_on=due)
    send(shop, link, reminders=[1, 7])
    make_paid(shop, link, amount="40.00", email="ada@example.com")
    assert remind(shop, 4 * DAY) == 1, "a part is not all of it"
    make_paid(shop, link, amount="60.00", email="ada@example.com")
    assert remind(shop, 10 * DAY) == 0 and sorted(reminders(shop, link)) == [("dropped", "paid"), ("sent", "")]


def test_a_due_day_is_reminded_of_in_the_morning_where_the_vendor_lives(shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=10_000, due_on=(now() + 10 * DAY).date())
    with unit(shop.app):
        end = deadline(shop.vendor, again(link))
    from zoneinfo import ZoneInfo

    assert end and end.astimezone(ZoneInfo(shop.vendor.time_zone)).hour == 9


def test_reminders_move_with_the_end_of_the_link(shop: Shop, link: PaymentLink) -> None:
    send(shop, link, reminders=[7])
    for end, state in ((now() + 20 * DAY, "planned"), (None, "dropped")):
        with unit(shop.app):
            terms = LinkTerms(title=link.title, currency="GBP", kind="single", amount_minor=2_500, expires_at=end)
            replan_reminders(shop.vendor, edit_link(again(link), by="usr_x", terms=terms))
        if end:
            assert remind(shop, 4 * DAY) == 0
        assert reminders(shop, link)[0][0] == state


def test_a_link_without_an_end_has_no_reminders(shop: Shop) -> None:
    with pytest.raises(NotSent, match="no end"):
        send(shop, make_link(shop), reminders=[3])


def test_two_clocks_never_send_one_reminder_twice(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        link = make_link(shop, kind="single", expires_at=now() + 10 * DAY)
        send(shop, link, reminders=[7])

        def clock() -> int:
            with shifted(4 * DAY):
                return send_due("link_reminder")

        assert sum(at_once(clock, clock)) == 1
        assert [kind for kind, _ in letters(shop, link)] == ["link_sent", "link_reminder"]


def test_paying_against_the_clock_leaves_no_reminder_that_is_written_after_the_payment(shop: Shop, at_once: AtOnce) -> None:
    """Whoever wins: when the letter is written, the payment is seen, and the letter is not sent."""
    for _ in range(ROUNDS):
        link = make_link(shop, kind="single", expires_at=now() + 10 * DAY)
        (sending,) = send(shop, link, reminders=[7])

        def clock() -> int:
            with shifted(4 * DAY):
                return send_due("link_reminder")

        at_once(clock, partial(_pay, shop, link))
        with unit(shop.app):
            assert why_silent(again(link), again(sending)) == "paid"


def _pay(shop: Shop, link: PaymentLink) -> None:
    make_paid(shop, link)


# --- the end that a letter brings ----------------------------------------------------------------------------------------


def test_a_link_for_somebody_that_would_live_for_ever_ends_as_its_sender_says_and_can_be_reminded_of(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    (sending,) = send(shop, link, ends_in=30, reminders=[3])
    ends = fresh(shop, link).expires_at
    assert ends and abs(ends - now() - 30 * DAY) < timedelta(minutes=1)
    (reminder,) = next(fate for fate in fates(shop, link) if fate.sending.id == sending.id).reminders
    assert reminder.due_at == ends - 3 * DAY
    send(shop, link, "bob@example.com", ends_in=90)
    assert fresh(shop, link).expires_at == ends, "it has an end now"


@pytest.mark.parametrize("more", [{"kind": "reusable"}, {"hours_after_opening": 24}, {"expires_at": now() + 10 * DAY}])
def test_a_letter_ends_no_link_that_has_an_end_or_is_paid_again_and_again(shop: Shop, more: dict[str, Any]) -> None:
    link = make_link(shop, **({"kind": "single"} | more))
    before = fresh(shop, link).expires_at
    send(shop, link, ends_in=30)
    assert fresh(shop, link).expires_at == before


def test_without_a_wish_for_an_end_there_is_none(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    send(shop, link)
    assert fresh(shop, link).expires_at is None
    with pytest.raises(NotSent) as no:
        send(shop, link, "bob@example.com", ends_in=31)
    assert no.value.field == "ends_in" and fresh(shop, link).expires_at is None
