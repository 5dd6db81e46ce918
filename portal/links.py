"""Payment links: the page of one, editing it, pausing, resuming and ending it."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.kernel.money import Money
from core.payments.archive import clone_link
from core.payments.basket import offer_of
from core.payments.instalments import progress_of
from core.payments.link import (
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
from core.payments.queries import get_link, paid_through
from core.payments.send_link import replan_reminders
from core.payments.sendings import count_lost
from core.payments.sharing import labels_of
from core.payments.slug import readable_name
from core.web import addresses
from core.web.fields import Form, ParagraphField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.branch_choices import branch_named
from portal.link_maker import picture
from portal.link_undo import done, undo_offered
from portal.method_words import method_title
from portal.offer_form import OfferForm, form_of, posted_form
from portal.slug_before import slug_before

COUNTED = 1000


class PauseForm(Form):
    message = ParagraphField(_l("Message to visitors"), most=300)


def link_url(link: PaymentLink) -> str:
    """The address to hand out."""
    return addresses.payment_link(link_token(current().vendor, link), current().vendor)


def readable_url(link: PaymentLink) -> str | None:
    """The address that people can read, when the link has one."""
    name = readable_name(current().vendor, link)
    return addresses.readable_link(link.mode, *name, current().vendor) if name else None


@portal.get("/portal/links/<public_id>")
@may("links.see")
def link(public_id: str) -> Response:
    return _show(_get(public_id), PauseForm(formdata=None))


@portal.get("/portal/links/<public_id>/edit")
@may("links.edit")
def edit_form(public_id: str) -> Response:
    link = _get(public_id)
    return _form_page(form_of(link), link)


@portal.post("/portal/links/<public_id>/edit")
@may("links.edit")
def change_link(public_id: str) -> Response:
    me, link = current(), _get(public_id)
    form = posted_form(link)
    if "more" in request.form:
        return _form_page(form, link, status=200)
    if form.validate():
        with form.refusals():
            link = edit_link(link, by=me.user.public_id, terms=form.terms(paused_message=link.paused_message))
            form.share(me.vendor, link, by=me.user.public_id)
            replan_reminders(me.vendor, link)
            flash(_("Saved. Payments already under way keep the terms they began with."), "good")
            return see_other(url_for(".link", public_id=link.public_id))
    return _form_page(form, link)


def _form_page(form: OfferForm, link: PaymentLink, *, status: int | None = None) -> Response:
    """The form; `status` where it was sent for more rows only, and nothing is said about what stands in them."""
    values = {"form": form, "link": link, "slug_before": slug_before(), "step": 0, "picture": picture(form)}
    return page("portal/links/edit.html", status=status or form.status, **values)


@portal.post("/portal/links/<public_id>/pause")
@may("links.edit")
def pause(public_id: str) -> Response:
    link, form = _get(public_id), PauseForm()
    if form.validate():
        with form.refusals():
            pause_link(link, by=current().user.public_id, message=form.message.data)
            flash(_("Paused. Visitors read your message until you resume it."), "good")
            return see_other(done(".link", "paused", [link], public_id=link.public_id))
    return _show(link, form)


@portal.post("/portal/links/<public_id>/resume")
@may("links.edit")
def resume(public_id: str) -> Response:
    link = resume_link(_get(public_id), by=current().user.public_id)
    flash(_("The link takes payments again."), "good")
    return see_other(url_for(".link", public_id=link.public_id))


@portal.get("/portal/links/<public_id>/expire")
@may("links.edit")
def confirm_expiry(public_id: str) -> Response:
    return page("portal/links/expire.html", link=_get(public_id), form=PauseForm(formdata=None))


@portal.post("/portal/links/<public_id>/expire")
@may("links.edit")
def expire(public_id: str) -> Response:
    link = expire_link(_get(public_id), by=current().user.public_id)
    flash(_("The link has ended. Its history stays here."), "good")
    return see_other(url_for(".link", public_id=link.public_id))


@portal.get("/portal/links/<public_id>/replace-address")
@may("links.edit")
def confirm_new_address(public_id: str) -> Response:
    return page("portal/links/replace_address.html", link=_get(public_id), form=PauseForm(formdata=None))


@portal.post("/portal/links/<public_id>/replace-address")
@may("links.edit")
def new_address(public_id: str) -> Response:
    link = replace_address(_get(public_id), by=current().user.public_id)
    flash(_("The old address opens nothing any more. Share the new one."), "good")
    return see_other(url_for(".link", public_id=link.public_id))


@portal.post("/portal/links/<public_id>/clone")
@may("links.edit")
def clone(public_id: str) -> Response:
    twin = clone_link(_get(public_id), by=current().user.public_id)
    flash(_("This is the copy. Change what is different; it has its own address and takes payments already."), "good")
    return see_other(url_for(".edit_form", public_id=twin.public_id))


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
        readable=readable_url(link),
        labels=labels_of(link),
        branch=branch_named(link.branch_id),
        progress=progress_of(link),
        undo=undo_offered(),
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
        lost_letters=count_lost(me.vendor, link),
    )


def _range(link: PaymentLink) -> dict[str, list[Money] | Money | None]:
    """What a payer may choose between, when the payer chooses."""
    return {
        "minimum": Money(link.minimum_minor, link.currency) if link.minimum_minor else None,
        "maximum": Money(link.maximum_minor, link.currency) if link.maximum_minor else None,
        "step": Money(link.step_minor, link.currency) if link.step_minor else None,
        "suggestions": [Money(minor, link.currency) for minor in link.suggestions_minor],
    }
