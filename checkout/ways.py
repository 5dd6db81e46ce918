"""The ways to pay as a payer reads them: what each is called, what it means, how long its answer may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.methods.eligible import Verdict, Way
from core.payments.models import Attempt, Payment


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the list a payer chooses from."""

    method: str
    title: str
    hint: str
    icon: str
    delayed_days: int
    in_fields: bool  # its details can be given on our own page


TITLES = {
    "card": _l("Card"),
    "wallet": _l("Wallet"),
    "bank_redirect": _l("Your bank"),
    "qr": _l("Banking app"),
    "bank_transfer": _l("Bank transfer"),
}


def title_of(method: str) -> str:
    """What a way to pay is called in front of a payer."""
    return str(TITLES.get(method, method))


ICONS = {"card": "payments", "wallet": "wallet", "bank_redirect": "bank", "qr": "qr", "bank_transfer": "transfer"}


def choice_of(way: Way) -> Choice:
    """A way that fits, in words."""
    return Choice(
        way.method, title_of(way.method), _hint(way), ICONS.get(way.method, "payments"), way.delayed_days, "fields" in way.surfaces
    )


def _hint(way: Way) -> str:
    match way.method:
        case "card":
            return _("Credit or debit card")
        case "bank_redirect":
            return _("Approve it in your online banking: %(names)s", names=_listed(way.names))
        case "qr":
            return _("Scan a code and approve it: %(names)s", names=_listed(way.names))
        case "bank_transfer":
            return _("You send the money from your bank")
        case _:
            return _listed(way.names)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def choices_for(verdict: Verdict, attempt: Attempt | None) -> list[Choice]:
    """What a payer may choose from, in the seller's order. What they are in the middle of stays in the list."""
    shown = [choice_of(way) for way in verdict.shown]
    if attempt is not None and attempt.method not in [choice.method for choice in shown]:
        title = title_of(attempt.method)
        shown.append(
            Choice(attempt.method, title, "", ICONS.get(attempt.method, "payments"), attempt.delayed_days, attempt.surface == "fields")
        )
    return shown


def chosen_among(choices: Sequence[Choice | Way], payment: Payment, attempt: Attempt | None) -> str:
    """What is chosen when the page opens: what is under way, what was tried last, else the first."""
    open_now = [choice.method for choice in choices]
    for method in (attempt.method if attempt else None, payment.method):
        if method in open_now:
            return str(method)
    return open_now[0] if open_now else ""
