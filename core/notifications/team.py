"""Telling a vendor's own people: a notice in the portal for all of them, and an e-mail to those who asked for one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.accounts.roles import list_holders, rights_of
from core.kernel.ask import Question
from core.kernel.db import db
from core.notifications.models import NotificationChoice, NotificationManner
from core.notifications.notices import ALWAYS, OF_PLAN, QUIET, SHOWN, post_notice
from core.notifications.notify import KINDS, UNASKED, notify

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
# What somebody may have stopped, whoever they are: nothing of it is owed to them by e-mail.
OPTIONAL = (frozenset({*MAILED, "plan_news", "daily_news"}) - ALWAYS) | UNASKED

_MUTED = (
    (NotificationManner.vendor_id == NotificationChoice.vendor_id)
    & (NotificationManner.mode == NotificationChoice.mode)
    & (NotificationManner.person == NotificationChoice.person)
    & NotificationManner.muted
)
_CHOSEN = Question(
    select(NotificationChoice.person, NotificationChoice.mailed, NotificationChoice.daily, NotificationManner.person.label("muted"))
    .outerjoin(NotificationManner, _MUTED)
    .where(NotificationChoice.vendor_id == bindparam("vendor"), NotificationChoice.mode == bindparam("mode"))
    .where(NotificationChoice.kind == bindparam("kind"))
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person has chosen for one kind of news. `daily`: by e-mail, and that in the letter of the day."""

    shown: bool = True
    mailed: bool = False
    daily: bool = False

    @property
    def when(self) -> str:
        """By e-mail at once, in the letter of the day, or not: as forms have it."""
        return "" if not self.mailed else "daily" if self.daily else "y"


def tell_team(vendor: Vendor, kind: str, *, mode: str, **ids: str) -> None:
    """In the transaction of the news itself."""
    post_notice(vendor, kind, mode=mode, about=ids[KINDS[kind][0]])
    for address, language in readers_of(vendor, mode, kind):
        notify(vendor, kind, mode=mode, to=address, locale=language, **ids)


def readers_of(vendor: Vendor, mode: str, kind: str) -> list[tuple[str, str]]:
    """Who is written to at once, and in which language: the business's own address unless that was switched off, then whoever asked; each
    address once. What nobody can choose not to hear goes to that address and every owner. Each reads the language chosen in the portal; the business's own address the one of whoever it is, or of its owner."""
    chosen = _CHOSEN.all(vendor=vendor.id, mode=mode, kind=kind)
    business = kind in ALWAYS or all(mailed for person, mailed, *_ in chosen if person == BUSINESS)
    people = {person for person, mailed, daily, muted in chosen if mailed and not daily and muted is None and person != BUSINESS}
    team = db.session.execute(
        select(User.public_id, User.email, User.language, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.vendor_id == vendor.id,
            or_(User.public_id.in_(people), User.email == vendor.support_email, Membership.role == "owner"),
        )
    ).all()
    found: dict[str, str] = {}
    if business:
        own = next((one for one in team if one.email == vendor.support_email), None) or next(
            (one for one in team if one.role == "owner"), None
        )
        found[vendor.support_email] = (own.language if own else "") or USUAL
    for one in team:
        if one.public_id in people or (kind in ALWAYS and one.role == "owner"):
            found.setdefault(one.email, one.language or USUAL)
    return list(found.items())


def plan_readers(vendor: Vendor, mode: str, kind: str) -> list[tuple[str, str]]:
    """Who is written to about the plan at once, and in which language: whoever may change it, unless they chose otherwise and may."""
    holders = list_holders(vendor, MANAGE)
    if kind not in ALWAYS:
        chosen = {person: mailed and not daily for person, mailed, daily, _ in _CHOSEN.all(vendor=vendor.id, mode=mode, kind=kind)}
        muted = select(NotificationManner.person).where(NotificationManner.vendor_id == vendor.id, NotificationManner.mode == mode)
        apart = set(db.session.scalars(muted.where(NotificationManner.muted)))
        holders = [one for one in holders if chosen.get(one.public_id, True) and one.public_id not in apart]
    return list(dict((one.email, one.language or USUAL) for one in holders).items())


def choices_of(vendor: Vendor, mode: str, person: str) -> dict[str, Choice]:
    """What somebody has chosen, for every kind there is. Whoever may change the plan hears of it until they choose otherwise."""
    mine = select(NotificationChoice).where(
        NotificationChoice.vendor_id == vendor.id, NotificationChoice.mode == mode, NotificationChoice.person == person
    )
    kept = {row.kind: Choice(row.shown, row.mailed, row.daily) for row in db.session.scalars(mine)}
    of_plan = Choice(mailed=person != BUSINESS and MANAGE in rights_of(vendor, person))
    usual = {kind: of_plan if kind in OF_PLAN else Choice(kind not in QUIET, person == BUSINESS) for kind in SHOWN}
    hidden = ALWAYS if of_plan.mailed else ALWAYS | {*OF_PLAN}  # what somebody chose while they might change the plan counts while they may
    return usual | {kind: choice for kind, choice in kept.items() if kind in usual and kind not in hidden}


def choose(vendor: Vendor, mode: str, person: str, wished: dict[str, Choice]) -> None:
    """Keep what somebody chooses, for the kinds named; of what is always told there is nothing to choose."""
    for kind, choice in wished.items():
        if kind not in SHOWN:
            raise ValueError(f"there is no news of the kind {kind}")
        if kind in ALWAYS:
            continue
        kept = {"shown": choice.shown, "mailed": choice.mailed, "daily": choice.mailed and choice.daily}
        row = insert(NotificationChoice).values(vendor_id=vendor.id, mode=mode, person=person, kind=kind, **kept)
        db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "person", "kind"], set_=kept))
