"""The form of a price list: every field of Terms, with as many rows for plans as are filled in and two more."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms.validators import StopValidation

from core.accounts.house import house
from core.billing.clock import today_of
from core.billing.terms import Terms, Tier
from core.billing.terms_check import BOUNDS, LONGEST_ABOUT, LONGEST_CODE, LONGEST_NAME, MOST_DAYS, MOST_DRIFT_BPS, MOST_TIERS, faults_of
from core.kernel.money import BadAmount, Money, read_amount
from core.web.day_fields import DayField
from core.web.fields import CountField, Form, LineField, MoneyField, ParagraphField, spelled
from core.web.languages import reader, written
from core.web.percent_field import PercentField
from portal.term_words import LABELS

PARTS = ("code", "name", "price", "limit", "pictures", "about")
SPARE = 2
PLAIN = tuple(field.name for field in fields(Terms) if field.name not in ("version", "tiers"))
SUMS, DAYS = ("branch_price", "hibernation_fee", "small_amount", "gateway_minimum"), ("notice_days", "retry_days")
MOST_MINIMUMS = 40


class DaysField(LineField):
    """A few days beside each other, `1, 3, 7, 15`; `days` holds what was read, in order, or the other way round when they are counted back."""

    days: tuple[int, ...] = ()

    def __init__(self, label: str, *, counted_back: bool = False, **kwargs: Any) -> None:
        super().__init__(label, most=60, **kwargs)
        self.counted_back = counted_back

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        found = (self.data or "").replace(",", " ").split()
        if len(found) > MOST_DAYS or not all(text.isascii() and text.isdigit() and len(text) <= 3 for text in found):
            raise StopValidation(_("Write whole numbers with commas between, like 1, 3, 7; %(most)s at most.", most=MOST_DAYS))
        self.days = tuple(sorted({int(text) for text in found}, reverse=self.counted_back))


class MinimumsField(ParagraphField):
    """One sum a line, `EUR 0.50`; `sums` holds what was read."""

    sums: tuple[Money, ...] = ()

    def pre_validate(self, form: Any) -> None:
        lines = [line.split() for line in (self.data or "").splitlines() if line.strip()]
        if len(lines) > MOST_MINIMUMS or any(len(line) != 2 for line in lines):
            raise StopValidation(_("Write one sum a line: the currency, a blank, the amount, like EUR 0.50."))
        try:
            self.sums = tuple(read_amount(amount[:64], code.upper(), comma=reader().decimal_comma) for code, amount in lines)
        except BadAmount as refusal:
            raise StopValidation(written(refusal.message)) from None
        codes = [each.currency for each in self.sums]
        if len(set(codes)) < len(codes):
            raise StopValidation(_("A currency stands there twice."))
        if form.currency in codes:
            raise StopValidation(_("The list is in %(currency)s: its least stands above.", currency=form.currency))


class PlanForm(Form):
    """Made with its rows and its currency by `_made`."""

    rows, currency = 0, "GBP"
    valid_from = DayField(_l("Counts from"))
    minimums = MinimumsField(LABELS["minimums"], most=1000)

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        for n in self.filled:
            for part, words in (("code", _("Give it a code.")), ("price", _("Enter its price."))):
                field = self[f"tier_{n}_{part}"]
                if not field.data and not field.errors:
                    self.refuse(words, field.name)
        if self.valid_from.day is None and not self.valid_from.errors:
            self.refuse(_("Choose the first day on which it counts."), "valid_from")
        elif self.valid_from.day is not None and self.valid_from.day < today_of(house()):
            self.refuse(_("Choose today or a later day: what is over was charged already."), "valid_from")
        if good and not self.errors:
            self._find_faults()
        return good and not self.errors

    def _find_faults(self) -> None:
        for fault in faults_of(self.tiers, self.values):
            name = fault.field if fault.row is None else f"tier_{self.filled[fault.row]}_{fault.field}"
            self.refuse(written(fault.message), "tier_0_code" if name == "tiers" else name)

    @property
    def filled(self) -> list[int]:
        """The rows in which somebody wrote something."""
        return [n for n in range(self.rows) if any((self[f"tier_{n}_{part}"].raw_data or [""])[0].strip() for part in PARTS)]

    @property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(self._tier(n) for n in self.filled)

    def _tier(self, n: int) -> Tier:
        code, price, limit = (self[f"tier_{n}_{part}"].data for part in ("code", "price", "limit"))
        return Tier(code, price, limit, *self._words(n), self[f"tier_{n}_pictures"].data)

    def _words(self, n: int) -> tuple[str, str]:
        return self[f"tier_{n}_name"].data or "", self[f"tier_{n}_about"].data or ""

    @property
    def values(self) -> dict[str, Any]:
        """The fields of Terms but the version and the plans."""
        read = {name: self[name].days for name in DAYS} | {"minimums": self.minimums.sums}
        return {name: read[name] if name in read else self[name].data for name in PLAIN}

    @property
    def terms(self) -> Terms:
        """What was written, once it is valid. The version is not ours to give."""
        return Terms(version=0, tiers=self.tiers, **self.values)


def form_of(terms: Terms | None, currency: str) -> PlanForm:
    """The form with a list to begin with, or empty when there is none in this currency."""
    if terms is None or terms.currency != currency:
        return _made(SPARE + 1, currency)(formdata=None)
    values: dict[str, Any] = {name: getattr(terms, name) for name in PLAIN}
    values |= {name: ", ".join(map(str, values[name])) for name in DAYS}
    values["minimums"] = "\n".join(f"{least.currency} {spelled(least)}" for least in terms.minimums)
    for n, tier in enumerate(terms.tiers):
        values |= {f"tier_{n}_{part}": getattr(tier, part) for part in PARTS}
    return _made(min(len(terms.tiers) + SPARE, MOST_TIERS), currency)(formdata=None, **values)


def posted_form(currency: str) -> PlanForm:
    """What was sent, with empty rows closed up and, where the limits can be compared, the plans in their order."""
    sent, rows = _closed_up(request.form)
    return _made(min(rows + (4 if request.form.get("go") == "more" else SPARE), MOST_TIERS), currency)(formdata=sent)


def _closed_up(sent: MultiDict[str, str]) -> tuple[MultiDict[str, str], int]:
    rows = [{part: sent.get(f"tier_{n}_{part}", "") for part in PARTS} for n in range(MOST_TIERS)]
    rows = [row for row in rows if any(text.strip() for text in row.values())]
    limits = [row["limit"].strip() for row in rows]
    if limits.count("") == 1 and all(_is_count(text) for text in limits if text):
        rows.sort(key=lambda row: (not row["limit"].strip(), int(row["limit"].strip() or 0)))
    plain = [(name, value) for name, value in sent.items(multi=True) if not name.startswith("tier_")]
    kept = [(f"tier_{n}_{part}", text) for n, row in enumerate(rows) for part, text in row.items()]
    return MultiDict([*plain, *kept]), len(rows)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


@lru_cache(maxsize=64)
def _made(rows: int, currency: str) -> type[PlanForm]:
    made: dict[str, Any] = {"rows": rows, "currency": currency}
    for n in range(rows):
        made[f"tier_{n}_code"] = LineField(_l("Code"), most=LONGEST_CODE)
        made[f"tier_{n}_name"] = LineField(_l("Name"), most=LONGEST_NAME)
        made[f"tier_{n}_price"] = MoneyField(_l("A month"), currency=currency)
        made[f"tier_{n}_limit"] = CountField(_l("Products"), least=1, most=1_000_000)
        made[f"tier_{n}_pictures"] = CountField(_l("Pictures"), least=1, most=100)
        made[f"tier_{n}_about"] = LineField(_l("In a sentence"), most=LONGEST_ABOUT)
    for name in SUMS:
        made[name] = MoneyField(LABELS[name], currency=currency, required=_l("Enter an amount."))
    for name in DAYS:
        made[name] = DaysField(LABELS[name], counted_back=name == "notice_days")
    for name, (least, most) in BOUNDS.items():
        made[name] = CountField(LABELS[name], least=least, most=most, required=_l("Enter a number."))
    made["drift_bps"] = PercentField(LABELS["drift_bps"], most=MOST_DRIFT_BPS, required=_l("Enter a percentage."))
    return type("PlanForm", (PlanForm,), made)
