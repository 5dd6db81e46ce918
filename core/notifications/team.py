"""Telling a vendor's own people: a notice in the portal for all of them, and an e-mail to those who asked for one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.kernel.db import db
from core.notifications.models import NotificationChoice
from core.notifications.notices import SHOWN, post_notice
from core.notifications.notify import KINDS, notify

BUSINESS = "business"  # whose choices are those of the business's own address
MAILED = tuple(kind for kind in SHOWN if kind in KINDS and kind != "refund_sent")  # the letter of a refund is the payer's


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person has chosen for one kind of news."""

    shown: bool = True
    mailed: bool = False


def tell_team(vendor: Vendor, kind: str, *, mode: str, **ids: str) -> None:
    """In the transaction of the news itself."""
    post_notice(vendor, kind, mode=mode, about=ids[KINDS[kind][0]])
    for address in addresses_of(vendor, mode, kind):
        notify(vendor, kind, mode=mode, to=address, **ids)


def addresses_of(vendor: Vendor, mode: str, kind: str) -> list[str]:
    """The business's own address unless that was switched off, then whoever asked; each address once."""
    chosen = list(
        db.session.scalars(
            select(NotificationChoice).where(
                NotificationChoice.vendor_id == vendor.id, NotificationChoice.mode == mode, NotificationChoice.kind == kind
            )
        )
    )
    business = all(choice.mailed for choice in chosen if choice.person == BUSINESS)
    people = [choice.person for choice in chosen if choice.mailed and choice.person != BUSINESS]
    found = [vendor.support_email] if business else []
    if people:
        mine = select(User.email).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == vendor.id)
        found += [email for email in db.session.scalars(mine.where(User.public_id.in_(people))) if email not in found]
    return found


def choices_of(vendor: Vendor, mode: str, person: str) -> dict[str, Choice]:
    """What somebody has chosen, for every kind there is."""
    mine = select(NotificationChoice).where(
        NotificationChoice.vendor_id == vendor.id, NotificationChoice.mode == mode, NotificationChoice.person == person
    )
    kept = {row.kind: Choice(row.shown, row.mailed) for row in db.session.scalars(mine)}
    usual = Choice(mailed=person == BUSINESS)
    return {kind: kept.get(kind, usual) for kind in SHOWN}


def choose(vendor: Vendor, mode: str, person: str, wished: dict[str, Choice]) -> None:
    """Keep what somebody chooses, for the kinds named."""
    for kind, choice in wished.items():
        if kind not in SHOWN:
            raise ValueError(f"there is no news of the kind {kind}")
        kept = {"shown": choice.shown, "mailed": choice.mailed}
        row = insert(NotificationChoice).values(vendor_id=vendor.id, mode=mode, person=person, kind=kind, **kept)
        db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "person", "kind"], set_=kept))
