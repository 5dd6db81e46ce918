"""The form of a payment link: reads what the vendor typed into terms, and a link's terms back into the form."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import StopValidation

from core.kernel.currency import is_currency
from core.kernel.money import BadAmount, Money, read_amount
from core.payments.link_terms import LinkTerms
from core.payments.models import PaymentLink
from core.web.day_fields import DayField, MomentField, day_begins
from core.web.fields import ChoiceField, CountField, CurrencyField, LineField, MoneyField, ParagraphField, RadioField, options, spelled
from core.web.languages import reader, written
from core.web.words import LANGUAGES
from portal.link_looks import OWN, look_choices, look_of
from portal.link_sharing_form import SharingFields, sharing_values
from portal.method_form import MethodsField

MOST_SUGGESTIONS = 4


class SuggestionsField(LineField):
    """Up to four amounts beside each other, `5, 10, 25`, in the form's currency; `amounts` holds what was read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.amounts: list[Money] = []

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        self.amounts = []
        code = form.currency.data
        if not self.data or not code or not is_currency(code):
            return
        comma = reader().decimal_comma  # then it stands inside an amount: 5; 10; 12,50
        for text in self.data.replace(";", " ").replace(", " if comma else ",", " ").split():
            try:
                amount = read_amount(text[:64], code, comma=comma)
            except BadAmount as refusal:
                raise StopValidation(_("“%(text)s” cannot be read. %(reason)s", text=text[:20], reason=written(refusal.message))) from None
            if amount not in self.amounts:
                self.amounts.append(amount)
        if len(self.amounts) > MOST_SUGGESTIONS:
            raise StopValidation(_("Suggest %(most)s amounts at most.", most=MOST_SUGGESTIONS))


class LinkForm(SharingFields):
    title = LineField(_l("Title"), most=120, required=_l("Say what the payment is for."))
    description = ParagraphField(_l("Description"), most=2000)
    currency = CurrencyField(_l("Currency"))
    amount_kind = RadioField(
        _l("Who decides the amount?"),
        choices=options([("fixed", _l("I do")), ("open", _l("The payer")), ("items", _l("A list of things"))]),
        default="fixed",
    )
    amount = MoneyField(_l("Amount"))
    minimum = MoneyField(_l("Smallest amount"))
    maximum = MoneyField(_l("Largest amount"))
    step = MoneyField(_l("In steps of"))
    suggestions = SuggestionsField(_l("Suggested amounts"), most=100)
    kind = RadioField(
        _l("How often can it be paid?"),
        choices=options(
            [("single", _l("Once")), ("reusable", _l("Again and again")), ("request", _l("In parts, until all of it is paid"))]
        ),
        default="single",
    )
    part_minimum = MoneyField(_l("Smallest part"))
    due_on = DayField(_l("Due on"))
    max_payments = CountField(_l("Most payments"), most=10_000)
    expires_at = MomentField(_l("Ends at"))
    hours_after_opening = CountField(_l("Hours after it is first opened"), most=8_760)
    methods = MethodsField()
    look = ChoiceField(_l("Colours"), choices=(), words=_l("Choose a style from the list."), default="")
    accent = LineField(_l("Colour on light pages"), most=20)
    accent_dark = LineField(_l("Colour on dark pages"), most=20)
    locale = ChoiceField(_l("Language"), choices=lambda: options([("", _("The reader’s own")), *LANGUAGES.items()]), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.look.choices = options(look_choices(self.look.data or ""))

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if self.amount_kind.data == "fixed" and self.amount.data is None and not self.amount.errors and not self.currency.errors:
            self.refuse(_("Enter the amount to be paid, or let the payer choose."), "amount")
            good = False
        if self.kind.data == "request" and self.amount_kind.data == "open":
            self.refuse(_("To be paid in parts it needs an amount that you decide."), "kind")
            good = False
        return good

    def terms(self, *, paused_message: str = "") -> LinkTerms:
        """What was typed, as the payments room wants it. Parts that do not apply to the kinds chosen are left out."""
        payer_chooses, in_parts = self.amount_kind.data == "open", self.kind.data == "request"
        return LinkTerms(
            title=self.title.data,
            description=self.description.data or "",
            kind=self.kind.data,
            currency=self.currency.data,
            amount_minor=None if payer_chooses or in_parts else _minor(self.amount.data),
            total_minor=_minor(self.amount.data) if in_parts else None,
            due_on=self.due_on.day if in_parts else None,
            minimum_minor=_minor(self.part_minimum.data) if in_parts else _minor(self.minimum.data) if payer_chooses else None,
            maximum_minor=_minor(self.maximum.data) if payer_chooses else None,
            step_minor=_minor(self.step.data) if payer_chooses else None,
            suggestions_minor=[amount.minor for amount in self.suggestions.amounts] if payer_chooses else [],
            expires_at=self.expires_at.data,
            hours_after_opening=self.hours_after_opening.data,
            max_payments=self.max_payments.data if self.kind.data == "reusable" else None,
            paused_message=paused_message,
            methods=tuple(self.methods.data or ()),
            locale=self.locale.data or "",
            style=self.look.data if (self.look.data or "").startswith("sty_") else "",
            accent=(self.accent.data or "") if self.look.data == OWN else "",
            accent_dark=(self.accent_dark.data or "") if self.look.data == OWN else "",
        )


def filled_from(link: PaymentLink, made: type[LinkForm] = LinkForm, **more: Any) -> LinkForm:
    """The form as it looks when somebody opens an existing link for editing; `more` says what else it holds."""
    suggested = [spelled(Money(minor, link.currency)) for minor in link.suggestions_minor]
    return made(
        formdata=None,
        title=link.title,
        description=link.description,
        currency=link.currency,
        amount_kind=more.pop("amount_kind", "fixed" if link.amount or link.total else "open"),
        amount=link.total or link.amount,
        minimum=None if link.total else _money(link.minimum_minor, link.currency),
        part_minimum=_money(link.minimum_minor, link.currency) if link.total else None,
        due_on=day_begins(link.due_on),
        maximum=_money(link.maximum_minor, link.currency),
        step=_money(link.step_minor, link.currency),
        suggestions=", ".join(suggested),
        kind=link.kind,
        max_payments=link.max_payments,
        expires_at=link.expires_at,
        hours_after_opening=link.hours_after_opening,
        methods=list(link.methods),
        locale=link.locale,
        look=look_of(link),
        accent="" if link.style else link.accent,
        accent_dark="" if link.style else link.accent_dark,
        **sharing_values(link),
        **more,
    )


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _money(minor: int | None, code: str) -> Money | None:
    return None if minor is None else Money(minor, code)
