"""The letters payers get: which of them leave, what the vendor adds, and how each looks."""

from __future__ import annotations

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.kernel.errors import NotFound
from core.notifications.payer_letters import LONGEST, PAYER_LETTERS, LetterWish, change_letter, find_wish, letter_wishes
from core.web.fields import BooleanField, Form, ParagraphField
from core.web.guard import current, may
from core.web.headers import allow
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.letter_examples import example_letter

# kind -> (what it is called, when it leaves)
WORDS = {
    "receipt": (later("Receipt"), later("As soon as a payment has arrived, with the receipt as a PDF.")),
    "instruction_received": (later("Waiting for the bank"), later("When a bank may take days to confirm a payment.")),
    "payment_failed": (later("Payment did not go through"), later("When a payment that was waiting for the bank did not go through.")),
    "refund_sent": (later("Refund"), later("When a refund has gone back to the payer.")),
    "link_reminder": (later("Reminder of a link"), later("On the days you choose when you send a link by e-mail.")),
}  # fmt: skip
# Said beside the switch of each: what the payer does not get without it.
WITHOUT = {
    "receipt": later("Its page and its PDF stay: the payer sees them after paying, on the link and at /verify. In many countries a receipt must be given; then see to it in another way."),
    "instruction_received": later("The payment page says the same, as long as the payer keeps it open."),
    "payment_failed": later("The payer has been told that we write. Without the letter they only learn it by looking at the payment page again."),
    "refund_sent": later("The receipt’s page shows the refund. A refund that failed is told to you, not to the payer."),
    "link_reminder": later("Reminders that are planned are dropped when their day comes."),
}  # fmt: skip
# A letter is styled in its own lines, and nothing in it may run or be fetched.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox"
)


class LetterForm(Form):
    sent = BooleanField(later("Send this letter"))
    paragraph = ParagraphField(later("A paragraph of your own"), most=LONGEST)
    otherwise = BooleanField(later("My payers get a receipt from me in another way"))


def _known(kind: str) -> str:
    if kind not in PAYER_LETTERS:
        raise NotFound("There is no such letter.")
    return kind


@portal.get("/portal/settings/letters")
@may("settings.see")
def payer_letters() -> Response:
    me = current()
    return page("portal/letters/index.html", words=WORDS, wishes=letter_wishes(me.vendor, me.mode))


@portal.get("/portal/settings/letters/<kind>")
@may("settings.see")
def payer_letter(kind: str) -> Response:
    me = current()
    wish = find_wish(me.vendor.id, me.mode, _known(kind))
    return _page(kind, LetterForm(formdata=None, sent=wish.sent, paragraph=wish.paragraph, otherwise=not wish.sent))


@portal.post("/portal/settings/letters/<kind>")
@may("settings.edit")
def change_payer_letter(kind: str) -> Response:
    me, form = current(), LetterForm()
    _known(kind)
    if form.validate():
        with form.refusals():
            wish = LetterWish(bool(form.sent.data), form.paragraph.data or "")
            change_letter(me.vendor, me.mode, kind, wish, by=me.user.public_id, receipt_otherwise=bool(form.otherwise.data))
            flash(_("Saved. It holds for every letter from now on."), "good")
            return see_other(url_for(".payer_letters"))
    return _page(kind, form)


@portal.post("/portal/settings/letters/<kind>/preview")
@may("settings.see")
def preview_payer_letter(kind: str) -> Response:
    """The letter with the words that are being typed, for the frame beside the form."""
    form = LetterForm()
    form.validate()
    return _drawn(kind, (form.paragraph.data or "")[:LONGEST] if not form.paragraph.errors else "")


@portal.get("/portal/settings/letters/<kind>/preview")
@may("settings.see")
def payer_letter_picture(kind: str) -> Response:
    """The letter as it is sent now."""
    me = current()
    return _drawn(kind, find_wish(me.vendor.id, me.mode, _known(kind)).paragraph)


def _drawn(kind: str, paragraph: str) -> Response:
    me = current()
    letter = example_letter(me.vendor, me.mode, _known(kind), paragraph)
    allow("frame-ancestors", "'self'")
    return current_app.response_class(letter.html, headers={"Content-Security-Policy": LETTER_POLICY})


def _page(kind: str, form: LetterForm) -> Response:
    return page(
        "portal/letters/edit.html",
        status=form.status,
        kind=kind,
        form=form,
        title=WORDS[kind][0],
        when=WORDS[kind][1],
        without=WITHOUT[kind],
        subject=example_letter(current().vendor, current().mode, kind, "").subject,
        typed=request.method == "POST",
    )
