"""After the storm: what four witnesses say (the clients, the processor, our database, the receiver of events), and where they differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.flows.people import Diary
from tests.flows.stack import Stack

PAYMENTS = "SELECT public_id, email, state, charge, captured_minor, refunded_minor, refunding_minor, id, mode FROM payments"
MESSAGES = "SELECT kind, about, state, count(*) AS n FROM messages WHERE about LIKE 'pay%' GROUP BY kind, about, state"


class Evidence:
    """The four accounts of what happened, read at one quiet moment."""

    def __init__(self, stack: Stack, diaries: list[Diary], asked_back: dict[str, str]) -> None:
        self.diaries, self.asked_back = diaries, asked_back
        self.charges = _charges(stack)
        self.refunds_there = stack.sandbox_list("/v1/refunds")
        self.events_there = stack.events_there()
        self.payments = stack.rows(PAYMENTS)
        self.of_email = {row["email"]: row for row in self.payments}
        self.captures = Counter(row["about"] for row in stack.rows("SELECT about FROM journals WHERE kind = 'capture'"))
        self.unexpected = stack.rows("SELECT about FROM journals WHERE kind = 'unexpected capture'")
        self.moves = stack.rows(
            "SELECT payment_id, from_state, to_state FROM payment_events WHERE to_state IS NOT NULL ORDER BY payment_id, seq"
        )
        self.refunds_here = stack.rows(
            "SELECT r.public_id, r.state, r.amount_minor, r.provider_reference, p.email, p.charge FROM refunds r JOIN payments p ON p.id = r.payment_id"
        )
        self.events_here = {row["event_id"]: row for row in stack.rows("SELECT event_id, handled_at, result FROM provider_events")}
        self.messages = stack.rows(MESSAGES)
        self.papers = Counter(row["about"] for row in stack.rows("SELECT DISTINCT about FROM papers WHERE kind = 'receipt'"))
        self.audit = stack.command("audit")

    @staticmethod
    def charged_ids(stack: Stack) -> set[str]:
        """The processor's successful charges."""
        return {charge["id"] for charge in _charges(stack) if charge["status"] == "succeeded"}

    @property
    def paid_there(self) -> dict[str, list[dict[str, Any]]]:
        """The processor's successful charges by our payment."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for charge in self.charges:
            if charge["status"] == "succeeded":
                found[charge["metadata"]["payment"]].append(charge)
        return found

    def breaks(self) -> list[str]:
        """A sentence for everything that is not as it should be. Nothing lost, nothing doubled, nothing told falsely."""
        return [*self._money(), *self._clients(), *self._refunds(), *self._receiver(), *self._followed_up(), *self._books()]

    def _money(self) -> Iterator[str]:
        emails = Counter(row["email"] for row in self.payments)
        yield from (f"{email} pressed once and has {count} payments" for email, count in emails.items() if count > 1)
        paid, ours = self.paid_there, {row["public_id"]: row for row in self.payments}
        for public_id, charges in paid.items():
            row = ours.get(public_id)
            if len(charges) > 1:
                yield f"{public_id} was charged {len(charges)} times"
            if row is None:
                yield f"{public_id} was charged and is not in our database"
            elif row["state"] != "succeeded" or row["charge"] != charges[0]["id"]:
                yield f"{public_id} was charged ({charges[0]['id']}), but with us it is {row['state']} ({row['charge']})"
            elif row["captured_minor"] != charges[0]["amount_captured"]:
                yield f"{public_id}: {charges[0]['amount_captured']} was captured, {row['captured_minor']} is written down"
        for row in self.payments:
            if row["state"] == "succeeded" and row["public_id"] not in paid:
                yield f"{row['public_id']} is succeeded, and the processor never charged it"
            if self.captures[row["public_id"]] != (row["public_id"] in paid):
                yield f"{row['public_id']} has {self.captures[row['public_id']]} capture journals"
        yield from (f"{row['about']} has money that nobody asked for" for row in self.unexpected)

    def _clients(self) -> Iterator[str]:
        paid = self.paid_there
        for diary in self.diaries:
            who = f"{diary.email} ({diary.habit})"
            if diary.trouble:
                yield f"{who}: {diary.trouble}"
            row = self.of_email.get(diary.email)
            if row is None:
                if diary.page_url:
                    yield f"{who} was given a payment page, and there is no such payment"
                continue
            is_paid = row["public_id"] in paid
            if diary.charged_at and not is_paid:
                yield f"{who} saw the card accepted, and there is no charge"
            if (diary.last in ("paid", "refunded")) != is_paid:
                yield f"{who} at last read {diary.last!r}; charged: {is_paid}"
            if diary.last == "refunded" and row["refunded_minor"] != row["captured_minor"]:
                yield f"{who} at last read 'refunded'; of {row['captured_minor']} there went back {row['refunded_minor']}"
            yield from (f"{who}: {lie}" for lie in _lies(diary))

    def _refunds(self) -> Iterator[str]:
        there = {refund["metadata"]["refund"]: refund for refund in self.refunds_there}
        if len(there) != len(self.refunds_there):
            yield f"{len(self.refunds_there)} refunds at the processor for {len(there)} wishes"
        by_email = defaultdict(list)
        for row in self.refunds_here:
            by_email[row["email"]].append(row["amount_minor"])
            twin = there.pop(row["public_id"], None)
            if twin is None or (twin["amount"], twin["charge"], twin["status"]) != (row["amount_minor"], row["charge"], "succeeded"):
                yield f"refund {row['public_id']} is {row['amount_minor']} here and {twin and (twin['amount'], twin['status'])} there"
            if row["state"] != "succeeded":
                yield f"refund {row['public_id']} is {row['state']}"
        yield from (f"refund {name} is at the processor and not here" for name in there)
        for email, amount in self.asked_back.items():
            if by_email[email] != [int(Decimal(amount) * 100)]:
                yield f"the vendor was told that {amount} goes back to {email}; written down: {by_email[email]}"
        given = {charge["id"]: charge["amount_refunded"] for charge in self.charges}
        for row in self.payments:
            if (row["charge"] and given.get(row["charge"]) != row["refunded_minor"]) or row["refunding_minor"]:
                yield f"{row['public_id']}: refunded {row['refunded_minor']} (+{row['refunding_minor']}) here, {given.get(row['charge'])} there"

    def _receiver(self) -> Iterator[str]:
        yield from (f"event {name} never arrived" for name in self.events_there - set(self.events_here))
        yield from (f"event {name} was never sent" for name in set(self.events_here) - self.events_there)
        for name, row in self.events_here.items():
            if row["handled_at"] is None:
                yield f"event {name} was not handled"
            if row["result"] in ("unmatched", "second_charge", "mismatch", "unknown_payment"):
                yield f"event {name} is {row['result']}"

    def _followed_up(self) -> Iterator[str]:
        """One letter to each side for a paid payment, none for others, each finished; one receipt on paper."""
        paid, letters = self.paid_there, Counter()
        for row in self.messages:
            letters[row["kind"], row["about"]] += row["n"]
            if row["state"] != "kept":
                yield f"the {row['kind']} letter about {row['about']} is {row['state']}"
        for row in self.payments:
            name, due = row["public_id"], int(row["public_id"] in paid)
            for kind in ("receipt", "payment_received"):
                if letters[kind, name] != due:
                    yield f"{name} has {letters[kind, name]} letters of kind {kind}, not {due}"
            if self.papers[name] != due:
                yield f"{name} has {self.papers[name]} printed receipts, not {due}"
        sent_back = Counter(row["email"] for row in self.refunds_here)
        for email, count in sent_back.items():
            if letters["refund_sent", self.of_email[email]["public_id"]] != count:
                yield f"{email} was told of {letters['refund_sent', self.of_email[email]['public_id']]} refunds, not {count}"

    def _books(self) -> Iterator[str]:
        code, words = self.audit
        if code:
            yield f"the audit says: {words}"
        state: dict[Any, str | None] = {}
        for move in self.moves:
            if move["payment_id"] in state and state[move["payment_id"]] != move["from_state"]:
                yield f"payment {move['payment_id']} went from {move['from_state']}, where it was not"
            if move["from_state"] == "succeeded":
                yield f"payment {move['payment_id']} left 'succeeded' for {move['to_state']}"
            state[move["payment_id"]] = move["to_state"]


def _charges(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    part = stack.sandbox("/_sandbox/charges")
    while True:
        found += part["charges"]
        if part["next"] is None:
            return found
        part = stack.sandbox("/_sandbox/charges", after=part["next"])


def _lies(diary: Diary) -> Iterator[str]:
    """What the payer was told and was not so at that moment, or was taken back afterwards."""
    acknowledged = False
    for sighting in diary.told:
        if sighting.kind == "paid":
            acknowledged = True
            if diary.gave_good_card_at is None or sighting.ended < diary.gave_good_card_at:
                yield "read 'paid' before any card was given"
        elif acknowledged and sighting.kind != "refunded":  # whether all of it went back is looked at beside the books
            yield f"read {sighting.kind!r} after 'paid'"
        elif sighting.kind in ("failed", "canceled", "expired") and diary.charged_at and sighting.began > diary.charged_at:
            yield f"read {sighting.kind!r} after the money was taken"
