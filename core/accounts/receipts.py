"""What a vendor adds to its receipts: who it is by law, a word to the payer, a footer, and what is left off."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import ReceiptSettings, Vendor
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db


@dataclass(frozen=True, slots=True)
class ReceiptWish:
    """The settings as the page sends them."""

    legal_name: str = ""
    postal_address: str = ""
    registration: str = ""
    paragraph: str = ""
    footer: str = ""
    show_business: bool = True
    show_payer: bool = True
    show_payments: bool = True  # how and when it was paid, and the ways on to every payment and every step


def find_receipt_settings(vendor: Vendor) -> ReceiptWish:
    """What the vendor has set, or what stands without it."""
    row = db.session.get(ReceiptSettings, vendor.id)
    return ReceiptWish(**{name: getattr(row, name) for name in asdict(ReceiptWish())}) if row else ReceiptWish()


def change_receipts(vendor: Vendor, wish: ReceiptWish, *, by: str) -> None:
    """From the next receipt on. Those that were printed already stay as they were."""
    kept, before = asdict(wish), asdict(find_receipt_settings(vendor))
    row = insert(ReceiptSettings).values(vendor_id=vendor.id, updated_at=now(), **kept)
    db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id"], set_={**kept, "updated_at": now()}))
    if known := db.session.identity_map.get(db.session.identity_key(ReceiptSettings, vendor.id)):
        db.session.expire(known)
    audit.record(vendor.id, actor=by, action="receipts.changed", subject=vendor.public_id, changes=audit.differences(before, kept))
