"""The parts of a CAMT.053 statement: amounts, balances, entries and their transactions, and whether they agree with each other.

Everything here has passed the schema; what a schema cannot say is checked here.
"""

from __future__ import annotations

import copy
import re
from datetime import UTC, date, datetime
from typing import Any

from core.kernel.currency import exponent, is_currency
from core.kernel.money import Money
from core.kernel.sentence import said
from core.providers.camt_totals import Totals, check_totals
from core.providers.statement import Balance, Batch, Detail, Entry, Statement, StatementRefused

LARGEST_MINOR = 9_000_000_000_000_000  # what an account of the books can hold
_DECIMAL = re.compile(r"\+?([0-9]*)(?:\.([0-9]*))?")
OPENING, CLOSING, BETWEEN = ("OPBD", "PRCD"), ("CLBD",), "ITBD"


def text_at(element: Any, path: str) -> str:
    """The text at a path of local names, without blanks around it; empty when there is none."""
    found = element_at(element, path)
    return "" if found is None or found.text is None else found.text.strip()


def element_at(element: Any, path: str) -> Any:
    """The element at a path of local names, or None."""
    return element.find("/".join("{*}" + name for name in path.split("/")))


def money_of(element: Any) -> Money:
    """An amount as whole minor units. More decimals than its currency has are refused, not rounded."""
    currency, text = element.get("Ccy", ""), (element.text or "").strip()
    if not is_currency(currency):
        raise StatementRefused(said("%(currency)s is not a currency the books can hold.", currency=currency), element.sourceline)
    return Money(minor_of(text, currency, element.sourceline), currency)


def minor_of(text: str, currency: str, line: int) -> int:
    """A decimal of the file in the currency's minor units, exactly."""
    parts = _DECIMAL.fullmatch(text)
    digits = exponent(currency)
    fraction = (parts[2] or "") if parts else ""
    if parts is None or not (parts[1] or fraction):
        raise StatementRefused(said("“%(text)s” is not an amount.", text=text), line)
    if fraction[digits:].strip("0"):
        raise StatementRefused(said("%(text)s has more decimals than %(currency)s has.", text=text, currency=currency), line)
    minor = int((parts[1] or "0") + fraction[:digits].ljust(digits, "0"))
    if minor > LARGEST_MINOR:
        raise StatementRefused(said("%(text)s is more than an account can hold.", text=text), line)
    return minor


def sign_of(element: Any) -> int:
    """1 for a credit to our account, -1 for a debit."""
    return 1 if text_at(element, "CdtDbtInd") == "CRDT" else -1


def day_of(element: Any) -> date | None:
    """The day of a date that may be given with its time."""
    if element is None:
        return None
    text = text_at(element, "Dt") or text_at(element, "DtTm")
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise StatementRefused(said("%(text)s is not a day of our calendar.", text=text), element.sourceline) from None


def _balance(element: Any) -> Balance:
    amount = money_of(element_at(element, "Amt"))
    on = day_of(element_at(element, "Dt"))
    assert on is not None  # the schema demands it
    kind = text_at(element, "Tp/CdOrPrtry/Cd")
    return Balance(element.sourceline, kind, sign_of(element) * amount.minor, amount.currency, on)


def _entry(element: Any) -> Entry:
    amount, sign = money_of(element_at(element, "Amt")), sign_of(element)
    booked, valued = day_of(element_at(element, "BookgDt")), day_of(element_at(element, "ValDt"))
    if booked is None and valued is None:
        raise StatementRefused("This entry has no booking date.", element.sourceline)
    reversal = text_at(element, "RvslInd") in ("true", "1")
    return Entry(
        line=element.sourceline,
        amount=amount,
        sign=sign,
        reversal=reversal,
        booked_on=booked or valued,  # type: ignore[arg-type]
        valued_on=valued,
        bank_reference=_told(text_at(element, "AcctSvcrRef")),
        text=text_at(element, "AddtlNtryInf")[:500],
        details=_details(element, amount, sign, reversal),
        batch=_batch(element),
    )


def _batch(entry: Any) -> Batch | None:
    """What stands of a batch whose transactions are not listed. Of several in one entry nobody could say which came to what."""
    groups = entry.findall("{*}NtryDtls")
    if len(groups) != 1 or len(groups[0].findall("{*}TxDtls")) > 1:
        return None
    told = [text_at(groups[0], f"{place}/{name}") for place in ("Btch", "TxDtls/Refs") for name in ("MsgId", "PmtInfId")]
    count = text_at(groups[0], "Btch/NbOfTxs")
    numbers = frozenset(_told(number).lower() for number in told if _told(number))
    return Batch(numbers, int(count) if count else None) if numbers or count else None


