"""A vendor's ways to pay: how they stand, and changing them: on and off, up and down, and the bounds of each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.places import is_country
from core.kernel.ask import Question
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.currency import OFFERED
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.methods.models import VendorMethod
from core.providers.contract import METHODS

Written = list[list[Any]]  # the rows as `rules_told` gives them


def rules_told(vendor_id: Any, mode: Any) -> ScalarSelect[Any]:
    """What a vendor has decided, as one value that a question about something else can bring along: a list for each row, or NULL for none."""
    row = VendorMethod
    said = func.json_build_array(
        row.method, row.enabled, row.position, row.currency, row.minimum_minor, row.maximum_minor, row.currencies, row.countries
    )
    mine = select(func.json_agg(said)).where(row.vendor_id == vendor_id, row.mode == mode)
    return mine.scalar_subquery()


_RULES = Question(select(rules_told(bindparam("vendor_id"), bindparam("mode"))))  # many pages ask this: put together once
ON_FROM_THE_START = frozenset({"card"})
MOST_COUNTRIES = 60


class BadBounds(Refusal):
    """The bounds contradict themselves, or name what does not exist."""

    code = "bad_bounds"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a vendor demands of a payment before this way is shown. Nothing said is no demand."""

    currency: str | None = None
    minimum_minor: int | None = None
    maximum_minor: int | None = None
    currencies: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to pay as a vendor has it."""

    method: str
    enabled: bool
    bounds: Bounds = Bounds()

    @property
    def minimum(self) -> Money | None:
        """The smallest sum, in the currency of the limits."""
        return _money(self.bounds.minimum_minor, self.bounds.currency)

    @property
    def maximum(self) -> Money | None:
        """The largest sum, in the currency of the limits."""
        return _money(self.bounds.maximum_minor, self.bounds.currency)


AS_AT_THE_START = {method: Rule(method, method in ON_FROM_THE_START) for method in METHODS}


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def list_rules(vendor_id: uuid.UUID, mode: str) -> list[Rule]:
    """Every way to pay as this vendor has it, in the vendor's order. What nobody has touched is as it was at the start."""
    return rules_of(written_rules(vendor_id, mode))


def written_rules(vendor_id: uuid.UUID, mode: str) -> Written:
    """What this vendor has decided, as it stands in the table: two times the same means that nothing has changed."""
    found = _RULES.first(vendor_id=vendor_id, mode=mode)
    return (found and found[0]) or []


def rules_of(rows: Written) -> list[Rule]:
    """Every way to pay, in the vendor's order, where this is what is written."""
    if not rows:
        return list(AS_AT_THE_START.values())
    places = {method: number for number, method in enumerate(METHODS)}
    rules = dict(AS_AT_THE_START)
    for method, enabled, position, currency, least, most, currencies, countries in rows:
        places[method] = position
        rules[method] = Rule(method, enabled, Bounds(currency, least, most, tuple(currencies), tuple(countries)))
    return [rules[method] for method in sorted(METHODS, key=places.__getitem__)]


def switch_method(vendor: Vendor, mode: str, method: str, *, on: bool, by: str) -> None:
    """Offer this way to pay, or stop offering it. The last one stays on: who wants no payments pauses their links."""
    rows = _lock_all(vendor, mode)
    row = _one(rows, method)
    if not on and not any(other.enabled for other in rows if other is not row):
        raise Conflict("One way to pay stays on. To take no payments for a while, pause your links.")
    if row.enabled != on:
        row.enabled, row.updated_at = on, now()
        record(vendor.id, actor=by, action="method.switched", subject=method, mode=mode, changes={"offered": [not on, on]})


def move_method(vendor: Vendor, mode: str, method: str, *, up: bool, by: str) -> None:
    """One place up or down in the list payers see. At the end of the list nothing happens."""
    rows = _lock_all(vendor, mode)
    place = rows.index(_one(rows, method))
    other = place + (-1 if up else 1)
    if not 0 <= other < len(rows):
        return
    rows[place], rows[other] = rows[other], rows[place]
    for position, row in enumerate(rows):
        row.position = position
    record(vendor.id, actor=by, action="method.moved", subject=method, mode=mode, changes={"place": [place + 1, other + 1]})


def bound_method(vendor: Vendor, mode: str, method: str, *, bounds: Bounds, by: str) -> None:
    """Draw the bounds of this way to pay anew. Refuses bounds that contradict themselves, naming the field."""
    check_bounds(bounds)
    row = _one(_lock_all(vendor, mode), method)
    names = ("currency", "minimum_minor", "maximum_minor", "currencies", "countries")
    before = {name: getattr(row, name) for name in names}
    limited = bounds.minimum_minor is not None or bounds.maximum_minor is not None
    row.currency = bounds.currency if limited else None
    row.minimum_minor, row.maximum_minor = bounds.minimum_minor, bounds.maximum_minor
    row.currencies, row.countries, row.updated_at = list(bounds.currencies), list(bounds.countries), now()
    record(
        vendor.id,
        actor=by,
        action="method.bounded",
        subject=method,
        mode=mode,
        changes=differences(before, {name: getattr(row, name) for name in names}),
    )


def check_bounds(bounds: Bounds) -> None:
    """Refuse bounds that contradict themselves or name what does not exist."""
    low, high = bounds.minimum_minor, bounds.maximum_minor
    if (low is not None or high is not None) and bounds.currency not in OFFERED:
        raise BadBounds("Choose the currency of the limits from the list.", field="currency")
    if low is not None and low <= 0:
        raise BadBounds("Enter an amount above zero.", field="minimum")
    if high is not None and high <= 0:
        raise BadBounds("Enter an amount above zero.", field="maximum")
    if low is not None and high is not None and low > high:
        raise BadBounds("The largest amount cannot be below the smallest.", field="maximum")
    if any(code not in OFFERED for code in bounds.currencies):
        raise BadBounds("Choose currencies from the list.", field="currencies")
    if len(bounds.countries) > MOST_COUNTRIES:
        raise BadBounds(said("Name %(most)s countries at most, or leave it empty for all.", most=MOST_COUNTRIES), field="countries")
    for code in bounds.countries:
        if not is_country(code):
            raise BadBounds(said("“%(code)s” is no country's code.", code=code[:20]), field="countries")


def _lock_all(vendor: Vendor, mode: str) -> list[VendorMethod]:
    """All of this vendor's rows, made where there were none, locked in one order, and given in the vendor's own."""
    blank = {"vendor_id": vendor.id, "mode": mode, "currencies": [], "countries": [], "updated_at": now()}
    rows = [{**blank, "method": rule.method, "enabled": rule.enabled, "position": n} for n, rule in enumerate(list_rules(vendor.id, mode))]
    db.session.execute(insert(VendorMethod).on_conflict_do_nothing(), rows)
    mine = select(VendorMethod).where(VendorMethod.vendor_id == vendor.id, VendorMethod.mode == mode).order_by(VendorMethod.method)
    locked = db.session.scalars(mine.with_for_update().execution_options(populate_existing=True))
    return sorted(locked, key=lambda row: (row.position, row.method))


def _one(rows: list[VendorMethod], method: str) -> VendorMethod:
    for row in rows:
        if row.method == method:
            return row
    raise NotFound("There is no such way to pay.")
