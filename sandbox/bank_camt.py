"""Writes the bank's statements as CAMT.053, version 08."""

import datetime
from xml.sax.saxutils import escape

from sandbox.currencies import DECIMALS

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def write_statement(identity, number, iban, currency, holder, opening, rows, now):
    """One statement in one file: balances, control totals, an entry for each row."""
    made = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    last = max([row["booked_on"] for row in rows], default=made.date().isoformat())
    first = min([row["booked_on"] for row in rows], default=last)
    closing = opening + sum(row["sign"] * row["amount"] for row in rows)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="{NAMESPACE}">',
        "<BkToCstmrStmt>",
        f"<GrpHdr><MsgId>{identity}</MsgId><CreDtTm>{made.isoformat()}</CreDtTm></GrpHdr>",
        "<Stmt>",
        f"<Id>{identity}</Id>",
        f"<ElctrncSeqNb>{number}</ElctrncSeqNb>",
        f"<CreDtTm>{made.isoformat()}</CreDtTm>",
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy><Ownr><Nm>{escape(holder)}</Nm></Ownr></Acct>",
        _balance("OPBD", opening, currency, first),
        _balance("CLBD", closing, currency, last),
        _totals(rows, currency),
        *(_entry(row, currency) for row in rows),
        "</Stmt>",
        "</BkToCstmrStmt>",
        "</Document>",
    ]
    return "\n".join(parts) + "\n"


def decimal(minor, currency):
    """1234, "EUR" -> 12.34"""
    digits = DECIMALS[currency.lower()]
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def _amount(minor, currency):
    return f'<Amt Ccy="{currency}">{decimal(minor, currency)}</Amt>'


def _indicator(sign):
    return f"<CdtDbtInd>{'CRDT' if sign >= 0 else 'DBIT'}</CdtDbtInd>"


def _balance(kind, signed, currency, day):
    money = _amount(signed, currency) + _indicator(signed)
    return f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{money}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _totals(rows, currency):
    def group(name, some, net=False):
        moved = sum(row["sign"] * row["amount"] for row in some)
        total = decimal(sum(row["amount"] for row in some), currency)
        extra = f"<TtlNetNtry><Amt>{decimal(moved, currency)}</Amt>{_indicator(moved)}</TtlNetNtry>" if net else ""
        return f"<{name}><NbOfNtries>{len(some)}</NbOfNtries><Sum>{total}</Sum>{extra}</{name}>"

    credits, debits = [row for row in rows if row["sign"] > 0], [row for row in rows if row["sign"] < 0]
    return f"<TxsSummry>{group('TtlNtries', rows, net=True)}{group('TtlCdtNtries', credits)}{group('TtlDbtNtries', debits)}</TxsSummry>"


def _entry(row, currency):
    """An entry with its one transaction. A credit is from a debtor, also when it is taken back."""
    role = "Dbtr" if (row["sign"] > 0) != bool(row["reversal"]) and not row["returned"] else "Cdtr"
    family = "<Domn><Cd>PMNT</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn>"
    code = family.format("RCDT" if row["sign"] > 0 else "ICDT", "RRTN" if row["returned"] or row["reversal"] else "ESCT")
    party = f"<{role}><Pty><Nm>{escape(row['name'])}</Nm></Pty></{role}>" if row["name"] else ""
    account = f"<{role}Acct><Id><IBAN>{row['iban']}</IBAN></Id></{role}Acct>" if row["iban"] else ""
    structured = (
        f"<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{row['reference']}</Ref></CdtrRefInf></Strd>"
        if row["reference"]
        else ""
    )
    text = f"<Ustrd>{escape(row['text'])}</Ustrd>" if row["text"] else ""
    day = f"<BookgDt><Dt>{row['booked_on']}</Dt></BookgDt><ValDt><Dt>{row['booked_on']}</Dt></ValDt>"
    money = _amount(row["amount"], currency) + _indicator(row["sign"])
    return "\n".join(
        part
        for part in (
            f"<Ntry>{money}{'<RvslInd>true</RvslInd>' if row['reversal'] else ''}<Sts><Cd>BOOK</Cd></Sts>{day}",
            f"<AcctSvcrRef>SBX{row['seq']:012d}</AcctSvcrRef><BkTxCd>{code}</BkTxCd>",
            f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(row['end_to_end'] or 'NOTPROVIDED')}</EndToEndId></Refs>{money}",
            f"<RltdPties>{party}{account}</RltdPties>" if party or account else "",
            f"<RmtInf>{text}{structured}</RmtInf>" if text or structured else "",
            f"<RtrInf><Rsn><Cd>{row['returned']}</Cd></Rsn></RtrInf>" if row["returned"] else "",
            "</TxDtls></NtryDtls></Ntry>",
        )
        if part
    )
