"""Where a payment's figures come from: each as a sum of named terms, and the journal lines that carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from core.kernel.money import Money
from core.ledger.book import RESERVE, TIP
from core.ledger.models import Journal
from core.payments.models import Payment
from portal.balance import KINDS, title_of

Journals = list[tuple[Journal, list[tuple[str, str, Money, str]]]]
OWN = ("seller_pending", "seller_available", "seller_receivable")  # what a dispute holds is kept by nobody yet


@dataclass(frozen=True)
class BookLine:
    """One entry of a payment; what adds to the figure it stands under is positive."""

    what: str
    account: str
    at: datetime
    amount: Money
    key: str


@dataclass(frozen=True)
class Figure:
    """One figure of a payment: what it is, its terms (words, amount, sign), and where all its lines stand."""

    slug: str
    title: str
    text: str
    value: Money
    terms: list[tuple[str, Money, str]]
    href: str


def sums_of(payment: Payment) -> list[Figure]:
    """Paid, fee, refunded and kept, as the page shows them: what leaves is negative."""
    none = Money(0, payment.currency)
    charged = Money(payment.fee_minor if payment.captured_minor else 0, payment.currency)
    given_back = Money(payment.fee_returned_minor, payment.currency)

    def figure(slug: str, title: str, text: str, value: Money, terms: list[tuple[str, Money, str]]) -> Figure:
        href = url_for("portal.why_payment", public_id=payment.public_id, slug=slug)
        return Figure(slug, title, text, value, terms, href)

    return [
        figure("paid", _("Paid"), _("What the processor took from the payer and said so."), payment.captured, [(_("Taken"), payment.captured, "")]),
        figure(
            "fee", _("Fee"), _("What the platform keeps of the payment. With a refund its share of the fee comes back."), none - payment.fee,
            [(_("Fee of the payment"), none - charged, ""), (_("Given back with refunds"), given_back, "+"), (_("Fee"), none - payment.fee, "=")],
        ),
        figure(
            "refunded", _("Refunded"), _("What the processor has confirmed as given back. What is on its way counts only once it has arrived."),
            none - payment.refunded, [(_("Refunds that reached the payer"), none - payment.refunded, "")],
        ),
        figure(
            "keep", _("You keep"), _("What is left for you, also after refunds that are still on their way."), payment.net,
            [
                (_("Paid"), payment.captured, ""), (_("Fee"), none - payment.fee, "+"), (_("Refunded"), none - payment.refunded, "+"),
                (_("On its way back"), none - payment.refunding, "+"),
                *([(_("Held while disputed"), none - payment.withheld, "+")] if payment.withheld else []),
                *([(_("Cost of disputes"), none - payment.dispute_cost, "+")] if payment.dispute_cost else []),
                *([(_("What the processor kept"), none - Money(payment.borne_minor, payment.currency), "+")] if payment.borne_minor else []),
                (_("You keep"), payment.net, "="),
            ],
        ),
    ]  # fmt: skip


# Which entries carry a figure: (journal kinds or None for all, accounts).
CARRIED: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...]]] = {
    "paid": (("capture",), ("psp_clearing",)),
    "fee": (None, ("platform_fee", "fee_refunds")),
    "refunded": (("refund confirmed", "refund returned", "dispute lost", "dispute reversed"), ("psp_clearing", "dispute_receivable")),
    "keep": (None, OWN),
}


def lines_of(slug: str, journals: Journals) -> list[BookLine]:
    """The journal lines behind one figure of a payment. They add up to it."""
    kinds, accounts = CARRIED[slug]
    of_others = {
        _refund_of(journal) for journal, legs in journals if any(account == "unapplied_receipts" for account, _sub, _sum, _ref in legs)
    }
    sign = 1 if "psp_clearing" in accounts or slug == "fee" else -1
    names = {
        "psp_clearing": _("Held by the processor"), "dispute_receivable": _("Taken by the payer’s bank"), "platform_fee": _("The platform's fee"), "fee_refunds": _("Fees given back"),
    }  # fmt: skip
    return [
        BookLine(
            _what(journal, ref), title_of(account, sub) or names[account], known_at(journal),
            amount if sign == 1 else -amount, journal.event_key,
        )
        for journal, legs in journals
        if (kinds is None or journal.kind in kinds) and (journal.kind == "capture" or _refund_of(journal) not in of_others)
        for account, sub, amount, ref in legs
        if account in accounts or (slug == "keep" and (account, sub) == ("seller_hold", RESERVE))
    ]  # fmt: skip


def known_at(journal: Journal) -> datetime:
    """When it happened, as far as that was past when it was booked: what a bank tells of a day counts from its noon."""
    return min(journal.effective_at, journal.recorded_at)


def _what(journal: Journal, ref: str) -> str:
    """What an entry is called; a tip stands on a line of its own within its payment's journal."""
    return _("Tip") if ref == TIP else KINDS.get(journal.kind, journal.kind.capitalize())


def _refund_of(journal: Journal) -> str:
    """Which refund a journal belongs to, from its key `rf:ref_...:what`. Money nobody asked for goes back beside the payment's sums."""
    return journal.event_key.split(":")[1] if journal.event_key.startswith("rf:") else journal.event_key


def book_lines(journals: Journals) -> list[BookLine]:
    """What a payment moved on the vendor's own accounts, as the balance page shows it."""
    return [
        BookLine(_what(journal, ref), title, known_at(journal), -amount, journal.event_key)
        for journal, legs in journals
        for account, sub, amount, ref in legs
        if (title := title_of(account, sub)) is not None
    ]
