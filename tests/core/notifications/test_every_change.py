"""Every change of a payment, refund, payout, dispute and plan is news of some kind to the vendor's people, or it is said here why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from core.hooks.types import TYPES
from core.kernel.db import db
from core.notifications.models import Notice
from core.notifications.notices import ALWAYS, NECESSARY, QUIET, SHOWN, list_notices
from core.notifications.notify import TO_PAYERS, UNASKED
from core.notifications.team import MAILED, OPTIONAL, Choice, choose
from core.notifications.words import GROUPS, TITLES, WHY_ALWAYS
from core.payments.start import give_up
from core.subscriptions.news import KINDS as OF_PLANS
from tests.factories import Shop, make_payment, make_shop, unit
from workers.messages import KINDS

# type of event -> kind of notice, or why there is none.
TOLD: dict[str, str] = {
    "payment.created": "nothing has happened yet",
    "payment.requires_action": "the payer is asked at this moment",
    "payment.requires_method": "the payer may try again; how it ends is told",
    "payment.processing": "payment_waits",
    "payment.unknown": "being found out; how it ends is told",
    "payment.succeeded": "payment_received",
    "payment.marked_paid": "one of the team did it",
    "payment.canceled": "payment_over",
    "payment.expired": "payment_over",
    "payment.released": "the balance says it; it happens every day",
    "payment.unexpected_money": "unexpected_money",
    "refund.requested": "one of the team did it",
    "refund.queued": "one of the team did it, and their tasks say so",
    "refund.submitted": "on its way; how it ends is told",
    "refund.pending": "on its way; how it ends is told",
    "refund.unknown": "being found out; how it ends is told",
    "refund.succeeded": "refund_sent",
    "refund.failed": "refund_failed",
    "refund.canceled": "one of the team did it",
    "dispute.inquiry": "dispute_opened",
    "dispute.needs_response": "dispute_opened",
    "dispute.under_review": "dispute_sent",
    "dispute.won": "dispute_decided",
    "dispute.lost": "dispute_decided",
    "dispute.reversed": "dispute_decided",
    "dispute.accepted": "dispute_decided",
    "dispute.closed": "dispute_decided",
    "payout.requested": "payout_asked",
    "payout.approved": "given to the bank a moment later",
    "payout.submitted": "with the bank a moment later",
    "payout.in_transit": "payout_left",
    "payout.paid": "payout_paid",
    "payout.failed": "payout_failed",
    "payout.returned": "payout_failed",
    "payout.canceled": "payout_called_off",
    "subscription.trialing": "one of the team subscribed",
    "subscription.active": "plan_news",
    "subscription.past_due": "plan_urgent",
    "subscription.suspended": "plan_urgent",
    "subscription.hibernating": "plan_news",
    "subscription.cancelled": "plan_urgent",
}


def test_no_change_is_forgotten() -> None:
    families = ("payment", "refund", "dispute", "payout", "subscription")
    assert {type_ for type_ in TYPES if type_.partition(".")[0] in families} == set(TOLD)
    assert {said for said in TOLD.values() if " " not in said} <= set(SHOWN)


def test_every_kind_is_told_by_somebody_and_has_words() -> None:
    lists = {Path("core/notifications", name) for name in ("words.py", "notices.py", "notify.py", "team.py")} | {Path("portal/notices.py")}
    files = (file for room in ("core", "portal", "workers") for file in Path(room).rglob("*.py"))
    sources = "".join(file.read_text() for file in files if file not in lists)
    assert [kind for kind in SHOWN if not re.search(f'"{kind}"', sources)] == []
    assert set(TITLES) == set(SHOWN) and sum(len(kinds) for _, kinds in GROUPS) == len(SHOWN)


def test_what_nobody_can_choose_says_why_and_has_no_button() -> None:
    assert set(NECESSARY.values()) == set(WHY_ALWAYS) and set(SHOWN) >= ALWAYS
    assert not OPTIONAL & ALWAYS and not QUIET & ALWAYS
    assert OPTIONAL - {"daily_news", "plan_news", "payments_report"} == (set(MAILED) - ALWAYS) | UNASKED


def test_what_goes_to_payers_is_what_speaks_for_the_vendor() -> None:
    assert {kind for kind, (_, from_vendor) in KINDS.items() if from_vendor} == TO_PAYERS and TO_PAYERS > UNASKED
    assert OF_PLANS


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def told(shop: Shop, about: str) -> list[str]:
    with unit(shop.app):
        rows = db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, about=about).order_by(Notice.id)
        return [row.kind for row in rows]


@pytest.mark.parametrize("to", ["canceled", "expired"])
def test_a_payment_that_ends_without_money_is_shown_to_whoever_wants_to_see_it(shop: Shop, to: str) -> None:
    payment = make_payment(shop)
    for _ in range(2):
        with unit(shop.app):
            give_up(payment, to=to, actor="system")
    assert told(shop, payment.public_id) == ["payment_over"]
    with unit(shop.app):
        assert list_notices(shop.vendor, "test", shop.user).rows == []
        choose(shop.vendor, "test", shop.user.public_id, {"payment_over": Choice(shown=True)})
        assert [one.notice.kind for one in list_notices(shop.vendor, "test", shop.user).rows] == ["payment_over"]
