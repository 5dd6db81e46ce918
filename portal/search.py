"""One field that finds payments, customers, links and pages of the portal."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.payments.search import FEW, Found, search
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page
from portal.blueprint import portal


class SearchForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Search"), most=254)


@dataclass(frozen=True)
class Place:
    """A page of the portal, as somebody may look for it."""

    title: str
    words: str
    href: str


def _places() -> list[Place]:
    """Those this person may open."""
    known = [
        ("home.see", _("Home"), _("overview chart success rate"), "portal.home"),
        ("payments.see", _("Payments"), _("transactions list"), "portal.payments"),
        ("payments.see", _("Refunds"), _("money back"), "portal.refunds"),
        ("customers.see", _("Customers"), _("payers blocked personal data"), "portal.customers"),
        ("links.see", _("Payment links"), _("address QR code"), "portal.links"),
        ("links.edit", _("New link"), _("make create payment link"), "portal.new_link"),
        ("balance.see", _("Balance"), _("available pending money owed"), "portal.balance_page"),
        ("balance.see", _("Statements"), _("month opening closing accounting CSV"), "portal.statements"),
        ("balance.see", _("Invoices you issue"), _("invoice credit note tax number PDF"), "portal.issued"),
        ("settings.see", _("Invoices for payments"), _("settings invoice credit note switch"), "portal.invoice_settings"),
        ("messages.see", _("Messages"), _("e-mail letters receipts sent resend"), "portal.outbox"),
        ("home.see", _("Notices"), _("news bell"), "portal.notices"),
        ("settings.see", _("Settings"), _("business name support e-mail time zone devices password"), "portal.settings_page"),
        ("settings.see", _("Plan"), _("subscription price upgrade cancel hibernate invoice charge"), "portal.plan_page"),
        ("plan.manage", _("Card that pays"), _("plan save card expiry"), "portal.plan_card"),
        ("settings.see", _("Billing details"), _("invoice address VAT number currency time zone"), "portal.plan_details"),
        ("settings.see", _("Receipts"), _("settings footer legal name address"), "portal.receipt_settings"),
        ("account.own", _("Notifications"), _("settings e-mail preferences"), "portal.preferences"),
        ("audit.see", _("Who did what"), _("audit log trail history of changes people staff"), "portal.audit_log"),
        ("team.see", _("Team"), _("settings people roles invitations owner"), "portal.team"),
        ("home.see", _("Going live"), _("real money live mode"), "portal.live"),
    ]
    return [Place(title, words, url_for(endpoint)) for permission, title, words, endpoint in known if current().may(permission)]


@portal.get("/portal/search")
@may("payments.see")
def find() -> Response:
    me, form = current(), SearchForm(request.args)
    good = form.validate()
    text = (form.q.data or "").strip() if good else ""
    found = search(me.vendor, me.mode, text) if text else Found([], [], [])
    wanted = text.casefold()
    places = [place for place in _places() if wanted and (wanted in place.title.casefold() or wanted in place.words.casefold())]
    return page(
        "portal/search/found.html",
        form=form,
        text=text,
        found=found,
        sites=places[:FEW],
        nothing=bool(text) and not (found.payments or found.customers or found.links or places),
        few=FEW,
    )
