"""A message is a row in the transaction of its cause; it is asked for once, sent once, and says how it ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.errors import NotFound
from core.kernel.outbox import OutboxTask
from core.notifications.models import Message
from core.notifications.notify import KINDS, notify
from core.notifications.papers import keep_paper, newest_paper
from core.notifications.queries import get_message, list_messages, may_read_words
from core.notifications.send import LEASE, PAUSES, put_off, record_failed, record_kept, record_sent, take_message, try_again
from core.notifications.states import MESSAGE, MessageIsOver
from core.web.mail import TEMPLATES
from tests.factories import Shop, make_shop

WORDS = {"subject": "s", "text": "t", "html": "<p>h</p>"}


@pytest.fixture
def shop(app, unit) -> Shop:
    return make_shop(app)


def ask(shop: Shop, kind: str = "receipt", to: str = "ada@example.com", **ids: str) -> Message:
    return notify(shop.vendor, kind, mode="test", to=to, **(ids or dict.fromkeys(KINDS[kind], "pay_1")))


def tasks(message: Message) -> list[OutboxTask]:
    db.session.flush()
    mine = select(OutboxTask).where(OutboxTask.vendor_id == message.vendor_id, OutboxTask.args["message"].astext == str(message.id))
    return list(db.session.scalars(mine))


def test_asking_writes_a_row_and_a_task_together(shop: Shop) -> None:
    message = ask(shop)
    assert [(t.queue, t.job) for t in tasks(message)] == [("messages", "send_message")]
    assert (message.state, message.about) == ("queued", "pay_1")
    db.session.rollback()
    assert list_messages(shop.vendor, "test").rows == []


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b\nBcc: x@y.example", "a b@c.example", "a,b@c.example", "x" * 300 + "@c.example", "\0@c.example"]
)
def test_news_about_money_is_never_undone_by_a_bad_address(shop: Shop, to: str) -> None:
    message = ask(shop, to=to)
    assert tasks(message) == []
    assert (message.state, message.last_error) == ("failed", "that is not an e-mail address")


def test_a_message_without_what_it_is_written_from_is_a_bug(shop: Shop) -> None:
    for wrong in ({"payment": "p"}, {"payment": "p", "refund": "r", "more": "m"}):
        with pytest.raises(ValueError):
            notify(shop.vendor, "refund_sent", mode="test", to="a@b.example", **wrong)
    with pytest.raises(ValueError):
        notify(shop.vendor, "love_letter", mode="test", to="a@b.example")
    with pytest.raises(ValueError):
        notify(shop.vendor, "receipt", mode="test", to="a@b.example", payment=7)


def test_every_kind_has_its_three_files_and_every_file_a_kind() -> None:
    assert {folder.name for folder in (TEMPLATES / "emails").iterdir() if not folder.name.startswith("_")} == set(KINDS)  # parts they share
    for kind in KINDS:
        assert {f.name for f in (TEMPLATES / "emails" / kind).iterdir()} == {"subject.txt", "body.txt", "body.html"}


def taken(message: Message) -> Message | None:
    return take_message(message.vendor_id, message.mode, message.id)


def test_only_one_worker_has_a_message_at_a_time_and_the_other_looks_again_later(shop: Shop) -> None:
    message = ask(shop)
    assert taken(message) is message and message.attempts == 1
    assert taken(message) is None
    later = max(t.due_at for t in tasks(message))
    assert now() < later <= now() + LEASE + timedelta(seconds=2)
    with shifted(LEASE + timedelta(seconds=1)):
        assert taken(message) is message and message.attempts == 2


def test_what_is_sent_stays_sent(shop: Shop) -> None:
    message = ask(shop)
    taken(message)
    record_sent(message, **WORDS)
    assert taken(message) is None and message.sent_at
    for move in (lambda: record_failed(message, reason="x"), lambda: record_kept(message, **WORDS), lambda: try_again(message)):
        with pytest.raises(MessageIsOver):
            move()


def test_the_words_of_a_letter_with_a_key_in_it_are_forgotten_once_it_is_sent(shop: Shop) -> None:
    reset, receipt = ask(shop, "reset_password"), ask(shop)
    for message in (reset, receipt):
        record_sent(message, **WORDS)
    assert (reset.text, reset.html) == (None, None) and receipt.text == "t"


def test_a_letter_with_a_key_in_it_opens_only_for_the_one_it_was_written_to(shop: Shop) -> None:
    reset = ask(shop, "reset_password", to="Ada@example.com")
    assert may_read_words(reset, email="ada@example.com", openly=False)
    assert not may_read_words(reset, email="eve@example.com", openly=False)
    assert may_read_words(reset, email="eve@example.com", openly=True)
    assert may_read_words(ask(shop), email="eve@example.com", openly=False)


@pytest.mark.parametrize("kind", ["membership_welcome", "membership_news", "membership_page"])
def test_a_members_own_address_is_nobody_elses(shop: Shop, kind: str) -> None:
    letter = ask(shop, kind, to="ada@example.com")
    assert not may_read_words(letter, email=shop.user.email, openly=False)
    record_sent(letter, **WORDS)
    assert (letter.text, letter.html) == (None, None)


def test_a_message_is_put_off_ever_longer_and_given_up_in_the_end(shop: Shop) -> None:
    message, waits = ask(shop), []
    for _ in PAUSES:
        assert taken(message)
        put_off(message, reason="away")
        waits.append(max(t.due_at for t in tasks(message)) - now())
    assert waits == sorted(waits) and message.state == "queued"
    taken(message)
    put_off(message, reason="still away")
    assert (message.state, message.last_error) == ("failed", "still away")
    try_again(message)
    assert (message.state, message.attempts) == ("queued", 0)


def test_the_states_are_those_of_the_database() -> None:
    (check,) = [c for c in Message.__table__.constraints if c.name and str(c.name).endswith("state")]
    assert set(MESSAGE) == {word.strip("' ") for word in str(check.sqltext).split("(")[1].rstrip(")").split(",")}


def test_messages_are_listed_newest_first_page_by_page_for_their_vendor_alone(app, shop: Shop) -> None:
    ours = [ask(shop).public_id for _ in range(5)]
    ask(make_shop(app))
    first = list_messages(shop.vendor, "test", limit=3)
    rest = list_messages(shop.vendor, "test", limit=3, after=first.next)
    assert [m.public_id for m in first.rows + rest.rows] == ours[::-1] and rest.next is None
    assert list_messages(shop.vendor, "live").rows == []
    assert len(list_messages(shop.vendor, "test", about="pay_1").rows) == 5


@pytest.mark.parametrize("after", ["", "x", "~", "2026-01-01~x", "2026-01-01T00:00:00~" + "0" * 32, "9" * 400])
def test_a_place_in_the_list_that_cannot_be_read_is_not_found(shop: Shop, after: str) -> None:
    with pytest.raises(NotFound):
        list_messages(shop.vendor, "test", after=after)


def test_a_message_of_another_vendor_or_mode_is_not_found(app, shop: Shop) -> None:
    message = ask(shop)
    assert get_message(shop.vendor, "test", message.public_id) is message
    for vendor, mode in ((make_shop(app).vendor, "test"), (shop.vendor, "live")):
        with pytest.raises(NotFound):
            get_message(vendor, mode, message.public_id)


def test_a_paper_that_has_not_changed_makes_no_new_version(shop: Shop) -> None:
    here = {"about": "pay_1", "kind": "receipt"}
    first = keep_paper(shop.vendor.id, "test", pdf=b"one", **here)
    assert keep_paper(shop.vendor.id, "test", pdf=b"one", **here) is first
    second = keep_paper(shop.vendor.id, "test", pdf=b"two", **here)
    assert (first.version, second.version) == (1, 2) and first.pdf == b"one"
    assert newest_paper(shop.vendor.id, "test", **here) is second
    assert newest_paper(shop.vendor.id, "live", **here) is None


def test_a_message_that_was_rolled_back_was_never_asked_for(shop: Shop) -> None:
    with pytest.raises(RuntimeError), unit_of_work():
        ask(shop)
        raise RuntimeError
    assert list_messages(shop.vendor, "test").rows == []
