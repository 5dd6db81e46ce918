"""How payers see the business: colour, logo and telephone number, with the checkout as it will look."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms import FileField

from core.accounts.branding import BadLook, Look, change_look, check_colour, check_phone, find_logo, look_of, remove_logo, set_logo
from core.accounts.colours import judge, read_colour
from core.accounts.receipts import find_receipt_settings
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.notifications.payer_letters import find_wish
from core.payments.offer import Offer
from core.web.brand import Colours, carried, letter_look, logo_of, style_of
from core.web.face import face_of
from core.web.fields import AddressField, BooleanField, Form, FormTokenField, LineField
from core.web.guard import current, may, takes_files
from core.web.headers import allow, csp_nonce
from core.web.languages import language
from core.web.page import page, see_other, wants_part
from core.web.receipt import receipt_html
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.letter_examples import example_letter, example_payment
from portal.payer_letters import LETTER_POLICY

MOST_BYTES = 16_000_000  # a photograph off a telephone: refused at its field, and not by a page that has lost the form
SCHEMES = {"accent": "light", "accent_dark": "dark"}


class BrandingForm(Form):
    accent = LineField(later("Colour on light pages"), most=20)
    accent_dark = LineField(later("Colour on dark pages"), most=20)
    support_phone = LineField(later("Telephone for payers"), most=30)
    logo_says_name = BooleanField(later("My logo already says my name"))

    @property
    def look(self) -> Look:
        return Look(self.accent.data or "", self.accent_dark.data or "", self.support_phone.data or "", self.logo_says_name.data)

    def check(self) -> None:
        """What is refused is said at its field, all of it at once."""
        for name in ("accent", "accent_dark", "support_phone"):
            with self.refusals():
                if self[name].data and not self[name].errors:
                    check_phone(self[name].data) if name == "support_phone" else check_colour(self[name].data, SCHEMES[name], name)

    def take_offer(self) -> None:
        """The colour that was offered in the place of a refused one, taken with one press."""
        for name in SCHEMES:
            if offered := request.form.get(f"use_{name}"):
                self[name].data, self[name].raw_data = offered, [offered]

    @property
    def offers(self) -> dict[str, str]:
        """For each colour that is refused the nearest one that is not; nothing for what is no colour."""
        read = {name: read_colour((self[name].data or "").strip()) for name in SCHEMES}
        return {name: judge(colour, SCHEMES[name]).nearest if colour and self[name].errors else "" for name, colour in read.items()}


class LogoForm(Form):
    logo = FileField(later("Picture"))


class ExampleForm(Form):
    """The fields of the checkout's first page, empty: a picture of it needs no more."""

    email = AddressField(later("E-mail address"))
    name = LineField(later("Name"))
    payer_reference = LineField(later("Reference"))
    remind = BooleanField(later("Remind me once by e-mail if I do not finish"))
    form_token = FormTokenField()


@portal.get("/portal/settings/branding")
@may("settings.see")
def branding() -> Response:
    """The page; for htmx only the picture of the checkout, in the colours that are being typed."""
    if wants_part():
        form = BrandingForm(formdata=request.args, meta={"csrf": False})
        form.validate()
        form.check()
        return page("portal/settings/_branding_preview.html", form=form, **_pictures(form))
    return _page(BrandingForm(formdata=None, **asdict(look_of(current().vendor))))


@portal.post("/portal/settings/branding")
@may("settings.edit")
def change_branding() -> Response:
    me, form = current(), BrandingForm()
    form.take_offer()
    if form.validate():
        form.check()
    if form.errors or "preview" in request.form:
        return _page(form)
    with form.refusals():
        change_look(me.vendor, form.look, by=me.user.public_id)
        flash(_("Saved. Payers see it from now on."), "good")
        return see_other(url_for(".branding"))
    return _page(form)


@portal.post("/portal/settings/branding/logo")
@may("settings.edit")
@takes_files(MOST_BYTES)
@by_address("60 per 10 minutes", scope="logo")
def send_logo() -> Response:
    """What was sent is drawn anew; one byte more than may be is read, to know that it is too much."""
    from core.accounts.logo import LARGEST_FILE, draw_logo  # what reads pictures is loaded with the first picture

    me, form = current(), LogoForm()
    sent = request.files.get("logo")
    with form.refusals():
        picture = draw_logo(sent.stream.read(LARGEST_FILE + 1) if sent else b"")
        set_logo(me.vendor, picture, by=me.user.public_id)
        flash(_("Your logo is shown from now on."), "good")
        return see_other(url_for(".branding"))
    return _page(BrandingForm(formdata=None, **asdict(look_of(me.vendor))), form)


@portal.post("/portal/settings/branding/logo/remove")
@may("settings.edit")
def drop_logo() -> Response:
    me = current()
    remove_logo(me.vendor, by=me.user.public_id)
    flash(_("Removed. The first letter of your name stands in its place."), "good")
    return see_other(url_for(".branding"))


