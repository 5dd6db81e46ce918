"""Payment links: the list, making and editing one, its own page, and pausing, resuming and ending it."""

from __future__ import annotations

from flask import Response, flash, request, url_for

from core.kernel.config import settings
from core.kernel.money import Money
from core.payments.basket import offer_of
from core.payments.link import (
    create_link,
    edit_link,
    ends_at,
    expire_link,
    link_state,
    link_token,
    pause_link,
    replace_address,
    resume_link,
    taken_places,
)
from core.payments.link_methods import ways_of
from core.payments.lists import PaymentFilter, list_payments
from core.payments.models import PaymentLink
from core.payments.queries import get_link, list_links, paid_through
from core.web.fields import ChoiceField, Form, LineField, ParagraphField, options
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.method_words import method_title
from portal.offer_form import empty_form, form_of, posted_form

COUNTED = 1000


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField("Search", most=120)
    state = ChoiceField(
        "State", choices=options([("", "All"), ("active", "Active"), ("paused", "Paused"), ("expired", "Ended")]), default=""
    )


class PauseForm(Form):
    message = ParagraphField("Message to visitors", most=300)


def link_url(link: PaymentLink) -> str:
    """The address to hand out."""
    return f"{settings().public_url}/pay/{link_token(current().vendor, link)}"


@portal.get("/portal/links")
@may("links.see")
def links() -> Response:
    me, form = current(), FilterForm(request.args)
    good, after = form.validate(), cursor()
    wanted = {"state": form.state.data or None, "text": form.q.data or None} if good else {}
    found = list_links(me.vendor, me.mode, after=after, limit=25, **wanted)
    kept = {key: value for key, value in (("q", form.q.data), ("state", form.state.data)) if value and good}
    return page(
        "portal/links/index.html",
        fragment="portal/links/_table.html",
        form=form,
        links=found.rows,
        items={link.public_id: len(offer_of(link).items) for link in found.rows},
        states={link.public_id: link_state(link) for link in found.rows},
        filtered=bool(kept),
        newest=url_for(".links", **kept) if after else None,
        older=url_for(".links", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/links/new")
@may("links.edit")
def new_link() -> Response:
    return page("portal/links/new.html", form=empty_form())


@portal.post("/portal/links/new")
@may("links.edit")
def make_link() -> Response:
    me, form = current(), posted_form()
    if "more" in request.form:
        return page("portal/links/new.html", form=form)
    if form.validate():
        with form.refusals():
            link = create_link(me.vendor, mode=me.mode, by=me.user.public_id, terms=form.terms())
            flash("The link is ready. Send its address to your customer, or show the code.", "good")
            return see_other(url_for(".link", public_id=link.public_id))
    return page("portal/links/new.html", status=form.status, form=form)


@portal.get("/portal/links/<public_id>")
@may("links.see")
def link(public_id: str) -> Response:
    return _show(_get(public_id), PauseForm(formdata=None))


@portal.get("/portal/links/<public_id>/edit")
@may("links.edit")
def edit_form(public_id: str) -> Response:
    link = _get(public_id)
    return page("portal/links/edit.html", form=form_of(link), link=link)


@portal.post("/portal/links/<public_id>/edit")
@may("links.edit")
def change_link(public_id: str) -> Response:
    link = _get(public_id)
    form = posted_form(link)
    if "more" in request.form:
        return page("portal/links/edit.html", form=form, link=link)
    if form.validate():
        with form.refusals():
            edit_link(link, by=current().user.public_id, terms=form.terms(paused_message=link.paused_message))
            flash("Saved. Payments already under way keep the terms they began with.", "good")
            return see_other(url_for(".link", public_id=link.public_id))
    return page("portal/links/edit.html", status=form.status, form=form, link=link)


@portal.post("/portal/links/<public_id>/pause")
@may("links.edit")
def pause(public_id: str) -> Response:
    link, form = _get(public_id), PauseForm()
    if form.validate():
        with form.refusals():
            pause_link(link, by=current().user.public_id, message=form.message.data)
            flash("Paused. Visitors read your message until you resume it.", "good")
            return see_other(url_for(".link", public_id=link.public_id))
    return _show(link, form)


@portal.post("/portal/links/<public_id>/resume")
@may("links.edit")
def resume(public_id: str) -> Response:
    link = resume_link(_get(public_id), by=current().user.public_id)
    flash("The link takes payments again.", "good")
    return see_other(url_for(".link", public_id=link.public_id))


@portal.get("/portal/links/<public_id>/expire")
@may("links.edit")
def confirm_expiry(public_id: str) -> Response:
    return page("portal/links/expire.html", link=_get(public_id), form=PauseForm(formdata=None))


@portal.post("/portal/links/<public_id>/expire")
@may("links.edit")
def expire(public_id: str) -> Response:
    link = expire_link(_get(public_id), by=current().user.public_id)
    flash("The link has ended. Its history stays here.", "good")
    return see_other(url_for(".link", public_id=link.public_id))


@portal.get("/portal/links/<public_id>/replace-address")
@may("links.edit")
def confirm_new_address(public_id: str) -> Response:
    return page("portal/links/replace_address.html", link=_get(public_id), form=PauseForm(formdata=None))


@portal.post("/portal/links/<public_id>/replace-address")
@may("links.edit")
def new_address(public_id: str) -> Response:
    link = replace_address(_get(public_id), by=current().user.public_id)
    flash("The old address opens nothing any more. Share the new one.", "good")
    return see_other(url_for(".link", public_id=link.public_id))


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _show(link: PaymentLink, pausing: PauseForm) -> Response:
    me = current()
    return page(
        "portal/links/show.html",
        status=pausing.status,
        link=link,
        state=link_state(link),
        url=link_url(link),
        ends_at=ends_at(link),
        paid=paid_through(link, at_most=COUNTED),
        counted=COUNTED,
        taken=taken_places(link) if link.places is not None else None,
        payments=list_payments(me.vendor, me.mode, PaymentFilter(link=link), limit=10),
        pausing=pausing,
        range=_range(link),
        allowed=[method_title(method) for method in link.methods],
        nobody_can_pay=not ways_of(link.vendor_id, link.mode, link).shown,
        offer=offer_of(link),
    )


def _range(link: PaymentLink) -> dict[str, list[Money] | Money | None]:
    """What a payer may choose between, when the payer chooses."""
    return {
        "minimum": Money(link.minimum_minor, link.currency) if link.minimum_minor else None,
        "maximum": Money(link.maximum_minor, link.currency) if link.maximum_minor else None,
        "suggestions": [Money(minor, link.currency) for minor in link.suggestions_minor],
    }
