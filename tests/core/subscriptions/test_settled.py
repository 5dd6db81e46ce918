"""What is paid and owed, from the events alone, is what the arithmetic says: to the penny, for every document, whatever happens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.billing import payment
from core.billing.begin import begin
from core.billing.codec import encode, encode_one_of
from core.billing.effects import ChargeWanted
from core.billing.midnight import midnight
from core.billing.renew import Offer
from core.billing.subscription import Step, Subscription
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, Cancel, ChooseTier, Reactivate, Wish, perform
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.subscriptions.settled import Settled, settle
from tests.core.billing.lives import ANCHORS, ANSWERS, DAYS
from tests.core.billing.story import gbp

OFFER = Offer(POLICY)
BEGINS = date(2026, 11, 1)


@dataclass(frozen=True)
class Event:
    kind: str
    on_day: date
    given: dict[str, Any]
    effects: list[dict[str, Any]]


class Told:
    """A subscription whose acts are written down as events, as the store does it."""

    def __init__(self, begins: date, tier: str = "starter", tax_bps: int | None = None) -> None:
        self.events: list[Event] = []
        self.wanted: list[ChargeWanted] = []
        self.state: Subscription
        self.take("began", begin(POLICY, tier, begins, key="sub_told", tax_bps=tax_bps))

    def take(self, kind: str, step: Step, **given: Any) -> None:
        self.state, effects = step
        self.events.append(Event(kind, self.state.today, given, [encode_one_of(effect) for effect in effects]))
        self.wanted += [effect for effect in effects if isinstance(effect, ChargeWanted)]

    def wish(self, wish: Wish) -> None:
        self.take("wish", perform(self.state, wish, OFFER))

    def next_day(self) -> None:
        self.take("midnight", midnight(self.state, OFFER))

    def to(self, on: date, *, pays: bool = True) -> None:
        while self.state.today < on:
            self.next_day()
            if pays:
                self.pay()

    def pay(self) -> None:
        while self.wanted:
            charge = self.wanted.pop(0)
            self.receive(charge, charge.amount)

    def receive(self, charge: ChargeWanted, amount: Money) -> None:
        given = {"documents": encode(charge.documents), "amount": encode(amount)}
        self.take("received", payment.receive(self.state, charge.documents, amount), **given)

    def refuse(self, *, hard: bool = False) -> None:
        charge = self.wanted.pop(0)
        self.take("refused", payment.refuse(self.state, charge.documents, hard=hard))

    def settled(self) -> dict[int, Settled]:
        return settle(self.events)


def owed(state: Subscription) -> dict[int, Money]:
    return {each.document: each.due for each in state.open if each.due}


def agrees(told: Told) -> None:
    held = told.state.awaiting.document.number if told.state.awaiting else None
    ours = {number: one.due for number, one in told.settled().items() if one.due and number != held and one.standing != "dropped"}
    assert ours == owed(told.state)


@settings(max_examples=60, deadline=None)
@given(ANCHORS, DAYS, ANSWERS, st.sampled_from([None, 2000]))
def test_what_is_owed_is_what_the_arithmetic_says(begins: date, days: list[tuple[int, Wish]], answers: list[str], tax: int | None) -> None:
    told = Told(begins, tax_bps=tax)
    told.pay()
    asked = 0
    for wait, wish in [*days, (70, AddBranches(1))]:
        for _ in range(wait):
            told.next_day()
            while told.wanted and (answer := answers[asked % len(answers)]) and asked < 400:
                asked += 1
                charge = told.wanted[0]
                if answer in ("yes", "late"):
                    told.wanted.pop(0)
                    told.receive(charge, charge.amount)
                elif answer == "never":
                    told.wanted.pop(0)
                else:
                    told.refuse(hard=answer == "hard")
            agrees(told)
        with suppress(Refusal):
            told.wish(wish)
        agrees(told)
    for one in told.settled().values():
        parts = (one.due, one.from_balance, one.paid, one.credited, one.written)
        if one.standing in ("open", "settled", "written_off"):
            assert sum(part.minor for part in parts) == one.gross.minor and all(part.minor >= 0 for part in parts)
        if one.standing == "credited":
            assert one.lowered + one.to_balance == one.gross


def test_a_paid_invoice_says_on_which_day() -> None:
    told = Told(BEGINS)
    told.pay()
    assert (told.settled()[1].standing, told.settled()[1].paid, told.settled()[1].paid_on) == ("settled", gbp("1.00"), BEGINS)


def test_a_balance_pays_first_and_the_card_the_rest() -> None:
    told = Told(BEGINS, "pro")
    told.pay()
    told.to(date(2026, 11, 16))
    told.wish(ChooseTier("starter", now=True))
    note = max(told.settled())
    assert (told.settled()[note].standing, told.settled()[note].to_balance) == ("credited", gbp("1.00"))
    told.to(date(2026, 12, 1))
    renewal = told.settled()[max(told.settled())]
    assert (renewal.from_balance, renewal.paid, renewal.due, renewal.standing) == (gbp("1.00"), gbp("0.00"), gbp("0.00"), "settled")


def test_a_draft_that_was_never_paid_is_dropped_and_what_it_took_of_the_balance_came_back() -> None:
    told = Told(BEGINS)
    told.pay()
    told.wish(ChooseTier("pro"))
    draft = max(told.settled())
    assert told.settled()[draft].standing == "draft"
    told.to(date(2026, 11, 3), pays=False)
    assert told.settled()[draft].standing == "dropped" and told.settled()[draft].from_balance == gbp("0.00")


def test_suspension_takes_the_unused_days_off_and_the_end_writes_off_the_rest() -> None:
    told = Told(date(2026, 10, 1))
    told.pay()
    told.to(date(2026, 11, 1), pays=False)
    renewal = max(told.settled())
    while told.state.status != "suspended":
        while told.wanted:
            told.refuse()
        told.next_day()
    lowered = told.settled()[renewal]
    assert lowered.standing == "open" and lowered.credited and lowered.due == lowered.gross - lowered.credited
    assert told.settled()[lowered.credit_notes[0]].lowered == lowered.credited
    while told.state.status != "cancelled":
        told.next_day()
    lost = told.settled()[renewal]
    assert (lost.standing, lost.written, lost.due) == ("written_off", lowered.due, gbp("0.00"))


def test_a_return_after_a_suspension_pays_the_debt_and_the_stub_with_one_charge() -> None:
    told = Told(date(2026, 10, 1))
    told.pay()
    told.to(date(2026, 11, 1), pays=False)
    while told.state.status != "suspended":
        while told.wanted:
            told.refuse()
        told.next_day()
    told.wanted.clear()
    told.wish(Reactivate())
    agrees(told)
    told.pay()
    agrees(told)
    assert told.state.status == "active" and all(one.standing in ("settled", "credited", "dropped") for one in told.settled().values())


def test_a_cancelled_life_owes_nothing() -> None:
    told = Told(BEGINS)
    told.pay()
    told.wish(Cancel())
    told.to(date(2026, 12, 3))
    assert not any(one.due for one in told.settled().values())
