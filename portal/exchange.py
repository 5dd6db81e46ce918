"""Exchanging a balance into another currency: ask for a rate, see exactly what it gives, take it within ten minutes or leave it."""

from __future__ import annotations

from fractions import Fraction

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.fx.quote import get_quote, list_exchanges
from core.fx.rates import EURO, is_stale, list_rates
from core.kernel import clock
from core.kernel.currency import OFFERED
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.exchange import exchange, quote_exchange
from core.web.fields import ChoiceField, Form, MoneyField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed

PLACES = 6  # a rate is shown to so many decimals; what is exchanged is worked out from the exact one


class ExchangeForm(Form):
    currency = ChoiceField(_l("From"), choices=[], words=_l("Choose a currency you have something available in."))
    amount = MoneyField(_l("Amount"), required=_l("Enter how much to exchange."))
    into = ChoiceField(_l("Into"), choices=[], words=_l("Choose a currency from the list."))


class TakeForm(Form):
    pass


@portal.get("/portal/balance/exchange")
@may("balance.exchange")
def exchanges() -> Response:
    return _page(_form(filled=False))


@portal.post("/portal/balance/exchange")
@may("balance.exchange")
def ask_for_rate() -> Response:
    me, form = current(), _form(filled=True)
    if form.validate():
        if form.into.data == form.currency.data:
            form.refuse(_("Choose another currency than the one you have."), "into")
        else:
            with form.refusals():
                quote = quote_exchange(me.vendor, me.mode, form.amount.data, into=form.into.data, by=me.user)
                return see_other(url_for(".exchange_offer", public_id=quote.public_id))
    return _page(form)


@portal.get("/portal/balance/exchange/<public_id>")
@may("balance.exchange")
def exchange_offer(public_id: str) -> Response:
    return _offer(public_id, TakeForm(formdata=None))


@portal.post("/portal/balance/exchange/<public_id>")
@may("balance.exchange")
@confirmed
def take_offer(public_id: str) -> Response:
    """Sending it twice exchanges once."""
    me, form = current(), TakeForm()
    quote = get_quote(me.vendor, me.mode, public_id)
    if form.validate():
        with form.refusals():
            if exchange(me.vendor, quote, by=me.user):
                flash(_("Exchanged."), "good")
            return see_other(url_for(".exchange_offer", public_id=quote.public_id))
    return _offer(public_id, form)


def _offer(public_id: str, form: TakeForm) -> Response:
    me = current()
    quote = get_quote(me.vendor, me.mode, public_id)
    return page(
        "portal/exchange/show.html",
        status=form.status,
        quote=quote,
        state="done" if quote.used_at else "expired" if clock.now() >= quote.expires_at else "open",
        rates={"promised": _rate(quote.promised_rate), "reference": _rate(quote.reference_rate)},
        stale=is_stale(quote.published_on),
        form=form,
    )


def _form(*, filled: bool) -> ExchangeForm:
    me = current()
    have = _available()
    from_ = request.args.get("from", "")
    form = ExchangeForm() if filled else ExchangeForm(formdata=None, currency=from_ if from_ in have else None)
    form.currency.choices = options((code, code) for code in have)
    known = {EURO, *(rate.currency for rate in list_rates())}
    form.into.choices = options((code, code) for code in OFFERED if code in known)
    if not filled:
        form.into.data = me.vendor.currency if me.vendor.currency != form.currency.data else None
    return form


def _available() -> dict[str, Money]:
    me = current()
    found = balances(me.vendor, me.mode)
    return {code: amount for (name, _sub, code), amount in sorted(found.items()) if name == "seller_available" and amount.minor > 0}


def _rate(exact: Fraction) -> str:
    """As people write it: `1.1534`."""
    scaled = (2 * exact.numerator * 10**PLACES + exact.denominator) // (2 * exact.denominator)
    text = str(scaled).rjust(PLACES + 1, "0")
    return f"{text[:-PLACES]}.{text[-PLACES:]}".rstrip("0").rstrip(".")


def _page(form: ExchangeForm) -> Response:
    me = current()
    newest = max(list_rates(), key=lambda rate: rate.published_on, default=None)
    return page(
        "portal/exchange/index.html",
        status=form.status,
        form=form,
        available=_available(),
        newest=newest,
        stale=newest is not None and is_stale(newest.published_on),
        done=list_exchanges(me.vendor, me.mode),
    )
