"""What cancelling would mean, worked out by the very midnights that end a membership: the last day, what is charged, owed and left. Nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core.billing import forecast, queries
from core.billing.effects import ChargeWanted
from core.billing.lines import sum_of
from core.billing.midnight import run_to
from core.billing.models import KeptSubscription
from core.billing.wishes import Cancel
from core.kernel.money import Money
from core.subscriptions.given_back import off_credit

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Leaving:
    """`last` is the last day that is served, `tonight` that it is today. Sums that are nothing are None."""

    last: date
    tonight: bool
    charged: Money | None  # a last time, for what had gathered
    owed: Money | None  # stays open, for days that were used
    balance: Money | None  # stays the member's


def leaving(row: KeptSubscription, *, at_once: bool = False) -> Leaving:
    """Of a membership that has not ended. Whoever owes stops tonight in any case."""
    state, offer = queries.as_of_now(row)
    today = state.today
    state, _noted = forecast.preview(state, Cancel(now=at_once), offer)
    assert state.planned is not None, "whoever cancels has planned it"
    state, effects = run_to(state, state.planned.on or state.period.end, lambda _day: offer)
    asked = sum_of((effect.amount for effect in effects if isinstance(effect, ChargeWanted)), state.currency)
    owed = sum_of((each.due for each in state.open if each.standing == "final"), state.currency) - asked
    last = (state.cancelled_on or state.today) - DAY
    balance = state.balance - sum_of((more for _, more in off_credit(row, effects)), state.currency)
    return Leaving(last, last == today, asked or None, owed if owed.minor > 0 else None, balance if balance.minor > 0 else None)
