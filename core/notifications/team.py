"""Telling a vendor's own people: a notice in the portal for all of them, and an e-mail to those who asked for one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.roles import list_holders, rights_of
from core.kernel.ask import Question
from core.kernel.db import answers, db
from core.kernel.money import Money
from core.kernel.rows import in_order
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
    if kind in KINDS and kind not in ("refund_sent", "payout_account", "webhook_stopped", "webhook_failing", "application_news", *OF_PLAN)
)
# What somebody may have stopped, whoever they are: nothing of it is owed to them by e-mail.
OPTIONAL = (frozenset({*MAILED, "plan_news", "daily_news", "payments_report"}) - ALWAYS) | UNASKED

_CHOSEN = Question(
    select(NotificationChoice.person, NotificationChoice.mailed, NotificationChoice.daily)
    .where(NotificationChoice.vendor_id == bindparam("vendor"), NotificationChoice.mode == bindparam("mode"))
    .where(NotificationChoice.kind == bindparam("kind"))
)
# The same for many books at once; and of their vendors' people whoever may be written to: nobody who is limited to branches.
_CHOSEN_IN_MANY = in_order("""SELECT c.vendor_id, c.mode, c.person, c.mailed, c.daily, quiet.person IS NOT NULL
                     FROM unnest(%s::uuid[], %s::text[]) AS k(vendor_id, mode)
                     JOIN notification_choices c ON c.vendor_id = k.vendor_id AND c.mode = k.mode AND c.kind = %s
                     LEFT JOIN notification_manners quiet ON quiet.vendor_id = c.vendor_id AND quiet.mode = c.mode AND quiet.person = c.person
                       AND quiet.muted""")
_PEOPLE = in_order("""SELECT m.vendor_id, u.public_id, u.email, u.language, m.role
             FROM unnest(%s::uuid[], %s::text[]) AS k(vendor_id, own_address)
             JOIN memberships m ON m.vendor_id = k.vendor_id JOIN users u ON u.id = m.user_id
             WHERE m.branches IS NULL AND (m.role = 'owner' OR u.email = k.own_address OR u.public_id = ANY(%s::text[]))""")
Book = tuple[uuid.UUID, str]  # a vendor's id, and test or live


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


def tell_team(vendor: Vendor, kind: str, *, mode: str, amount: Money | None = None, **ids: str) -> None:
    """In the transaction of the news itself. `amount`: the sum it speaks of, where that is not the payment's. Where it is about a refund link
    the notice knows which: its payment may have several."""
    claim = {"claim": ids["claim"]} if "claim" in ids else None
    post_notice(vendor, kind, mode=mode, about=ids[KINDS[kind][0]], amount=amount, detail=claim)
    for address, language in readers_of(vendor, mode, kind):
        notify(vendor, kind, mode=mode, to=address, locale=language, **ids)


class Person(NamedTuple):
    """Somebody of a team, as far as a letter goes."""

    public_id: str
    email: str
    language: str
    role: str


class Asked(NamedTuple):
    """What somebody has chosen about letters of one kind; `muted`: they hear of nothing in this mode."""

    person: str
    mailed: bool
    daily: bool
    muted: bool


def readers_of(vendor: Vendor, mode: str, kind: str) -> list[tuple[str, str]]:
    """Who is written to at once, and in which language: the business's own address unless that was switched off, then whoever asked; each
    address once. What nobody can choose not to hear goes to that address and every owner. Each reads the language chosen in the portal; the
    business's own address the one of whoever it is, or of its owner."""
    return readers_in_many([(vendor, mode)], kind)[vendor.id, mode]


def readers_in_many(books: Sequence[tuple[Vendor, str]], kind: str) -> dict[Book, list[tuple[str, str]]]:
    """The same for several vendors and modes, in two questions however many they are."""
    vendors = {vendor.id: vendor for vendor, _ in books}
    chosen: dict[Book, list[Asked]] = {(vendor.id, mode): [] for vendor, mode in books}
    team: dict[uuid.UUID, list[Person]] = {vendor_id: [] for vendor_id in vendors}
    db.session.flush()  # the driver must see what this unit has already said
    for vendor_id, mode, *choice in answers(_CHOSEN_IN_MANY, ([owner for owner, _ in chosen], [mode for _, mode in chosen], kind)):
        chosen[vendor_id, mode].append(Asked(*choice))
    people = [one.person for some in chosen.values() for one in some]
    for vendor_id, *person in answers(_PEOPLE, (list(vendors), [vendor.support_email for vendor in vendors.values()], people)):
        team[vendor_id].append(Person(*person))
    return {(owner, mode): _readers(vendors[owner], kind, some, team[owner]) for (owner, mode), some in chosen.items()}


def _readers(vendor: Vendor, kind: str, chosen: list[Asked], team: list[Person]) -> list[tuple[str, str]]:
    business = kind in ALWAYS or all(one.mailed for one in chosen if one.person == BUSINESS)
    people = {one.person for one in chosen if one.mailed and not one.daily and not one.muted and one.person != BUSINESS}
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
        chosen = {person: mailed and not daily for person, mailed, daily in _CHOSEN.all(vendor=vendor.id, mode=mode, kind=kind)}
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
