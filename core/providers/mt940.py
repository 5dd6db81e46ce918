"""Reads MT940 bank statements: the library `mt-940` takes the tags apart, and all it does not look at is checked here.

It parses whatever looks like a statement; opening and movements must come to closing, every `:61:` must have become a movement, and one
currency runs through it all, or none of the file is taken. The result is what CAMT.053 gives, so the same lines come of it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from bisect import bisect_left
from datetime import date
from decimal import Decimal
from typing import Any

from core.kernel.currency import exponent, is_currency
from core.kernel.money import Money
from core.kernel.sentence import said
from core.providers.statement import Balance, Detail, Entry, Statement, StatementFile, StatementRefused

LARGEST = 20_000_000
MOST_ENTRIES = 100_000
_BEGINS = re.compile(r"^:20:", re.MULTILINE)
_MOVES = re.compile(r"^:61:", re.MULTILINE)
_DETAIL = re.compile(r"^:86:((?:.*\n?)(?:^(?!:\d{2}[A-Z]?:|-\s*$).*\n?)*)", re.MULTILINE)
_GERMAN = re.compile(r"([0-9]{8})/([0-9]{1,10})([A-Z]{3})?")
_FIELD = re.compile(r"\?(\d{2})")
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|PURP)\+")
_RETURNS = ("109", "159")  # transaction codes of what comes back


def looks_like_mt940(raw: bytes) -> bool:
    """Whether it begins as such a statement does, an envelope of SWIFT's before it or not."""
    return b":20:" in raw[:1_000] and not raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def read_mt940(raw: bytes) -> StatementFile:
    """What the file says, checked to the last sum. Raises StatementRefused and nothing else, whatever it is given."""
    if len(raw) > LARGEST:
        raise StatementRefused(
            said("The file is larger than %(most)s megabytes. Ask the bank for statements of shorter periods.", most=LARGEST // 1_000_000)
        )
    text = _text(raw)
    places, ends = [found.start() for found in _BEGINS.finditer(text)], _ends(text)
    if not places:
        raise StatementRefused("The file holds no statement.", 1)
    statements = []
    for begin, end in zip(places, [*places[1:], len(text)], strict=True):
        statements.append(_statement(text[begin:end], 1 + bisect_left(ends, begin)))
    return StatementFile(statements[0].identity, "mt940", hashlib.sha256(raw).hexdigest(), tuple(statements))


def _text(raw: bytes) -> str:
    if b"\x00" in raw:
        raise StatementRefused("The file must be written in UTF-8 or ISO 8859-1.", 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("iso-8859-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _ends(text: str) -> list[int]:
    """Where each line ends: how many stand before a place is the number of its line, without counting from the beginning for every one."""
    return [at.start() for at in re.finditer("\n", text)]


def _parsed(text: str, line: int) -> Any:
    """As the library sees it. Whatever it stumbles over is damage of the file, not of ours."""
    import mt940  # only whoever reads such a statement needs it

    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)  # it would write what it cannot read into the log, with people's names
    found = mt940.models.Transactions(processors={})
    try:
        found.parse(text)
    except Exception as problem:
        place = text.find(str(problem.args[2])) if len(problem.args) > 2 else -1
        where = line + text[: max(place, 0)].count("\n")
        raise StatementRefused(said("The file is damaged: %(reason)s.", reason=said("a tag does not say what it should")), where) from None
    return found


def _statement(text: str, line: int) -> Statement:
    found = _parsed(text, line)
    told = found.data
    opening = told.get("final_opening_balance") or told.get("intermediate_opening_balance")
    closing = told.get("final_closing_balance") or told.get("intermediate_closing_balance")
    if opening is None or closing is None or not told.get("account_identification"):
        raise StatementRefused("The statement does not say whose account it is, or how it begins or ends.", line)
    currency = str(opening.amount.currency)
    if not is_currency(currency) or str(closing.amount.currency) != currency:
        raise StatementRefused("The statement is not in one currency.", line)
    ends = _ends(text)
    lines = [line + bisect_left(ends, at.start()) for at in _MOVES.finditer(text)]
    moves = [one for one in found.transactions if "amount" in one.data]
    if len(moves) != len(lines) or len(moves) > MOST_ENTRIES:
        raise StatementRefused(
            said("%(count)s movements stand in the statement, %(read)s could be read.", count=len(lines), read=len(moves)), line
        )
    details = _details(text, lines, line, ends)
    entries = tuple(_entry(one.data, currency, where, details[where]) for one, where in zip(moves, lines, strict=True))
    began, ended = (_balance(one, kind, currency, line) for one, kind in ((opening, "OPBD"), (closing, "CLBD")))
    total = began.signed_minor + sum(entry.signed_minor for entry in entries)
    if total != ended.signed_minor:
        first, last = Money(total, currency), Money(ended.signed_minor, currency)
        raise StatementRefused(
            said("Opening and movements come to %(total)s, the closing balance says %(closing)s.", total=first, closing=last), line
        )
    number, page = str(told.get("statement_number") or ""), str(told.get("sequence_number") or "1")
    identity = f"{told.get('transaction_reference', '')}-{number}"[:35]
    return Statement(
        line, identity, int(page) if page.isdigit() else 1, int(number) if number.isdigit() and int(number) else None, _account(told), currency, None,
        began, ended, entries, 0,
    )  # fmt: skip


def _account(told: dict[str, Any]) -> str:
    """An IBAN. German banks write the sort code and the number, of which one follows."""
    text = str(told["account_identification"]).strip().replace(" ", "")
    german = _GERMAN.fullmatch(text)
    if german is None:
        return re.sub(r"[A-Z]{3}$", "", text) if len(text) > 15 and text[-3:].isalpha() else text
    rest = f"{german[1]}{german[2].zfill(10)}"
    return f"DE{98 - int(f'{rest}131400') % 97:02d}{rest}"


def _minor(amount: Decimal, currency: str, line: int) -> int:
    scaled = amount.scaleb(exponent(currency))
    if scaled != int(scaled):
        raise StatementRefused(said("%(amount)s has more decimals than %(currency)s.", amount=str(amount), currency=currency), line)
    return int(scaled)


def _balance(told: Any, kind: str, currency: str, line: int) -> Balance:
    size = abs(_minor(told.amount.amount, currency, line))
    return Balance(line, kind, -size if told.status == "D" else size, currency, _day(told.date))


def _day(day: Any) -> date:
    return date(day.year, day.month, day.day)


def _entry(told: dict[str, Any], currency: str, line: int, details: str) -> Entry:
    status = str(told["status"])
    if str(told.get("currency") or currency) != currency or status not in ("C", "D", "RC", "RD"):
        raise StatementRefused("A movement is in another currency, or neither a credit nor a debit.", line)
    sign = 1 if status in ("C", "RD") else -1
    amount = Money(abs(_minor(told["amount"].amount, currency, line)), currency)
    fields = _fields(details)
    text = fields["text"] or details.strip()
    back = "RETURN" if fields["code"] in _RETURNS else ""
    detail = Detail(
        line, amount, sign, name=fields["name"][:140], account=fields["account"][:40], bic=fields["bic"][:11], text=text[:1000], end_to_end=fields["eref"][:35],
        return_reason=back,
    )  # fmt: skip
    reference = str(told.get("bank_reference") or "").strip()
    booked = told.get("entry_date") or told["date"]
    return Entry(line, amount, sign, status in ("RC", "RD"), _day(booked), _day(told["date"]), reference[:35], text[:1000], (detail,))


def _details(text: str, lines: list[int], first: int, ends: list[int]) -> dict[int, str]:
    """What `:86:` says below each movement."""
    found = dict.fromkeys(lines, "")
    for at in _DETAIL.finditer(text):
        above = bisect_left(lines, first + bisect_left(ends, at.start()))
        if above and not found[lines[above - 1]]:
            found[lines[above - 1]] = at[1]
    return found


def _fields(details: str) -> dict[str, str]:
    """The parts that German banks mark with question marks, and the SEPA words in the remittance text. Elsewhere it is all text."""
    packed = details.replace("\n", "")
    parts = _FIELD.split(packed)
    named: dict[str, str] = {}
    for code, value in zip(parts[1::2], parts[2::2], strict=True):
        named[code] = named.get(code, "") + value
    remittance = "".join(named.get(str(code), "") for code in (*range(20, 30), *range(60, 64)))
    words = _SEPA.split(remittance)
    sepa = dict(zip(words[1::2], words[2::2], strict=True))
    structured = bool(named)
    return {
        "code": parts[0][:3] if structured else "", "bic": named.get("30", ""), "account": named.get("31", ""),
        "name": (named.get("32", "") + named.get("33", "")).strip(), "eref": sepa.get("EREF", "").strip(),
        "text": (sepa.get("SVWZ") or words[0] or remittance).strip() if structured else "",
    }  # fmt: skip
