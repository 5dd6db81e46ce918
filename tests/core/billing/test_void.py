"""Taking a wrong invoice back: a credit note over all that is left, with its reason; once, and only for what is final."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.models import Vendor
from core.billing import store
from core.billing.carry_out import finalise_due
from core.billing.documents import CreditExceedsInvoice
from core.billing.models import BillingDocument, KeptSubscription
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.errors import Refusal
from tests.core.billing.kept import Kept, make_seller
from tests.core.billing.story import gbp
from tests.factories import Shop, again, make_shop, unit

NOVEMBER = date(2026, 11, 1)
WHY = "Charged under the wrong company"


@pytest.fixture(scope="module")
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture
def buyer(app: Flask) -> Vendor:
    return make_shop(app).vendor


def void(kept: Kept, on: date, ordinal: int, reason: str = WHY) -> None:
    with kept.unit(on):
        store.void_document(kept.row, document(kept.row, ordinal), reason=reason, by="stf_one")


def document(row: KeptSubscription, ordinal: int) -> BillingDocument:
    mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.subscription_id == row.id)
    return db.session.scalars(mine.where(BillingDocument.ordinal == ordinal)).one()


def previewed(kept: Kept, ordinal: int) -> object:
    with unit(kept.app):
        found = store.preview_void(again(kept.row), document(kept.row, ordinal))
        return found.gross if found else None


def test_a_paid_invoice_comes_back_as_balance_and_both_documents_stay(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    assert previewed(kept, 1) is None  # a draft has nothing to take back
    kept.settle(NOVEMBER)
    assert previewed(kept, 1) == gbp("-3.00")
    void(kept, date(2026, 11, 3), 1)
    assert kept.state().balance == gbp("3.00")
    invoice, note = kept.documents()
    assert (invoice.state, note.kind, note.state, note.gross_minor, note.origin) == ("final", "credit_note", "final", -300, "void")
    event = kept.events()[-1]
    assert (event.kind, event.given, event.actor) == ("voided", {"document": 1, "reason": WHY}, "stf_one")
    assert kept.replayed()[0] == kept.state()
    with unit(kept.app):
        found = select(AuditEntry).where(AuditEntry.action == "document.voided", AuditEntry.subject == invoice.public_id)
        entry = db.session.scalars(found).one()
        assert (entry.vendor_id, entry.actor, entry.detail) == (seller.vendor.id, "stf_one", {"reason": WHY})


def test_an_unpaid_one_is_owed_no_more(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    for day in range(2, 31):
        kept.to(date(2026, 11, day))
    kept.to(date(2026, 12, 1))
    kept.settle(date(2026, 12, 1), pays=False)
    with kept.unit(date(2026, 12, 1), 20):
        finalise_due()
    assert kept.state().status == "past_due"
    void(kept, date(2026, 12, 2), 2)
    assert not kept.state().open and not kept.state().balance


@pytest.mark.parametrize("reason", ["", "  wrong  "])
def test_nobody_takes_one_back_without_saying_why(seller: Shop, buyer: Vendor, reason: str) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    with pytest.raises(Refusal) as refused:
        void(kept, NOVEMBER, 1, reason)
    assert refused.value.field == "reason" and len(kept.documents()) == 1


def test_it_is_taken_back_once_and_a_credit_note_never(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    void(kept, NOVEMBER, 1)
    for ordinal in (1, 2):
        assert previewed(kept, ordinal) is None
        with pytest.raises(CreditExceedsInvoice):
            void(kept, NOVEMBER, ordinal)
    assert len(kept.documents()) == 2
