"""How a vendor takes bank transfers: how long one is waited for, and how much of it may be missing."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.transfer_models import BankTerms

LONGEST_DAYS, MOST_MINOR, MOST_BPS = 60, 100_000, 500


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one vendor in one mode."""

    days: int = 7
    tolerance_minor: int = 0
    tolerance_bps: int = 0

    def shortfall(self, amount: Money) -> Money:
        """So much of this amount may be missing and it still counts as paid: the larger of the two bounds, never half of it or more."""
        largest = max(self.tolerance_minor, amount.share(self.tolerance_bps).minor)
        return Money(min(largest, (amount.minor - 1) // 2), amount.currency)


class BadTransferTerms(Refusal):
    """A term outside its bounds."""

    code = "bad_transfer_terms"


def terms_of(vendor: Vendor, mode: str) -> Terms:
    """The vendor's own terms, or the usual ones."""
    kept = db.session.get(BankTerms, (vendor.id, mode))
    return Terms(kept.days, kept.tolerance_minor, kept.tolerance_bps) if kept else Terms()


def change_terms(vendor: Vendor, mode: str, *, by: str, terms: Terms) -> None:
    """Set them. Payments under way keep the end they were given; the tolerance counts from now on."""
    if not 1 <= terms.days <= LONGEST_DAYS:
        raise BadTransferTerms(said("Between 1 and %(longest)s days.", longest=LONGEST_DAYS), field="days")
    if not 0 <= terms.tolerance_minor <= MOST_MINOR:
        raise BadTransferTerms(said("Between 0 and %(most)s.", most=MOST_MINOR), field="tolerance_minor")
    if not 0 <= terms.tolerance_bps <= MOST_BPS:
        raise BadTransferTerms("Between 0 and 5 percent.", field="tolerance_percent")
    before = asdict(terms_of(vendor, mode))
    row = {"days": terms.days, "tolerance_minor": terms.tolerance_minor, "tolerance_bps": terms.tolerance_bps, "updated_at": now()}
    new = insert(BankTerms).values(vendor_id=vendor.id, mode=mode, **row)
    db.session.execute(new.on_conflict_do_update(index_elements=["vendor_id", "mode"], set_=row))
    db.session.expire_all()
    record(
        vendor.id, actor=by, action="bank_terms.changed", subject=vendor.public_id, mode=mode, changes=differences(before, asdict(terms))
    )