@portal.get("/portal/settings/branding/checkout")
@may("settings.see")
def branding_preview() -> Response:
    """The checkout's own first page in the colours of the address, for the frame on the page above. Nothing on it can be sent."""
    me, scheme = current(), request.args.get("scheme", "")
    if scheme not in SCHEMES.values():
        raise NotFound
    accent, accent_dark = (_good(name) for name in SCHEMES)
    face = replace(
        face_of(me.vendor, me.mode), phone=_typed_phone(), style=style_of(accent or None, accent_dark or None, scheme), preview=True
    )
    allow("frame-ancestors", "'self'")
    return page("checkout/choose.html", face=face, form=ExampleForm(formdata=None), **_example(me.vendor.currency))


@portal.get("/portal/settings/branding/letter")
@may("settings.see")
def branding_letter() -> Response:
    """The letter with a receipt in the colours of the address: the very letter that payers get, with the logo as it is now."""
    me = current()
    look = letter_look(me.vendor, carries_logo=True, typed=_typed_colours())
    letter = example_letter(me.vendor, me.mode, "receipt", find_wish(me.vendor.id, me.mode, "receipt").paragraph, look)
    logo = find_logo(me.vendor)
    html = letter.html.replace("cid:vendor-logo", carried(logo)) if logo else letter.html
    allow("frame-ancestors", "'self'")
    return current_app.response_class(_inert(html), headers={"Content-Security-Policy": LETTER_POLICY})


@portal.get("/portal/settings/branding/receipt")
@may("settings.see")
def branding_receipt() -> Response:
    """The receipt in the colours of the address. The PDF is this page, printed."""
    me = current()
    payment, typed = example_payment(me.vendor, me.mode), _typed_colours()
    html = receipt_html(
        me.vendor, payment, (), address=f"{settings().public_url}/receipt/example", locale=language(), extra=find_receipt_settings(me.vendor),
        nonce=csp_nonce(), typed=typed,
    )  # fmt: skip
    allow("frame-ancestors", "'self'")
    return current_app.response_class(_inert(html))


def _inert(html: str) -> str:
    """In a frame of ours nothing of it can be pressed."""
    return html.replace("<body ", "<body inert ", 1)


def _typed_colours() -> Colours:
    """As the address has them, as far as they may be; those that are empty are ours."""
    accent, accent_dark = (_good(name) or None for name in SCHEMES)
    return accent, accent_dark


def _good(name: str) -> str:
    try:
        return check_colour(request.args.get(name, "")[:20], SCHEMES[name], name)
    except BadLook:
        return ""


def _typed_phone() -> str:
    try:
        return check_phone(request.args.get("support_phone", "")[:30])
    except BadLook:
        return ""


def _example(currency: str) -> dict[str, Any]:
    """The values of templates/checkout/choose.html for a link of one fixed amount, which is nobody's."""
    amount = Money.of("24", currency)
    nothing: dict[str, Any] = {**dict.fromkeys(("email", "name", "payer_reference", "amount"), ""), "quantities": {}}
    link = {"reference_label": "", "amount": amount}
    return {
        "title": _("An example"), "description": "", "amount_due": amount, "currency": currency, "suggestions": [], "range_text": None,
        "wants_part": False, "link_fixed": True, "again": "", "offer": Offer(), "cart": None, "due": amount, "shown": "", "prices": {},
        "address_parts": {}, "shop_url": None, "fixed": nothing, "link": link, "progress": None, "action": "", "paid": None, "paid_receipt": None,
    }  # fmt: skip


def _pictures(form: BrandingForm) -> dict[str, Any]:
    """Where the pictures are, of the checkout, of a letter and of a receipt: as the fields stand, as far as they may."""
    typed = {name: form[name].data or "" for name in ("accent", "accent_dark", "support_phone")}
    shown = {name: value for name, value in typed.items() if value and not form[name].errors}
    colours = {name: value for name, value in shown.items() if name in SCHEMES}
    return {
        "pictures": [
            (_("Your payment page on a light screen"), url_for(".branding_preview", scheme="light", **shown)),
            (_("Your payment page on a dark screen"), url_for(".branding_preview", scheme="dark", **shown)),
            (_("The e-mail with a receipt"), url_for(".branding_letter", **colours)),
            (_("The receipt, as it is printed to a PDF"), url_for(".branding_receipt", **colours)),
        ]
    }


def _page(form: BrandingForm, logo_form: LogoForm | None = None) -> Response:
    vendor = current().vendor
    return page(
        "portal/settings/branding.html",
        status=max(form.status, logo_form.status if logo_form else 200),
        form=form,
        logo_form=logo_form or LogoForm(formdata=None),
        logo=logo_of(vendor),
        vendor_name=vendor.name,
        **_pictures(form),
    )
