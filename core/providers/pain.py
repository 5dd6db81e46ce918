"""Transfers as a file for the bank: SEPA credit transfers, pain.001.001.09 of ISO 20022. The same transfers give the same bytes.

The library writes the tree; what it leaves to chance (numbers, the hour) or lets through (a wrong IBAN, a number used twice, signs that banks
refuse) is settled here, and the whole is held against the standard's schema before anybody gets it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from stdnum import bic as bics
from stdnum.exceptions import ValidationError

from core.kernel.money import Money
from core.providers.bank_accounts import Account, check_iban

if TYPE_CHECKING:
    from lxml.etree import XMLSchema

CURRENCY = "EUR"
SCHEMA = "pain.001.001.09"
NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"
NO_BIC = "NOTPROVIDED"  # which has the very shape of one
MOST_MINOR = 999_999_999_99  # of one transfer, by the rules of the area
NO_NAME = NO_BIC  # the area's word for both
LONGEST_NAME, LONGEST_TEXT, LONGEST_NUMBER = 70, 140, 35  # characters
# Whose banks a SEPA transfer in euros reaches: the countries of the area, and what belongs to them and has an IBAN of its own.
SEPA = frozenset({
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR",
    "GB", "GI", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD",
    "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
})  # fmt: skip
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")  # what every bank of the area takes: EPC217-08


class NotATransfer(ValueError):
    """What the bank would refuse, or pay to somebody else. Says which transfer, and why."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer. `end_to_end` stands on both statements; a `bic` is needed outside the euro area only."""

    end_to_end: str
    amount: Money
    name: str
    iban: str
    bic: str
    text: str


def write_pain_001(
    message: str, made_at: datetime, account: Account, transfers: Sequence[Transfer], *, on: date, in_one: bool = False
) -> bytes:
    """One batch from one account of ours, to be carried out on this day, a bank's working day. Raises NotATransfer.

    The bank is asked for a debit of each transfer: of a single sum nobody could tell whose payout has left. `in_one` asks for that sum, as
    files did at first.
    """
    from lxml import etree
    from sepaxml import SepaTransfer  # an XML library of its own comes with it: only whoever writes a file needs that

    _check(account, transfers)
    ours = {"name": sepa_text(account.holder, LONGEST_NAME), "IBAN": account.iban, "batch": True, "currency": CURRENCY}
    writer = SepaTransfer(ours | ({"BIC": account.bic} if account.bic else {}), schema=SCHEMA, clean=True)
    for one in transfers:
        theirs = {
            "name": sepa_text(one.name, LONGEST_NAME), "IBAN": check_iban(one.iban), "amount": one.amount.minor, "execution_date": on,
            "description": sepa_text(one.text, LONGEST_TEXT), "endtoend_id": one.end_to_end,
        }  # fmt: skip
        writer.add_payment(theirs | ({"BIC": bic} if (bic := _bic(one.bic)) else {}))
    document = etree.fromstring(writer.export(validate=False))
    at, booked = f"{made_at:%Y-%m-%dT%H:%M:%S}+00:00", "true" if in_one else "false"
    for name, said in (("MsgId", message), ("CreDtTm", at), ("PmtInfId", message), ("BtchBookg", booked)):
        (place,) = document.iter(f"{{{NAMESPACE}}}{name}")
        place.text = said
    for bank in document.iter(f"{{{NAMESPACE}}}FinInstnId"):
        if not len(bank):  # without a BIC the area's rules want this word
            other = etree.SubElement(bank, f"{{{NAMESPACE}}}Othr")
            etree.SubElement(other, f"{{{NAMESPACE}}}Id").text = NO_BIC
    _schema().assertValid(document)
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8")


def can_be_written(text: str) -> bool:
    """Whether anything of it is left in the letters that every bank of the area takes. One name of signs alone would stop a whole file."""
    if _NOT_SEPA.sub("", text).strip():
        return True  # as a rule: the tables for all other scripts need not be read
    try:
        return bool(sepa_text(text, LONGEST_NAME))
    except NotATransfer:
        return False


def sepa_text(text: str, most: int) -> str:
    """In the letters that every bank of the area takes. Raises NotATransfer when nothing is left."""
    from text_unidecode import unidecode

    found = " ".join(_NOT_SEPA.sub(" ", unidecode(text)).split())[:most].strip()
    if not found:
        raise NotATransfer(f"{text!r} has no letters that a bank can write.")
    return found


def _bic(text: str) -> str:
    """As far as it is one: a statement may say a sort code in its place, or NOTPROVIDED. The IBAN alone names the bank."""
    try:
        found = str(bics.validate(text)) if text else ""
    except ValidationError:
        return ""
    return "" if found == NO_BIC else found


def _check(account: Account, transfers: Sequence[Transfer]) -> None:
    if account.currency != CURRENCY:
        raise NotATransfer(f"A SEPA file is in {CURRENCY}, and this account is in {account.currency}.")
    if not transfers:
        raise NotATransfer("There is nothing to transfer.")
    seen: set[str] = set()
    for one in transfers:
        if not check_iban(one.iban):
            raise NotATransfer(f"{one.end_to_end}: {one.iban!r} is not an IBAN.")
        if one.amount.currency != CURRENCY or not 0 < one.amount.minor <= MOST_MINOR:
            raise NotATransfer(f"{one.end_to_end}: {one.amount} cannot be transferred in a SEPA file.")
        if not 1 <= len(one.end_to_end) <= LONGEST_NUMBER or one.end_to_end in seen:
            raise NotATransfer(f"{one.end_to_end!r} is too long for a number, or stands there twice.")
        seen.add(one.end_to_end)


@cache
def _schema() -> XMLSchema:
    from lxml import etree

    return etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{SCHEMA}.xsd").read_bytes()))
