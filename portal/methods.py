"""Which ways to pay a vendor offers, in which order and within which bounds, and a try that says why one is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.kernel.config import settings
from core.kernel.errors import NotFound, Refusal
from core.methods.eligible import Asked, Hidden, Way, judge
from core.methods.rules import Rule, bound_method, list_rules, move_method, switch_method
from core.providers.contract import METHODS, Offer, ProviderError
from core.providers.registry import offers_for, provider_for
from core.providers.wallets import ChecksDomains, WalletDomain
from core.web.guard import current, may
from core.web.page import page, see_other, step_outside
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.method_form import BoundsForm, PreviewForm, filled_from
from portal.method_words import method_text, method_title, reason


@dataclass(frozen=True)
class Line:
    """One way to pay in the list."""

    rule: Rule
    title: str
    text: str
    offers: list[Offer]


@portal.get("/portal/settings/methods")
@may("settings.see")
def methods() -> Response:
    return _list_page()


@portal.post("/portal/settings/methods/<method>/switch")
@may("settings.edit")
def switch(method: str) -> Response:
    me, on = current(), request.form.get("on") == "yes"
    try:
        switch_method(me.vendor, me.mode, method, on=on, by=me.user.public_id)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return _list_page(problem=_("One way to pay stays on. To take no payments for a while, pause your links."), status=refusal.status)
    flash(_("%(way)s is on.", way=method_title(method)) if on else _("%(way)s is off.", way=method_title(method)), "good")
    return see_other(url_for(".methods"))


@portal.post("/portal/settings/methods/<method>/move")
@may("settings.edit")
def move(method: str) -> Response:
    me = current()
    move_method(me.vendor, me.mode, method, up=request.form.get("to") != "down", by=me.user.public_id)
    return see_other(url_for(".methods") + f"#{method}")


@portal.get("/portal/settings/methods/<method>")
@may("settings.see")
def method(method: str) -> Response:
    line = _line(method)
    return _bounds_page(line, filled_from(line.rule, current().vendor.currency))


@portal.post("/portal/settings/methods/<method>")
@may("settings.edit")
def change_method(method: str) -> Response:
    me, line, form = current(), _line(method), BoundsForm()
    if form.validate():
        with form.refusals():
            bound_method(me.vendor, me.mode, method, bounds=form.bounds(), by=me.user.public_id)
            flash(_("Saved. It counts for every payment that is not begun yet."), "good")
            return see_other(url_for(".methods"))
    return _bounds_page(line, form)


@portal.post("/portal/settings/methods/wallet/domain")
@may("settings.edit")
@by_address("30 per 10 minutes", scope="domains")
def check_wallet_domain() -> Response:
    """The processor is asked at once whether its wallets may be shown on our payment page; it answers in a moment, and nothing is kept."""
    line, host = _line("wallet"), urlsplit(settings().public_url).hostname or ""
    form = filled_from(line.rule, current().vendor.currency)
    try:
        provider = provider_for(current().mode)
        if not isinstance(provider, ChecksDomains):
            raise NotFound
        with step_outside():
            found = provider.wallet_domain(host)
    except ProviderError:
        return _bounds_page(line, form, trouble=_("The processor cannot be asked just now. Try again in a moment."), status=409)
    return _bounds_page(line, form, domain=found)


def _lines() -> list[Line]:
    me = current()
    offers = [offer for _, offer in offers_for(me.mode)]
    return [
        Line(rule, method_title(rule.method), method_text(rule.method), [offer for offer in offers if offer.method == rule.method])
        for rule in list_rules(me.vendor.id, me.mode)
    ]


def _line(method: str) -> Line:
    if method not in METHODS:
        raise NotFound(_("There is no such way to pay."))
    return next(line for line in _lines() if line.rule.method == method)


def _list_page(problem: str | None = None, status: int = 200) -> Response:
    me = current()
    tried = "amount" in request.args
    form = PreviewForm(request.args if tried else None, currency=me.vendor.currency)
    shown, hidden = _preview(form) if tried and form.validate() else ([], [])
    return page(
        "portal/settings/methods.html",
        status=status if status != 200 else form.status if tried else 200,
        lines=_lines(),
        problem=problem,
        form=form,
        answered=tried and not form.errors,
        shown=shown,
        hidden=hidden,
        may_edit=me.may("settings.edit"),
    )


def _preview(form: PreviewForm) -> tuple[list[tuple[str, Way]], list[tuple[str, str]]]:
    """What a payer would see for this amount, and why the rest is hidden from them."""
    me, minor = current(), form.amount.data.minor
    link = form.chosen_link()
    asked = Asked(form.currency.data, minor, minor, form.country.data or None, tuple(link.methods) if link else ())
    verdict = judge(list_rules(me.vendor.id, me.mode), offers_for(me.mode), asked)
    return [(method_title(way.method), way) for way in verdict.shown], [(method_title(h.method), _why(h)) for h in verdict.hidden]


def _why(hidden: Hidden) -> str:
    return reason(hidden)


def _bounds_page(line: Line, form: BoundsForm, *, domain: WalletDomain | None = None, trouble: str = "", status: int = 200) -> Response:
    return page(
        "portal/settings/method.html",
        status=max(form.status, status) if form.is_submitted() else status,
        line=line,
        form=form,
        may_edit=current().may("settings.edit"),
        host=urlsplit(settings().public_url).hostname if line.rule.method == "wallet" and line.offers else None,
        domain=domain,
        trouble=trouble,
    )
