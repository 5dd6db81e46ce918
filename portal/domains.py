"""Return domains: naming a host, what to put there as a proof, and having a worker look."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.domains import FILE, RECORD, add_domain, ask_for_check, get_domain, list_domains, remove_domain
from core.kernel.errors import Conflict
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed


class DomainForm(Form):
    host = LineField(_l("Host name"), most=253, required=_l("Enter a host name like shop.example."))


@portal.get("/portal/settings/domains")
@may("settings.see")
def domains() -> Response:
    return _page(DomainForm(formdata=None))


@portal.post("/portal/settings/domains")
@may("settings.edit")
@confirmed
def name_domain() -> Response:
    me, form = current(), DomainForm()
    if form.validate():
        with form.refusals():
            add_domain(me.vendor, host=form.host.data or "", by=me.user.public_id)
            flash(_("Now put the proof there, then have us look."), "good")
            return see_other(url_for(".domains"))
    return _page(form)


@portal.post("/portal/settings/domains/<public_id>/check")
@may("settings.edit")
@by_address("30 per 10 minutes", scope="domains")
def check_domain(public_id: str) -> Response:
    """The look itself is a worker's: an address somebody else named may answer slowly, or never."""
    try:
        ask_for_check(get_domain(current().vendor, public_id))
    except Conflict as too_soon:
        flash(written(too_soon.message), "warn")
    return see_other(url_for(".domains"))


@portal.post("/portal/settings/domains/<public_id>/remove")
@may("settings.edit")
@confirmed
def drop_domain(public_id: str) -> Response:
    me = current()
    remove_domain(me.vendor, public_id, by=me.user.public_id)
    flash(_("Removed. Links that lead there show no way back any more."), "good")
    return see_other(url_for(".domains"))


def _page(form: DomainForm) -> Response:
    named = list_domains(current().vendor)
    looking = any(domain.verified_at is None and domain.checked_at is None and domain.asked_at is not None for domain in named)
    return page(
        "portal/settings/domains.html",
        fragment="portal/settings/_domains.html",
        status=form.status,
        form=form,
        domains=named,
        looking=looking,
        file=FILE,
        record=RECORD,
    )
