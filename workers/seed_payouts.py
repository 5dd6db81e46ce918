"""The demo's payout: the bakery's account, its schedule, and what it has available on its way over the sandbox's bank."""

from __future__ import annotations

from core.accounts.queries import find_employer, find_user
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.payouts.accounts import add_account, find_account
from core.payouts.request import payable, request_payout
from core.payouts.terms import change_terms
from workers.release import release_all

MODE, EMAIL, FRIDAY = "test", "mo@harbour-bakery.example", 5
IBAN = "GB33BUKB20201555555555"  # the example of the banks' own papers


def fill_payouts() -> bool:
    """Make it once; answers whether it was made now."""
    release_all()
    with unit_of_work():
        owner = find_user(EMAIL)
        vendor = find_employer(owner) if owner else None
        if owner is None or vendor is None or find_account(vendor, MODE, vendor.currency) is not None:
            return False
        by = owner.public_id
        add_account(vendor, MODE, currency=vendor.currency, holder=vendor.name, iban=IBAN, by=by)
        change_terms(vendor, MODE, schedule="weekly", day=FRIDAY, minimum=Money.of("20.00", vendor.currency), by=by)
        if payable(vendor, MODE, vendor.currency).amount:
            request_payout(vendor, MODE, vendor.currency, by=by, form_token="demo-payout")
    return True
