"""What is kept for a time only is let go when its time is over, and nothing else with it."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, inspect, select

from core.accounts.email_links import make_link as make_email_link
from core.accounts.prune import LINKS_KEPT, SESSIONS_KEPT
from core.accounts.sessions import begin_session, end_session
from core.customers.keys import KEPT as KEYS_KEPT
from core.customers.keys import make_key
from core.kernel.clock import now, shifted
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from core.notifications.models import Message, Notice
from core.notifications.notices import post_notice, read_all
from core.notifications.notify import notify
from core.notifications.prune import NOTICES_KEPT, WORDS_KEPT
from core.payments.saving import KEPT as SAVINGS_KEPT
from core.payments.saving import request_saving
from core.providers.inbox import receive_event
from core.providers.models import InboxEvent
from core.providers.prune import EVENTS_KEPT
from tests.factories import Shop, make_paid, make_shop, out_of_sight
from workers import pruning
from workers.messages import send_message
from workers.runner import drain
from workers.schedule import tick

DAY = timedelta(days=1)


@pytest.fixture
def shop(app, unit) -> Shop:
    with unit_of_work():
        out_of_sight()
    return make_shop(app)


def prune_when(row, **ages: timedelta) -> None:
    """The rules as they find a row of that age. Only this row is made old: the database is everybody's."""
    with unit_of_work():
        kept = db.session.get_one(type(row), tuple(getattr(row, c.key) for c in row.__mapper__.primary_key), populate_existing=True)
        for column, age in ages.items():
            setattr(kept, column, now() - age)
    pruning.prune(pruning.NOBODYS)


def there(row) -> bool:
    key = inspect(row)  # the row itself may be gone, and cannot be asked
    with unit_of_work():
        return (
            db.session.scalar(
                select(func.count())
                .select_from(type(row))
                .where(*(c == part for c, part in zip(key.mapper.primary_key, key.identity, strict=True)))
            )
            == 1
        )


def test_a_session_is_kept_thirty_days_after_it_ended_or_ran_out(shop: Shop) -> None:
    with unit_of_work():
        ended, _ = begin_session(shop.user, shop.membership)
        end_session(ended)
        left, _ = begin_session(shop.user, shop.membership)
    prune_when(ended, ended_at=SESSIONS_KEPT - DAY)
    assert there(ended)
    prune_when(ended, ended_at=SESSIONS_KEPT + DAY)
    assert not there(ended)
    prune_when(left, created_at=SESSIONS_KEPT + DAY)
    assert there(left), "one that could still be signed in is not touched, however old"
    prune_when(left, expires_at=SESSIONS_KEPT + DAY)
    assert not there(left)


def test_a_link_by_e_mail_is_kept_thirty_days_after_it_ran_out(shop: Shop) -> None:
    with unit_of_work():
        link = make_email_link(shop.user, "email-verify")
    prune_when(link, expires_at=LINKS_KEPT - DAY)
    assert there(link)
    prune_when(link, expires_at=LINKS_KEPT + DAY)
    assert not there(link)


def test_a_handled_event_is_kept_ninety_days_and_an_unhandled_one_for_ever(shop: Shop) -> None:
    names = [f"evt_{secrets.token_hex(8)}" for _ in range(2)]
    with unit_of_work():
        for name in names:
            receive_event(provider="sandbox", mode="test", event_id=name, type="charge.updated", raw="{}")
        handled, open_ = (db.session.get_one(InboxEvent, ("sandbox", "test", name)) for name in names)
        handled.handled_at, handled.result = now(), "noted"
    prune_when(handled, received_at=EVENTS_KEPT - DAY)
    assert there(handled)
    prune_when(handled, received_at=EVENTS_KEPT + DAY)
    prune_when(open_, received_at=EVENTS_KEPT + DAY)
    assert not there(handled) and there(open_)


