"""What should have become of bank transfers and refunds, worked out from what people and banks did and from nothing of ours: a small ledger of
its own, with none of the product's code. Sums are minor units.

The bank's entries and the processor's refunds are what truly happened. Of the product only this is taken as given: which decisions people
made (a sum accepted, a sum sent back, a refund asked for), for whoever dies at a decision does not know whether it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any


@dataclass
class Wish:
    """A payer who has been told what to transfer."""

    payment: str
    seller: str  # the vendor's public id
    amount: int
    short: int  # so much may be missing
    reference: str
    iban: str  # the payer's own
    expires: datetime
    rest: int = 0  # what the payer still means to send
    late: bool = False  # sends nothing before it is too late
    sent: bool = False
    decided: bool = False  # somebody may have accepted it or sent it back


@dataclass
class Should:
    """How a payment by transfer must stand at the end."""

    state: str = "expired"
    captured: int = 0
    refunded: int = 0
    unapplied: int = 0
    owed: int = 0  # taken back by the bank after it had gone back to its payer

    @property
    def case(self) -> str | None:
        """What has to be decided about it."""
        return None if not self.unapplied else "over" if self.state == "succeeded" else "late"

    def comes(self, amount: int, wish: Wish, *, late: bool) -> None:
        """A credit."""
        self.unapplied += amount
        if self.state != "succeeded" and not late and self.unapplied >= wish.amount - wish.short:
            self.state, self.captured = "succeeded", min(self.unapplied, wish.amount)
            self.unapplied -= self.captured

    def goes(self, amount: int) -> None:
        """The bank takes a credit back: what nobody used yet, then what paid."""
        unused = min(amount, self.unapplied)
        self.unapplied -= unused
        sold = min(amount - unused, self.captured - self.refunded)
        self.refunded += sold
        self.owed += amount - unused - sold


@dataclass
class Reference:
    """Filled while people act; asked at the end."""

    wishes: dict[str, Wish] = field(default_factory=dict)  # by payment
    of: dict[int, str] = field(default_factory=dict)  # the bank's entry -> the payment whose reference stands on it
    meant: dict[int, str] = field(default_factory=dict)  # the bank's entry -> the payment its sender meant, and did not name
    nobodys: set[int] = field(default_factory=set)  # entries on which no reference of ours stands
    taken_back: dict[int, int] = field(default_factory=dict)  # credit -> the debit that took it back
    doubled: set[str] = field(default_factory=set)  # charges whose refunds are each made twice
    silent: set[str] = field(default_factory=set)  # charges of whose refunds no news comes

    def figures(self) -> dict[str, int]:
        """How much of it all there was."""
        return {
            "transfers": len(self.of),
            "nobodys": len(self.nobodys),
            "taken_back": len(self.taken_back),
            "doubled": len(self.doubled),
            "silent": len(self.silent),
        }

    def payment(self, wish: Wish, entries: Mapping[int, Mapping[str, Any]]) -> Should:
        """Of a payment about which nobody has decided anything: the bank's entries in their order, and no more."""
        found = Should()
        back = {debit: credit for credit, debit in self.taken_back.items() if self.of.get(credit) == wish.payment}
        for number in sorted({*back, *(one for one, whose in self.of.items() if whose == wish.payment)}):
            entry = entries[number]
            if number in back:
                found.goes(entry["amount"])
            else:
                found.comes(entry["amount"], wish, late=entry["booked_on"] > wish.expires.date().isoformat())
        return found

    def left(self, payment: str, entries: Mapping[int, Mapping[str, Any]], assigned: Iterable[int], sent_back: int) -> int:
        """What the bank still has of a payment's money, below zero where it took back what had gone back already. `assigned`: entries that a
        person said were for it; `sent_back`: what the bank transferred for it, less what came back of that."""
        mine = {*(number for number, whose in self.of.items() if whose == payment), *assigned}
        came = sum(entries[number]["amount"] for number in mine)
        gone = sum(entries[number]["amount"] for number in mine if number in self.taken_back)
        return came - gone - sent_back


def fee_of(amount: int, bps: int, captured: int) -> int:
    """The platform's part of a payment: of the sum that was asked for, rounded half up, and as much less as less was taken."""
    whole = half_up(Fraction(amount * bps, 10_000))
    return whole if captured == amount else half_up(Fraction(whole * captured, amount))


def half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
