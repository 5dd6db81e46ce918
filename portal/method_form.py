"""The forms about ways to pay: the bounds of one, a try of all of them, and which ones a link allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import Field
from wtforms.validators import StopValidation

from core.accounts.places import countries
from core.kernel.currency import OFFERED
from core.methods.rules import Bounds, Rule
from core.payments.models import PaymentLink
from core.payments.queries import list_links
from core.providers.contract import METHODS
from core.web.fields import ChoiceField, CurrencyField, Form, LineField, MoneyField, options
from core.web.guard import current
from core.web.languages import reader

MOST_LINKS = 50


def read_currency(text: str) -> str:
    """The code for what was typed; StopValidation when there is none."""
    if text.upper() not in OFFERED:
        raise StopValidation(_("“%(text)s” is no currency you can charge in. Write codes like GBP, EUR.", text=text[:20]))
    return text.upper()


def read_country(text: str) -> str:
    """The same for a country, by its code or by its name in English or in the reader's language."""
    for code, name in (*countries(), *reader().countries):
        if text.upper() == code or text.casefold() == name.casefold():
            return code
    raise StopValidation(_("“%(text)s” is no country we know. Write codes like GB, IE, or English names.", text=text[:40]))


class CodesField(LineField):
    """Several codes beside each other, `GB, IE`; `codes` holds what was read, each once."""

    codes: tuple[str, ...] = ()

    def __init__(self, *args: Any, read: Callable[[str], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read = read

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        typed = [text.strip() for text in (self.data or "").replace(";", ",").split(",")]
        self.codes = tuple(dict.fromkeys(self.read(text) for text in typed if text))


class BoundsForm(Form):
    currency = CurrencyField(lazy_gettext("Currency of the limits"))
    minimum = MoneyField(lazy_gettext("Smallest amount"))
    maximum = MoneyField(lazy_gettext("Largest amount"))
    currencies = CodesField(lazy_gettext("Only in these currencies"), read=read_currency, most=200)
    countries = CodesField(lazy_gettext("Only for payers in these countries"), read=read_country, most=2000)

    def bounds(self) -> Bounds:
        """What was typed, as the room wants it."""
        low, high = self.minimum.data, self.maximum.data
        return Bounds(
            self.currency.data, low.minor if low else None, high.minor if high else None, self.currencies.codes, self.countries.codes
        )


def filled_from(rule: Rule, home_currency: str) -> BoundsForm:
    """The form as it looks when somebody opens it."""
    return BoundsForm(
        formdata=None,
        currency=rule.bounds.currency or home_currency,
        minimum=rule.minimum,
        maximum=rule.maximum,
        currencies=", ".join(rule.bounds.currencies),
        countries=", ".join(rule.bounds.countries),
    )


class PreviewForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    amount = MoneyField(lazy_gettext("Amount"), required=lazy_gettext("Enter an amount."))
    currency = CurrencyField(lazy_gettext("Currency"))
    country = ChoiceField(
        lazy_gettext("Payer's country"),
        choices=lambda: options([("", _("Not known")), *reader().countries]),
        words=lazy_gettext("Choose a country from the list."),
        default="",
    )

    link = ChoiceField(
        lazy_gettext("Through"),
        choices=(),
        words=lazy_gettext("Choose a link from the list."),
        default="",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        me = current()
        self.links = list_links(me.vendor, me.mode, limit=MOST_LINKS).rows
        named = [(link.public_id, f"{link.title}, {link.currency}") for link in self.links]
        self.link.choices = options([("", _("Any link that names no ways to pay")), *named])

    def chosen_link(self) -> PaymentLink | None:
        """The link whose own ways to pay count as well."""
        return next((link for link in self.links if link.public_id == self.link.data), None)

    def validate_link(self, field: Field) -> None:
        link = self.chosen_link()
        if link is not None and self.currency.data and link.currency != self.currency.data:
            raise StopValidation(_("This link is in %(currency)s. Choose that currency.", currency=link.currency))


class MethodsField(Field):
    """Which ways to pay a link allows: boxes to tick. None ticked means all that the vendor offers."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = [method for method in METHODS if method in valuelist]
        self.unknown = [value for value in valuelist if value not in METHODS]

    def pre_validate(self, form: Any) -> None:
        if getattr(self, "unknown", None):
            raise StopValidation(_("Choose ways to pay from the list."))
