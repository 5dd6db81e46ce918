"""The part of the payer's form that a link's offer asks for: quantities, tip, code, company, addresses, questions, consent."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import StopValidation

from checkout.answers import answer_field, read_answer
from checkout.places_form import address_fields, read_address
from core.kernel.money import Money
from core.payments.basket import Choices, offer_of
from core.payments.models import PaymentLink
from core.payments.offer import Offer
from core.payments.sale import Consent, Details
from core.payments.tax import BadTaxId, read_tax_id
from core.web.fields import AddressField, BooleanField, CountField, Form, LineField, MoneyField
from core.web.languages import written

CART_FIELDS = ("quantity-", "tip", "code")


class OrderFields(Form if TYPE_CHECKING else object):  # type: ignore[misc]
    """What a form with an offer can do besides being validated. The fields themselves are made by `fitting`."""

    offer: Offer

    def choices(self, link: PaymentLink) -> Choices:
        """What was chosen, as far as it could be read: a field in error says nothing here."""
        quantities = {
            item.id: field.data
            for item in self.offer.items
            if item.adjustable and (field := self[f"quantity-{item.id}"]).data is not None and not field.errors
        }
        unknown = {
            name.removeprefix("quantity-"): 1
            for name, value in request.form.items()
            if name.startswith("quantity-") and name not in self._fields and value.strip() not in ("", "0")
        }
        code = self["code"].data if self.offer.discounts and not self["code"].errors else ""
        return Choices(quantities=quantities | unknown, tip=self._tip(), code=code or "")

    def _tip(self) -> Money | int | None:
        if self.offer.tips is None or self["tip"].errors or self["tip_amount"].errors:
            return None
        chosen = self["tip"].data or ""
        if chosen == "own":
            return self["tip_amount"].data
        return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 6 else None

    def check_order(self, *, cart_only: bool = False) -> bool:
        """The rules that span several fields. `cart_only`: nothing is said yet about what the payer has not come to."""
        if cart_only:
            for name, field in self._fields.items():
                if not name.startswith(CART_FIELDS):
                    field.errors = []
        for item in self.offer.items:
            field = self._fields.get(f"quantity-{item.id}")
            if field is not None and field.data is None and not field.errors:
                self.refuse(_("Enter a number from %(least)s to %(most)s.", least=item.least, most=item.most), field.name)
        if self.offer.tips and self["tip"].data == "own" and self["tip_amount"].data is None and not self["tip_amount"].errors:
            self.refuse(_("Enter your tip, or choose another."), "tip_amount")
        if not cart_only:
            self._check_asking()
        return not self.errors

    def _check_asking(self) -> None:
        offer = self.offer
        if offer.phone == "required" and not self["phone"].data and not self["phone"].errors:
            self.refuse(_("Enter a telephone number."), "phone")
        if self.buys_as_business:
            if not self["company"].data and not self["company"].errors:
                self.refuse(_("Enter the company's name."), "company")
            try:
                if self["tax_id"].data and not self["tax_id"].errors:
                    self["tax_id"].data = read_tax_id(self["tax_id"].data)
            except BadTaxId as refusal:
                self.refuse(written(refusal.message), "tax_id")
        self._read_addresses()
        self._answers = [read_answer(self, question) for question in offer.questions]
        if offer.terms and self["terms_version"].data != offer.terms.version:
            self["terms"].data = False
            self.refuse(_("The terms have changed since you opened this page. Read them again, and tick the box if you agree."), "terms")
        elif offer.terms and not self["terms"].data:
            self.refuse(_("To go on, tick “%(label)s”.", label=offer.terms.label), "terms")

    @property
    def buys_as_business(self) -> bool:
        return self.offer.business and bool(self["business"].data)

    def _read_addresses(self) -> None:
        self._places: dict[str, dict[str, str] | None] = {"billing": None, "shipping": None}
        modes = {"billing": "required" if self.buys_as_business else self.offer.billing, "shipping": self.offer.shipping}
        for kind, mode in modes.items():
            if f"{kind}_line1" not in self._fields or mode == "off":
                continue
            if kind == "shipping" and "same_address" in self._fields and self["same_address"].data and self._places["billing"]:
                self._places[kind] = self._places["billing"]
            else:
                self._places[kind] = read_address(self, kind, required=mode == "required")

    def details(self) -> Details:
        """What was answered; after check_order."""
        offer, business = self.offer, self.buys_as_business
        consent = None
        if offer.terms:
            consent = Consent(offer.terms, request.remote_addr or "", request.user_agent.string)
        return Details(
            phone=(self["phone"].data or "") if offer.phone != "off" else "",
            company=(self["company"].data or "") if business else "",
            tax_id=(self["tax_id"].data or "") if business else "",
            billing=self._places["billing"],
            shipping=self._places["shipping"],
            answers=tuple(answer for answer in self._answers if answer is not None),
            consent=consent,
        )


def fitting(base: type[Form], link: PaymentLink) -> type[Any]:
    """The form for this link: the base where it offers no more than one sum."""
    offer = offer_of(link)
    return _made(base, offer, link.currency) if offer != Offer() else base


@lru_cache(maxsize=256)
def _made(base: type[Form], offer: Offer, currency: str) -> type[Any]:
    """One class per offer, kept: making it costs more than filling it in."""
    fields: dict[str, Any] = {}
    for item in offer.items:
        if item.adjustable:
            fields[f"quantity-{item.id}"] = CountField(item.title, least=item.least, most=item.most, default=item.least)
    if offer.tips:
        fields["tip"] = LineField(_l("Tip"), most=20, default=str(offer.tips.usual) if offer.tips.usual else "none")
        fields["tip_amount"] = MoneyField(_l("Your tip"), currency=currency)
    if offer.discounts:
        fields["code"] = LineField(_l("Discount code"), most=40)
    fields |= _contact(offer)
    if offer.business:
        fields["business"] = BooleanField(_l("I’m buying as a business"))
        fields["company"] = LineField(_l("Company"), most=120)
        fields["tax_id"] = LineField(_l("VAT or tax number"), most=40)
    if offer.billing != "off" or offer.business:
        fields |= address_fields("billing")
    if offer.shipping != "off":
        if "billing_line1" in fields:
            fields["same_address"] = BooleanField(_l("Deliver to the billing address"))
        fields |= address_fields("shipping")
    for question in offer.questions:
        fields[f"answer_{question.slug}"] = answer_field(question)
    if offer.terms:
        fields["terms"] = BooleanField(offer.terms.label)
        fields["terms_version"] = LineField("", most=40)
    return type("OrderForm", (OrderFields, base), {**fields, "offer": offer})


def _contact(offer: Offer) -> dict[str, Any]:
    """How the payer can be reached: an address that need not be given, or is not asked for, and a telephone number."""
    fields: dict[str, Any] = {}
    if offer.email != "required":
        fields["email"] = AddressField(_l("E-mail address"), required=None) if offer.email == "optional" else None
    if offer.phone != "off":
        fields["phone"] = PhoneField(_l("Telephone"), most=40)
    return fields


class PhoneField(LineField):
    """A telephone number as people write them: digits, blanks, a plus in front, brackets and dashes."""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        text = self.data or ""
        digits = [sign for sign in text if sign in "0123456789"]
        if text and (not set(text.removeprefix("+")) <= set("0123456789 ()-./") or not 5 <= len(digits) <= 15):
            raise StopValidation(_("Write a telephone number like +44 20 7946 0000."))
