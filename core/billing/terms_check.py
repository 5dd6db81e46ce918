"""What is wrong with a price list that somebody wrote, each fault at its field. Terms refuses the same, and cannot say where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.billing.terms import Tier
from core.kernel.money import Money
from core.kernel.sentence import said

MOST_TIERS = 8
LONGEST_CODE, LONGEST_NAME, LONGEST_ABOUT = 30, 40, 160
CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# From and to, for what is counted; `suspend_after` ends before the shortest month does, so that nobody ever owes two of them.
BOUNDS: dict[str, tuple[int, int]] = {
    "trial_days": (0, 90),
    "grace_days": (1, 60), "clean_days": (1, 60), "free_toggle_days": (0, 28), "suspend_after": (2, 27), "cancel_after": (3, 365),
    "export_days": (1, 3650), "awaiting_hours": (1, 47), "trial_notice_days": (1, 28), "renewal_notice_days": (1, 27), "hibernation_months": (2, 60),
    "hibernation_notice_month": (1, 59), "drift_notice_days": (1, 27), "credit_note_days": (1, 60),
    "tax_check_hours": (1, 720),
}  # fmt: skip
MOST_DAYS = 10  # in a list of days
MOST_DRIFT_BPS = 5000


@dataclass(frozen=True, slots=True)
class Fault:
    """What to write instead. `field` is one of Terms', or with `row` one of that tier's."""

    field: str
    message: str
    row: int | None = None


def faults_of(tiers: Sequence[Tier], values: Mapping[str, Any]) -> list[Fault]:
    """Everything that keeps these from being Terms. `values` are the other fields of Terms, all of them but the version."""
    asked = (_codes(tiers), _prices(tiers, values["gateway_minimum"]), _limits(tiers), _pictures(tiers), _counts(values), _days(values))
    return [fault for faults in asked for fault in faults]


def _codes(tiers: Sequence[Tier]) -> Iterator[Fault]:
    if not tiers:
        yield Fault("tiers", said("A price list has at least one plan."))
    seen: set[str] = set()
    for row, tier in enumerate(tiers):
        if len(tier.code) > LONGEST_CODE or not CODE.fullmatch(tier.code):
            yield Fault("code", said("Small letters, digits and hyphens, beginning with a letter, like pro or pro-plus."), row)
        elif tier.code in seen:
            yield Fault("code", said("Another plan has this code already."), row)
        seen.add(tier.code)


def _prices(tiers: Sequence[Tier], least: Money) -> Iterator[Fault]:
    for row, tier in enumerate(tiers):
        if tier.price < least:
            yield Fault("price", said("At least %(least)s: the card processor takes nothing below.", least=least), row)
    for row, (before, tier) in enumerate(pairwise(tiers), start=1):
        if tier.price < before.price:
            yield Fault("price", said("A greater plan does not cost less than the one before it (%(price)s).", price=before.price), row)


def _limits(tiers: Sequence[Tier]) -> Iterator[Fault]:
    if all(tier.limit is None for tier in tiers):
        return
    last = len(tiers) - 1
    for row, tier in enumerate(tiers):
        if tier.limit is not None and tier.limit < 1:
            yield Fault("limit", said("At least one product."), row)
        elif row < last and tier.limit is None:
            yield Fault("limit", said("Only the greatest plan may be without a limit: nobody would need one above it."), row)
        elif row == last and tier.limit is not None:
            yield Fault("limit", said("Leave the limit of the greatest plan empty: whoever grows beyond it would have nowhere to go."), row)
    for row, (before, tier) in enumerate(pairwise(tiers), start=1):
        if before.limit is not None and tier.limit is not None and tier.limit <= before.limit:
            yield Fault("limit", said("More than the plan before it (%(limit)s).", limit=before.limit), row)


def _pictures(tiers: Sequence[Tier]) -> Iterator[Fault]:
    for row, tier in enumerate(tiers):
        if tier.pictures is not None and tier.pictures < 1:
            yield Fault("pictures", said("At least one picture."), row)
    for row, (before, tier) in enumerate(pairwise(tiers), start=1):
        if tier.pictures is not None and (before.pictures is None or tier.pictures < before.pictures):
            yield Fault("pictures", said("Not fewer than the plan before it shows."), row)


def _counts(values: Mapping[str, Any]) -> Iterator[Fault]:
    for field, (least, most) in BOUNDS.items():
        if not least <= values[field] <= most:
            yield Fault(field, said("Enter a number from %(least)s to %(most)s.", least=least, most=most))
    if not 1 <= values["drift_bps"] <= MOST_DRIFT_BPS:
        yield Fault("drift_bps", said("More than 0 % and at most 50 %."))


def _days(values: Mapping[str, Any]) -> Iterator[Fault]:
    grace, suspended = values["grace_days"], values["suspend_after"]
    if any(not 1 <= day < grace for day in values["notice_days"]):
        yield Fault("notice_days", said("Each at least 1 and fewer than the %(days)s days of grace.", days=grace))
    retries = values["retry_days"]
    if not retries or retries[0] < 1:
        yield Fault("retry_days", said("At least one day, counted from the first decline: 1 is the day after it."))
    elif retries[-1] >= suspended:
        yield Fault("retry_days", said("The last try comes before the service stops on day %(day)s.", day=suspended))
    if values["cancel_after"] <= suspended:
        yield Fault("cancel_after", said("The end comes after the service has stopped on day %(day)s.", day=suspended))
    if values["hibernation_notice_month"] >= values["hibernation_months"]:
        words = said("The notice comes before hibernating ends after %(months)s months.", months=values["hibernation_months"])
        yield Fault("hibernation_notice_month", words)
