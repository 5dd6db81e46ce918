"""The part that two forms share: what an address of a link, or a button of it, settles before the payer comes."""

from __future__ import annotations

from typing import Self

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.payments.basket import offer_of
from core.payments.models import PaymentLink
from core.web.fields import ChoiceField, CountField, Form, FormTokenField, LineField, MoneyField, options
from core.web.words import LANGUAGES


class FilledForm(Form):
    form_token = FormTokenField()
    reference = LineField(_l("Reference"), most=60)
    amount = MoneyField(_l("Amount"))
    locale = ChoiceField(_l("Language"), choices=lambda: options([("", _("The reader’s own")), *LANGUAGES.items()]), default="")

    @classmethod
    def of(cls, link: PaymentLink) -> type[Self]:
        """With a number for each thing of the link's of which the payer could choose how many."""
        items = [item for item in offer_of(link).items if item.adjustable]
        return type(
            f"{cls.__name__}Of", (cls,), {f"quantity-{item.id}": CountField(item.title, least=item.least, most=item.most) for item in items}
        )

    def quantities(self) -> dict[str, int]:
        """How many of each of the link's things were filled in."""
        found = {name.removeprefix("quantity-"): field.data for name, field in self._fields.items() if name.startswith("quantity-")}
        return {item: number for item, number in found.items() if number is not None}

    def fit(self, link: PaymentLink) -> Self:
        """To the currency of the link, and to what it calls its reference."""
        self.amount.currency = link.currency
        if link.reference_label:
            self.reference.label.text = link.reference_label
        return self
