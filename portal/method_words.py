"""The ways to pay as a vendor reads them: what each is, and why one is hidden."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from core.kernel.money import Money
from core.methods.eligible import Hidden
from core.web.filters import money
from core.web.languages import reader


def method_title(method: str) -> str:
    """What a way to pay is called in the portal."""
    return {
        "card": _("Card"),
        "wallet": _("Wallet"),
        "bank_redirect": _("Bank"),
        "qr": _("Code to scan"),
        "bank_transfer": _("Bank transfer"),
    }.get(method, method)


def method_text(method: str) -> str:
    """What it means for the payer, in a sentence."""
    return {
        "card": _("Credit and debit cards, on the payment page or on the processor's own."),
        "wallet": _("Apple Pay and Google Pay: a card the payer's device already knows."),
        "bank_redirect": _("The payer approves it in their own online banking."),
        "qr": _("The payer scans a code with a banking app and approves it there."),
        "bank_transfer": _("The payer sends the money from their bank, with a reference."),
    }.get(method, "")


def reason(hidden: Hidden) -> str:
    """Why it is hidden, as the end of a sentence that begins with “hidden because”."""
    facts = {name: _shown(value) for name, value in hidden.facts.items()}
    return {
        "off": lambda: _("you have switched it off"),
        "link": lambda: _("the link does not allow it"),
        "provider": lambda: _("no connected processor offers it"),
        "currency": lambda: _("it works in %(currencies)s only", **facts),
        "own_currency": lambda: _("you allow it in %(currencies)s only", **facts),
        "country": lambda: _("it is for payers in %(countries)s only", countries=_places(hidden.facts["countries"])),
        "own_country": lambda: _("you allow it for payers in %(countries)s only", countries=_places(hidden.facts["countries"])),
        "below": lambda: _("the amount is below its smallest, %(amount)s", **facts),
        "above": lambda: _("the amount is above its largest, %(amount)s", **facts),
        "own_below": lambda: _("the amount is below the smallest you allow, %(amount)s", **facts),
        "own_above": lambda: _("the amount is above the largest you allow, %(amount)s", **facts),
    }[hidden.why]()


def _shown(value: Any) -> str:
    return money(value) if isinstance(value, Money) else ", ".join(value)


def _places(codes: tuple[str, ...]) -> str:
    return ", ".join(reader().country(code) for code in codes)
