"""The vendor's money by where it stands, and the journal lines behind each figure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.kernel.config import settings
from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.ledger.book import DEBT_REPAID, REPAYMENT_TAKEN_BACK, RESERVE, RESERVE_BACK, RESERVE_HELD, RESERVE_USED
from core.ledger.queries import balance, balances, list_lines, moved_between
from core.payments.queries import references_of
from core.payments.refund_queue import lines_of_refunds
from core.payments.reserve_rules import rule_of
from core.providers.bank import spell_iban
from core.providers.bank_accounts import accounts
from core.web.guard import current, may
from core.web.page import cursor, page
from portal.blueprint import portal
from portal.days import SpanForm


@dataclass(frozen=True)
class Figure:
    """One account of the book as its owner sees it."""

    account: str
    slug: str
    title: str
    text: str
    sub: str = ""  # the part of the account, where its parts are figures of their own


FIGURES = (
    Figure("seller_available", "available", _l("Available"), _l("Yours, and free to be paid out.")),
    Figure("seller_pending", "pending", _l("Pending"), _l("Paid by customers and still in its waiting time.")),
    Figure("payout_in_transit", "to-your-bank", _l("On its way to your bank"), _l("Payouts that the bank has not shown yet.")),
    Figure("refund_in_flight", "on-the-way", _l("On its way back"), _l("Refunds you asked for that have not reached the payer yet.")),
    Figure(
        "unapplied_receipts",
        "unexpected",
        _l("Waiting"),
        _l("Arrived and does not pay for anything yet: transfers in parts, too much or too late, and charges nobody asked for."),
    ),
    Figure("seller_hold", "held", _l("Held"), _l("Kept aside for a dispute until it is decided.")),
    Figure("seller_hold", "reserve", _l("Reserve"), _l("A part of each sale, kept for some days and then given back."), RESERVE),
    Figure("seller_receivable", "owed", _l("Owed to us"), _l("What refunds or disputes took beyond your balance.")),
)
LINES_ON_A_PAGE = 50
ALWAYS_SHOWN = ("available", "pending", "on-the-way")

# What a journal is called on a statement, by its kind in the books.
KINDS = {
    "capture": _l("Payment"),
    "unexpected capture": _l("Money that was not expected"),
    "release": _l("Released to available"),
    "processor fee borne": _l("What the processor kept"),
    "exchange": _l("Exchange between currencies"),
    "payout": _l("Payout"),
    "payout came back": _l("Payout came back"),
    "refund requested": _l("Refund"),
    "refund confirmed": _l("Refund reached the payer"),
    "debt recovered": _l("What you owed was made up"),
    "refund failed": _l("Refund failed, money returned"),
    "return requested": _l("Unused transfer, to be sent back"),
    "return failed": _l("Could not be sent back"),
    "left the bank": _l("Left the bank"),
    "came back to the bank": _l("Came back to the bank"),
    "transfer received": _l("Transfer received"),
    "transfer taken back": _l("Transfer taken back by the bank"),
    "transfer taken back beyond the sale": _l("Transfer taken back that you had sent back"),
    "dispute opened": _l("Disputed: kept aside"),
    "dispute won": _l("Dispute won"),
    "dispute lost": _l("Dispute lost"),
    "dispute reversed": _l("Dispute given back after it was lost"),
    "dispute fee": _l("Processor’s charge for a dispute"),
    "debt written off": _l("Debt written off"),
    DEBT_REPAID: _l("You paid back what you owed"),
    REPAYMENT_TAKEN_BACK: _l("The bank took back what you had paid back"),
    RESERVE_HELD: _l("Kept in reserve"),
    RESERVE_BACK: _l("Given back from the reserve"),
    RESERVE_USED: _l("Reserve used for what you owed"),
    "refund returned": _l("Refund came back from the bank"),
}


@dataclass(frozen=True)
class Book:
    """One currency's figures, in the order of FIGURES."""

    currency: str
    rows: list[tuple[Figure, Money]]
    yours: Money  # without what is held until a dispute is decided
    held: Money


