"""What the staff can stop for a business, in words: for the pages of both sides and for letters."""

from __future__ import annotations

from flask_babel import gettext as _


def stopped(what: str, about: str = "") -> str:
    """What does not go on."""
    if about:
        return _("One payout is held")
    return {
        "payments": _("You take no payments at the moment"),
        "payouts": _("Your payouts are held"),
        "listing": _("You are not in the public directory at the moment"),
    }[what]


def effect(what: str, about: str = "") -> str:
    """What that means, and what it does not."""
    if about:
        return _("The money is set aside, and stays yours.")
    return {
        "payments": _("Nothing new can be paid. What was paid stays as it is; refunds, payouts and memberships that are running go on."),
        "payouts": _("The money stays in your balance, and refunds are paid from it. You go on selling."),
        "listing": _("Your listings are kept as they are, and come back as they were."),
    }[what]


def names() -> dict[str, str]:
    """What can be stopped."""
    return {"payments": _("Taking payments"), "payouts": _("Payouts"), "listing": _("The public directory")}
