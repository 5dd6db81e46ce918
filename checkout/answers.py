"""A vendor's own questions: the field for each kind, and the answer as it is kept."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from wtforms.validators import StopValidation

from core.payments.offer import Question
from core.web.fields import BooleanField, ChoiceField, LineField, options

_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


class NumberField(LineField):
    """A number as it was written; it stays a text, for nothing is worked out with it."""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not _NUMBER.fullmatch(self.data):
            raise StopValidation(_("Write a number with digits only, like 12 or 1.5."))


class PlainDayField(LineField):
    """A day without a place: 2026-11-21 wherever it is read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.flags.maxlength  # a calendar knows how long a day is, and HTML no such attribute for it

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if not self.data:
            return
        try:
            if len(self.data) != 10 or not self.data.isascii() or not 1900 <= date.fromisoformat(self.data).year < 2200:
                raise ValueError
        except ValueError:
            raise StopValidation(_("Write a day like 2026-11-21.")) from None


def answer_field(question: Question) -> Any:
    """The field for one question."""
    if question.kind == "checkbox":
        return BooleanField(question.label)
    if question.kind == "select":
        nothing = [("", "–")]
        return ChoiceField(question.label, choices=options([*nothing, *((option, option) for option in question.options)]), default="")
    kinds = {"number": NumberField, "date": PlainDayField}
    return kinds.get(question.kind, LineField)(question.label, most=500)


def read_answer(form: Any, question: Question) -> dict[str, Any] | None:
    """The answer with its label, as it is kept; None where nothing was said. A required one that is missing is refused at its field."""
    field = form[f"answer_{question.slug}"]
    if field.errors:
        return None
    if not field.data:
        if question.required:
            tick, answer = _("To go on, tick “%(label)s”.", label=question.label), _("Please answer “%(label)s”.", label=question.label)
            form.refuse(tick if question.kind == "checkbox" else answer, field.name)
        if question.kind != "checkbox":
            return None
    return {"slug": question.slug, "label": question.label, "kind": question.kind, "value": field.data}
