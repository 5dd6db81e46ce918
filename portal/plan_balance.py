"""The balance that is left when a plan has ended: how much of it goes back to which card, and the press that sends it."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.house import house
from core.billing.models import KeptSubscription
from core.billing.queries import read
from core.kernel.errors import NotFound, Refusal
from core.payments.models import Payment
from core.payments.saved import card_charged
from core.subscriptions.pay_back import Payout, check_own, pay_back, payout_of
from core.web.fields import Form
from core.web.filters import money
from core.web.guard import current, may
from core.web.languages import reader, written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.plan import own_plan


@portal.get("/portal/plan/balance")
@may("plan.manage")
def plan_balance() -> Response:
    return _page(_own(), Form(formdata=None))


@portal.post("/portal/plan/balance")
@may("plan.manage")
def pay_balance_back() -> Response:
    """Only what was shown; sent twice it goes back once."""
    row, form = _own(), Form()
    if form.validate():
        with form.refusals():
            check_own(row)
            amount = pay_back(row, expects=request.form.get("expects", ""), by=current().user.public_id)
            flash(_("%(amount)s is on its way back to you. Your bank shows it in some days.", amount=money(amount)), "good")
            return see_other(url_for(".plan_page"))
    return _page(row, form)


def _own() -> KeptSubscription:
    row = own_plan()
    if row is None:
        raise NotFound(_("There is no plan."))
    return row


def _page(row: KeptSubscription, form: Form) -> Response:
    try:
        check_own(row)
        why_not = ""
    except Refusal as refusal:
        why_not = written(refusal.message)
    return page(
        "portal/plan/balance.html",
        status=409 if form.form_errors else form.status,
        form=form,
        balance=read(row).balance,
        payout=(payout := payout_of(row)),
        parts=parts_of(payout),
        why_not=why_not,
    )


def parts_of(payout: Payout) -> list[tuple[str, str]]:
    """Each card with what goes back to it, in words."""
    return [(_card(payment), money(part)) for payment, part in payout.parts]


def _card(payment: Payment) -> str:
    """The one that was charged; whoever confirmed a payment on its own page may have typed another."""
    card = card_charged(house(), payment)
    brand, last4 = payment.card_brand or (card.brand if card else ""), payment.card_last4 or (card.last4 if card else "")
    return reader().card_ending(brand, last4) if last4 else _("the card that paid")
