"""The memberships on a payer's own page: how each stands, what is charged next, and the way out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _

from checkout.blueprint import door
from checkout.member_words import WORDS, Upcoming, cancel_words, keep_words, upcoming
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.customers.keys import open_key
from core.customers.models import PayerKey
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.memberships import member as acts
from core.memberships.lists import membership_of_payer, memberships_of_payer
from core.memberships.models import Member
from core.memberships.page import member_token
from core.memberships.standing import standing_of
from core.payments.saved_models import SavedCard
from core.web.guard import public
from core.web.languages import written
from core.web.page import see_other
from core.web.throttle import by_address


@dataclass(frozen=True)
class Shown:
    """One membership as the list has it. Without `cancel` and `keep` there is nothing to be done here."""

    plan: str
    word: Any
    tone: str
    monthly: Money
    next: Upcoming | None
    last: date | None
    over: bool
    owed: Money | None
    href: str
    leave: list[str]
    stay: str
    cancel: str | None
    keep: str | None


def memberships_shown(vendor: Vendor, key: PayerKey, token: str) -> list[Shown]:
    """What they have joined at this seller, the newest first."""
    return [_shown(vendor, member, row, token) for member, row in memberships_of_payer(vendor, key.mode, key.email)]


def _shown(vendor: Vendor, member: Member, row: KeptSubscription, token: str) -> Shown:
    found = standing_of(vendor, member)
    over = row.status == CANCELLED
    leaving, word = found.ends is not None, WORDS[row.status]
    where = {"token": token, "public_id": member.public_id}
    return Shown(
        found.plan.name if found.plan else found.state.plan.title, word[0], word[1], found.monthly,
        next=None if over else upcoming(vendor, found),
        last=found.last, over=over, owed=found.owed,
        href=url_for("checkout.member", token=member_token(vendor, member)),
        leave=[] if leaving else cancel_words(vendor, row),
        stay=keep_words(found) if leaving and not over else "",
        cancel=None if leaving else url_for("checkout.cancel_my_membership", **where),
        keep=url_for("checkout.keep_my_membership", **where) if leaving and not over else None,
    )  # fmt: skip


def pays_for(vendor: Vendor, key: PayerKey, card: SavedCard) -> list[str]:
    """The plans that are paid with this card."""
    living = [(member, row) for member, row in memberships_of_payer(vendor, key.mode, key.email) if row.status != CANCELLED]
    found = [standing_of(vendor, member) for member, row in living if row.card_id == card.id]
    return [each.plan.name if each.plan else each.state.plan.title for each in found]


@door.post("/mine/<token>/memberships/<public_id>/cancel")
@public
@by_address("30 per 10 minutes", scope="member")
def cancel_my_membership(token: str, public_id: str) -> Response:
    """At the end of what is paid for. Pressed twice it is once."""
    return _act(token, public_id, acts.cancel, _("Cancelled. Until when it lasts stands beside it."))


@door.post("/mine/<token>/memberships/<public_id>/keep")
@public
@by_address("30 per 10 minutes", scope="member")
def keep_my_membership(token: str, public_id: str) -> Response:
    """What was planned is taken back."""
    return _act(token, public_id, acts.keep, _("Taken back: your membership goes on."))


def _act(token: str, public_id: str, act: Callable[..., None], done: str) -> Response:
    vendor, key = open_key(token)
    member = membership_of_payer(vendor, key.mode, key.email, public_id)
    try:
        act(vendor, member, by="payer")
        flash(done, "good")
    except Conflict as refusal:
        flash(written(refusal.message), "bad")
    return see_other(url_for("checkout.my_payments", token=token))
