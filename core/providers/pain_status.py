"""Reads a bank's answer to our files of transfers strictly: pain.002.001.10 of ISO 20022, all of it right, or none of it taken.

What stands in it is only read here, and held against itself: a report that says yes of the whole and no of a part is refused. Which
transfers are meant, and what becomes of them: core/payments/order_status.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from core.kernel.money import Money
from core.kernel.sentence import said
from core.providers.camt import NAMESPACE, SAFE, check_bytes, not_xml, schema_of, unlike_schema
from core.providers.camt_parts import element_at, minor_of, money_of, text_at
from core.providers.pain import CURRENCY
from core.providers.statement import StatementRefused

VERSION = "pain.002.001.10"
REJECTED, PARTLY = "RJCT", "PART"
# Of the standard's list of statuses, those a bank tells of transfers it was asked to make. Everything but RJCT means: not refused so far.
ON_THEIR_WAY = frozenset({"RCVD", "PDNG", "PATC", "ACTC", "ACCP", "ACFC", "ACWC", "ACWP", "ACSP"})
DONE = frozenset({"ACSC", "ACCC"})
ACCEPTED = ON_THEIR_WAY | DONE


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the standard's code where there is one, and what the bank wrote beside it."""

    code: str = ""
    text: str = ""

    @property
    def short(self) -> str:
        """Both on one line."""
        return " ".join(part for part in (self.code, self.text) if part)[:60]


@dataclass(frozen=True, slots=True)
class Told:
    """What the bank says of one transfer. Sum and account where it repeats them."""

    line: int
    end_to_end: str
    status: str
    reason: Reason
    amount: Money | None
    iban: str


@dataclass(frozen=True, slots=True)
class Whole:
    """What the bank says of all transfers of the file together, or of its one batch."""

    line: int
    number: str
    status: str  # empty: nothing of the whole
    reason: Reason
    count: int | None
    total: Money | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """One report, about one file."""

    message: str
    made_at: datetime
    sha256: str
    about: Whole
    batches: tuple[Whole, ...]
    transfers: tuple[Told, ...]

    @property
    def status(self) -> str:
        """Of everything: what its group says, or its one batch, or nothing."""
        return self.about.status or next((batch.status for batch in self.batches if batch.status), "")

    @property
    def reason(self) -> Reason:
        """Why, for the whole."""
        wholes = (self.about, *self.batches)
        return next((one.reason for one in wholes if one.reason.short), Reason())


def read_pain_002(raw: bytes) -> StatusReport:
    """What the file says. Raises StatementRefused and nothing else, whatever it is given; it names the line."""
    check_bytes(raw)
    try:
        root = etree.fromstring(raw, etree.XMLParser(**SAFE))
    except etree.XMLSyntaxError as error:
        raise not_xml(raw, error) from None
    name = etree.QName(root)
    if name.localname != "Document" or name.namespace != NAMESPACE + VERSION:
        raise StatementRefused(said("This is no status report of version %(wanted)s.", wanted=VERSION), root.sourceline or 1)
    if not schema_of(VERSION).validate(root):
        raise unlike_schema(VERSION, root)
    report = _read(root[0], hashlib.sha256(raw).hexdigest())
    _check_against_itself(report)
    return report


def _read(body: Any, sha256: str) -> StatusReport:
    head, about = element_at(body, "GrpHdr"), element_at(body, "OrgnlGrpInfAndSts")
    kind = text_at(about, "OrgnlMsgNmId")
    if not kind.startswith("pain.001"):
        raise StatementRefused(said("It is about %(kind)s, which is no file of transfers.", kind=kind[:40]), about.sourceline)
    batches = body.findall("{*}OrgnlPmtInfAndSts")
    return StatusReport(
        text_at(head, "MsgId"),
        _instant(element_at(head, "CreDtTm")),
        sha256,
        _whole(about, "OrgnlMsgId", "GrpSts"),
        tuple(_whole(batch, "OrgnlPmtInfId", "PmtInfSts") for batch in batches),
        tuple(_told(one) for batch in batches for one in batch.iterfind("{*}TxInfAndSts")),
    )


def _whole(element: Any, number: str, status: str) -> Whole:
    count, total = text_at(element, "OrgnlNbOfTxs"), element_at(element, "OrgnlCtrlSum")
    return Whole(
        element.sourceline,
        text_at(element, number),
        _status(element, status, partly=True),
        _reason(element),
        int(count) if count else None,
        Money(minor_of((total.text or "").strip(), CURRENCY, total.sourceline), CURRENCY) if total is not None else None,
    )


def _told(element: Any) -> Told:
    end_to_end = text_at(element, "OrgnlEndToEndId")
    if not end_to_end:
        raise StatementRefused("A transfer does not say which one it is (OrgnlEndToEndId).", element.sourceline)
    amount = element_at(element, "OrgnlTxRef/Amt/InstdAmt")
    return Told(
        element.sourceline,
        end_to_end.lower(),  # some banks hand the reference on in capitals
        _status(element, "TxSts", partly=False),
        _reason(element),
        money_of(amount) if amount is not None else None,
        text_at(element, "OrgnlTxRef/CdtrAcct/Id/IBAN"),
    )


def _status(element: Any, name: str, *, partly: bool) -> str:
    status, where = text_at(element, name), element_at(element, name)
    if status and status not in ACCEPTED | {REJECTED} and not (partly and status == PARTLY):
        raise StatementRefused(said("“%(status)s” is no status that is known here.", status=status), where.sourceline)
    return status


def _reason(element: Any) -> Reason:
    found = element.findall("{*}StsRsnInf")
    codes = [text_at(one, "Rsn/Cd") for one in found]
    texts = [text_at(one, "Rsn/Prtry") for one in found]
    texts += [(extra.text or "").strip() for one in found for extra in one.iterfind("{*}AddtlInf")]
    return Reason(next((code for code in codes if code), ""), " ".join(" ".join(text.split()) for text in texts if text)[:200])


def _instant(element: Any) -> datetime:
    """Without a zone it is taken as UTC: it only orders a bank's own reports among themselves."""
    try:
        at = datetime.fromisoformat((element.text or "").strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise StatementRefused("This is no moment that a calendar knows.", element.sourceline) from None


def _check_against_itself(report: StatusReport) -> None:
    """What stands in it twice says the same."""
    wholes = [one for one in (report.about, *report.batches) if one.status]
    if not wholes and not any(one.status for one in report.transfers):
        raise StatementRefused("It says of nothing what became of it.", report.about.line)
    if len(report.batches) > 1:
        raise StatementRefused("Our files have one batch each, and it speaks of several.", report.batches[1].line)
    statuses = {one.status for one in wholes} - {PARTLY}
    if REJECTED in statuses and (len({one.status for one in wholes}) > 1):
        raise StatementRefused("It says of the file and of its batch what cannot both be.", wholes[-1].line)
    seen: set[str] = set()
    for one in report.transfers:
        if one.end_to_end in seen:
            raise StatementRefused("This transfer stands in it twice.", one.line)
        seen.add(one.end_to_end)
        _check_one(one, statuses)


def _check_one(one: Told, statuses: Iterable[str]) -> None:
    for whole in statuses:
        if (whole == REJECTED) != (one.status == REJECTED) and one.status:
            words = said("The whole is told as %(whole)s, and this transfer as %(one)s.", whole=whole, one=one.status)
            raise StatementRefused(words, one.line)
