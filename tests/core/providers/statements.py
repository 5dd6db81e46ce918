"""Writes CAMT.053 statements the way banks do, right or wrong on purpose, and draws random right ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

from core.kernel.money import Money

ACCOUNTS = {
    "EUR": "DE89370400440532013000",
    "GBP": "GB29NWBK60161331926819",
    "JPY": "DE02120300000000202051",
    "KWD": "KW81CBKU0000000000001234560101",
}
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."


@dataclass(frozen=True)
class Tx:
    minor: int
    sign: int = 1
    name: str = "Ada Payer"
    account: str = "DE12500105170648489890"
    reference: str = ""
    text: str = ""
    end_to_end: str = ""
    returned: str = ""


@dataclass(frozen=True)
class Line:
    txs: tuple[Tx, ...]
    sign: int = 1
    reversal: bool = False
    bank_reference: str = ""
    booked_on: date = date(2026, 11, 20)
    status: str = "BOOK"
    instead: str = ""  # of the batch and its transactions, what the bank says of them

    @property
    def minor(self) -> int:
        """What it comes to, in its own direction."""
        return self.sign * sum(tx.sign * tx.minor for tx in self.txs)


@dataclass(frozen=True)
class Draft:
    lines: tuple[Line, ...]
    currency: str = "EUR"
    opening: int = 0
    identity: str = "S-1"
    sequence: int = 1
    account: str = ""
    version: str = "08"
    totals: bool = True

    @property
    def iban(self) -> str:
        return self.account or ACCOUNTS[self.currency]

    @property
    def closing(self) -> int:
        return self.opening + sum(line.sign * line.minor for line in self.lines if line.status == "BOOK")


def decimal(minor: int, currency: str) -> str:
    return Money(abs(minor), currency).decimal_text


def _amount(minor: int, currency: str, tag: str = "Amt") -> str:
    return f'<{tag} Ccy="{currency}">{decimal(minor, currency)}</{tag}>'


def _indicator(sign: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if sign >= 0 else 'DBIT'}</CdtDbtInd>"


def _balance(kind: str, signed: int, currency: str, on: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(signed, currency)}{_indicator(signed)}<Dt><Dt>{on}</Dt></Dt></Bal>\n"
    )


def _tx(draft: Draft, line: Line, tx: Tx) -> str:
    debtor = (tx.sign > 0) != line.reversal
    role = "Dbtr" if debtor else "Cdtr"
    name = escape(tx.name)
    party = f"<{role}><Nm>{name}</Nm></{role}>" if draft.version != "08" else f"<{role}><Pty><Nm>{name}</Nm></Pty></{role}>"
    remittance = (f"<Ustrd>{escape(tx.text)}</Ustrd>" if tx.text else "") + (
        f"<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{escape(tx.reference)}</Ref></CdtrRefInf></Strd>"
        if tx.reference
        else ""
    )
    money = (
        f"<AmtDtls><TxAmt>{_amount(tx.minor, draft.currency)}</TxAmt></AmtDtls>"
        if draft.version == "02"
        else _amount(tx.minor, draft.currency) + _indicator(tx.sign)
    )
    return (
        "<TxDtls>\n"
        + f"<Refs><EndToEndId>{escape(tx.end_to_end or 'NOTPROVIDED')}</EndToEndId></Refs>"
        + money
        + (f"<RltdPties>{party}<{role}Acct><Id><IBAN>{tx.account}</IBAN></Id></{role}Acct></RltdPties>" if tx.name else "")
        + (f"<RmtInf>{remittance}</RmtInf>" if remittance else "")
        + (f"<RtrInf><Rsn><Cd>{tx.returned}</Cd></Rsn></RtrInf>" if tx.returned else "")
        + "</TxDtls>\n"
    )


def _line(draft: Draft, line: Line) -> str:
    status = line.status if draft.version != "08" else f"<Cd>{line.status}</Cd>"
    batch = f"<Btch><NbOfTxs>{len(line.txs)}</NbOfTxs></Btch>" if len(line.txs) > 1 else ""
    return (
        "<Ntry>\n"
        + _amount(line.minor, draft.currency)
        + _indicator(line.sign)
        + ("<RvslInd>true</RvslInd>" if line.reversal else "")
        + f"<Sts>{status}</Sts><BookgDt><Dt>{line.booked_on}</Dt></BookgDt><ValDt><Dt>{line.booked_on}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{escape(line.bank_reference)}</AcctSvcrRef>" if line.bank_reference else "")
        + "<BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>"
        + f"<NtryDtls>{line.instead or batch + ''.join(_tx(draft, line, tx) for tx in line.txs)}</NtryDtls>"
        + "</Ntry>\n"
    )


def _totals(draft: Draft) -> str:
    def group(name: str, lines: list[Line], net: bool = False) -> str:
        moved = sum(line.sign * line.minor for line in lines)
        direction = ""
        if net and draft.version == "02":
            direction = f"<TtlNetNtryAmt>{decimal(moved, draft.currency)}</TtlNetNtryAmt>{_indicator(moved)}"
        elif net:
            direction = f"<TtlNetNtry><Amt>{decimal(moved, draft.currency)}</Amt>{_indicator(moved)}</TtlNetNtry>"
        total = decimal(sum(line.minor for line in lines), draft.currency)
        return f"<{name}><NbOfNtries>{len(lines)}</NbOfNtries><Sum>{total}</Sum>{direction}</{name}>"

    listed = list(draft.lines)
    return (
        "<TxsSummry>"
        + group("TtlNtries", listed, net=True)
        + group("TtlCdtNtries", [x for x in listed if x.sign > 0])
        + group("TtlDbtNtries", [x for x in listed if x.sign < 0])
        + "</TxsSummry>\n"
    )


def statement(draft: Draft) -> str:
    on = max((line.booked_on for line in draft.lines), default=date(2026, 11, 20))
    return (
        f"<Stmt>\n<Id>{escape(draft.identity)}</Id><ElctrncSeqNb>{draft.sequence}</ElctrncSeqNb><CreDtTm>{on}T18:00:00+01:00</CreDtTm>\n"
        + f"<Acct><Id><IBAN>{draft.iban}</IBAN></Id><Ccy>{draft.currency}</Ccy></Acct>\n"
        + _balance("OPBD", draft.opening, draft.currency, on - timedelta(days=1))
        + _balance("CLBD", draft.closing, draft.currency, on)
        + (_totals(draft) if draft.totals else "")
        + "".join(_line(draft, line) for line in draft.lines)
        + "</Stmt>\n"
    )


def file_of(*drafts: Draft, message: str = "M-1") -> bytes:
    """One file with these statements, all of the first one's version."""
    version = drafts[0].version
    body = "".join(statement(replace(draft, version=version)) for draft in drafts)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns={quoteattr(NAMESPACE + version)}>\n<BkToCstmrStmt>\n'
        f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-11-20T18:00:00Z</CreDtTm></GrpHdr>\n{body}</BkToCstmrStmt>\n</Document>\n"
    ).encode()


