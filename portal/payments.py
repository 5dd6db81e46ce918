"""One payment: its sums and where they come from, its whole trail, its refunds, and what the team wrote down about it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import names_of
from core.accounts.remarks import list_remarks, remove_remark, restore_remark, write_remark
from core.accounts.security import is_large
from core.customers.queries import find_customer
from core.disputes.queries import disputes_of
from core.hooks.log import deliveries_about
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id
from core.ledger.queries import journals_about
from core.notifications.queries import list_messages
from core.payments.claim import PAYS_ONCE, is_stuck, list_claims, why_no_link
from core.payments.claim_models import RefundClaim
from core.payments.labels import label_payment, labels_by_payment, payment_label_words, unlabel_payment
from core.payments.mark import marks_open_to
from core.payments.models import Payment
from core.payments.payer_page import PAYER
from core.payments.queries import find_link_of, get_payment, payment_of, refunds_of_sale, timeline
from core.payments.refund import REASONS, check_refund, request_refund
from core.payments.refund_effect import effect_of
from core.payments.refund_models import Refund
from core.payments.refund_queue import cancel_queued
from core.payments.refundable import offer_behind
from core.payments.saved import card_charged
from core.payments.unexpected import give_back, list_unexpected
from core.payouts.queries import payouts_with
from core.providers.queries import find_event
from core.providers.redact import redacted
from core.subscriptions.given_back import comes_off
from core.web.dispute_words import REASONS as DISPUTE_REASONS
from core.web.fields import BooleanField, ChoiceField, Form, FormTokenField, LineField, MoneyField, ParagraphField, options
from core.web.guard import current, may
from core.web.languages import reader, written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.bought import bought
from portal.branch_choices import branch_named
from portal.confirm import confirmed
from portal.disputes import left_of, stage_of
from portal.explain import book_lines, sums_of
from portal.history import REASONS as REASON_WORDS
from portal.issued import issued_for
from portal.refunds import say_asked_for
from portal.trail import follow, subjects_of
from portal.transfers import facts_of

MOVING = ("requires_action", "processing", "unknown")  # more will be known without the vendor doing anything
LETTERS_SHOWN = 50


class RefundForm(Form):
    form_token = FormTokenField()
    amount = MoneyField(later("Amount to refund"), required=later("Enter how much goes back."))
    reason = ChoiceField(later("Reason"), choices=options((reason, REASON_WORDS[reason]) for reason in REASONS))
    note = ParagraphField(later("Note for your team"), most=300)
    tell_payer = BooleanField(later("Write to the payer when the money is back"), default=True)

    def __init__(self, payment: Payment, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.amount.currency = payment.currency


class LabelForm(Form):
    label = LineField(later("Label"), most=30, required=later("Write the label first."))


class RemarkForm(Form):
    remark = ParagraphField(later("Add a note"), most=2000, required=later("Write something first."))


@portal.get("/portal/payments/<public_id>")
@may("payments.see")
def payment(public_id: str) -> Response:
    return _show(_get(public_id))


def is_large_refund(public_id: str) -> bool:
    """Whether what stands in the form is more than the business lets go without asking who it is. What is no amount is refused anyway."""
    paid = _get(public_id)
    form = RefundForm(paid)
    if not form.validate():
        return False
    so_far = paid.refunded + paid.refunding + paid.queued  # many small ones of one payment are a large one
    return is_large(current().vendor, so_far + form.amount.data)


@portal.post("/portal/payments/<public_id>/refunds")
@may("payments.refund")
@confirmed(when=is_large_refund)
def refund(public_id: str) -> Response:
    """The wish is written down here; a worker sends it, and only the processor's word makes it a refund.

    The button on the payment's page asks for a look first (`step`): what it does to tax, fee and balance is shown, and nothing is written.
    """
    me, payment = current(), _get(public_id)
    form = RefundForm(payment)
    if form.validate():
        with form.refusals():
            if request.form.get("step") == "look":
                check_refund(payment, amount=form.amount.data, reason=form.reason.data)
                return page(
                    "portal/payments/refund.html",
                    payment=payment,
                    form=form,
                    effect=effect_of(me.vendor, payment, form.amount.data),
                    off_balance=comes_off([(payment, form.amount.data)])[0],
                    reasons=REASON_WORDS,
                )
            made = request_refund(
                me.vendor, payment, amount=form.amount.data, reason=form.reason.data, by=me.user.public_id,
                form_token=form.form_token.data, note_text=form.note.data or "", tell_payer=form.tell_payer.data,
            )  # fmt: skip
            say_asked_for(made)
            return see_other(url_for(".payment", public_id=payment.public_id))
    return _show(payment, refunding=form)


@portal.post("/portal/refunds/<public_id>/cancel")
@may("payments.refund")
def cancel_refund(public_id: str) -> Response:
    """A refund that still waits for the balance is called off; one that has gone out is not."""
    me = current()
    refund = cancel_queued(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("The refund is called off. No money has moved."), "good")
    return see_other(url_for(".payment", public_id=payment_of(me.vendor, refund).public_id))


@portal.get("/portal/payments/<public_id>/events/<event_id>")
@may("payments.see")
def provider_event(public_id: str, event_id: str) -> Response:
    """What the processor sent, as it came but for what is nobody's business. Only an event that this payment's own trail names."""
    me, payment = current(), _get(public_id)
    told = [event for event in timeline(me.vendor, payment) if event.cause == event_id]
    found = find_event(payment.provider, payment.mode, event_id) if told else None
    if found is None:
        raise NotFound(_("There is no such event of this payment."))
    return page("portal/payments/event.html", payment=payment, event=found, text=redacted(found.raw), kinds=[event.kind for event in told])


@portal.post("/portal/payments/<public_id>/remarks")
@may("remarks.write")
def remark_on_payment(public_id: str) -> Response:
    me, payment, form = current(), _get(public_id), RemarkForm()
    if form.validate():
        write_remark(me.vendor, me.mode, about=payment.public_id, text=form.remark.data, by=me.user.public_id)
        flash(_("The note is kept. Only your team reads it."), "good")
        return see_other(url_for(".payment", public_id=payment.public_id))
    return _show(payment, remarking=form)


@portal.post("/portal/payments/<public_id>/labels")
@may("remarks.write")
def label(public_id: str) -> Response:
    me, payment, form = current(), _get(public_id), LabelForm()
    if form.validate():
        with form.refusals():
            label_payment(me.vendor, payment, form.label.data, by=me.user.public_id)
            flash(_("The label is kept. Only your team reads it."), "good")
            return see_other(url_for(".payment", public_id=payment.public_id))
    return _show(payment, labelling=form)


@portal.post("/portal/payments/<public_id>/labels/remove")
@may("remarks.write")
def unlabel(public_id: str) -> Response:
    me, payment, form = current(), _get(public_id), LabelForm()
    if form.validate() and unlabel_payment(me.vendor, payment, form.label.data, by=me.user.public_id):
        flash(_("The label is off."), "good")
    return see_other(url_for(".payment", public_id=payment.public_id))


@portal.post("/portal/remarks/<public_id>/remove")
@may("remarks.write")
def strike_remark(public_id: str) -> Response:
    me = current()
    gone = remove_remark(me.vendor, me.mode, public_id, by=me.user.public_id, any_of_them=me.may("remarks.moderate"))
    flash(_("The note is removed."), "good")
    return see_other(_about(gone.about, undo=gone.public_id))


@portal.post("/portal/remarks/<public_id>/restore")
@may("remarks.write")
def put_remark_back(public_id: str) -> Response:
    me = current()
    back = restore_remark(me.vendor, me.mode, public_id, by=me.user.public_id, any_of_them=me.may("remarks.moderate"))
    flash(_("The note is back."), "good")
    return see_other(_about(back.about))


def _about(public_id: str, undo: str | None = None) -> str:
    """The page of what a note is about; after a removal it offers to put the note back."""
    if public_id.startswith("cus_"):
        return url_for(".customer", public_id=public_id, undo=undo)
    return url_for(".payment", public_id=public_id, undo=undo)


def undo_asked() -> str | None:
    """The note that was just removed, when the page was reached by removing one."""
    text = request.args.get("undo", "")
    return text if is_public_id("rem", text) else None


class GiveBackForm(Form):
    form_token = FormTokenField()
    charge = LineField(later("Charge"), most=80)


@portal.post("/portal/payments/<public_id>/unexpected")
@may("payments.refund")
def give_back_unexpected(public_id: str) -> Response:
    """Money that this payment did not ask for goes back in full. Written down here, sent by a worker."""
    me, payment, form = current(), _get(public_id), GiveBackForm()
    if not form.validate() or not form.charge.data:
        raise Refusal(_("That form could not be read. Please open the payment again and press the button there."))
    give_back(me.vendor, payment, charge=form.charge.data, by=me.user.public_id, form_token=form.form_token.data)
    flash(_("The money is being sent back. You see here when the processor has confirmed it."), "good")
    return see_other(url_for(".payment", public_id=payment.public_id))


def _get(public_id: str) -> Payment:
    me = current()
    return get_payment(me.vendor, me.mode, public_id)


@dataclass(frozen=True)
class Forms:
    """The forms of the page, each as it was sent or fresh."""

    refund: RefundForm | None
    remark: RemarkForm
    refund_opened: bool
    status: int


def _forms(payment: Payment, possible: bool, refunding: RefundForm | None, remarking: RemarkForm | None) -> Forms:
    refundable = payment.state == "succeeded" and bool(payment.refundable) and possible and not payment.disputed
    refund = refunding or (RefundForm(payment, formdata=None, amount=payment.refundable) if refundable else None)
    remark = remarking or RemarkForm(formdata=None)
    return Forms(refund, remark, refunding is not None, max(refund.status if refunding and refund else 200, remark.status))


def _why_no_refund(payment: Payment, way: str | None) -> str | None:
    """In words, in the place of the button."""
    if payment.disputed:
        return _("It cannot be refunded while it is disputed: the payer’s bank holds the money, and a refund would pay twice.")
    return _("%(way)s cannot be refunded through the processor. Pay your customer back in another way.", way=way) if way else None


def _without_a_way(payment: Payment, refunds: list[Refund], claims: list[RefundClaim]) -> dict[str, str]:
    """By its number what did not go back the way it came, and why there is no link for it; empty where there can be one. What cannot be tried
    at all stands under no number. One that has a link already shows that instead."""
    served = {one.refund_id for one in claims if one.state in PAYS_ONCE and (one.refund_id or one.state != "paid")}
    stuck: list[Refund | None] = [one for one in refunds if is_stuck(payment, one)]
    if payment.provider == "bank" and payment.refundable and is_stuck(payment, None):
        stuck.append(None)
    told = {}
    for one in stuck:
        if (one.id if one else None) not in served:
            why = why_no_link(payment, one, claims)
            told[one.public_id if one else ""] = written(why) if why else ""
    return told


def _show(
    payment: Payment, *, refunding: RefundForm | None = None, remarking: RemarkForm | None = None, labelling: LabelForm | None = None
) -> Response:
    me = current()
    offer = offer_behind(payment) if payment.state == "succeeded" else None
    possible = offer is None or offer.refunds
    forms, names = (
        _forms(payment, possible, refunding, remarking),
        names_of(me.vendor) | {me.user.public_id: _("You"), PAYER: _("The payer")},
    )
    unexpected = list_unexpected(me.vendor, payment)
    refunds, claims = refunds_of_sale(me.vendor, payment), [] if me.limited else list_claims(me.vendor, payment)
    journals = journals_about(me.vendor, me.mode, payment.public_id) if me.may("balance.see") else []
    paid_out = payouts_with(me.vendor, me.mode, payment.public_id) if me.may("balance.see") else []
    letters = list_messages(me.vendor, me.mode, about=payment.public_id, limit=LETTERS_SHOWN).rows
    disputes = disputes_of(me.vendor, payment)
    told = [] if me.limited else deliveries_about(me.vendor, me.mode, subjects_of(payment, refunds, disputes))
    return page(
        "portal/payments/show.html",
        status=max(forms.status, labelling.status if labelling else 200),
        payment=payment,
        labels=labels_by_payment(me.vendor, me.mode, [payment])[payment.id],
        label_words=[] if me.limited else payment_label_words(me.vendor, me.mode),
        label_form=labelling or LabelForm(formdata=None),
        link=find_link_of(me.vendor, payment),
        branch=branch_named(payment.branch_id),
        marks=marks_open_to(payment) if me.may("payments.mark") else (),
        saved_card=reader().card_ending(charged.brand, charged.last4) if (charged := card_charged(me.vendor, payment)) else None,
        customer=None if me.limited else find_customer(me.vendor, me.mode, payment.email),
        refunds=refunds,
        claims=claims,
        without_way={} if me.limited else _without_a_way(payment, refunds, claims),
        unexpected=unexpected,
        in_part=offer is None or offer.partial_refunds,
        no_refund_text=_why_no_refund(payment, None if possible or offer is None else offer.name),
        disputes=disputes,
        dispute_reasons=DISPUTE_REASONS,
        dispute_left=left_of,
        dispute_stage=stage_of,
        may_refund=me.may("payments.refund"),
        trail=follow(payment, timeline(me.vendor, payment), journals, letters, names, paid_out, told),
        sums=sums_of(payment),
        forms=forms,
        reasons=REASON_WORDS,
        remarks=list_remarks(me.vendor, me.mode, payment.public_id),
        names=names,
        books=book_lines(journals),
        moving=payment.state in MOVING or bool(payment.refunding) or any(one.returned and not one.is_settled for one in unexpected),
        undo=None if me.limited else undo_asked(),
        **bought(me.vendor, payment),
        issued=[] if me.limited else issued_for(payment),
        may_issue=payment.captured_at is not None and me.may("messages.send"),
        may_resolve=me.may("transfers.resolve"),
        **facts_of(me.vendor, payment),
    )
