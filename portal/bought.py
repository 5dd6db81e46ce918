"""What a payment's page shows of the cart, the answers and the consent it was begun with."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.payments.models import Payment
from core.payments.sale import find_cart, find_details, find_terms


def bought(vendor: Vendor, payment: Payment) -> dict[str, Any]:
    """The values of templates/portal/payments/_bought.html."""
    details = find_details(vendor, payment)
    version = details.terms_version if details else None
    return {
        "cart": find_cart(vendor, payment),
        "details": details,
        "terms": find_terms(vendor, payment.mode, version) if version else None,
    }