def _details(entry: Any, amount: Money, sign: int, reversal: bool) -> tuple[Detail, ...]:
    """The transactions of an entry. A batch without details is one transaction about which the bank says nothing."""
    found = [tx for group in entry.iterfind("{*}NtryDtls") for tx in group.iterfind("{*}TxDtls")]
    for group in entry.iterfind("{*}NtryDtls"):
        _check_batch(group, amount.currency)
    if len(found) == 1:
        _check_single(entry, found[0], amount)
    if len(found) < 2:
        return (_detail(found[0] if found else entry, amount, sign, sign if not reversal else -sign),)
    details = []
    for tx in found:
        own = element_at(tx, "Amt") if element_at(tx, "Amt") is not None else element_at(tx, "AmtDtls/TxAmt/Amt")
        if own is None:
            raise StatementRefused("One of several transactions of an entry does not say its amount.", tx.sourceline)
        money = money_of(own)
        if money.currency != amount.currency:
            raise StatementRefused("A transaction is in another currency than its entry.", own.sourceline)
        its_sign = sign_of(tx) if element_at(tx, "CdtDbtInd") is not None else sign
        details.append(_detail(tx, money, its_sign, its_sign if not reversal else -its_sign))
    if sum(d.sign * d.amount.minor for d in details) != sign * amount.minor:
        raise StatementRefused("The transactions of this entry do not add up to it.", entry.sourceline)
    return tuple(details)


def _check_single(entry: Any, tx: Any, amount: Money) -> None:
    """What hit the account is the entry's amount. Its one transaction says the same, unless charges or another currency lie between."""
    own = element_at(tx, "Amt")
    charged = element_at(tx, "Chrgs") is not None or element_at(entry, "Chrgs") is not None
    if own is not None and not charged and own.get("Ccy") == amount.currency and money_of(own) != amount:
        raise StatementRefused("The transaction of this entry is of another amount.", own.sourceline)


def _check_batch(group: Any, currency: str) -> None:
    """A batch that says how many transactions it has, and lists some, lists them all."""
    listed = group.findall("{*}TxDtls")
    told = text_at(group, "Btch/NbOfTxs")
    if told and len(listed) > 1 and int(told) != len(listed):
        raise StatementRefused(
            said("This batch says it has %(told)s transactions and lists %(listed)s.", told=int(told), listed=len(listed)), group.sourceline
        )
    total = element_at(group, "Btch/TtlAmt")
    if total is not None and money_of(total).currency != currency:
        raise StatementRefused("The total of this batch is in another currency than its entry.", total.sourceline)


def _detail(tx: Any, amount: Money, sign: int, originally: int) -> Detail:
    """`originally`: which way the money went first. The other side of what came in is the debtor, also when it is taken back."""
    role = "Dbtr" if originally > 0 else "Cdtr"
    parties = element_at(tx, "RltdPties")
    name = account = bic = ""
    if parties is not None:
        ultimate = ("Ultmt" + role, "Ultmt" + role + "/Pty")
        name = next((n for n in (text_at(parties, f"{p}/Nm") for p in (f"{role}/Pty", role, *ultimate[::-1])) if n), "")
        account = text_at(parties, f"{role}Acct/Id/IBAN") or text_at(parties, f"{role}Acct/Id/Othr/Id")
    agent = element_at(tx, f"RltdAgts/{role}Agt/FinInstnId")
    if agent is not None:
        bic = text_at(agent, "BICFI") or text_at(agent, "BIC")
    texts = [(u.text or "").strip() for u in tx.iterfind("{*}RmtInf/{*}Ustrd")]
    return Detail(
        line=tx.sourceline,
        amount=amount,
        sign=sign,
        name=name,
        account=account,
        bic=bic,
        reference=text_at(tx, "RmtInf/Strd/CdtrRefInf/Ref"),
        text=" ".join(t for t in texts if t),
        end_to_end=_told(text_at(tx, "Refs/EndToEndId")),
        return_reason=text_at(tx, "RtrInf/Rsn/Cd") or text_at(tx, "RtrInf/Rsn/Prtry") or ("returned" if _returned(tx) else ""),
    )


def _returned(tx: Any) -> bool:
    return element_at(tx, "RtrInf") is not None


def _told(reference: str) -> str:
    """Banks write these words where there is no reference."""
    return "" if reference.upper() in ("NOTPROVIDED", "NONREF") else reference