def test_a_notice_is_kept_a_hundred_and_eighty_days(shop: Shop) -> None:
    """In both modes, and whoever has read it: the newest of all too."""

    def told(ago: timedelta, mode: str) -> Notice:
        with shifted(-ago), unit_of_work():
            return post_notice(shop.vendor, "payment_received", mode=mode, about="pay_1")

    old = [told(NOTICES_KEPT + DAY, mode) for mode in ("test", "live", "live")]
    with unit_of_work():
        read_all(shop.vendor, "test", shop.user)
    kept = told(NOTICES_KEPT - DAY, "live")
    pruning.prune(pruning.NOBODYS)
    assert [there(one) for one in old] == [False] * 3 and there(kept)
    assert "payment" in shop.browser().get("/portal/notices").text


def test_a_letter_loses_its_words_and_stays(shop: Shop) -> None:
    payment = make_paid(shop)
    with unit_of_work():
        letter = notify(shop.vendor, "payment_received", mode="test", to=shop.email, payment=payment.public_id)
        queued = notify(shop.vendor, "receipt", mode="test", to="ada@example.com", payment=payment.public_id)
    send_message(letter.vendor_id, mode="test", message=str(letter.id))

    def words(row: Message) -> tuple[str, bool, bool]:
        with unit_of_work():
            found = db.session.get_one(Message, (row.vendor_id, row.mode, row.id), populate_existing=True)
            return found.state, bool(found.subject), bool(found.text or found.html)

    prune_when(letter, created_at=WORDS_KEPT - DAY)
    assert words(letter) == ("kept", True, True)
    prune_when(letter, created_at=WORDS_KEPT + DAY)
    assert words(letter) == ("kept", True, False) and words(queued)[0] == "queued"
    page = shop.browser().get(f"/portal/outbox/{letter.public_id}")
    assert letter.recipient in page.text and "not kept" in page.text


def test_much_is_let_go_in_small_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def rule(limit: int) -> int:
        asked.append(limit)
        return min(limit, max(0, 5 - 2 * (len(asked) - 1)))

    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    monkeypatch.setattr(pruning, "RULES", {"some": rule})
    pruning.prune(pruning.NOBODYS)
    assert asked == [2, 2, 2]
    monkeypatch.setattr(pruning, "RULES", {"endless": lambda limit: limit})
    pruning.prune(pruning.NOBODYS)  # comes to an end all the same


def test_a_rule_that_fails_holds_no_other_back_and_is_not_kept_quiet(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def breaks(limit: int) -> int:
        raise ValueError("one bad row")

    def works(limit: int) -> int:
        done.append(limit)
        return 0

    monkeypatch.setattr(pruning, "RULES", {"first": breaks, "second": works})
    with pytest.raises(ValueError, match="one bad row"):
        pruning.prune(pruning.NOBODYS)
    assert len(done) == 1


def test_the_clock_keeps_one_turn_waiting_and_it_is_done_within_the_hour(shop: Shop) -> None:
    with unit_of_work():
        link = make_email_link(shop.user, "email-verify")
        link.expires_at = now() - LINKS_KEPT - DAY
    for _ in range(3):
        tick()
    mine = select(func.count()).where(OutboxTask.job == "prune")
    with unit_of_work():
        assert db.session.scalar(mine) == 1
    assert there(link)
    with shifted(timedelta(seconds=pruning.EVERY_SECONDS + 1)):
        while drain("papers"):  # it stops by itself after a while: a slow machine needs more than one
            pass
        tick()
    with unit_of_work():
        assert db.session.scalar(mine) == 1
    assert not there(link)


def test_that_somebody_was_asked_to_save_a_card_is_kept_thirty_days(shop: Shop) -> None:
    words = {"email": "ada@example.com", "name": "Ada", "description": "Bread"}
    with unit_of_work():
        saving, other = (request_saving(shop.vendor, "test", form_token=secrets.token_hex(8), **words) for _ in range(2))
    prune_when(saving, expires_at=SAVINGS_KEPT - DAY)
    assert there(saving)
    prune_when(saving, expires_at=SAVINGS_KEPT + DAY)
    assert not there(saving) and there(other)


def test_the_key_of_a_payers_page_is_kept_thirty_days_after_it_ran_out(shop: Shop) -> None:
    with unit_of_work():
        old, young = (make_key(shop.vendor, "test", f"{secrets.token_hex(5)}@example.com") for _ in range(2))
    prune_when(old, expires_at=KEYS_KEPT + DAY)
    prune_when(young, expires_at=KEYS_KEPT - DAY)
    assert not there(old) and there(young)
