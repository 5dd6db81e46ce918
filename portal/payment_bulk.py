"""What can be done to many payments at once: the ticked ones, or all that fit the filters. Money goes back only after a look at the total."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.security import is_large
from core.kernel import clock
from core.kernel.errors import Conflict, NotAllowed
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.payments.bulk import MOST, Left, archive_payments, gather, look_at_refunds, refund_all_of, resend_receipts, unarchive_payments
from core.payments.export import payments_sheet
from core.payments.lists import PaymentFilter
from core.payments.models import Payment
from core.payments.refund import REASONS
from core.subscriptions.given_back import comes_off
from core.web.fields import BooleanField, ChoiceField, Form, FormTokenField, options
from core.web.filters import money
from core.web.guard import current, may
from core.web.languages import language, written
from core.web.page import page, see_other
from core.web.sheet import send_sheet, titles_for
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.history import REASONS as REASON_WORDS
from portal.payment_list import BULK_ACTS, FilterForm

SHOWN = 5  # refusals that are said one by one


class BulkRefundForm(Form):
    form_token = FormTokenField()
    reason = ChoiceField(_l("Reason"), choices=options((reason, REASON_WORDS[reason]) for reason in REASONS))
    tell_payer = BooleanField(_l("Write to each payer when the money is back"), default=True)


@portal.post("/portal/payments/bulk")
@may("payments.see")
def bulk_payments() -> Response:
    """Does one thing to each chosen payment that takes it, and says what was done. The filters stand in the address."""
    me, act = current(), request.form.get("act", "")
    if act not in BULK_ACTS:
        raise Conflict(_("Choose what to do with the payments."))
    if not me.may(BULK_ACTS[act][1]):
        raise NotAllowed(_("Your role may not do this."))
    filters = FilterForm(request.args)
    kept = filters.kept() if filters.validate() else {}
    back = url_for(".payments", **kept)
    everything = request.form.get("scope") == "all"
    if everything and act == "export":
        return see_other(url_for(".payments_file", **kept))
    chosen = gather(me.vendor, me.mode, filters.wanted() if everything and not filters.errors else _ticked())
    if not chosen:
        flash(_("Tick the payments first, or choose all that fit."), "warn")
        return see_other(back)
    if act == "export":
        name = f"payments-{me.mode}-{clock.now():%Y-%m-%d}"
        return send_sheet(payments_sheet(me.vendor, me.mode, _exactly(chosen), titles=titles_for(language())), name)
    if act == "refund":
        return _look(chosen, BulkRefundForm(formdata=None), kept)
    _say(act, chosen)
    return see_other(back)


def _ticked() -> PaymentFilter:
    """Each box names one payment; the page with the total names all of them in one field."""
    named = ",".join(request.form.getlist("payments")).split(",")
    return PaymentFilter(numbers=tuple(dict.fromkeys(number for number in named if is_public_id("pay", number)))[: MOST + 1])


def _exactly(payments: list[Payment]) -> PaymentFilter:
    return PaymentFilter(numbers=tuple(payment.public_id for payment in payments))


def _say(act: str, chosen: list[Payment]) -> None:
    """Do it, and tell what came of it."""
    me, by, left = current(), current().user.public_id, []
    if act == "receipt":
        number, left = resend_receipts(me.vendor, chosen, by=by)
        words = ngettext("%(num)s receipt is on its way.", "%(num)s receipts are on their way.", number)
    elif act == "archive":
        number = archive_payments(me.vendor, chosen, by=by)
        words = ngettext("%(num)s payment put away. Search still finds it.", "%(num)s payments put away. Search still finds them.", number)
    else:
        number = unarchive_payments(me.vendor, chosen, by=by)
        words = ngettext("%(num)s payment is back in the list.", "%(num)s payments are back in the list.", number)
    if number:
        flash(words, "good")
    elif not left:
        flash(_("Nothing to change: these payments are that way already."), "info")
    _tell_left(left)


def _tell_left(left: list[Left]) -> None:
    for one in left[:SHOWN]:
        flash(f"{one.payment.reference}: {written(one.why)}", "warn")
    if len(left) > SHOWN:
        more = len(left) - SHOWN
        flash(ngettext("%(num)s more was left out.", "%(num)s more were left out.", more), "warn")


def _look(chosen: list[Payment], form: BulkRefundForm, kept: dict[str, str], *, changed: bool = False) -> Response:
    """What would go back, to whom, and what in all. Nothing is written yet."""
    found = look_at_refunds(chosen)
    return page(
        "portal/payments/bulk_refund.html",
        status=form.status,
        form=form,
        found=found,
        off_balances=comes_off([(payment, payment.refundable) for payment in found.payments]),
        total=_total(found.totals),
        changed=changed,
        kept=kept,
    )


def _total(totals: list[Money]) -> str:
    """As the button says it, and as the form carries it: what was looked at is what goes back, or it is looked at again."""
    return " + ".join(money(total) for total in totals)


def is_large_in_all() -> bool:
    """Whether what is about to go back is more than the business lets go without asking who it is."""
    me = current()
    totals = look_at_refunds(gather(me.vendor, me.mode, _ticked())).totals
    return len(totals) > 1 or any(is_large(me.vendor, total) for total in totals)


@portal.post("/portal/payments/bulk/refunds")
@may("payments.refund")
@confirmed(when=is_large_in_all)
def refund_many() -> Response:
    """The wishes are written down here, one for each payment; a worker sends them."""
    me, form, filters = current(), BulkRefundForm(), FilterForm(request.args)
    kept = filters.kept() if filters.validate() else {}
    chosen = gather(me.vendor, me.mode, _ticked())
    total = request.form.get("total", "")
    if not form.validate():
        return _look(chosen, form, kept)
    if total != _total(look_at_refunds(chosen).totals):
        return _look(chosen, form, kept, changed=True)
    asked, queued, left = refund_all_of(
        me.vendor, chosen, reason=form.reason.data, by=me.user.public_id, form_token=form.form_token.data, tell_payer=form.tell_payer.data
    )
    if asked:
        flash(ngettext("%(num)s refund is asked for.", "%(num)s refunds are asked for.", asked), "good")
    if queued:
        flash(
            ngettext(
                "%(num)s of them waits for your available balance and goes out by itself.",
                "%(num)s of them wait for your available balance and go out by themselves.",
                queued,
            ),
            "warn",
        )
    _tell_left(left)
    return see_other(url_for(".payments", **kept))
