"""Up to which amount a vendor's disputes are given in by themselves, by currency, and after how many days."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.disputes.accept_rules import LONGEST, SHORTEST, drop_rule, list_rules, set_rule
from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.web.fields import CountField, CurrencyField, Form, MoneyField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed


class RuleForm(Form):
    currency = CurrencyField()
    most = MoneyField(_l("Up to"), required=_l("Enter the largest amount that is not worth an argument."))
    days = CountField(
        _l("Days until it is given in"), least=SHORTEST, most=LONGEST, required=_l("Enter how many days your team has to stop it.")
    )


@portal.get("/portal/disputes/rules")
@may("payments.see")
def dispute_rules() -> Response:
    return _page(RuleForm(formdata=None, currency=current().vendor.currency, days=3))


@portal.post("/portal/disputes/rules")
@may("settings.edit")
@confirmed
def set_dispute_rule() -> Response:
    """One for each currency: another one takes its place."""
    me, form = current(), RuleForm()
    if form.validate():
        with form.refusals():
            set_rule(me.vendor, me.mode, most=form.most.data, days=form.days.data, by=me.user.public_id)
            flash(_("New disputes up to this amount are given in by themselves, each after a letter to you."), "good")
            return see_other(url_for(".dispute_rules"))
    return _page(form)


@portal.post("/portal/disputes/rules/<currency>/drop")
@may("settings.edit")
def drop_dispute_rule(currency: str) -> Response:
    if not is_currency(currency):
        raise NotFound
    me = current()
    drop_rule(me.vendor, me.mode, currency, by=me.user.public_id)
    flash(_("Nothing in %(currency)s is given in by itself any more, nor what was planned.", currency=currency), "good")
    return see_other(url_for(".dispute_rules"))


def _page(form: RuleForm) -> Response:
    me = current()
    return page(
        "portal/disputes/rules.html",
        status=(409 if form.form_errors else 422) if form.errors else 200,
        form=form,
        rules=list_rules(me.vendor, me.mode),
        may_edit=me.may("settings.edit"),
    )
