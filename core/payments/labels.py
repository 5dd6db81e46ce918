"""The words a vendor files payments under, for its own people only: they stand on no receipt and in no letter."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.sentence import said
from core.payments.history import note
from core.payments.models import Payment
from core.payments.sharing_models import PaymentLabel
from core.payments.start import lock_payment

MOST_LABELS = 10  # of one payment
LONGEST = 30


class BadLabel(Refusal):
    """A label that cannot be kept."""

    code = "bad_label"


def clean_label(text: str) -> str:
    """One spelling of a label: no doubled blanks, no commas, not too long."""
    label = " ".join(text.split())
    if not label:
        raise BadLabel("Write the label first.", field="label")
    if len(label) > LONGEST or "," in label:
        raise BadLabel(
            said("“%(label)s…” is no label: %(most)s characters at most, and no comma.", label=label[:30], most=LONGEST), field="label"
        )
    return label


def label_payment(vendor: Vendor, payment: Payment, label: str, *, by: str) -> bool:
    """File a payment under a label; False when it is there already. The history says who did."""
    label, payment = clean_label(label), lock_payment(payment)
    present = labels_by_payment(vendor, payment.mode, [payment])[payment.id]
    if label in present:
        return False
    if len(present) >= MOST_LABELS:
        raise BadLabel(said("%(most)s labels at most.", most=MOST_LABELS), field="label")
    row = {"vendor_id": vendor.id, "mode": payment.mode, "payment_id": payment.id, "label": label}
    db.session.execute(insert(PaymentLabel).values(**row).on_conflict_do_nothing())
    note(payment, "payment.labelled", actor=by, label=label)
    return True


def unlabel_payment(vendor: Vendor, payment: Payment, label: str, *, by: str) -> bool:
    """Take a label off; False when it was not there."""
    payment = lock_payment(payment)
    mine = delete(PaymentLabel).where(
        PaymentLabel.vendor_id == vendor.id, PaymentLabel.mode == payment.mode, PaymentLabel.payment_id == payment.id,
        PaymentLabel.label == label[: LONGEST + 1],
    )  # fmt: skip
    if db.session.scalar(mine.returning(PaymentLabel.label)) is None:
        return False
    note(payment, "payment.unlabelled", actor=by, label=label)
    return True


def labels_by_payment(vendor: Vendor, mode: str, payments: list[Payment]) -> dict[uuid.UUID, list[str]]:
    """The labels of several payments in one look."""
    found: dict[uuid.UUID, list[str]] = {payment.id: [] for payment in payments}
    if found:
        filed = select(PaymentLabel.payment_id, PaymentLabel.label).where(PaymentLabel.vendor_id == vendor.id, PaymentLabel.mode == mode)
        for payment_id, label in db.session.execute(filed.where(PaymentLabel.payment_id.in_(list(found))).order_by(PaymentLabel.label)):
            found[payment_id].append(label)
    return found


def payment_label_words(vendor: Vendor, mode: str, *, at_most: int = 100) -> list[str]:
    """Every label this vendor files payments under, by the alphabet."""
    used = select(PaymentLabel.label).where(PaymentLabel.vendor_id == vendor.id, PaymentLabel.mode == mode).distinct()
    return sorted(db.session.scalars(used.limit(at_most)), key=str.casefold)
