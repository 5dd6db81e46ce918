"""The guard against card testing in front of joining: a page for saving a card is a place where cards are tried, like a page to pay."""

from __future__ import annotations

import json

from core.accounts.models import Vendor
from core.memberships.models import Member
from core.payments.screen import REMEMBERED, Screened, Source
from core.risk import score
from core.risk.attack import find_attack
from core.risk.windows import keep, kept, mark


def screen_joining(vendor: Vendor, member: Member, source: Source) -> Screened:
    """Look at a try before the provider's page is opened. Nothing is counted yet."""
    under_attack = find_attack(vendor.id, member.mode) is not None
    return Screened(score.judge(_scope(member), _who(member, source), under_attack=under_attack), under_attack, member.tries)


def count_joining(member: Member, source: Source) -> None:
    """The page is being opened: counted, and remembered from where, because news of a decline comes from elsewhere."""
    score.note_try(_scope(member), _who(member, source), name=f"{member.public_id}.{member.tries}")
    keep(_where(member), json.dumps({"address": source.address, "browser": source.browser}), REMEMBERED)


def count_declined(member: Member) -> None:
    """The first payment was declined. Outside any transaction; counted once, however often it is heard."""
    said = kept(_where(member))
    found = json.loads(said) if said else {}
    source = Source(str(found.get("address", "")), str(found.get("browser", "")))
    name = f"{member.public_id}.{member.subscription_id}"
    score.note_decline(_scope(member), _who(member, source), name=name, card="", link=str(member.plan_id))


def _scope(member: Member) -> str:
    """The same as of payments: what was tried there counts here."""
    return f"{member.vendor_id}:{member.mode}"


def _who(member: Member, source: Source) -> dict[str, str]:
    return {
        "address": source.address,
        "browser": source.browser,
        "email": member.email,
        "link": str(member.plan_id),
        "vendor": str(member.vendor_id),
    }


def _where(member: Member) -> str:
    return mark(_scope(member), "joined from", member.public_id)
