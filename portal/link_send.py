"""Sending a link by e-mail to one or many, with a message and reminders; and calling letters off."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.validators import StopValidation

from core.payments.link import link_state
from core.payments.models import PaymentLink
from core.payments.queries import get_link
from core.payments.send_link import (
    DAYS,
    ENDS,
    MOST_AT_ONCE,
    MOST_MESSAGE,
    USUAL_END,
    cancel_sending,
    deadline,
    get_sending,
    lives_for_ever,
    send_link,
)
from core.payments.sendings import list_sendings
from core.web.fields import ChoiceField, Form, FormTokenField, ParagraphField, one_spelling, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal


def day_choices() -> list[Any]:
    """How many days before the end, as a list says it."""
    some = [(str(days), ngettext("%(num)s day before", "%(num)s days before", days)) for days in DAYS]
    return options([("", _("No reminder")), *some])


class RecipientsField(ParagraphField):
    """E-mail addresses, with commas, semicolons or line ends between them; `addresses` holds what was read."""

    addresses: list[str]

    def pre_validate(self, form: Any) -> None:
        self.addresses = []
        for text in (self.data or "").replace(",", "\n").replace(";", "\n").splitlines():
            if not text.strip():
                continue
            try:
                address = one_spelling(text)
            except ValueError:
                raise StopValidation(_("“%(text)s” is not an e-mail address.", text=text.strip()[:60])) from None
            if address.lower() not in self.addresses:
                self.addresses.append(address.lower())
        if len(self.addresses) > MOST_AT_ONCE:
            raise StopValidation(_("%(most)s addresses at a time.", most=MOST_AT_ONCE))


def end_choices() -> list[Any]:
    """How long a link without an end lives from now on."""
    return options([*((str(days), ngettext("in %(num)s day", "in %(num)s days", days)) for days in ENDS), ("", _("Never"))])


class SendForm(Form):
    form_token = FormTokenField()
    ends_in = ChoiceField(_l("The link ends"), choices=end_choices, default=str(USUAL_END))
    recipients = RecipientsField(_l("To"), most=8000)
    message = ParagraphField(_l("Your message"), most=MOST_MESSAGE)
    first_reminder = ChoiceField(_l("First reminder"), choices=day_choices, default="")
    second_reminder = ChoiceField(_l("Second reminder"), choices=day_choices, default="")

    def days(self) -> list[int]:
        """When to remind, as the payments room wants it."""
        return [int(field.data) for field in (self.first_reminder, self.second_reminder) if field.data]


@portal.get("/portal/links/<public_id>/send")
@may("links.edit")
def send_form(public_id: str) -> Response:
    return _show(_get(public_id), SendForm(formdata=None))


@portal.post("/portal/links/<public_id>/send")
@may("links.edit")
def send(public_id: str) -> Response:
    me, link, form = current(), _get(public_id), SendForm()
    if form.validate():
        with form.refusals():
            sent = send_link(
                me.vendor,
                link,
                sender=me.user,
                recipients=form.recipients.addresses,
                message=form.message.data or "",
                reminders=form.days(),
                form_token=form.form_token.data,
                ends_in=int(form.ends_in.data) if form.ends_in.data and lives_for_ever(link) else None,
            )
            flash(ngettext("%(num)s letter is on its way.", "%(num)s letters are on their way.", len(sent)), "good")
            return see_other(url_for(".send_form", public_id=link.public_id))
    return _show(link, form)


@portal.post("/portal/sendings/<public_id>/cancel")
@may("links.edit")
def cancel_letter(public_id: str) -> Response:
    me = current()
    link, sending = get_sending(me.vendor, me.mode, public_id)
    cancel_sending(sending, by=me.user.public_id)
    flash(_("No more letters go to %(address)s about this link.", address=sending.recipient), "good")
    return see_other(url_for(".send_form", public_id=link.public_id))


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _show(link: PaymentLink, form: SendForm) -> Response:
    me = current()
    return page(
        "portal/links/send.html",
        status=form.status,
        link=link,
        form=form,
        state=link_state(link),
        end=deadline(me.vendor, link),
        endless=lives_for_ever(link),
        fates=list_sendings(me.vendor, link),
        most=MOST_AT_ONCE,
    )
