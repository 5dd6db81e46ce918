"""Which letters a vendor's payers get, and what the vendor adds to them in its own words."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import answers, db
from core.kernel.errors import Refusal
from core.kernel.rows import in_order
from core.notifications.models import PayerLetter

# What can be switched off. Letters without which somebody could not pay, or would not find their money, always leave.
PAYER_LETTERS = ("receipt", "instruction_received", "payment_failed", "refund_sent", "link_reminder")
LONGEST = 600
_ONE = Question(
    select(PayerLetter.sent, PayerLetter.paragraph).where(
        PayerLetter.vendor_id == bindparam("vendor"), PayerLetter.mode == bindparam("mode"), PayerLetter.kind == bindparam("kind")
    )
)
_UNSENT = in_order("""SELECT p.vendor_id, p.mode FROM unnest(%s::uuid[], %s::text[]) AS k(vendor_id, mode)
             JOIN payer_letters p ON p.vendor_id = k.vendor_id AND p.mode = k.mode AND p.kind = %s WHERE NOT p.sent""")


class ReceiptOwed(Refusal):
    """A receipt is not switched off by the way: whoever does it says that the payer gets one otherwise."""

    code = "receipt_owed"


@dataclass(frozen=True, slots=True)
class LetterWish:
    """What a vendor has decided about one letter."""

    sent: bool = True
    paragraph: str = ""


def letter_wishes(vendor: Vendor, mode: str) -> dict[str, LetterWish]:
    """For every letter that can be switched off, what holds now."""
    mine = select(PayerLetter).where(PayerLetter.vendor_id == vendor.id, PayerLetter.mode == mode)
    kept = {row.kind: LetterWish(row.sent, row.paragraph) for row in db.session.scalars(mine)}
    return {kind: kept.get(kind, LetterWish()) for kind in PAYER_LETTERS}


def find_wish(vendor_id: uuid.UUID, mode: str, kind: str) -> LetterWish:
    """The same for one letter. Every letter that cannot be switched off is sent, without more words."""
    kept = _ONE.first(vendor=vendor_id, mode=mode, kind=kind) if kind in PAYER_LETTERS else None
    return LetterWish(*kept) if kept else LetterWish()


def is_sent(vendor: Vendor, mode: str, kind: str) -> bool:
    """Whether this vendor's payers get it."""
    return find_wish(vendor.id, mode, kind).sent


def unsent_in(books: Collection[tuple[uuid.UUID, str]], kind: str) -> set[tuple[uuid.UUID, str]]:
    """Of these (vendor id, mode) those whose payers do not get it, in one question."""
    if kind not in PAYER_LETTERS:
        return set()
    db.session.flush()  # the driver must see what this unit has already said
    return set(answers(_UNSENT, ([owner for owner, _ in books], [mode for _, mode in books], kind)))


def change_letter(vendor: Vendor, mode: str, kind: str, wish: LetterWish, *, by: str, receipt_otherwise: bool = False) -> None:
    """From now on. Refuses ReceiptOwed where the receipt would be switched off without a word about how payers get one."""
    if kind not in PAYER_LETTERS:
        raise ValueError(f"the letter {kind} cannot be switched off")
    if kind == "receipt" and not wish.sent and not receipt_otherwise:
        raise ReceiptOwed(
            "In many countries you owe your payers a receipt. Tick that they get one from you in another way.", field="otherwise"
        )
    kept = {"sent": wish.sent, "paragraph": wish.paragraph.strip()[:LONGEST], "updated_at": now()}
    row = insert(PayerLetter).values(vendor_id=vendor.id, mode=mode, kind=kind, **kept)
    db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "kind"], set_=kept))
    if known := db.session.identity_map.get(db.session.identity_key(PayerLetter, (vendor.id, mode, kind))):
        db.session.expire(known)
    record(vendor.id, actor=by, action="payer_letter.changed", subject=vendor.public_id, mode=mode, letter=kind, sent=wish.sent)
