"""Discount codes: the list with how often each was used, making one, ending one."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.payments.discount import DiscountTerms, code_state, end_code, list_codes, make_code, uses_of
from core.web.day_fields import MomentField
from core.web.fields import CountField, CurrencyField, Form, LineField, MoneyField
from core.web.guard import current, may
from core.web.page import page, see_other
from core.web.percent_field import PercentField
from portal.blueprint import portal


class DiscountForm(Form):
    code = LineField(_l("Code"), most=40, required=_l("Enter the words payers will type."))
    percent = PercentField(_l("Percent off"))
    amount = MoneyField(_l("Or a sum off"))
    currency = CurrencyField(_l("Currency of the sum"))
    starts_at = MomentField(_l("Begins"))
    ends_at = MomentField(_l("Ends"))
    most_uses = CountField(_l("Uses in all"), most=1_000_000)
    most_each = CountField(_l("Uses per customer"), most=1_000)

    def terms(self) -> DiscountTerms:
        return DiscountTerms(
            code=self.code.data or "", bps=self.percent.data, amount=self.amount.data, starts_at=self.starts_at.data,
            ends_at=self.ends_at.data, most_uses=self.most_uses.data, most_each=self.most_each.data,
        )  # fmt: skip


@portal.get("/portal/discounts")
@may("links.see")
def discounts() -> Response:
    return _page(DiscountForm(formdata=None, currency=current().vendor.currency))


@portal.post("/portal/discounts")
@may("links.edit")
def make_discount() -> Response:
    me, form = current(), DiscountForm()
    if form.validate():
        with form.refusals():
            made = make_code(me.vendor, me.mode, by=me.user.public_id, terms=form.terms())
            flash(_("%(code)s is ready, on every link that takes discount codes.", code=made.code), "good")
            return see_other(url_for(".discounts"))
    return _page(form)


@portal.post("/portal/discounts/<public_id>/end")
@may("links.edit")
def end_discount(public_id: str) -> Response:
    me = current()
    ended = end_code(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("%(code)s has ended. Payments begun with it keep their price.", code=ended.code), "good")
    return see_other(url_for(".discounts"))


def _page(form: DiscountForm) -> Response:
    me = current()
    codes = list_codes(me.vendor, me.mode)
    return page(
        "portal/discounts/index.html",
        status=form.status,
        form=form,
        codes=codes,
        uses=uses_of(me.vendor, codes),
        states={code.id: code_state(code) for code in codes},
    )
