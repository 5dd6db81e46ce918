"""Whether a business still takes part: one whose account is being closed, or was, takes no payments and shows nothing to the public; nor
does one whose plan rests."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.db import db
from core.kernel.errors import Refusal


class BusinessClosed(Refusal):
    """The business has closed its account; what was paid before stays as it was."""

    code = "business_closed"
    status = 410


class PaymentsStopped(Refusal):
    """The staff have stopped its payments for the time being. Why is between them and the business."""

    code = "payments_stopped"
    status = 409


class BusinessRests(Refusal):
    """Its plan hibernates, is suspended or has ended. Which of these is between it and us; it may be back at any time."""

    code = "business_rests"
    status = 409


def takes_payments(vendor: Vendor, mode: str) -> bool:
    """Whether a payment could begin."""
    return vendor.stopped_at is None and mode not in vendor.stopped_modes and mode not in vendor.resting_modes


def check_open(vendor: Vendor, mode: str) -> None:
    """Refuse whatever would begin a payment, or something that ends in one."""
    if vendor.stopped_at is not None:
        raise BusinessClosed("This business takes no payments here any more. Nothing was charged.")
    if mode in vendor.stopped_modes:
        raise PaymentsStopped("This business takes no payments at the moment. Nothing was charged.")
    if mode in vendor.resting_modes:
        raise BusinessRests("This business is not active here at the moment, so it takes no payments. Nothing was charged.")


def set_resting(vendor: Vendor, mode: str, *, rests: bool) -> None:
    """Its links and pay buttons take no money from now on, or take it again. Said once or often: the same. Holds the vendor's row."""
    if (mode in vendor.resting_modes) == rests:
        return
    hold_vendor(vendor.id)
    fresh = db.session.get_one(Vendor, vendor.id, populate_existing=True)
    fresh.resting_modes = sorted({*fresh.resting_modes, mode} if rests else {*fresh.resting_modes} - {mode})
    db.session.flush()
