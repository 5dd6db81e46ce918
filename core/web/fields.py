"""Form fields that read what people type strictly, and say at the field what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from email_validator import validate_email
from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from wtforms import BooleanField, Field, FieldList, HiddenField, IntegerField, PasswordField, SelectField, StringField, TextAreaField
from wtforms import RadioField as PlainRadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, StopValidation, ValidationError
from wtforms.widgets import TextInput

from core.accounts.places import time_zones
from core.kernel.currency import OFFERED, is_currency
from core.kernel.errors import Refusal
from core.kernel.money import BadAmount, Money, example_amount, read_amount
from core.web import widgets
from core.web.forgery import FormToken
from core.web.languages import reader, written
from core.web.words import REORDERING

__all__ = [
    "AddressField",
    "BooleanField",
    "CountField",
    "CurrencyField",
    "DataRequired",
    "FieldList",
    "Form",
    "FormTokenField",
    "InputRequired",
    "Length",
    "LineField",
    "MoneyField",
    "Optional",
    "ParagraphField",
    "RadioField",
    "SecretField",
    "SelectField",
    "ValidationError",
    "ZoneField",
    "options", "plain_text",
]  # fmt: skip

widgets.install()


def options(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """(value, words) as a list field wants them."""
    return [SelectChoice(value, words) for value, words in pairs]


# All but the tab and the ends of lines; and the two signs that are none, which no XML may hold.
CONTROL_CODES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def plain_text(text: str) -> str | None:
    """What is wrong with a text that cannot be stored or shown (nul bytes, half characters, control codes, and what makes it read
    differently from what it says), or None. Names written from right to left need nothing of that, nor do joined letters and pictures."""
    if not REORDERING.isdisjoint(text):
        return _("This contains an invisible character that turns the direction of writing. Type it again instead of pasting it.")
    return _unkept(text)


def _unkept(text: str) -> str | None:
    if "\x00" in text:
        return _("This contains a character that cannot be stored (NUL). Type it again instead of pasting it.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _("This contains half of a character. Type it again instead of pasting it.")
    if CONTROL_CODES.search(text):
        return _("This contains a control character. Type it again instead of pasting it.")
    return None


LONGEST_AMOUNT = 64  # signs


class Form(FlaskForm):
    """Every form of the product: it carries a token against forgery, and refuses text that cannot be stored, field by field."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf_class = FormToken

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Only what a form sends is read. A body of JSON, however deep, is no form and is not even parsed."""
            if formdata is _Auto:
                return request.form if request.method not in ("GET", "HEAD", "OPTIONS") else None
            return formdata

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        for field in self:
            wrong = _wrong_text(field)
            if wrong:
                field.errors = [wrong]
                good = False
        return good

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """A Refusal raised inside the block becomes an error at its field; the view then shows the form again.

        Refusals that are not about what was typed (not found, not allowed) go on to be a page of their own.
        """
        try:
            yield
        except Refusal as refusal:
            if refusal.status not in (409, 422):
                raise
            self.refuse(written(refusal.message), refusal.field)

    def refuse(self, message: str, field: str | None = None) -> None:
        target = self._fields.get(field or "")
        if target is None:
            self.form_errors.append(message)
        else:
            target.errors = [*target.errors, message]

    @property
    def status(self) -> int:
        """What the page that shows this form again is answered with: 422 when something is to be corrected."""
        return 422 if self.errors else 200


def _wrong_text(field: Field) -> str | None:
    texts = [value for value in (field.raw_data or ()) if isinstance(value, str)]
    check = _unkept if isinstance(field, SecretField) else plain_text  # nobody reads a password, and one that was chosen so still counts
    return next((wrong for wrong in map(check, texts) if wrong), None)


AROUND = "".join(REORDERING) + " \t\r\n"


def _pasted(values: Sequence[str]) -> list[str]:
    """Without the signs for the direction of writing that programs put around a number, a name or an address that is copied out of them, as our
    own letters do: at the ends they say nothing of the text."""
    return [value if REORDERING.isdisjoint(value) else value.strip(AROUND) for value in values]


class LineField(StringField):
    """One line of text; blanks around it are dropped, line ends inside it refused."""

    def __init__(self, label: str, *, most: int = 200, required: str | None = None, validators: Sequence[Any] = (), **kwargs: Any) -> None:
        first = [DataRequired(required)] if required is not None else [Optional()]  # blanks are nothing
        super().__init__(
            label, [*first, Length(max=most, message=_l("Use %(most)s characters at most.", most=most)), *validators], **kwargs
        )
        self.most = most

    def process_formdata(self, valuelist: list[str]) -> None:
        self.raw_data = _pasted(valuelist)
        super().process_formdata(self.raw_data)
        self.data = (self.data or "").strip()

    def pre_validate(self, form: Any) -> None:
        if any(end in (self.data or "") for end in "\r\n\t"):
            raise StopValidation(_("Write this in one line."))


class ParagraphField(TextAreaField):
    """Several lines of plain text."""

    def __init__(self, label: str, *, most: int = 2000, required: str | None = None, validators: Sequence[Any] = (), **kwargs: Any) -> None:
        first = DataRequired(required) if required is not None else Optional()
        super().__init__(label, [first, Length(max=most, message=_l("Use %(most)s characters at most.", most=most)), *validators], **kwargs)
        self.most = most

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").replace("\r\n", "\n").strip()


class SecretField(PasswordField):
    """A password, taken exactly as typed and never shown again."""


def one_spelling(text: str) -> str:
    """The one spelling of an e-mail address that we keep: `owner@ＥＸＡＭＰＬＥ.com` is owner@example.com. ValueError for what is none."""
    return str(validate_email(text.strip()[:400], check_deliverability=False).normalized)


class AddressField(StringField):
    """An e-mail address, normalised; nothing is asked of the network to check it."""

    def __init__(self, label: str, *, required: str | None = _l("Enter your e-mail address."), **kwargs: Any) -> None:
        super().__init__(label, [InputRequired(required) if required is not None else Optional()], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.raw_data = _pasted(valuelist)
        super().process_formdata(self.raw_data)

    def pre_validate(self, form: Any) -> None:
        text = (self.data or "").strip()
        if not text or plain_text(text):
            return
        try:
            self.data = one_spelling(text)
        except ValueError:  # EmailNotValidError and UnicodeError are such
            raise StopValidation(_("Enter an e-mail address like name@example.com.")) from None


class ChoiceField(SelectField):
    """One of a list; `words` say what to do when it is none of them. `""` among the choices makes the field optional."""

    def __init__(self, label: str, *, choices: Any, words: str = _l("Choose one from the list."), **kwargs: Any) -> None:
        super().__init__(label, choices=choices, **kwargs)
        self.words = words

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except ValidationError:
            raise StopValidation(self.words) from None


class RadioField(PlainRadioField):
    """One of a few, all in sight."""

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except ValidationError:
            raise StopValidation(_("Choose one of these.")) from None


class ZoneField(ChoiceField):
    """One of the time zones. There are over four hundred, so what is one word is written once: a zone without a value is its own words."""

    widget = widgets.LeanSelect()

    def __init__(self, label: str, *, unless: str = "", **kwargs: Any) -> None:
        """`unless` are the words for choosing none."""
        none = [("", unless)] if unless else []
        super().__init__(label, choices=lambda: options([*none, *((name, name.replace("_", " ")) for name in time_zones())]), **kwargs)


class CurrencyField(ChoiceField):
    """One of the currencies we offer."""

    def __init__(self, label: str = _l("Currency"), **kwargs: Any) -> None:
        super().__init__(label, choices=options((code, code) for code in OFFERED), words=_l("Choose a currency from the list."), **kwargs)


class MoneyField(Field):
    """An amount in the currency named by another field of the form (or fixed by `currency`). `data` is Money or None.

    What was typed stays in the field when it is refused.
    """

    widget = TextInput()

    def __init__(
        self,
        label: str,
        *,
        currency: str | None = None,
        currency_field: str = "currency",
        required: str | None = None,
        above_zero: bool = True,
        validators: Sequence[Any] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [*validators], **kwargs)
        self.currency, self.currency_field, self.required, self.above_zero = currency, currency_field, required, above_zero
        self.typed = ""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return spelled(self.data) if isinstance(self.data, Money) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = (valuelist[0] if valuelist else "").strip(" ")
        self.data = None

    def pre_validate(self, form: Any) -> None:
        if not self.typed:
            if self.required:
                raise StopValidation(self.required)
            return
        code = self.currency or _text(form, self.currency_field)
        try:
            amount = read_amount(self.typed if len(self.typed) <= LONGEST_AMOUNT else "", code, comma=reader().decimal_comma)
        except BadAmount as refusal:
            if refusal.field == "currency":
                return  # said at the currency's own field
            raise StopValidation(written(refusal.message)) from None
        if self.above_zero and amount.minor <= 0:
            raise StopValidation(_("Enter an amount above zero."))
        self.data = amount


def written_like(code: str | None) -> str:
    """The hint at an amount: how one in this currency is typed, in the reader's manner."""
    if not code or not is_currency(code):
        return ""
    return _("In %(currency)s for example %(example)s.", currency=code, example=example_amount(code, comma=reader().decimal_comma))


