"""Payments: the list with its filters, one payment with its whole history, and refunds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.ledger.book import TIP
from core.ledger.queries import journals_about
from core.payments.models import Payment
from core.payments.queries import find_link_of, get_payment, list_payments, refunds_of_sale, timeline
from core.payments.refund import REASONS, request_refund
from core.payments.refundable import offer_behind
from core.payments.unexpected import give_back, list_unexpected
from core.web.fields import ChoiceField, DayField, Form, FormTokenField, LineField, MoneyField, ParagraphField, options
from core.web.filters import status_label
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.balance import FIGURES, KINDS
from portal.blueprint import portal
from portal.bought import bought
from portal.history import REASONS as REASON_WORDS
from portal.history import tell

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


class GiveBackForm(Form):
    form_token = FormTokenField()
    charge = LineField("Charge", most=80)


@portal.post("/portal/payments/<public_id>/unexpected")
@may("payments.refund")
def give_back_unexpected(public_id: str) -> Response:
    """Money that this payment did not ask for goes back in full. Written down here, sent by a worker."""
    me, payment, form = current(), _get(public_id), GiveBackForm()
    if not form.validate() or not form.charge.data:
        raise Refusal("That form could not be read. Please open the payment again and press the button there.")
    give_back(me.vendor, payment, charge=form.charge.data, by=me.user.public_id, form_token=form.form_token.data)
    flash(_("The money is being sent back. You see here when the processor has confirmed it."), "good")
    return see_other(url_for(".payment", public_id=payment.public_id))


def _books(payment: Payment) -> list[BookLine]:
    """What this payment moved on the vendor's own accounts, as the balance page shows it."""
    me = current()
    names = {figure.account: figure.title for figure in FIGURES}
    return [
        BookLine(
            _("Tip") if ref == TIP else KINDS.get(journal.kind, journal.kind.capitalize()), names[account], journal.effective_at, -amount
        )
        for journal, legs in journals_about(me.vendor, me.mode, payment.public_id)
        for account, _sub, amount, ref in legs
        if account in names
    ]


def _get(public_id: str) -> Payment:
    me = current()
    return get_payment(me.vendor, me.mode, public_id)


def _show(payment: Payment, form: RefundForm | None) -> Response:
    me = current()
    offer = offer_behind(payment) if payment.state == "succeeded" else None
    possible = offer is None or offer.refunds
    unexpected = list_unexpected(me.vendor, payment)
    refundable = payment.state == "succeeded" and bool(payment.refundable) and possible
    refunding = form or RefundForm(payment, formdata=None, amount=payment.refundable)
    return page(
        "portal/payments/show.html",
        status=refunding.status,
        payment=payment,
        link=find_link_of(me.vendor, payment),
        refunds=refunds_of_sale(me.vendor, payment),
        unexpected=unexpected,
        moments=tell(timeline(me.vendor, payment), names={me.user.public_id: "You"}),
        form=refunding if refundable or form else None,
        opened=form is not None,
        in_part=offer is None or offer.partial_refunds,
        no_refund_text=None
        if possible
        else _("%(way)s cannot be refunded through the processor. Pay your customer back in another way.", way=offer.name),
        reasons=REASON_WORDS,
        may_refund=me.may("payments.refund"),
        books=_books(payment) if me.may("balance.see") else [],
        moving=payment.state in MOVING or bool(payment.refunding) or any(one.returned and not one.is_settled for one in unexpected),
        **bought(payment),
    )
