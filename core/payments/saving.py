"""A payer saves a card at the provider: asked for, opened there, and noted once, whoever brings the news (the payer, a webhook, the clock)."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.accounts.standing import check_open as check_business
from core.customers.meet import meet_customer
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue_named, is_waiting
from core.kernel.signing import TokenRefused, make_token, read_token
from core.payments.saved import find_default, keep_card
from core.payments.saved_models import Saving
from core.providers.contract import Opening, ProviderUnreachable
from core.providers.registry import provider_for, provider_named
from core.providers.saved import OpenSaving, SavingOutcome

LIFE = timedelta(days=7)  # how long the address to save a card by is good
KEPT = timedelta(days=30)  # after that: long enough to answer for it, and the row says who was asked
FIRST_INQUIRY, LONGEST_WAIT = 30, 3600  # seconds


class NothingToSaveWith(Refusal):
    """Nobody in this mode saves cards."""

    code = "saving_not_offered"


class SavingOver(Conflict):
    """A card was saved here already, or the time is over."""

    code = "saving_over"


def request_saving(
    vendor: Vendor, mode: str, *, email: str, name: str, description: str, form_token: str, locale: str = "", on_saved: str | None = None,
    only_for: str = "",
) -> Saving:  # fmt: skip
    """Write down that this payer is to save a card; `description` says to them what for. The same `form_token` is the same saving.

    `on_saved` names a job that is asked for, with `mode`, `saving` and `card`, when a card was saved; `only_for` names the one checkout that
    it may pay for, and then it is none of the payer's cards. Refuses NothingToSaveWith,
    and CustomerBlocked when the vendor takes nothing from this address.
    """
    check_business(vendor, mode)
    provider = provider_for(mode)
    if not provider.saves():
        raise NothingToSaveWith("Cards cannot be saved here.")
    email, at = email.strip().lower(), now()
    meet_customer(vendor, mode, email=email, name=name)
    before = find_default(vendor, mode, email)
    row = {
        "vendor_id": vendor.id,
        "mode": mode,
        "id": uuid7(),
        "public_id": public_id("sav"),
        "token_id": public_id("tok"),
        "form_token": form_token,
        "email": email,
        "name": name.strip(),
        "description": description[:120],
        "locale": locale,
        "provider": provider.name,
        "provider_customer": before.provider_customer if before and before.provider == provider.name else None,
        "state": "asked",
        "tries": 1,
        "on_saved": on_saved,
        "only_for": only_for,
        "inquiries": 0,
        "expires_at": at + LIFE,
        "created_at": at,
        "updated_at": at,
    }
    db.session.execute(insert(Saving).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "form_token"]))
    mine = select(Saving).where(Saving.vendor_id == vendor.id, Saving.mode == mode, Saving.form_token == form_token)
    return db.session.scalars(mine).one()


def saving_token(vendor: Vendor, saving: Saving) -> str:
    """The signed text of the address by which the payer saves the card."""
    return make_token("saving", vendor=vendor.public_id, mode=saving.mode, token_id=saving.token_id, expires_at=saving.expires_at)


def open_saving_token(text: str) -> tuple[Vendor, Saving]:
    """Whose saving this is. Raises TokenRefused for anything we did not issue."""
    claims = read_token("saving", text)
    vendor = find_vendor(claims.vendor)
    mine = select(Saving).where(Saving.mode == claims.mode, Saving.token_id == claims.token_id)
    saving = db.session.scalar(mine.where(Saving.vendor_id == vendor.id)) if vendor else None
    if vendor is None or saving is None:
        raise TokenRefused("revoked")
    return vendor, saving


def find_saving(vendor: Vendor, mode: str, public_id: str) -> Saving | None:
    """This vendor's saving by its public id, or None."""
    return db.session.scalar(select(Saving).where(Saving.vendor_id == vendor.id, Saving.mode == mode, Saving.public_id == public_id))


def check_open(saving: Saving) -> None:
    """Refuse SavingOver when there is nothing left to do here."""
    if saving.state in ("saved", "ended") or now() >= saving.expires_at:
        raise SavingOver("This address has been used, or its time is over.")