def spelled(amount: Money) -> str:
    """As the reader would type it: 12.50, or 12,50."""
    text = amount.decimal_text
    return text.replace(".", ",") if reader().decimal_comma else text


def _text(form: Any, name: str) -> str:
    field = form._fields.get(name)
    return str(field.data or "") if field is not None else ""


MOST_DIGITS = 13


class CountField(IntegerField):
    """A whole number within bounds, written with plain digits."""

    def __init__(self, label: str, *, least: int = 1, most: int = 1_000_000, required: str | None = None, **kwargs: Any) -> None:
        super().__init__(label, [], **kwargs)
        self.least, self.most, self.required = least, most, required

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = (valuelist[0] if valuelist else "").strip(" ")
        if not text:
            return
        if not (text.isascii() and text.isdigit()):
            raise ValueError(_("Write a whole number with digits only."))
        self.data = int(text.lstrip("0")[:MOST_DIGITS] or "0")  # a longer one is beyond any bound already

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            if self.required and not self.process_errors:
                raise StopValidation(self.required)
            return
        if not self.least <= self.data <= self.most:
            raise StopValidation(_("Enter a number from %(least)s to %(most)s.", least=self.least, most=self.most))


class FormTokenField(HiddenField):
    """A name for this one wish, made when the form is shown: sent twice, it is done once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("", [InputRequired(_l("This form came without its number. Reload the page and send it again."))], **kwargs)

    def pre_validate(self, form: Any) -> None:
        text = self.data or ""
        if not (16 <= len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()):
            raise StopValidation(_("This form came with a broken number. Reload the page and send it again."))
