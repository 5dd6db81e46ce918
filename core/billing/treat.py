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
    details = find_details(HOUSE)
    if details is None or details.tax_bps is None or house().country not in EU:
        return None
    vendor = find_vendor(subscriber)
    if vendor is None:
        return None
    proved = standing_of(vendor).state == VALID
    return treatment(seller=house().country, buyer=vendor.country, standard_bps=details.tax_bps, validated_id=proved)


def held_until(subscriber: str, terms: Terms) -> datetime | None:
    """The registry has not answered about this subscriber's number yet: so long nothing is invoiced by itself, then at the standard rate."""
    vendor = find_vendor(subscriber)
    since = waiting_since(vendor) if vendor is not None else None
    if since is None or not waits_for_check(now() - since, terms):
        return None
    return since + timedelta(hours=terms.tax_check_hours)
