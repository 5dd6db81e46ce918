"""The field for a business's VAT number: one spelling, its check digits proved."""

from __future__ import annotations

from typing import Any

from wtforms.validators import StopValidation

from core.payments.tax import BadTaxId, read_tax_id
from core.web.fields import LineField
from core.web.languages import written


class TaxIdField(LineField):
    """A VAT number in its one spelling, its check digits proved."""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data:
            try:
                self.data = read_tax_id(self.data)
            except BadTaxId as refusal:
                raise StopValidation(written(refusal.message)) from None
