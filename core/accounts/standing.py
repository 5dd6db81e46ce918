"""Whether a business still takes part: one whose account is being closed, or was, takes no payments and shows nothing to the public."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.errors import Refusal


class BusinessClosed(Refusal):
    """The business has closed its account; what was paid before stays as it was."""

    code = "business_closed"
    status = 410


class PaymentsStopped(Refusal):
    """The staff have stopped its payments for the time being. Why is between them and the business."""

    code = "payments_stopped"
    status = 409


def takes_payments(vendor: Vendor, mode: str) -> bool:
    """Whether a payment could begin."""
    return vendor.stopped_at is None and mode not in vendor.stopped_modes


def check_open(vendor: Vendor, mode: str) -> None:
    """Refuse whatever would begin a payment, or something that ends in one."""
    if vendor.stopped_at is not None:
        raise BusinessClosed("This business takes no payments here any more. Nothing was charged.")
    if mode in vendor.stopped_modes:
        raise PaymentsStopped("This business takes no payments at the moment. Nothing was charged.")
