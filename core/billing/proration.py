"""Charges and credits for a piece of a period: exact fractions, one rounding a line, never more back than was debited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from core.billing.calendar import Period
from core.billing.lines import BRANCH, HIBERNATION, PLAN, Entry, Line, group_of, sum_of
from core.billing.subscription import Subscription
from core.kernel.money import Money
from core.providers.exponents import charge_step


def part(whole: Money, fraction: Fraction) -> Money:
    """A fraction of a sum, rounded once to what a card can carry."""
    return whole.part(fraction, step=charge_step(whole.currency))


def charge_line(
    item: str, code: str, quantity: int, price: Money, piece: Period, of: Period, *, room: Money, tax_bps: int | None, name: str = ""
) -> Line:
    """So many days of a period's price, at most `room`: what the cap of the period still leaves."""
    whole = Money(price.minor * quantity, price.currency)
    fraction = Fraction(piece.days, of.days)
    amount = part(whole, fraction)
    held = min(amount, max(room, Money(0, price.currency)))
    return Line(
        0, item, code, quantity, quantity, piece.start, piece.end, piece.days, of.days, whole, whole.minor * fraction, held,
        limited="cap" if held < amount else "", tax_bps=tax_bps, name=name,
    )  # fmt: skip


def credit_line(entry: Entry, quantity: int, on: date) -> Line:
    """What was debited for the unused days of `quantity` of a line, from that day to the line's end, at most what is left of the line."""
    line = entry.line
    unused = Period(max(on, line.start), line.end)
    share = Fraction(quantity, line.quantity) * Fraction(unused.days, line.days)
    amount = part(line.amount, share)
    given = min(amount, entry.remaining)
    return replace(
        line, number=0, quantity=quantity, of_quantity=line.quantity, start=unused.start, days=unused.days, of_days=line.days,
        whole=line.amount, exact=-line.amount.minor * share, amount=-given, corrects=line.number, limited="remainder" if given < amount else "",
    )  # fmt: skip


def rest_of(entry: Entry) -> Line:
    """All that is left of a line, as a credit: for the invoice that is wrong as a whole."""
    line = entry.line
    left = entry.remaining
    return replace(line, number=0, whole=left, exact=Fraction(-left.minor), amount=-left, corrects=line.number, limited="remainder")


# --- what a subscription is charged ------------------------------------------------------------------------------------------


def net_of(state: Subscription, group: str, drafted: Iterable[Line] = ()) -> Money:
    """Charges less credits of one group of items in the present period, with what is being drafted."""
    kept = sum_of((e.remaining for e in state.entries if e.line.corrects is None and _counts(state, e.line, group)), state.currency)
    return kept + sum_of((line.amount for line in drafted if _counts(state, line, group)), state.currency)


def _counts(state: Subscription, line: Line, group: str) -> bool:
    return group_of(line.item) == group and line.start in state.period


def _room(state: Subscription, item: str, price: Money, quantity: int, drafted: Sequence[Line]) -> Money:
    """What the cap leaves: the full price of the highest state held in the period, less what it has cost so far."""
    group = group_of(item)
    if group == BRANCH:
        cap = Money(price.minor * max(state.branches.most, state.branches.billed + quantity), price.currency)
    else:
        held = [e.line.whole for e in state.entries if e.line.corrects is None and _counts(state, e.line, group)]
        cap = max([price, *held])
    return cap - net_of(state, group, drafted)


def plan_line(state: Subscription, tier: str, on: date, drafted: Sequence[Line] = ()) -> Line:
    """A tier from a day to the period's end. Going back on the same day to what the day began with gives back exactly what was credited."""
    price, name = state.terms.tier(tier).price, state.terms.tier(tier).title
    back = _credited_today(state, tier, on)
    if back is not None:
        piece = state.period.rest(on)
        return replace(
            charge_line(PLAN, tier, 1, price, piece, state.period, room=price, tax_bps=back.tax_bps, name=name),
            exact=-back.exact, amount=-back.amount, limited="restored",
        )  # fmt: skip
    return _charge(state, PLAN, tier, price, on, drafted, name=name)


def _credited_today(state: Subscription, tier: str, on: date) -> Line | None:
    """The credit that ended this very tier today: of several, the first, which ended what the day began with."""
    for entry in state.entries:
        line = entry.line
        if line.corrects is not None and line.item == PLAN and line.code == tier and line.start == on and line.end == state.period.end:
            source = [e for e in state.entries if e.line.number == line.corrects]
            if source and source[0].line.start < on:
                return line
    return None


def fee_line(state: Subscription, on: date, drafted: Sequence[Line] = ()) -> Line:
    """The fee of hibernating from a day to the period's end."""
    return _charge(state, HIBERNATION, "", state.terms.hibernation_fee, on, drafted)


def branch_line(state: Subscription, quantity: int, on: date, drafted: Sequence[Line] = (), *, until: date | None = None) -> Line:
    """So many branches from a day to the period's end, or to `until`."""
    piece = Period(on, until or state.period.end)
    room = _room(state, BRANCH, state.terms.branch_price, quantity, drafted)
    return charge_line(BRANCH, "", quantity, state.terms.branch_price, piece, state.period, room=room, tax_bps=state.tax_bps)


def _charge(state: Subscription, item: str, code: str, price: Money, on: date, drafted: Sequence[Line], *, name: str = "") -> Line:
    room, rest = _room(state, item, price, 1, drafted), state.period.rest(on)
    return charge_line(item, code, 1, price, rest, state.period, room=room, tax_bps=state.tax_bps, name=name)


# --- what is given back ------------------------------------------------------------------------------------------------------


def running(state: Subscription, *groups: str) -> list[Entry]:
    """The lines that still run, the newest first: what was added last is what is taken away first."""
    return [e for e in reversed(state.entries) if e.running and (not groups or group_of(e.line.item) in groups)]


def ended(state: Subscription, on: date, *groups: str) -> list[Line]:
    """Credits that end everything that runs in some groups, from a day on."""
    return [credit_line(entry, entry.running, on) for entry in running(state, *groups) if entry.line.end > on]


def branches_ended(state: Subscription, quantity: int, on: date) -> list[Line]:
    """Credits for so many branches, from a day on."""
    lines = []
    for entry in running(state, BRANCH):
        taken = min(quantity, entry.running)
        if taken and entry.line.end > on:
            lines.append(credit_line(entry, taken, on))
            quantity -= taken
    return lines
