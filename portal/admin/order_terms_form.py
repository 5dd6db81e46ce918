"""The form of the fees of orders: as many rows of rates as are filled in and two more, the days that money waits, and an order to try them on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.money import Money
from core.orders.terms import MOST_BPS, MOST_DAYS, MOST_RATES, Rate, Terms, TermsRefused, check_terms
from core.web.day_fields import MomentField
from core.web.fields import ChoiceField, CountField, CurrencyField, Form, LineField, MoneyField, options, spelled
from core.web.languages import written
from core.web.percent_field import PercentField
from portal.admin.plan_form import MinimumsField

PARTS = ("bps", "tier", "category", "fixed")
SPARE = 2
USUAL_BPS = Vendor.__table__.c.fee_bps.default.arg  # of a vendor with whom nothing else was agreed
BEARERS = {"platform": _l("The platform"), "seller": _l("The seller")}


class OrderTermsForm(Form):
    """Made with its rows by `_made`."""

    rows, currency = 0, ""
    begins_at = MomentField(_l("Counts from"))
    bearer = ChoiceField(_l("Who bears what the processor keeps"), choices=options(BEARERS.items()))
    waiting_days = CountField(_l("An order counts as delivered after so many days"), most=MOST_DAYS, required=_l("Enter a number."))
    least_days = CountField(_l("No money is available before so many days"), least=0, most=MOST_DAYS, required=_l("Enter a number."))
    example_amount = MoneyField(_l("Amount"), currency_field="example_currency", required=_l("Enter an amount to try the fees on."))
    example_currency = CurrencyField()
    example_tier = LineField(_l("Plan of the seller"), most=30)
    example_category = LineField(_l("Category"), most=40)

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        for n in self.filled:
            field = self[f"rate_{n}_bps"]
            if field.data is None and not field.errors:
                self.refuse(_("Enter a percentage, 0 for none."), field.name)
        if self.begins_at.data is not None and self.begins_at.data < now():
            self.refuse(_("New fees cannot begin in the past."), "begins_at")
        if good and not self.errors:
            try:
                check_terms(self.terms)
            except TermsRefused as refusal:
                self.refuse(written(refusal.message), self._named(refusal.field or ""))
        return good and not self.errors

    def _named(self, field: str) -> str:
        """A field of a rate, as it stands in this form."""
        if not field.startswith("rates."):
            return field
        _rates, place, part = field.split(".")
        return f"rate_{self.filled[int(place)]}_{part}"

    @property
    def filled(self) -> list[int]:
        """The rows in which somebody wrote something."""
        return [n for n in range(self.rows) if any((self[f"rate_{n}_{part}"].raw_data or [""])[0].strip() for part in PARTS)]

    @property
    def terms(self) -> Terms:
        """What was written, once it is valid. The version is not ours to give."""
        return Terms(
            0,
            tuple(self._rate(n) for n in self.filled),
            self.bearer.data == "seller",
            self.waiting_days.data or 0,
            self.least_days.data or 0,
        )

    def _rate(self, n: int) -> Rate:
        bps, tier, category, fixed = (self[f"rate_{n}_{part}"] for part in PARTS)
        return Rate(bps.data, tier.data or "", category.data or "", {sum_.currency: sum_.minor for sum_ in fixed.sums} or None)


def form_of(terms: Terms, currency: str) -> OrderTermsForm:
    """The form with a version to begin with."""
    values: dict[str, Any] = {
        "bearer": "seller" if terms.seller_bears else "platform", "waiting_days": terms.waiting_days, "least_days": terms.least_days,
        "example_amount": Money(10_000, currency), "example_currency": currency,
    }  # fmt: skip
    for n, rate in enumerate(terms.rates):
        fixed = "\n".join(f"{code} {spelled(Money(minor, code))}" for code, minor in sorted((rate.fixed or {}).items()))
        values |= {f"rate_{n}_bps": rate.bps, f"rate_{n}_tier": rate.tier, f"rate_{n}_category": rate.category, f"rate_{n}_fixed": fixed}
    return _made(min(len(terms.rates) + SPARE, MOST_RATES))(formdata=None, **values)


def posted_form() -> OrderTermsForm:
    """What was sent, with empty rows closed up."""
    sent = request.form
    rows = [{part: sent.get(f"rate_{n}_{part}", "") for part in PARTS} for n in range(MOST_RATES)]
    rows = [row for row in rows if any(text.strip() for text in row.values())]
    plain = [(name, value) for name, value in sent.items(multi=True) if not name.startswith("rate_")]
    closed = MultiDict([*plain, *((f"rate_{n}_{part}", text) for n, row in enumerate(rows) for part, text in row.items())])
    return _made(min(len(rows) + (4 if sent.get("go") == "more" else SPARE), MOST_RATES))(formdata=closed)


@lru_cache(maxsize=64)
def _made(rows: int) -> type[OrderTermsForm]:
    made: dict[str, Any] = {"rows": rows}
    for n in range(rows):
        made[f"rate_{n}_bps"] = PercentField(_l("Percent"), most=MOST_BPS)
        made[f"rate_{n}_tier"] = LineField(_l("Plan"), most=30)
        made[f"rate_{n}_category"] = LineField(_l("Category"), most=40)
        made[f"rate_{n}_fixed"] = MinimumsField(_l("Fixed part of an order"), most=1000)
    return type("OrderTermsForm", (OrderTermsForm,), made)
