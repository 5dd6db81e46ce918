"""What a business says about itself, what its receipts say, what one is called, and where one is signed in."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.change_business import change_business
from core.accounts.fees import find_planned
from core.accounts.queries import list_memberships, list_sessions
from core.accounts.receipts import ReceiptWish, change_receipts, find_receipt_settings
from core.accounts.sessions import end_one_session, handle_of, work_for
from core.accounts.team import change_name
from core.kernel.errors import NotFound
from core.web.fields import AddressField, BooleanField, Form, LineField, ParagraphField, ZoneField
from core.web.forgery import renew_token
from core.web.guard import current, leave_seat, may, safe_path
from core.web.page import page, see_other
from portal.blueprint import portal


class BusinessForm(Form):
    name = LineField(later("Business name"), most=120, required=later("Enter the name your customers know you by."))
    support_email = AddressField(later("Support e-mail"), required=later("Enter the address where payers may write for help."))
    time_zone = ZoneField(later("Time zone"))


class PersonForm(Form):
    person = LineField(later("Your name"), most=120, required=later("Enter what your team calls you."))


class ReceiptForm(Form):
    legal_name = LineField(later("Name by law"), most=120)
    postal_address = ParagraphField(later("Postal address"), most=400)
    registration = LineField(later("Registration"), most=60)
    paragraph = ParagraphField(later("A word to the payer"), most=600)
    footer = ParagraphField(later("Footer"), most=300)
    show_business = BooleanField(later("Show name by law, address and registration"))
    show_payer = BooleanField(later("Show the payer’s name and e-mail address"))
    show_payments = BooleanField(later("Show how and when it was paid"))


@portal.get("/portal/settings")
@may("settings.see")
def settings_page() -> Response:
    return _page(BusinessForm(formdata=None, obj=current().vendor))


@portal.post("/portal/settings")
@may("settings.edit")
def change_settings() -> Response:
    me, form = current(), BusinessForm()
    if form.validate():
        with form.refusals():
            change_business(
                me.vendor, by=me.user.public_id, name=form.name.data, support_email=form.support_email.data, time_zone=form.time_zone.data
            )
            flash(_("Saved."), "good")
            return see_other(url_for(".settings_page"))
    return _page(form)


@portal.post("/portal/settings/person")
@may("account.own")
def change_person() -> Response:
    me, form = current(), PersonForm()
    if form.validate():
        change_name(me.user, name=form.person.data)
        flash(_("Saved."), "good")
        return see_other(url_for(".settings_page"))
    return _page(BusinessForm(formdata=None, obj=me.vendor), form)


@portal.post("/portal/business")
@may("account.own")
def change_business_worked_for() -> Response:
    """Look at another business one works for, in this browser; from the link of a letter that is about it, at what that leads to.
    Forms that another window still shows were written about the one before: they are good no more."""
    me, wished = current(), request.form.get("business", "")
    for membership, vendor in list_memberships(me.user):
        if vendor.public_id == wished:
            work_for(me.session, membership)
            renew_token()
            flash(_("You are looking at %(name)s now.", name=vendor.name), "good")
            return see_other(safe_path(request.form.get("next")) or url_for(".home"))
    raise NotFound(_("You do not work for such a business."))


@portal.post("/portal/settings/devices/<handle>/end")
@may("account.own")
def end_device(handle: str) -> Response:
    """One of one's own browsers is signed out; the one that asks may be it."""
    me = current()
    ended = end_one_session(me.user, handle, by=me.session)
    if ended.id == me.session.id:
        response = leave_seat(see_other(url_for(".sign_in")))
        flash(_("You are signed out."), "info")
        return response
    flash(_("That device is signed out."), "good")
    return see_other(url_for(".settings_page"))


@portal.get("/portal/settings/receipts")
@may("settings.see")
def receipt_settings() -> Response:
    return _receipts(ReceiptForm(formdata=None, obj=find_receipt_settings(current().vendor)))


@portal.post("/portal/settings/receipts")
@may("settings.edit")
def change_receipt_settings() -> Response:
    me, form = current(), ReceiptForm()
    if form.validate():
        wish = ReceiptWish(
            form.legal_name.data, form.postal_address.data, form.registration.data, form.paragraph.data, form.footer.data,
            form.show_business.data, form.show_payer.data, form.show_payments.data,
        )  # fmt: skip
        change_receipts(me.vendor, wish, by=me.user.public_id)
        flash(_("Saved. The next receipt is written so; those already printed stay as they were."), "good")
        return see_other(url_for(".receipt_settings"))
    return _receipts(form)


def _receipts(form: ReceiptForm) -> Response:
    return page("portal/receipts/edit.html", status=form.status, form=form)


def _page(form: BusinessForm, person: PersonForm | None = None) -> Response:
    me = current()
    return page(
        "portal/settings/own.html" if me.limited else "portal/settings/index.html",
        status=max(form.status, person.status if person else 200),
        form=form,
        person=person or PersonForm(formdata=None, person=me.user.name),
        sessions=[] if me.looking else [(one, handle_of(one)) for one in list_sessions(me.user)],
        here=me.session.id,
        businesses=[me.membership] if me.looking else list_memberships(me.user),
        planned_fee=find_planned(me.vendor),
    )