def summarise(found: dict[tuple[str, str, str], Money], home_currency: str) -> list[Book]:
    """The seller's accounts by currency, the vendor's own currency first. Accounts that never moved are zero, not missing."""
    used = {currency for (account, _sub, currency) in found if any(account == figure.account for figure in FIGURES)}
    books = []
    for code in [home_currency, *sorted(used - {home_currency})]:
        rows = []
        for figure in FIGURES:
            total = _sum(found, figure, code)
            if total or figure.slug in ALWAYS_SHOWN:
                rows.append((figure, total))
        sums = {figure.slug: _sum(found, figure, code) for figure in FIGURES}
        books.append(Book(code, rows, sums["available"] + sums["pending"] + sums["reserve"] - sums["owed"], sums["held"]))
    return books


def title_of(account: str, sub: str) -> str | None:
    """What a seller's account is called, and where its parts are figures of their own, that part; None for an account that is none of these."""
    own = [figure for figure in FIGURES if figure.account == account]
    return next((figure.title for figure in own if figure.sub == sub), own[0].title if own else None)


def _sum(found: dict[tuple[str, str, str], Money], figure: Figure, code: str) -> Money:
    total = Money(0, code)
    for (account, sub, currency), amount in found.items():
        if account == figure.account and currency == code and (sub == RESERVE) == (figure.sub == RESERVE):
            total = total + amount
    return total


@portal.get("/portal/balance")
@may("balance.see")
def balance_page() -> Response:
    me = current()
    lines = lines_of_refunds(me.vendor, me.mode)
    books = summarise(balances(me.vendor, me.mode), me.vendor.currency)
    return page("portal/balance/index.html", books=books, lines=lines, rule=rule_of(me.vendor.id, me.mode))


@portal.get("/portal/balance/<slug>")
@may("balance.see")
def balance_lines(slug: str) -> Response:
    """Every line behind one figure, newest first; over all pages they add up to it."""
    me = current()
    figure = next((known for known in FIGURES if known.slug == slug), None)
    code, after = request.args.get("currency", me.vendor.currency), cursor()
    if figure is None or not is_currency(code):
        raise NotFound
    form = SpanForm(request.args)
    span = {"since": form.begins, "until": form.ends} if form.validate() else {"since": None, "until": None}
    here = {"slug": slug, "currency": code, **(form.kept() if not form.errors else {})}
    lines = list_lines(me.vendor, me.mode, figure.account, code, sub=figure.sub, after=_place(after), limit=LINES_ON_A_PAGE, **span)
    ours = accounts(settings().bank_accounts.get(me.mode, "")).get(code) if figure.slug == "owed" else None
    older = url_for(".balance_lines", after=f"{lines.next[0]}~{lines.next[1]}", **here) if lines.next else None
    return page(
        "portal/balance/lines.html",
        fragment="portal/balance/_lines.html",
        figure=figure,
        currency=code,
        total=balance(me.vendor, me.mode, figure.account, code, figure.sub),
        lines=lines.lines,
        references=references_of(me.vendor, me.mode, {line.about for line in lines.lines}),
        kinds=KINDS,
        form=form,
        pay_back_to=ours,
        iban=spell_iban(ours.iban) if ours else "",
        moved=moved_between(me.vendor, me.mode, figure.account, code, sub=figure.sub, **span) if any(span.values()) else None,
        newest=url_for(".balance_lines", **here) if after else None,
        older=older,
    )


def _place(text: str | None) -> tuple[uuid.UUID, int] | None:
    if not text:
        return None
    journal, _tilde, leg = text.partition("~")
    try:
        return uuid.UUID(journal), _small(leg)
    except ValueError:
        raise NotFound(_("That page of lines does not exist.")) from None


def _small(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise ValueError("a leg has a small number")
    return min(int(text), 32_767)
