"""A field for a percentage, read strictly; `data` is whole basis points or None."""

from __future__ import annotations

from typing import Any

from wtforms import Field
from wtforms.validators import StopValidation
from wtforms.widgets import TextInput

from core.kernel.percent import WHOLE, BadPercent, parse_percent, percent_text
from core.web.languages import written


class PercentField(Field):
    """`12.5` is 1250. What was typed stays in the field when it is refused."""

    widget = TextInput()

    def __init__(self, label: str, *, most: int = WHOLE, required: str | None = None, **kwargs: Any) -> None:
        super().__init__(label, [], **kwargs)
        self.most, self.required, self.typed = most, required, ""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return percent_text(self.data) if isinstance(self.data, int) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = (valuelist[0] if valuelist else "").strip(" ")
        self.data = None

    def pre_validate(self, form: Any) -> None:
        if not self.typed:
            if self.required:
                raise StopValidation(self.required)
            return
        try:
            self.data = parse_percent(self.typed[:40], most=self.most)
        except BadPercent as refusal:
            raise StopValidation(written(refusal.message)) from None
