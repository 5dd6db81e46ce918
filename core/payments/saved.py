"""The cards a payer has saved with a vendor: listed, one of them the default, and forgotten when they are not wanted any more."""

from __future__ import annotations

import uuid

from sqlalchemy import Select, select, update

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.payments.models import Payment
from core.payments.saved_models import SavedCard, SavedCharge
from core.providers.registry import provider_named
from core.providers.saved import SavedMethod


class CardGone(Conflict):
    """The card was put away."""

    code = "card_gone"


class CardInUse(Conflict):
    """A payment is being charged to it at this moment."""

    code = "card_in_use"


def list_saved(vendor: Vendor, mode: str, email: str) -> list[SavedCard]:
    """What this payer can be charged with, the default first, then the newest."""
    order = (SavedCard.is_default.desc(), SavedCard.id.desc())
    return list(db.session.scalars(_theirs(vendor.id, mode, email).order_by(*order)))


def find_default(vendor: Vendor, mode: str, email: str) -> SavedCard | None:
    """What this payer is charged with, when nobody says otherwise."""
    return db.session.scalar(_theirs(vendor.id, mode, email).where(SavedCard.is_default))


def get_saved(vendor: Vendor, mode: str, public_id: str) -> SavedCard:
    """One of this vendor's saved cards, also one that was put away; refuses with 404."""
    if is_public_id("crd", public_id):
        mine = select(SavedCard).where(SavedCard.vendor_id == vendor.id, SavedCard.mode == mode, SavedCard.public_id == public_id)
        card = db.session.scalar(mine)
        if card:
            return card
    raise NotFound("There is no such saved card.")


def find_saved(vendor: Vendor, mode: str, card_id: uuid.UUID) -> SavedCard | None:
    """One of this vendor's saved cards by the id that a saving keeps."""
    return db.session.get(SavedCard, (vendor.id, mode, card_id))


def card_charged(vendor: Vendor, payment: Payment) -> SavedCard | None:
    """The saved card a payment was charged to, if it was one."""
    if payment.link_id is not None:
        return None
    charged = select(SavedCard).join(
        SavedCharge,
        (SavedCharge.vendor_id == SavedCard.vendor_id) & (SavedCharge.mode == SavedCard.mode) & (SavedCharge.card_id == SavedCard.id),
    )
    mine = (SavedCharge.vendor_id == vendor.id, SavedCharge.mode == payment.mode, SavedCharge.payment_id == payment.id)
    return db.session.scalar(charged.where(*mine))


def keep_card(
    vendor_id: uuid.UUID, mode: str, provider: str, saved: SavedMethod, *, email: str, name: str, only_for: str = ""
) -> SavedCard:
    """Write a saved card down, once; it is the payer's default from now on. Whoever calls holds the lock of its saving.

    `only_for` names a checkout: then it is no card of the payer's with this vendor, is listed nowhere, and pays for that checkout alone.
    """
    same = (SavedCard.vendor_id == vendor_id, SavedCard.mode == mode, SavedCard.provider == provider)
    known = db.session.scalar(select(SavedCard).where(*same, SavedCard.provider_method == saved.method))
    if known is not None:
        return known
    _hold_payer(vendor_id, mode, email)
    if not only_for:
        _no_default(vendor_id, mode, email)
    card = SavedCard(
        vendor_id=vendor_id,
        mode=mode,
        id=uuid7(),
        public_id=public_id("crd"),
        email=email,
        name=name,
        provider=provider,
        provider_customer=saved.customer,
        provider_method=saved.method,
        brand=saved.brand[:20],
        last4=saved.last4,
        expiry_month=saved.expiry_month,
        expiry_year=saved.expiry_year,
        funding=saved.funding,
        fingerprint=(saved.fingerprint or "")[:120],
        country=saved.country,
        is_default=not only_for,
        only_for=only_for,
        created_at=now(),
    )
    db.session.add(card)
    db.session.flush()
    return card


