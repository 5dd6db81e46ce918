"""A bank statement as we keep it, whatever version of CAMT.053 it came in: its identity, its balances and its entries."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said


class StatementRefused(Refusal):
    """The file is not taken, whole or in part: what is wrong and in which line stands in the message."""

    code = "statement_refused"

    def __init__(self, message: str, line: int | None = None) -> None:
        what = message if isinstance(message, Sentence) else Sentence(message, {})  # so that it can be said in the reader's language
        super().__init__(said("Line %(line)s: %(what)s", line=line, what=what) if line else what, field="file")
        self.line = line


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction of an entry: what a payer wrote, and who they are. `amount` is never negative; `sign` says where it went."""

    line: int
    amount: Money
    sign: int  # 1: came in, -1: left
    name: str = ""  # the other side
    account: str = ""  # the other side's IBAN, or what the bank gives instead
    bic: str = ""
    reference: str = ""  # the structured creditor reference
    text: str = ""  # the unstructured remittance text
    end_to_end: str = ""
    return_reason: str = ""  # an earlier transfer comes back, and why

    def content(self) -> list[object]:
        """What makes it the same transaction when it is told again."""
        money = [self.sign, self.amount.minor, self.amount.currency]
        return [*money, self.name, self.account, self.bic, self.reference, self.text, self.end_to_end, self.return_reason]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a bank says of a sum of several transfers that it does not list: the numbers their file was sent under, and how many they are."""

    numbers: frozenset[str]
    count: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked line of the account. Its details add up to it."""

    line: int
    amount: Money
    sign: int
    reversal: bool  # the bank takes back an entry it made before
    booked_on: date
    valued_on: date | None
    bank_reference: str  # the bank's own name for it, when it gives one
    text: str
    details: tuple[Detail, ...]
    batch: Batch | None = None  # of one whose transactions are not listed

    @property
    def signed_minor(self) -> int:
        """What it does to the balance."""
        return self.sign * self.amount.minor

    @property
    def digest(self) -> str:
        """A short name for its content: the same entry told twice must carry the same one. Running numbers do not count."""
        content = [self.signed_minor, self.amount.currency, self.reversal, str(self.booked_on), str(self.valued_on), self.bank_reference]
        return hashlib.sha256(json.dumps([content, self.text, *(d.content() for d in self.details)]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account held. Signed: an overdrawn account is below zero."""

    line: int
    kind: str  # OPBD, PRCD, CLBD, ITBD ...
    signed_minor: int
    currency: str
    on: date


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account, or one page of it. Opening, entries and closing agree to the last unit."""

    line: int
    identity: str
    page: int
    sequence: int | None
    account: str
    currency: str
    created_at: datetime | None
    opening: Balance
    closing: Balance
    entries: tuple[Entry, ...]  # the booked ones
    pending: int  # how many were only announced and are not in the balances

    def keyed(self) -> list[tuple[str, Entry]]:
        """Each entry under the name by which it is known for ever.

        The bank's own reference with the day and the direction, counted up when several entries share it (a transfer and its
        charge). Without one there is only its place in this statement.
        """
        seen: dict[str, int] = {}
        found = []
        for place, entry in enumerate(self.entries):
            key = f"{self.identity}/{self.page}#{place}"
            if entry.bank_reference:
                key = f"{entry.bank_reference}|{entry.booked_on}|{'in' if entry.sign > 0 else 'out'}{'|reversal' if entry.reversal else ''}"
            seen[key] = seen.get(key, 0) + 1
            found.append((f"{key}|{seen[key]}" if entry.bank_reference else key, entry))
        return found


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What one file holds."""

    message_id: str
    version: str
    sha256: str
    statements: tuple[Statement, ...]
