"""The invoice for a machine: EN 16931 as Factur-X writes it (UN/CEFACT Cross Industry Invoice), from what the sheet says.

Names such as BT-131 are the terms of EN 16931. Every sum is one that stands on the sheet; none is worked out a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from facturx import generate_xml

from core.billing.tax import REVERSE
from core.kernel.money import Money
from core.subscriptions.sheet import Sheet, SheetLine

NAME = "factur-x.xml"  # under which a PDF carries it; the standard says so
PROFILE = "en16931"
TYPES = {"invoice": "380", "credit_note": "381"}
BY_CARD = "48"
ONE = "C62"  # a piece, by UN/ECE recommendation 20
STANDARD, ZERO, EXEMPT, OUTSIDE, REVERSED = "S", "Z", "E", "O", "AE"
NOT_REGISTERED = "The seller is not registered for VAT."
NO_TAX = "No VAT is charged."
REVERSE_CHARGE = "Reverse charge: the buyer accounts for the VAT (Article 196 of Council Directive 2006/112/EC)."
PRACTICE = "TEST: practice only. This is no invoice, and no money moved."
SOURCES = {"ecb": "European Central Bank", "history": "European Central Bank", "sandbox": "practice rates"}
DECIMALS = 2  # the most that EN 16931 writes a sum with
Terms = dict[str, Any]


def lacking(sheet: Sheet) -> tuple[str, ...]:
    """What EN 16931 asks for and nobody has written down: then there is no XML, and the PDF does not claim to carry one."""
    lacks = []
    if not sheet.name:
        lacks.append("number")
    lacks += [f"{who} country" for who, party in (("seller", sheet.seller), ("buyer", sheet.buyer)) if not party.get("country")]
    lacks += [f"{who} name" for who, party in (("seller", sheet.seller), ("buyer", sheet.buyer)) if not party.get("name")]
    if any(line.tax_bps is not None for line in sheet.lines) and not sheet.seller.get("vat_id"):
        lacks.append("seller VAT number")
    if any(line.tax_bps == REVERSE for line in sheet.lines) and not sheet.buyer.get("vat_id"):
        lacks.append("buyer VAT number")
    if not all(_fits(line.amount) for line in sheet.lines):
        lacks.append("two decimals")
    return tuple(lacks)


def e_invoice(sheet: Sheet) -> bytes | None:
    """The XML, checked against the schema; None where something is lacking. The same sheet gives the same bytes."""
    if lacking(sheet):
        return None
    written: bytes = generate_xml(_terms(sheet), flavor="factur-x", level=PROFILE, check_xsd=True, check_schematron=False)
    return written


def _terms(sheet: Sheet) -> Terms:
    category = {bps: _category(sheet, bps) for bps in {line.tax_bps for line in sheet.lines}}
    outside = OUTSIDE in category.values()
    settled = sheet.standing.settled
    terms: Terms = {
        "BT-1": sheet.name,
        "BT-2": sheet.issued_on,
        "BT-3": TYPES[sheet.kind],
        "BT-5": sheet.currency,
        "BT-7": sheet.on,
        "BT-72": sheet.on,
        "BT-73": min(line.first for line in sheet.lines),
        "BT-74": max(line.last for line in sheet.lines),
        "BT-81": BY_CARD,
        "BT-106": _sum(sheet.net),
        "BT-109": _sum(sheet.net),
        "BT-110": _sum(sheet.tax),
        "BT-112": _sum(sheet.gross),
        "BT-113": _sum(sheet.gross if sheet.is_credit else sheet.gross - settled.due),
        "BT-115": _sum(settled.due),
        "BG-1": [{"BT-22": note} for note in _notes(sheet)],
        "BG-3": [{"BT-25": named.name, "BT-26": named.issued_on} for named in sheet.corrects],
        "BG-4": _party(sheet.seller, vat=not outside),
        "BG-7": _party(sheet.buyer, vat=not outside),
        "BG-23": list(_breakdown(sheet, category)),
        "BG-25": [_line(line, category[line.tax_bps]) for line in sheet.lines],
    }
    if settled.due:
        terms["BT-9"] = sheet.standing.charged_on or sheet.issued_on
        terms["BT-20"] = "Charged to the saved card." if settled.standing == "open" else "Charged with the next invoice."
    if sheet.base_tax is not None:
        terms |= {"BT-6": sheet.base_tax.amount.currency, "BT-111": _sum(sheet.base_tax.amount)}
    return terms


def _notes(sheet: Sheet) -> Iterable[str]:
    if any(line.tax_bps == REVERSE for line in sheet.lines):
        yield REVERSE_CHARGE
    if sheet.mode == "test":
        yield PRACTICE
    if sheet.base_tax is not None:
        base = sheet.base_tax
        yield f"VAT {base.amount.currency} {base.amount.decimal_text} at {base.one.currency} 1 = {sheet.currency} {base.per} ({SOURCES.get(base.source, base.source)}, {base.on})."


def _category(sheet: Sheet, bps: int | None) -> str:
    """How a line is taxed. Who has no VAT number is outside the tax; who has one and charges nothing is exempt."""
    if bps is None:
        return EXEMPT if sheet.seller.get("vat_id") else OUTSIDE
    if bps == REVERSE:
        return REVERSED
    return STANDARD if bps else ZERO


def _breakdown(sheet: Sheet, category: dict[int | None, str]) -> Iterable[Terms]:
    for bps, code in sorted(category.items(), key=lambda pair: pair[0] or 0):
        if bps is None:
            untaxed = Money(sum(line.amount.minor for line in sheet.lines if line.tax_bps is None), sheet.currency)
            why = {"BT-120": NO_TAX} if code == EXEMPT else {"BT-120": NOT_REGISTERED, "BT-121": "VATEX-EU-O"}
            rate = {"BT-119": "0"} if code == EXEMPT else {}
            yield {"BT-116": _sum(untaxed), "BT-117": _sum(Money(0, sheet.currency)), "BT-118": code, "BT-7": sheet.on, **rate, **why}
        else:
            (tax,) = (each for each in sheet.taxes if each.bps == bps)
            why = {"BT-120": REVERSE_CHARGE, "BT-121": "VATEX-EU-AE"} if code == REVERSED else {}
            yield {
                "BT-116": _sum(tax.net),
                "BT-117": _sum(tax.tax),
                "BT-118": code,
                "BT-119": _percent(max(bps, 0)),
                "BT-7": sheet.on,
                **why,
            }


def _line(line: SheetLine, code: str) -> Terms:
    """A price is never negative: what is given back has a negative quantity. The price is that of the whole quantity, so nothing is rounded again."""
    negative = line.amount.minor < 0
    terms: Terms = {
        "BT-126": str(line.number),
        "BT-129": f"{'-' if negative else ''}{line.quantity}",
        "BT-130": ONE,
        "BT-131": _sum(line.amount),
        "BT-134": line.first,
        "BT-135": line.last,
        "BT-146": _sum(-line.amount if negative else line.amount),
        "BT-149": str(line.quantity),
        "BT-151": code,
        "BT-153": str(line.title),
        "BT-154": _arithmetic(line),
    }
    if code != OUTSIDE:
        terms["BT-152"] = _percent(max(line.tax_bps or 0, 0))
    return terms


def _arithmetic(line: SheetLine) -> str:
    """How the amount came about, in one sentence."""
    parts = [str(line.each)]
    if line.gives_back and line.share:
        parts.append(f"{line.share[0]}/{line.share[1]}")
    elif not line.gives_back and line.quantity > 1:
        parts.insert(0, str(line.quantity))
    parts.append(f"{line.days}/{line.of_days} days")
    text = " x ".join(parts)
    if line.gives_back:
        text = f"Unused, given back: {text}" + (f", corrects {line.corrects.name} of {line.corrects.issued_on}" if line.corrects else "")
    return f"{text}. {line.limited}" if line.limited else text


def _party(party: dict[str, Any], *, vat: bool) -> Terms:
    terms: Terms = {
        "name": party["name"], "identifiers": {None: party["id"]}, "legal_identifier": party.get("registration"), "addr_l1": party.get("street"),
        "postcode": party.get("postcode"), "city": party.get("city"), "country_code": party["country"],
    }  # fmt: skip
    if party.get("email"):
        terms |= {"einvoicing_addr": party["email"], "einvoicing_addr_schemeid": "EM"}
    if vat and party.get("vat_id"):
        terms["vat_identifier"] = vat_number(party["vat_id"], party["country"])
    return terms


def vat_number(text: str, country: str) -> str:
    """As the standard wants it: without blanks, and with the country in front."""
    plain = re.sub(r"[\s.\-]", "", text).upper()
    return plain if plain[:2].isalpha() else f"{country}{plain}"


def _fits(amount: Money) -> bool:
    """Whether it can be written with the decimals the standard allows; what a card can carry always can."""
    return len(amount.decimal_text.partition(".")[2].rstrip("0")) <= DECIMALS


def _sum(amount: Money) -> str:
    whole, _, decimals = amount.decimal_text.partition(".")
    return f"{whole}.{decimals[:DECIMALS]}" if decimals else whole


def _percent(bps: int) -> str:
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") if rest else str(whole)