def open_saving_at_provider(vendor: Vendor, saving: Saving, *, return_url: str, cancel_url: str) -> Opening:
    """Ask the provider for its page; asking again gives the same one. Outside any transaction.

    The provider closes its page after a day, while our address is good for a week: then it is opened anew, under another reference.
    """
    wish = OpenSaving(
        reference=f"{saving.public_id}-{saving.tries}",
        mode=saving.mode,
        customer=saving.provider_customer,
        email=saving.email,
        name=saving.name,
        description=saving.description,
        return_url=return_url,
        cancel_url=cancel_url,
        expires_at=saving.created_at + LIFE,
        metadata={"vendor": vendor.public_id, "mode": saving.mode, "saving": saving.public_id},
    )
    return provider_named(saving.provider, saving.mode).open_saving(wish)


def record_saving_opened(saving: Saving, opening: Opening) -> Saving:
    """Write down where the provider wants the payer. Safe to repeat."""
    saving = lock_saving(saving)
    if saving.state == "asked":
        saving.provider_reference, saving.redirect_url = opening.provider_reference, opening.redirect_url
        saving.state, saving.updated_at = "open", now()
        saving.next_inquiry_at = now() + timedelta(seconds=FIRST_INQUIRY)
    return saving


def inquire_saving(saving: Saving) -> SavingOutcome | None:
    """Ask the provider what the page came to. Outside any transaction; None when it cannot be asked, or was not opened yet."""
    if saving.provider_reference is None:
        return None
    try:
        return provider_named(saving.provider, saving.mode).inquire_saving(saving.provider_reference)
    except ProviderUnreachable:
        return None


def settle_saving(saving: Saving, outcome: SavingOutcome) -> str:
    """Bring a saving to the truth; answers the state it is in. Safe to repeat: a card is noted once, and its caller told once."""
    saving = lock_saving(saving)
    if saving.state in ("saved", "ended"):
        return saving.state
    if outcome.state == "saved" and outcome.saved is not None:
        card = keep_card(
            saving.vendor_id, saving.mode, saving.provider, outcome.saved, email=saving.email, name=saving.name, only_for=saving.only_for
        )
        saving.state, saving.card_id = "saved", card.id
        if saving.on_saved:
            enqueue_named(saving.on_saved, saving.vendor_id, mode=saving.mode, saving=str(saving.id), card=str(card.id))
    elif outcome.state == "canceled" and outcome.provider_reference == saving.provider_reference:
        _closed_there(saving)
    saving.updated_at = now()
    if saving.state != "open":
        saving.next_inquiry_at = None
    return saving.state


def _closed_there(saving: Saving) -> None:
    """The provider's page is closed. While the payer's address is good they can have another."""
    saving.state = "asked" if now() < saving.expires_at else "ended"
    if saving.state == "asked":
        saving.tries, saving.provider_reference, saving.redirect_url = saving.tries + 1, None, None


def claim_due_savings(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Savings to ask about now, each given to one caller: (vendor id, mode, id). Their next turn is planned at once."""
    due = (
        select(Saving)
        .where(Saving.next_inquiry_at <= now(), ~is_waiting("settle_saving", Saving.vendor_id, saving=Saving.id))
        .order_by(Saving.next_inquiry_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for saving in found:
        saving.inquiries += 1
        saving.next_inquiry_at = now() + timedelta(seconds=min(FIRST_INQUIRY * 2 ** min(saving.inquiries, 12), LONGEST_WAIT))
    return [(s.vendor_id, s.mode, s.id) for s in found]


def lock_saving(saving: Saving) -> Saving:
    """The saving as it is now, locked until the unit ends."""
    return lock_again(saving)


def prune_savings(limit: int) -> int:
    """Savings whose address has been over for so long, `limit` at most; answers how many. The cards that were saved stay."""
    old = select(Saving.vendor_id, Saving.mode, Saving.id).where(Saving.expires_at < now() - KEPT).limit(limit)
    gone = delete(Saving).where(tuple_(Saving.vendor_id, Saving.mode, Saving.id).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