class Reading:
    """One statement while its parts pass by."""

    def __init__(self, most_entries: int) -> None:
        self.left = most_entries

    def begin(self, line: int) -> None:
        self.line = line
        self.identity, self.page, self.sequence, self.account, self.currency = "", 1, None, "", ""
        self.created_at: datetime | None = None
        self.balances: list[Balance] = []
        self.entries: list[Entry] = []
        self.listed: list[tuple[int, int]] = []  # sign and minor units of every entry, booked or not
        self.totals: Totals | None = None

    def take(self, name: str, element: Any) -> None:
        """The next child of the statement."""
        read = getattr(self, f"_take_{name}", None)
        if read is not None:
            read(element)

    def _take_Id(self, element: Any) -> None:
        self.identity = (element.text or "").strip()

    def _take_StmtPgntn(self, element: Any) -> None:
        self.page = int(text_at(element, "PgNb"))

    def _take_ElctrncSeqNb(self, element: Any) -> None:
        number = (element.text or "").strip()
        self.sequence = int(number) if number.isdigit() and len(number) < 10 else None

    def _take_CreDtTm(self, element: Any) -> None:
        try:
            at = datetime.fromisoformat((element.text or "").strip())
            self.created_at = at if at.tzinfo else at.replace(tzinfo=UTC)  # banks that name no zone are taken at their word
        except ValueError:
            raise StatementRefused("This is not a moment of our calendar.", element.sourceline) from None

    def _take_Acct(self, element: Any) -> None:
        self.account = (text_at(element, "Id/IBAN") or text_at(element, "Id/Othr/Id")).replace(" ", "").upper()
        self.currency = text_at(element, "Ccy")

    def _take_Bal(self, element: Any) -> None:
        self.balances.append(_balance(element))

    def _take_TxsSummry(self, element: Any) -> None:
        self.totals = Totals(copy.deepcopy(element), element.sourceline)

    def _take_Ntry(self, element: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise StatementRefused("The file holds too many entries. Ask the bank for statements of shorter periods.", element.sourceline)
        entry = _entry(element)
        self.listed.append((entry.sign, entry.amount.minor))
        self.currency = self.currency or entry.amount.currency
        if entry.amount.currency != self.currency:
            raise StatementRefused(
                said("An entry in %(currency)s on an account in %(own)s.", currency=entry.amount.currency, own=self.currency), entry.line
            )
        status = text_at(element, "Sts/Cd") or text_at(element, "Sts")
        if status == "BOOK":
            self.entries.append(entry)

    def finish(self) -> Statement:
        """All of it, if it agrees with itself."""
        opening, closing = self._ends()
        if not self.identity or not self.account:
            raise StatementRefused("The statement does not say which it is or whose account it is about.", self.line)
        for balance in (opening, closing):
            if balance.currency != opening.currency or (self.currency and balance.currency != self.currency):
                raise StatementRefused(
                    said("A balance in %(currency)s on an account in %(own)s.", currency=balance.currency, own=self.currency), balance.line
                )
        if self.totals is not None:
            check_totals(self.totals, self.listed, opening.currency, minor_of)
        moved = sum(entry.signed_minor for entry in self.entries)
        if opening.signed_minor + moved != closing.signed_minor:
            should = Money(opening.signed_minor + moved, opening.currency)
            told = Money(closing.signed_minor, opening.currency)
            raise StatementRefused(
                said(
                    "The opening balance and the entries come to %(should)s, but the closing balance says %(told)s.",
                    should=should,
                    told=told,
                ),
                closing.line,
            )
        return Statement(
            line=self.line,
            identity=self.identity,
            page=self.page,
            sequence=self.sequence,
            account=self.account,
            currency=opening.currency,
            created_at=self.created_at,
            opening=opening,
            closing=closing,
            entries=tuple(self.entries),
            pending=len(self.listed) - len(self.entries),
        )

    def _ends(self) -> tuple[Balance, Balance]:
        """The balances before the first and after the last entry; those of a page in the middle are called interim."""
        between = [b for b in self.balances if b.kind == BETWEEN]
        opening = [b for kind in OPENING for b in self.balances if b.kind == kind] or between[:1]
        closing = [b for b in self.balances if b.kind in CLOSING] or between[-1:]
        if not opening or not closing or (opening[0] is closing[0]):
            raise StatementRefused("The statement lacks its opening or its closing balance.", self.line)
        if len(closing) > 1 or len([b for b in self.balances if b.kind == opening[0].kind and b.kind != BETWEEN]) > 1:
            raise StatementRefused(
                "The statement gives the same balance twice.", closing[-1].line if len(closing) > 1 else opening[-1].line
            )
        return opening[0], closing[0]
