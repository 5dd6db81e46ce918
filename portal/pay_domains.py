"""Your own host name for payment pages: naming it, what to put into DNS, having a worker look, and making new addresses with it."""

from __future__ import annotations

import ipaddress

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.pay_domain_models import PayDomain
from core.accounts.pay_domains import (
    RECORD,
    add_pay_domain,
    ask_for_look,
    get_pay_domain,
    is_taken,
    list_pay_domains,
    remove_pay_domain,
    use_pay_domain,
)
from core.accounts.pay_host import own_host
from core.kernel.config import settings
from core.kernel.errors import Conflict
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed


class PayDomainForm(Form):
    host = LineField(_l("Host name"), most=253, required=_l("Enter a host name like pay.example.com."))


@portal.get("/portal/settings/pay-domains")
@may("settings.see")
def pay_domains() -> Response:
    return _page(PayDomainForm(formdata=None))


@portal.post("/portal/settings/pay-domains")
@may("settings.edit")
@confirmed
def name_pay_domain() -> Response:
    me, form = current(), PayDomainForm()
    if form.validate():
        with form.refusals():
            add_pay_domain(me.vendor, host=form.host.data or "", by=me.user.public_id)
            flash(_("Now put the two records into DNS, then have us look."), "good")
            return see_other(url_for(".pay_domains"))
    return _page(form)


@portal.post("/portal/settings/pay-domains/<public_id>/check")
@may("settings.edit")
@by_address("30 per 10 minutes", scope="domains")
def check_pay_domain(public_id: str) -> Response:
    """The look itself is a worker's: DNS that somebody else runs may answer slowly, or never."""
    try:
        ask_for_look(get_pay_domain(current().vendor, public_id))
    except Conflict as too_soon:
        flash(written(too_soon.message), "warn")
    return see_other(url_for(".pay_domains"))


@portal.post("/portal/settings/pay-domains/<public_id>/use")
@may("settings.edit")
@confirmed
def begin_using_pay_domain(public_id: str) -> Response:
    return _switch(public_id, on=True)


@portal.post("/portal/settings/pay-domains/<public_id>/rest")
@may("settings.edit")
@confirmed
def stop_using_pay_domain(public_id: str) -> Response:
    return _switch(public_id, on=False)


@portal.post("/portal/settings/pay-domains/<public_id>/remove")
@may("settings.edit")
@confirmed
def drop_pay_domain(public_id: str) -> Response:
    me = current()
    remove_pay_domain(me.vendor, public_id, by=me.user.public_id)
    flash(_("Removed. New addresses begin with the platform’s own name."), "good")
    return see_other(url_for(".pay_domains"))


def _switch(public_id: str, *, on: bool) -> Response:
    me = current()
    try:
        row = use_pay_domain(me.vendor, public_id, on=on, by=me.user.public_id)
    except Conflict as not_proved:
        flash(written(not_proved.message), "warn")
    else:
        said = (
            _("New addresses begin with %(host)s from now on.", host=row.host)
            if on
            else _("New addresses begin with the platform’s own name.")
        )
        flash(said, "good")
    return see_other(url_for(".pay_domains"))


def _page(form: PayDomainForm) -> Response:
    named, ours = list_pay_domains(current().vendor), own_host(settings().public_url)
    return page(
        "portal/settings/pay_domains.html",
        fragment="portal/settings/_pay_domains.html",
        status=form.status,
        form=form,
        domains=[(domain, _taken(domain)) for domain in named],
        looking=any(_looks(domain) for domain in named),
        looks=_looks,
        ours=ours,
        kind=_kind_of(ours),
        record=RECORD,
    )


def _taken(domain: PayDomain) -> bool:
    """Only where everything is in its place and it is not proved all the same."""
    return domain.proved and domain.leads_here and domain.state != "verified" and is_taken(domain)


def _looks(domain: PayDomain) -> bool:
    """Whether somebody asked for a look that has not come to its end."""
    return domain.asked_at is not None and domain.checked_at is None


def _kind_of(host: str) -> str:
    """The kind of record by which a name leads to ours: an alias, or where ours is a number, that number."""
    try:
        return "A" if ipaddress.ip_address(host).version == 4 else "AAAA"
    except ValueError:
        return "CNAME"
