"""Payments: the list with its filters, one payment with its whole history, and refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, flash, request, url_for

from core.kernel.money import Money
from core.ledger.queries import journals_about
from core.payments.models import Payment
from core.payments.queries import find_link_of, get_payment, list_payments, list_refunds, timeline
from core.payments.refund import REASONS, request_refund
from core.payments.transfer_queries import count_open_cases
from core.web.fields import ChoiceField, DayField, Form, FormTokenField, LineField, MoneyField, ParagraphField, options
from core.web.filters import status_label
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.balance import FIGURES, KINDS
from portal.blueprint import portal
from portal.history import REASONS as REASON_WORDS
from portal.history import tell
from portal.transfers import facts_of

MOVING = ("requires_action", "processing", "unknown")  # more will be known without the vendor doing anything
SHOWN_STATES = ("succeeded", "processing", "requires_action", "requires_method", "unknown", "created", "canceled", "expired")


@dataclass(frozen=True)
class BookLine:
    """One entry of a payment on an account of the vendor's; what adds to the account is positive."""

    what: str
    account: str
    at: datetime
    amount: Money


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField("Search", most=254)
    status = ChoiceField("Status", choices=options([("", "All"), *((state, status_label(state)) for state in SHOWN_STATES)]), default="")
    since = DayField("From")
    until = DayField("To")

    def wanted(self) -> dict[str, Any]:
        """The filters as the question about payments takes them; the last day counts whole."""
        return {
            "text": self.q.data or None,
            "status": self.status.data or None,
            "since": self.since.data,
            "until": self.until.next_day,
        }

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.raw_data[0] for name, field in self._fields.items() if field.data and field.raw_data}


class RefundForm(Form):
    form_token = FormTokenField()
    amount = MoneyField("Amount to refund", required="Enter how much goes back.")
    reason = ChoiceField("Reason", choices=options((reason, REASON_WORDS[reason]) for reason in REASONS))
    note = ParagraphField("Note for your team", most=300)

    def __init__(self, payment: Payment, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amount.currency = payment.currency


@portal.get("/portal/payments")
@may("payments.see")
def payments() -> Response:
    me, form = current(), FilterForm(request.args)
    good, after = form.validate(), cursor()
    found = list_payments(me.vendor, me.mode, after=after, limit=25, **(form.wanted() if good else {}))
    kept = form.kept() if good else {}
    return page(
        "portal/payments/index.html",
        fragment="portal/payments/_table.html",
        form=form,
        payments=found.rows,
        filtered=bool(kept),
        newest=url_for(".payments", **kept) if after else None,
        older=url_for(".payments", after=found.next, **kept) if found.next else None,
        undecided=count_open_cases(me.vendor, me.mode),
    )


@portal.get("/portal/payments/<public_id>")
@may("payments.see")
def payment(public_id: str) -> Response:
    return _show(_get(public_id), None)


@portal.post("/portal/payments/<public_id>/refunds")
@may("payments.refund")
def refund(public_id: str) -> Response:
    """The wish is written down here; a worker sends it, and only the processor's word makes it a refund."""
    me, payment = current(), _get(public_id)
    form = RefundForm(payment)
    if form.validate():
        with form.refusals():
            request_refund(
                me.vendor, payment, amount=form.amount.data, reason=form.reason.data, by=me.user.public_id,
                form_token=form.form_token.data, note_text=form.note.data or "",
            )  # fmt: skip
            flash("The refund is asked for. You see here when the processor has confirmed it.", "good")
            return see_other(url_for(".payment", public_id=payment.public_id))
    return _show(payment, form)


def _books(payment: Payment) -> list[BookLine]:
    """What this payment moved on the vendor's own accounts, as the balance page shows it."""
    me = current()
    names = {figure.account: figure.title for figure in FIGURES}
    return [
        BookLine(KINDS.get(journal.kind, journal.kind.capitalize()), names[account], journal.effective_at, -amount)
        for journal, legs in journals_about(me.vendor, me.mode, payment.public_id)
        for account, _, amount in legs
        if account in names
    ]


def _get(public_id: str) -> Payment:
    me = current()
    return get_payment(me.vendor, me.mode, public_id)


def _show(payment: Payment, form: RefundForm | None) -> Response:
    me = current()
    refundable = payment.state == "succeeded" and bool(payment.refundable)
    refunding = form or RefundForm(payment, formdata=None, amount=payment.refundable)
    return page(
        "portal/payments/show.html",
        status=refunding.status,
        payment=payment,
        link=find_link_of(me.vendor, payment),
        refunds=list_refunds(me.vendor, payment),
        moments=tell(timeline(me.vendor, payment), names={me.user.public_id: "You"}),
        form=refunding if refundable or form else None,
        opened=form is not None,
        reasons=REASON_WORDS,
        may_refund=me.may("payments.refund"),
        books=_books(payment) if me.may("balance.see") else [],
        moving=payment.state in MOVING or bool(payment.refunding),
        may_resolve=me.may("transfers.resolve"),
        **facts_of(me.vendor, payment),
    )