# --- random right ones -------------------------------------------------------------------------------------------------

words = st.text(
    st.characters(categories=("L", "N", "Zs"), exclude_characters="\u2028\u2029", max_codepoint=0x2FFF), min_size=1, max_size=60
).map(lambda text: " ".join(text.split()) or "x")
amounts = st.integers(1, 50_000_000)


@st.composite
def lines(draw: st.DrawFn, number: int) -> Line:
    sign = draw(st.sampled_from((1, 1, 1, -1)))
    txs = draw(
        st.lists(
            st.builds(
                Tx,
                minor=amounts,
                sign=st.just(sign),
                name=words,
                reference=st.sampled_from(("", "RF18539007547034")),
                text=words | st.just(""),
            ),
            min_size=1,
            max_size=3,
        )
    )
    return Line(
        txs=tuple(txs),
        sign=sign,
        reversal=draw(st.integers(0, 9)) == 0,
        bank_reference=f"B{number}",
        booked_on=date(2026, 11, 1) + timedelta(days=draw(st.integers(0, 27))),
        status=draw(st.sampled_from(("BOOK", "BOOK", "BOOK", "PDNG"))),
    )


@st.composite
def drafts(draw: st.DrawFn, least: int = 0) -> Draft:
    count = draw(st.integers(least, 6))
    return Draft(
        lines=tuple(draw(lines(number)) for number in range(count)),
        currency=draw(st.sampled_from(sorted(ACCOUNTS))),
        opening=draw(st.integers(-1_000_000, 1_000_000_000)),
        version=draw(st.sampled_from(("02", "04", "08"))),
        totals=draw(st.booleans()),
    )
