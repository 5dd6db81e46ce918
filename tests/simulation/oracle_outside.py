"""What banks and the processor did without being asked, held against our books: transfers of payers, refunds that are there twice, sellers' sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from core.kernel.db import unit_of_work
from core.ledger.book import PLATFORM, UNAPPLIED, UNEXPLAINED
from tests.simulation.reference import Should, fee_of, half_up
from tests.simulation.world import World

Row = dict[str, Any]
WALLET = {2010: -1, 2020: -1, 2030: -1, 2040: -1, 1050: -1}  # what a seller has less what it owes, from amounts that are debits above zero
_OPEN = "state IN ('waiting', 'open', 'proposed')"


class Outside:
    """Read at one quiet moment, beside the rest of the oracle."""

    def __init__(self, world: World, rows: Any) -> None:
        self.world, self.reference, self.entries = world, world.reference, world.bank_entries()
        with unit_of_work():
            self.payments: list[Row] = rows("SELECT * FROM payments")
            self.refunds: list[Row] = rows("SELECT * FROM refunds")
            self.disputes: list[Row] = rows("SELECT * FROM disputes")
            self.returns: list[Row] = rows("SELECT * FROM transfer_returns")
            self.orders = {row["end_to_end"]: row for row in rows("SELECT * FROM bank_orders")}
            self.cases: list[Row] = rows("SELECT * FROM transfer_cases")
            self.lines = {int(row["bank_reference"].removeprefix("SBX")): row for row in rows("SELECT * FROM bank_lines")}
            self.exceptions: list[Row] = rows("SELECT * FROM recon_exceptions")
            self.owed = rows(
                "SELECT j.about, sum(e.amount_minor) AS minor FROM journals j JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode "
                "AND e.journal_id = j.id WHERE j.event_key ~ '^bank[:].*beyond$' AND e.code = 1050 GROUP BY 1"
            )
            self.stands = rows("SELECT vendor_id, code, sum(amount_minor) AS minor FROM balances WHERE currency = 'EUR' GROUP BY 1, 2")
            self.letters = Counter(row["about"] for row in rows("SELECT about FROM messages WHERE kind = 'refund_outside'"))

    def breaks(self) -> Iterator[str]:
        """A sentence for everything that is not as it should be."""
        yield from self._transfers()
        yield from self._unknown()
        yield from self._exceptions()
        yield from self._doubled()
        yield from self._silent()
        yield from self._wallets()

    # --- payments by transfer -------------------------------------------------------------------------------------------

    def _transfers(self) -> Iterator[str]:
        rows = {row["public_id"]: row for row in self.payments}
        for number, wish in self.reference.wishes.items():
            row = rows[number]
            if self._is_touched(row):
                yield from self._decided(row)
            else:
                should = self.reference.payment(wish, self.entries)
                if (stands := self._stands(row)) != should:
                    yield f"{number} by transfer should be {should}, it is {stands}"
            case = [
                (one["kind"], one["amount_minor"]) for one in self.cases if one["payment_id"] == row["id"] and one["resolved_at"] is None
            ]
            unapplied = _unapplied(row)
            kind = "over" if row["state"] == "succeeded" else "late"
            if case != ([(kind, unapplied)] if unapplied else []):
                yield f"{number}: {unapplied} waits, and what is to be decided is {case}"

    def _is_touched(self, row: Row) -> bool:
        """Whether a person has decided something about it, so that the bank's word alone does not say how it ends."""
        decided = any(one["payment_id"] == row["id"] and one["resolution"] in ("accepted", "given_back") for one in self.cases)
        asked = any(one["payment_id"] == row["id"] and one["requested_by"] != "bank" for one in self.refunds)
        return decided or asked or bool(self._assigned(row["public_id"]))

    def _assigned(self, number: str) -> list[int]:
        return [at for at, line in self.lines.items() if line["resolution"] == "assigned" and line["payment"] == number]

    def _stands(self, row: Row) -> Should:
        owed = next((int(one["minor"]) for one in self.owed if one["about"] == row["public_id"]), 0)
        return Should(row["state"], row["captured_minor"], row["refunded_minor"], _unapplied(row), owed)

    def _decided(self, row: Row) -> Iterator[str]:
        number, stands = row["public_id"], self._stands(row)
        wish = self.reference.wishes[number]
        sent = self._sent_back(number)
        left = self.reference.left(number, self.entries, self._assigned(number), sum(sent.values()))
        here = stands.captured - stands.refunded + stands.unapplied
        if (here, stands.owed) != (max(left, 0), max(-left, 0)):
            yield f"{number}: the bank has {left} of it, here it is {stands}"
        mine = [one for one in self.refunds if one["payment_id"] == row["id"] and one["state"] == "succeeded"]
        by_bank = sum(one["amount_minor"] for one in mine if one["requested_by"] == "bank")
        if stands.refunded != by_bank + sent["refund"]:
            yield f"{number}: {sent['refund']} was refunded by the bank and {by_bank} taken back, here it is {stands.refunded}"
        settled = sum(one["amount_minor"] for one in self.returns if one["payment_id"] == row["id"] and one["state"] == "settled")
        if settled != sent["return"]:
            yield f"{number}: {sent['return']} was sent back by the bank, here it is {settled}"
        accepted = any(one["payment_id"] == row["id"] and one["resolution"] == "accepted" for one in self.cases)
        least = 1 if accepted else wish.amount - wish.short
        if (stands.state == "succeeded") != bool(stands.captured) or (stands.captured and not least <= stands.captured <= wish.amount):
            yield f"{number} of {wish.amount}: {stands}"

    def _sent_back(self, number: str) -> Counter[str]:
        """What the bank really transferred for a payment, and what of it came back, by what it was for."""
        found: Counter[str] = Counter()
        returns = {one["public_id"] for one in self.returns}
        for entry in self.entries.values():
            order = self.orders.get(entry["end_to_end"])
            if order is not None and order["payment"] == number:
                found["return" if order["reference"] in returns else "refund"] -= entry["sign"] * entry["amount"]
        return found

    # --- money nobody knows, and what reconciliation has to say of all this ------------------------------------------------

    def _unknown(self) -> Iterator[str]:
        kept = unexplained = 0
        for number in sorted(self.reference.nobodys):
            line, amount = self.lines.get(number), self.entries[number]["amount"]
            if line is None:
                yield f"entry {number} is on no statement of ours"
                continue
            gone = number in self.reference.taken_back
            back = [
                entry for entry in self.entries.values()
                if entry["sign"] < 0 and (order := self.orders.get(entry["end_to_end"])) and order["line"] == line["public_id"]
            ]  # fmt: skip
            right = {
                "": not gone and not back,
                "assigned": not back,
                "repaid": not back,
                "returned": len(back) == 1,
                "taken_back": gone and not back,
            }
            if not right.get(line["resolution"], False) or any((b["amount"], b["iban"]) != (amount, line["counter_account"]) for b in back):
                yield f"entry {number} named nobody and is {line['state']} {line['resolution']}, taken back: {gone}, sent back {len(back)} times"
            kept += amount if not line["resolution"] else 0
            if gone and back:
                unexplained += amount
                if self.lines.get(self.reference.taken_back[number], {}).get("why") != "reversal_of_what_was_returned":
                    yield f"entry {number} was sent back and taken back, and nobody is asked about it"
        for code, should in ((UNAPPLIED, -kept), (UNEXPLAINED, unexplained)):
            here = sum(int(one["minor"]) for one in self.stands if (one["vendor_id"], one["code"]) == (PLATFORM, code))
            if here != should:
                yield f"the platform has {here} on {code}, it should be {should}"

    def _exceptions(self) -> Iterator[str]:
        """Every sum that nobody knows is an exception by its name and open; nothing else is."""
        should = {
            ("bank_unknown", number, self.entries[number]["amount"])
            for number in self.reference.nobodys
            if number in self.lines and not self.lines[number]["resolution"] and number not in self.reference.taken_back
        }
        numbers = {line["public_id"]: number for number, line in self.lines.items()}
        here = set()
        for row in self.exceptions:
            if row["state"] not in ("closed", "resolved"):
                here.add((row["kind"], numbers.get(row["about"], row["about"]), row["amount_minor"]))
        for one in sorted(should - here, key=str):
            yield f"reconciliation has not found {one}"
        for one in sorted(here - should, key=str):
            yield f"reconciliation: {one} is open, and nobody planted it"

    # --- refunds that nobody asked for --------------------------------------------------------------------------------------

    def _doubled(self) -> Iterator[str]:
        """Each refund at the processor is one of ours, or one that nobody asked for; what was asked for once is asked for once."""
        here: dict[str, list[Row]] = defaultdict(list)
        for row in self.refunds:
            here[row["provider_reference"] or ""].append(row)
        asked, there = Counter[str](), Counter[tuple[str, str]]()
        outside = Counter[str]()
        numbers = {row["id"]: row["public_id"] for row in self.payments}
        for refund in self.world.shelf().rows("refund"):
            ours, wish = here[refund["id"]], refund["metadata"].get("reference", "")
            there[wish, refund["charge"]] += bool(wish)
            if len(ours) != 1 and not (refund["status"] in ("failed", "canceled") and not ours):
                yield f"refund {refund['id']} ({refund['status']}, asked for as {wish or 'nothing'}) is here {len(ours)} times"
                continue
            for row in ours:
                if row["state"] != refund["status"] or row["amount_minor"] != refund["amount"]:
                    yield f"refund {refund['id']} is {refund['status']} of {refund['amount']}, here it is {row['state']} of {row['amount_minor']}"
                asked[wish] += bool(wish) and row["requested_by"] != "provider"
                if row["requested_by"] == "provider":
                    outside[numbers[row["payment_id"]]] += 1
                elif row["public_id"] != wish:
                    yield f"refund {refund['id']} was asked for as {wish or 'nothing'}, here it is {row['public_id']}"
        for (wish, charge), count in there.items():
            if count > 1 + (charge in self.reference.doubled):
                yield f"{wish} of {charge} is at the processor {count} times"
        yield from (f"{wish} was asked for once and is ours {count} times" for wish, count in asked.items() if count > 1)
        for number, count in outside.items():
            if self.letters[number] != count:
                yield f"{number} had {count} refunds from elsewhere, its seller {self.letters[number]} letters"

    def _silent(self) -> Iterator[str]:
        """Of what no news came only the processor's list can have told: it was found by it, named, and is over."""
        failed = {row["payment_id"] for row in self.refunds if row["state"] in ("failed", "canceled")}
        troubled = {row["charge"] for row in self.payments if row["id"] in failed}
        for charge in sorted(self.reference.silent - troubled):
            found = [one for one in self.world.shelf().rows("refund", equal={"charge": charge}) if one["status"] == "succeeded"]
            mine = {row["provider_reference"] for row in self.refunds if row["requested_by"] != "provider"}
            outside = [one["id"] for one in found if one["id"] not in mine]
            if len(outside) != 1:
                continue  # another has drawn our eyes to the charge
            named = [(row["kind"], row["state"]) for row in self.exceptions if row["theirs"].get("source_id") == outside[0]]
            if named != [("missing_in_ledger", "closed")]:
                yield f"refund {outside[0]} of {charge}, of which nobody told: {named or 'not found'}"

    # --- sellers ------------------------------------------------------------------------------------------------------------

    def _wallets(self) -> Iterator[str]:
        """What each seller has, from what the processor and the bank say was paid for its sales and paid out to it. The platform's part goes
        back on the running total; what came to nothing in between may leave a unit of rounding."""
        undone = [row["vendor_id"] for row in (*self.refunds, *self.disputes) if row["state"] in ("failed", "canceled", "won", "closed")]
        for shop in self.world.sellers:
            mine = [row for row in self.payments if row["vendor_id"] == shop.vendor.id]
            brought = sum(self._brought(row, shop.vendor.fee_bps) for row in mine)
            should = brought + self._paid_back(shop.vendor.public_id) - self._paid_out(shop.vendor.public_id)
            here = sum(
                sign * int(one["minor"]) for code, sign in WALLET.items() for one in self.stands
                if (one["vendor_id"], one["code"]) == (shop.vendor.id, code)
            )  # fmt: skip
            if abs(here - should) > undone.count(shop.vendor.id):
                yield f"{shop.vendor.name} should have {should}, the books say {here}; fees: {[self._fees(row, shop.vendor.fee_bps) for row in mine]}"

    def _brought(self, row: Row, bps: int) -> int:
        captured, gone, beyond = self._truth(row)
        if not captured:
            return -beyond
        fee = self._fee(row, bps, captured)
        return captured - fee - gone + half_up_share(fee, gone, captured) - beyond - row["dispute_cost_minor"] - row["borne_minor"]

    def _fee(self, row: Row, bps: int, captured: int) -> int:
        """The platform's part. Those of orders are cut out of their checkout's, so that they come to it: each may be a unit off."""
        fee = fee_of(row["amount_minor"], bps, captured) if captured else 0
        by_order = row["public_id"] not in self.reference.wishes and abs(row["fee_minor"] - fee) == 1
        return int(row["fee_minor"]) if by_order and captured else fee

    def _fees(self, row: Row, bps: int) -> tuple[Any, ...]:
        """Of a payment: its fee and what of it went back, as it should be and as it is; for whoever looks for a difference."""
        captured, gone, _ = self._truth(row)
        fee = self._fee(row, bps, captured)
        return row["public_id"], captured, gone, fee, row["fee_minor"], half_up_share(fee, gone, captured), row["fee_returned_minor"]

    def _truth(self, row: Row) -> tuple[int, int, int]:
        """What was taken, what has gone back of it, and what beyond: by whoever really holds the money."""
        if row["public_id"] in self.reference.wishes:
            stands = self._stands(row)
            return stands.captured, stands.refunded, stands.owed
        charge: Mapping[str, Any] | None = self.world.shelf().find("charge", row["charge"] or "")
        if row["state"] != "succeeded" or charge is None:
            return 0, 0, 0
        lost = sum(one["amount"] for one in self.world.shelf().rows("dispute", equal={"charge": charge["id"]}) if one["status"] == "lost")
        return charge["amount_captured"], min(charge["amount_refunded"] + lost, charge["amount_captured"]), 0

    def _paid_back(self, vendor: str) -> int:
        """What came of its own to pay a debt back, and was not taken back."""
        return sum(
            self.entries[number]["amount"] for number, line in self.lines.items()
            if (line["resolution"], line["vendor"]) == ("repaid", vendor) and number not in self.reference.taken_back
        )  # fmt: skip

    def _paid_out(self, vendor: str) -> int:
        mine = {name for name, order in self.orders.items() if order["purpose"] == "payout" and order["vendor"] == vendor}
        return -sum(entry["sign"] * entry["amount"] for entry in self.entries.values() if entry["end_to_end"] in mine)


def half_up_share(fee: int, gone: int, captured: int) -> int:
    """So much of the platform's part goes back with what has gone back."""
    return half_up(Fraction(fee * gone, captured)) if captured else 0


def _unapplied(row: Row) -> int:
    return int(row["received_minor"] - row["applied_minor"] - row["given_back_minor"])
