"""How a subscriber to the house's plans is taxed now, and until when its first invoice of a period waits for the registry of VAT numbers."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.accounts.house import HOUSE, find_details, house
from core.accounts.places import EU
from core.accounts.queries import find_vendor
from core.accounts.vat_checks import VALID, standing_of, waiting_since
from core.billing.tax import Treatment, treatment, waits_for_check
from core.billing.terms import Terms
from core.kernel.clock import now


def tax_of(subscriber: str) -> Treatment | None:
    """The rate, or reverse charge; None where the tax switch is off or the house is not in the Union: then it stays as it was."""
    standard = _taxed_in_the_union()
    vendor = find_vendor(subscriber) if standard is not None else None
    if vendor is None:
        return None
    proved = standing_of(vendor).state == VALID
    return treatment(seller=house().country, buyer=vendor.country, standard_bps=standard, validated_id=proved)


def held_until(subscriber: str, terms: Terms) -> datetime | None:
    """The registry has not answered about this subscriber's number yet: so long nothing is invoiced by itself, then at the standard rate."""
    vendor = find_vendor(subscriber) if _taxed_in_the_union() is not None else None
    since = waiting_since(vendor) if vendor is not None else None
    if since is None or not waits_for_check(now() - since, terms):
        return None
    return since + timedelta(hours=terms.tax_check_hours)


def _taxed_in_the_union() -> int | None:
    """The house's rate, if it is in the Union and charges tax. The house is in the session already: for all others this asks nothing."""
    if house().country not in EU:
        return None
    details = find_details(HOUSE)
    return details.tax_bps if details is not None else None
