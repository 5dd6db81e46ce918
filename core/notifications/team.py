"""Telling a vendor's own people: a notice in the portal for all of them, and an e-mail to those who asked for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ARRAY, String, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.accounts.roles import list_holders, rights_of
from core.kernel.ask import Question
from core.kernel.db import db
from core.notifications.models import NotificationChoice, NotificationManner
from core.notifications.notices import ALWAYS, OF_PLAN, SHOWN, post_notice
from core.notifications.notify import KINDS, notify

MANAGE = "plan.manage"  # who holds it is told of the plan
BUSINESS = "business"  # whose choices are those of the business's own address
USUAL = "en"  # of somebody who has not chosen a language
# The letter of a refund is the payer's; those of a new bank account and of the way into live mode go to every owner, that of a webhook that stopped to whoever looks
# after them, whatever they chose.
MAILED = tuple(
    kind
    for kind in SHOWN
    if kind in KINDS and kind not in ("refund_sent", "payout_account", "webhook_stopped", "application_news", *OF_PLAN)
)

_LATER = (
    (NotificationManner.vendor_id == NotificationChoice.vendor_id)
    & (NotificationManner.mode == NotificationChoice.mode)
    & (NotificationManner.person == NotificationChoice.person)
    & (NotificationManner.daily | NotificationManner.muted)
)
_CHOSEN = Question(
    select(NotificationChoice.person, NotificationChoice.mailed, NotificationManner.person.label("later"))
    .outerjoin(NotificationManner, _LATER)
    .where(NotificationChoice.vendor_id == bindparam("vendor"), NotificationChoice.mode == bindparam("mode"))
    .where(NotificationChoice.kind == bindparam("kind"))
)


_TEAM = Question(  # every payment asks who is to hear of it
    select(User.public_id, User.email, User.language, Membership.role)
    .join(Membership, Membership.user_id == User.id)
    .where(
        Membership.vendor_id == bindparam("vendor"),
        or_(
            User.public_id == any_(bindparam("people", type_=ARRAY(String))),
            User.email == bindparam("own"),
            Membership.role == "owner",
        ),
    )
)


class _Reader(NamedTuple):
    """One of the team, as `_TEAM` tells of them."""

    public_id: str
    email: str
    language: str
    role: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person has chosen for one kind of news."""

    shown: bool = True
    mailed: bool = False


def tell_team(vendor: Vendor, kind: str, *, mode: str, **ids: str) -> None:
    """In the transaction of the news itself."""
    post_notice(vendor, kind, mode=mode, about=ids[KINDS[kind][0]])
    for address, language in readers_of(vendor, mode, kind):
        notify(vendor, kind, mode=mode, to=address, locale=language, **ids)


def readers_of(vendor: Vendor, mode: str, kind: str) -> list[tuple[str, str]]:
    """Who is written to at once, and in which language: the business's own address unless that was switched off, then whoever asked; each
    address once. Each reads the language chosen in the portal; the business's own address the one of whoever it is, or of its owner."""
    chosen = _CHOSEN.all(vendor=vendor.id, mode=mode, kind=kind)
    business = all(mailed for person, mailed, _ in chosen if person == BUSINESS)
    people = [person for person, mailed, later in chosen if mailed and later is None and person != BUSINESS]
    team = [_Reader(*one) for one in _TEAM.all(vendor=vendor.id, own=vendor.support_email, people=people)]
    found: dict[str, str] = {}
    if business:
        own = next((one for one in team if one.email == vendor.support_email), None) or next(
            (one for one in team if one.role == "owner"), None
        )
        found[vendor.support_email] = (own.language if own else "") or USUAL
    for one in team:
        if one.public_id in people:
            found.setdefault(one.email, one.language or USUAL)
    return list(found.items())


def plan_readers(vendor: Vendor, mode: str, kind: str) -> list[tuple[str, str]]:
    """Who is written to about the plan at once, and in which language: whoever may change it, unless they chose otherwise and may."""
    holders = list_holders(vendor, MANAGE)
    if kind not in ALWAYS:
        chosen = {person: mailed for person, mailed, _ in _CHOSEN.all(vendor=vendor.id, mode=mode, kind=kind)}
        later = select(NotificationManner.person).where(NotificationManner.vendor_id == vendor.id, NotificationManner.mode == mode)
        apart = set(db.session.scalars(later.where(NotificationManner.daily | NotificationManner.muted)))
        holders = [one for one in holders if chosen.get(one.public_id, True) and one.public_id not in apart]
    return list(dict((one.email, one.language or USUAL) for one in holders).items())


def choices_of(vendor: Vendor, mode: str, person: str) -> dict[str, Choice]:
    """What somebody has chosen, for every kind there is. Whoever may change the plan hears of it until they choose otherwise."""
    mine = select(NotificationChoice).where(
        NotificationChoice.vendor_id == vendor.id, NotificationChoice.mode == mode, NotificationChoice.person == person
    )
    kept = {row.kind: Choice(row.shown, row.mailed) for row in db.session.scalars(mine)}
    usual = Choice(mailed=person == BUSINESS)
    of_plan = Choice(mailed=person != BUSINESS and MANAGE in rights_of(vendor, person))
    return {kind: kept.get(kind, of_plan if kind in OF_PLAN else usual) for kind in SHOWN}


def choose(vendor: Vendor, mode: str, person: str, wished: dict[str, Choice]) -> None:
    """Keep what somebody chooses, for the kinds named; of what is always told there is nothing to choose."""
    for kind, choice in wished.items():
        if kind not in SHOWN:
            raise ValueError(f"there is no news of the kind {kind}")
        if kind in ALWAYS:
            continue
        kept = {"shown": choice.shown, "mailed": choice.mailed}
        row = insert(NotificationChoice).values(vendor_id=vendor.id, mode=mode, person=person, kind=kind, **kept)
        db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "person", "kind"], set_=kept))