def lend_card(card: SavedCard, vendor: Vendor) -> SavedCard:
    """The same card in the book of a seller who takes part in the checkout that it was saved for, once; it is only for that checkout there.

    Call it with the order locked: that is what makes it once.
    """
    if not card.only_for and card.vendor_id != vendor.id:
        raise CardGone("This card was saved for another business.")
    if card.vendor_id == vendor.id:
        return card
    method = SavedMethod(
        card.provider_customer, card.provider_method, card.brand, card.last4, card.expiry_month, card.expiry_year, card.funding,
        card.fingerprint or None, card.country,
    )  # fmt: skip
    return keep_card(vendor.id, card.mode, card.provider, method, email=card.email, name=card.name, only_for=card.only_for)


def put_away(card: SavedCard) -> None:
    """A card that was lent for one checkout is not charged any more. Whoever saved it has the provider forget it."""
    card = lock_again(card)
    card.put_away_at = card.put_away_at or now()


def make_default(card: SavedCard) -> SavedCard:
    """Charge this one from now on, when nobody says otherwise. Refuses CardGone."""
    _hold_payer(card.vendor_id, card.mode, card.email)
    card = lock_card(card)
    if not card.is_default:
        _no_default(card.vendor_id, card.mode, card.email)
        card.is_default = True
    return card


def forget(card: SavedCard) -> SavedCard:
    """It cannot be charged any more, and a worker has the provider forget it. The newest one left becomes the default.

    Safe to repeat. Refuses CardInUse while a payment is being charged to it: that has to end first.
    """
    _hold_payer(card.vendor_id, card.mode, card.email)
    card = lock_again(card)
    if card.put_away_at is not None:
        return card
    if db.session.scalar(_being_charged(card)):
        raise CardInUse("A payment is being charged to this card. Wait until it has ended.")
    was_default, card.is_default, card.put_away_at = card.is_default, False, now()
    db.session.flush()
    if was_default:
        newest = db.session.scalar(_theirs(card.vendor_id, card.mode, card.email).order_by(SavedCard.id.desc()).limit(1))
        if newest is not None:
            newest.is_default = True
    enqueue("forget_card", card.vendor_id, mode=card.mode, card=str(card.id))
    return card


def forget_at_provider(card: SavedCard) -> None:
    """Ask the provider to keep it no longer. Outside any transaction; safe to repeat."""
    provider_named(card.provider, card.mode).forget_method(card.provider_method)


def note_forgotten(card: SavedCard) -> None:
    """The provider has forgotten it."""
    card = lock_again(card)
    card.forgotten_at = card.forgotten_at or now()


def lock_card(card: SavedCard) -> SavedCard:
    """The card as it is now, locked until the unit ends. Refuses CardGone when it was put away."""
    card = lock_again(card)
    if card.put_away_at is not None:
        raise CardGone("This card was removed.")
    return card


def _theirs(vendor_id: uuid.UUID, mode: str, email: str) -> Select[tuple[SavedCard]]:
    mine = (SavedCard.vendor_id == vendor_id, SavedCard.mode == mode, SavedCard.email == email.strip().lower())
    return select(SavedCard).where(*mine, SavedCard.put_away_at.is_(None), SavedCard.only_for == "")


def _hold_payer(vendor_id: uuid.UUID, mode: str, email: str) -> None:
    """Whoever changes which card is a payer's default waits for whoever does the same. Always before a card is locked."""
    mine = (Customer.vendor_id == vendor_id, Customer.mode == mode, Customer.email == email)
    db.session.execute(select(Customer.id).where(*mine).with_for_update())


def _no_default(vendor_id: uuid.UUID, mode: str, email: str) -> None:
    mine = (SavedCard.vendor_id == vendor_id, SavedCard.mode == mode, SavedCard.email == email)
    db.session.execute(update(SavedCard).where(*mine, SavedCard.is_default).values(is_default=False))


def _being_charged(card: SavedCard) -> Select[tuple[uuid.UUID]]:
    pay, use = Payment, SavedCharge
    together = (pay.vendor_id == use.vendor_id) & (pay.mode == use.mode) & (pay.id == use.payment_id)
    mine = (use.vendor_id == card.vendor_id, use.mode == card.mode, use.card_id == card.id)
    under_way = pay.state.in_(("created", "processing", "unknown"))
    return select(pay.id).join(use, together).where(*mine, under_way).limit(1)
