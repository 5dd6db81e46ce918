"""A seller's own account at the processor: opened by us, completed there, and what it says of itself, read whole each time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import is_waiting
from core.kernel.sentence import said
from core.payouts.accounts import replace_account, through_processor
from core.payouts.rail_models import Receiver
from core.providers.receivers import OpenReceiver, ReceiverOutcome
from core.providers.registry import pays_sellers, seller_payer

FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600  # seconds between two looks at one that is not ready; one that is, is looked at once a day


class NoReceivers(Refusal):
    """Nobody in this mode has accounts for sellers."""

    code = "sellers_not_paid"


@dataclass(frozen=True, slots=True)
class Opened:
    """An account as it was written down, to be asked for with no transaction open."""

    id: uuid.UUID
    provider: str
    mode: str
    reference: str | None
    wish: OpenReceiver


def find_receiver(vendor: Vendor, mode: str) -> Receiver | None:
    """The vendor's account at the processor that serves this mode today."""
    name = pays_sellers(mode)
    mine = select(Receiver).where(Receiver.vendor_id == vendor.id, Receiver.mode == mode, Receiver.provider == name)
    return db.session.scalar(mine) if name else None


def begin_receiver(vendor: Vendor, mode: str, *, by: str, email: str) -> Opened:
    """Write down that this vendor is to have an account there, once; what stands there already is used. Refuses with NoReceivers.

    The processor is asked with no transaction open: `ask_about`, then `record_receiver`.
    """
    name = pays_sellers(mode)
    if not name:
        raise NoReceivers(said("Payouts through the processor are not offered here."))
    hold_vendor(vendor.id)
    row = {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("rcv"), "provider": name, "email": email, "country": vendor.country,
        "state": "opening", "banks": {}, "due": 0, "reason": "", "opened_by": by, "created_at": now(), "looks": 0,
    }  # fmt: skip
    fresh = insert(Receiver).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "provider"])
    if db.session.scalar(fresh.returning(Receiver.id)) is not None:
        record(vendor.id, actor=by, action="payout_receiver.opened", subject=str(row["public_id"]), mode=mode, provider=name)
    found = find_receiver(vendor, mode)
    if found is None:
        raise RuntimeError("a receiver is never deleted")
    metadata = {"vendor": vendor.public_id, "mode": mode, "receiver": found.public_id}
    wish = OpenReceiver(found.public_id, mode, found.email, found.country, metadata)
    return Opened(found.id, name, mode, found.provider_reference, wish)


def ask_about(opened: Opened) -> ReceiverOutcome:
    """Open it, or read it when it was opened. Outside any transaction. Raises any ProviderError."""
    payer = seller_payer(opened.provider, opened.mode)
    return payer.inquire_receiver(opened.reference) if opened.reference else payer.open_receiver(opened.wish)


def page_of(opened: Opened, receiver: str, *, return_url: str, again_url: str) -> str:
    """Where the seller completes it. Outside any transaction. Raises any ProviderError."""
    return seller_payer(opened.provider, opened.mode).receiver_page(receiver, return_url, again_url)


def record_receiver(vendor: Vendor, mode: str, receiver_id: uuid.UUID, outcome: ReceiverOutcome) -> Receiver:
    """Bring it to what the processor says. A bank account that was exchanged there is a new one here: it cools off, and every owner is
    written to."""
    hold_vendor(vendor.id)
    row = locked(Receiver, vendor.id, mode, receiver_id)
    if row is None:
        raise NotFound(said("There is no such account at the processor."))
    if row.provider_reference not in (None, outcome.provider_reference):
        return row  # another answer was faster, and an account has one name for ever
    before = row.state
    row.provider_reference, row.state, row.reason = outcome.provider_reference, outcome.state, outcome.reason[:60]
    row.banks = {code: {"last4": bank.last4, "mark": bank.mark} for code, bank in outcome.banks.items()}
    row.due, row.looked_at, row.email = outcome.due, now(), ""  # the processor has the address, and nobody here needs it any more
    row.looks = row.looks + 1 if row.state == before else 0
    row.next_look_at = now() + timedelta(seconds=_wait(row))
    db.session.flush()
    if row.state != before:
        record(
            vendor.id, actor="provider", action="payout_receiver.changed", subject=row.public_id, mode=mode, state=row.state, before=before
        )
    for account in through_processor(vendor, mode, outcome.provider_reference):
        bank = row.banks.get(account.currency)
        if bank is not None and bank["mark"] != account.mark:
            replace_account(vendor, mode, account, by="provider", last4=bank["last4"], mark=bank["mark"])
    return row


def _wait(row: Receiver) -> int:
    if row.state == "ready":
        return 24 * 3600
    return min(FIRST_WAIT * 2 ** min(row.looks, 12), LONGEST_WAIT)


def to_look_at(vendor: Vendor, mode: str, provider: str, reference: str = "") -> Opened | None:
    """One that the clock or a message of the processor's named, to be asked about. None when it is none of this vendor's."""
    mine = select(Receiver).where(
        Receiver.vendor_id == vendor.id, Receiver.mode == mode, Receiver.provider == provider, Receiver.provider_reference.is_not(None)
    )
    row = db.session.scalar(mine.where(Receiver.provider_reference == reference) if reference else mine)
    if row is None:
        return None
    wish = OpenReceiver(row.public_id, mode, row.email, row.country, {})
    return Opened(row.id, provider, mode, row.provider_reference, wish)


def claim_due(limit: int = 100) -> list[tuple[uuid.UUID, str, str]]:
    """Accounts to look at now, each given to one caller: (vendor id, mode, provider). Their next turn is planned at once."""
    due = (
        select(Receiver)
        .where(Receiver.next_look_at <= now(), ~is_waiting("look_at_receiver", Receiver.vendor_id, provider=Receiver.provider))
        .order_by(Receiver.next_look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for row in found:
        row.next_look_at = now() + timedelta(hours=6)
    return [(row.vendor_id, row.mode, row.provider) for row in found]
