"""Making a link in three steps, with a picture of what the payer will see. All of the form is on the page at every step: nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.queries import hold_vendor
from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.payments.link import create_link, draft_link
from core.payments.link_methods import check_methods
from core.payments.link_terms import LinkTerms, check_terms, check_terms_offer
from core.payments.offer import ASKED, NOTHING
from core.web.guard import current, may
from core.web.headers import allow
from core.web.page import page, see_other, wants_part
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.link_looks import colours_so_far
from portal.offer_form import OfferForm, empty_form, posted_form
from portal.slug_before import slug_before

SECOND = frozenset({"kind", "part_minimum", "due_on", "max_payments", "expires_at", "hours_after_opening", "methods", "locale"})
FIRST = frozenset(
    {"title", "description", "amount_kind", "currency", "amount", "minimum", "maximum", "step", "suggestions", "rate", "discounts"}
)
LAST = 3


def step_of(name: str) -> int:
    """On which step a field stands."""
    if name in FIRST or name.startswith(("item_", "tip_")):
        return 1
    return 2 if name in SECOND else LAST


def first_wrong(form: OfferForm) -> int:
    """The step of the first field that is refused; the last one where the refusal is about the link as a whole."""
    return min((step_of(name) for name, field in form._fields.items() if field.errors), default=LAST)


@portal.get("/portal/links/new")
@may("links.edit")
def new_link() -> Response:
    return _page(empty_form(), 1)


@portal.post("/portal/links/new")
@may("links.edit")
def make_link() -> Response:
    me, form, here = current(), posted_form(), _number("at") or 1
    if "more" in request.form:
        return _page(form, here)
    good = form.validate()
    if goal := _number("go"):
        if good:
            _find_contradictions(form)
        return _page(form, _reached(form, goal))
    if good:
        with form.refusals():
            hold_vendor(me.vendor.id)  # the same form twice at the same moment: the second finds what the first has made
            link = create_link(me.vendor, mode=me.mode, by=me.user.public_id, terms=form.terms(), wish=_wish())
            form.share(me.vendor, link, by=me.user.public_id)
            flash(_("The link is ready. Send its address to your customer, or show the code."), "good")
            return see_other(url_for(".link", public_id=link.public_id))
    return _page(form, first_wrong(form), status=form.status)


@portal.post("/portal/links/preview")
@may("links.edit")
@by_address("1200 per 10 minutes", scope="preview")
def preview_link() -> Response:
    """What a payer would see of what has been typed so far, for the frame beside the form. Nothing is kept."""
    allow("frame-ancestors", "'self'")
    form = posted_form()
    form.validate()
    return current_app.response_class(picture(form))


def _wish() -> str:
    """By which the same form sent twice is known again. Whoever goes back and changes something wishes for another link."""
    sent = repr(list(request.form.items(multi=True)))
    return f"form-{sha256(sent.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _find_contradictions(form: OfferForm) -> None:
    """What making it would refuse, at its fields: so it is said on the step it is about, and not at the end."""
    me, terms = current(), form.terms()
    with form.refusals():
        check_terms(terms)
        check_terms_offer(me.vendor.id, me.mode, terms, NOTHING)
        check_methods(me.vendor.id, me.mode, terms)


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text in ("1", "2", "3") else 0


def _reached(form: OfferForm, goal: int) -> int:
    """The step to show: the one that was asked for, unless something before it is refused. What comes later is not judged yet."""
    step = min(first_wrong(form), goal) if form.errors else goal
    for name, field in form._fields.items():
        if step_of(name) != step or step == goal:
            field.errors = []
    form.form_errors = []
    return step


def _page(form: OfferForm, step: int, *, status: int | None = None) -> Response:
    refused = 422 if any(field.errors for field in form) else 200
    return page(
        "portal/links/new.html",
        fragment="portal/links/_maker.html",
        status=status or refused,
        form=form,
        link=None,
        step=step,
        slug_before=slug_before(),
        picture="" if wants_part() else picture(form),
    )


def picture(form: OfferForm) -> str:
    """The payment page of what stands in the form, as far as it can be read. The checkout draws it; the two doors meet in wsgi.py."""
    me = current()
    link = draft_link(me.vendor, mode=me.mode, terms=_terms_so_far(form))
    link.accent, link.accent_dark = colours_so_far(link)
    link.reference_label, link.reference_hint = form.reference_label.data or "", form.reference_hint.data or ""
    link.reference_required = bool(form.reference_required.data)
    drawn: str = current_app.extensions["draw_link"](me.vendor, link)
    return drawn


def _terms_so_far(form: OfferForm) -> LinkTerms:
    """The terms with something harmless in the place of what is missing or cannot be read."""
    code = form.currency.data if form.currency.data and is_currency(form.currency.data) else current().vendor.currency
    terms = replace(form.terms(), currency=code, title=form.title.data or _("What it is for"))
    offer = replace(terms.offer, items=tuple(i for i in terms.offer.items if i.title and i.unit_minor > 0), success_url="", cancel_url="")
    if offer.email not in ASKED:
        offer = replace(offer, email="required")
    if terms.total_minor is None and terms.kind == "request":
        terms = replace(terms, kind="single")
    nothing_yet = terms.amount_minor is None and terms.total_minor is None and not offer.items and form.amount_kind.data != "open"
    return replace(terms, offer=offer, amount_minor=Money.of("25", code).minor if nothing_yet else terms.amount_minor)
