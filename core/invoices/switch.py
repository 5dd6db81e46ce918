"""Whether a vendor issues invoices for its payments: off until it says so, for each mode apart."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from core.accounts.house import find_details, what_invoices_lack
from core.accounts.models import Vendor
from core.invoices.models import InvoiceSwitch
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict


class DetailsMissing(Conflict):
    """An invoice would not say who issues it."""

    code = "business_details_missing"


def find_switch(vendor: Vendor, mode: str) -> InvoiceSwitch | None:
    """Since when it does; None while it does not."""
    return db.session.get(InvoiceSwitch, (vendor.id, mode))


def what_is_lacking(vendor: Vendor) -> list[str]:
    """What the law wants on an invoice and this vendor has not written down, by the names of core/accounts/house.py."""
    return what_invoices_lack(vendor, find_details(vendor.id))


def check_details(vendor: Vendor) -> None:
    """Refuses DetailsMissing."""
    if what_is_lacking(vendor):
        raise DetailsMissing("Write down your name by law and your address first: an invoice has to say who issues it.")


def switch_invoices(vendor: Vendor, mode: str, *, on: bool, by: str) -> None:
    """From the next payment on, or from now on no more. What was issued stays, and is corrected by credit notes either way."""
    if on:
        check_details(vendor)
        row = {"vendor_id": vendor.id, "mode": mode, "since": now(), "by": by}
        changed = db.session.execute(insert(InvoiceSwitch).values(**row).on_conflict_do_nothing().returning(InvoiceSwitch.mode)).first()
    else:
        mine = delete(InvoiceSwitch).where(InvoiceSwitch.vendor_id == vendor.id, InvoiceSwitch.mode == mode)
        changed = db.session.execute(mine.returning(InvoiceSwitch.mode)).first()
    if changed:
        audit.record(vendor.id, actor=by, action="invoices.switched", subject=vendor.public_id, mode=mode, changes={"issued": [not on, on]})
