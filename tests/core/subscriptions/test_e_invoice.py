"""The XML of every kind of document passes the schema and the published rules of EN 16931, and says what the sheet says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from lxml import etree

from core.billing.models import BillingDocument
from core.kernel.db import db
from core.kernel.money import Money
from core.subscriptions.e_invoice import e_invoice, lacking, vat_number
from core.subscriptions.sheet import Sheet, sheet_of
from tests.core.billing.kept import Kept
from tests.core.subscriptions.kinds import broken_rules, every_kind, key
from tests.factories import unit

Kinds = dict[str, tuple[Kept, BillingDocument]]
SPACE = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
NAMES = [
    *(f"{life} {origin}" for life in ("plain", "taxed") for origin in ("start", "branches", "renewal", "downgrade")),
    "exempt", "zero", "EUR", "JPY", "KWD", "EUR credit", "JPY credit", "KWD credit", "two rates",
]  # fmt: skip


@pytest.fixture(scope="module")
def kinds(app: Flask) -> Kinds:
    return every_kind(app)


@pytest.fixture
def sheet(app: Flask, kinds: Kinds) -> Callable[[str], Sheet]:
    def find(name: str) -> Sheet:
        with unit(app):
            return sheet_of(db.session.get_one(BillingDocument, key(kinds[name][1])))

    return find


def xml_of(sheet: Sheet) -> bytes:
    xml = e_invoice(sheet)
    assert xml is not None, lacking(sheet)
    return xml


def said(xml: bytes, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(xml).iter(f"{SPACE}{name}")]


def test_there_is_one_of_every_kind(kinds: Kinds) -> None:
    assert set(kinds) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_schema_and_the_rules(sheet: Callable[[str], Sheet], name: str) -> None:
    assert broken_rules(xml_of(sheet(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_sums_are_those_of_the_sheet_and_of_its_lines(sheet: Callable[[str], Sheet], name: str) -> None:
    shown = sheet(name)
    xml = xml_of(shown)
    root = etree.fromstring(xml)
    lines = [Money.of(text.lstrip("-"), shown.currency).minor * (-1 if text[0] == "-" else 1) for text in said(xml, "LineTotalAmount")[:-1]]
    total = root.find(f".//{SPACE}SpecifiedTradeSettlementHeaderMonetarySummation")
    assert total is not None
    assert sum(lines) == shown.net.minor == Money.of(total.findtext(f"{SPACE}TaxBasisTotalAmount") or "", shown.currency).minor
    assert Money.of(total.findtext(f"{SPACE}GrandTotalAmount") or "", shown.currency) == shown.gross
    assert shown.net + shown.tax == shown.gross and shown.gross.minor > 0
    assert not any(price.startswith("-") for price in said(xml, "ChargeAmount"))


def test_the_rules_notice_a_sum_that_is_wrong(sheet: Callable[[str], Sheet]) -> None:
    xml = xml_of(sheet("taxed start"))
    wrong = xml.replace(b"<ram:GrandTotalAmount>1.20<", b"<ram:GrandTotalAmount>1.21<")
    assert wrong != xml and any("BR-CO-15" in rule for rule in broken_rules(wrong))


def test_a_credit_note_is_of_type_381_with_positive_sums_and_names_what_it_corrects(sheet: Callable[[str], Sheet], kinds: Kinds) -> None:
    shown, xml = sheet("taxed downgrade"), xml_of(sheet("taxed downgrade"))
    renewal = kinds["taxed renewal"][1]
    assert b"<ram:TypeCode>381</ram:TypeCode>" in xml
    assert said(xml, "GrandTotalAmount") == [shown.gross.decimal_text] and shown.gross.minor > 0
    (reference,) = etree.fromstring(xml).iter(f"{SPACE}InvoiceReferencedDocument")
    assert reference.findtext(f"{SPACE}IssuerAssignedID") == renewal.name
    assert f"{renewal.issued_on:%Y%m%d}" in etree.tostring(reference).decode()


@pytest.mark.parametrize(
    ("name", "codes"), [("plain start", {"O"}), ("exempt", {"E"}), ("zero", {"Z"}), ("taxed start", {"S"}), ("two rates", {"S"})]
)
def test_the_category_says_how_it_is_taxed(sheet: Callable[[str], Sheet], name: str, codes: set[str]) -> None:
    assert set(said(xml_of(sheet(name)), "CategoryCode")) == codes


def test_ec_95_two_rates_have_a_line_of_tax_each(sheet: Callable[[str], Sheet]) -> None:
    shown = sheet("two rates")
    assert [(tax.bps, tax.net.minor < 0) for tax in shown.taxes] == [(1750, False), (2000, True)]
    assert {"17.5", "20"} <= set(said(xml_of(shown), "RateApplicablePercent"))


def test_ec_98_the_tax_of_a_foreign_invoice_stands_there_in_sterling_too(sheet: Callable[[str], Sheet]) -> None:
    shown = sheet("EUR")
    assert (shown.tax, shown.base_tax and shown.base_tax.amount) == (Money.of("0.69", "EUR"), Money.of("0.60", "GBP"))
    xml = xml_of(shown)
    assert said(xml, "TaxCurrencyCode") == ["GBP"] and b'<ram:TaxTotalAmount currencyID="GBP">0.60<' in xml
    assert "GBP 0.60 at GBP 1 = EUR 1.153203" in said(xml, "Content")[-1]


def test_sixty_branches_are_one_line_of_sixty(sheet: Callable[[str], Sheet]) -> None:
    shown = sheet("plain branches")
    assert [line.quantity for line in shown.lines] == [60]
    assert said(xml_of(shown), "BilledQuantity") == ["60"]


def test_practice_is_marked_as_such(sheet: Callable[[str], Sheet]) -> None:
    xml = xml_of(sheet("plain start"))
    assert "TEST" in said(xml, "Content")[0] and b"<ram:ID>TEST-INV-" in xml


def test_the_same_sheet_gives_the_same_bytes(sheet: Callable[[str], Sheet]) -> None:
    assert xml_of(sheet("taxed renewal")) == xml_of(sheet("taxed renewal"))


def test_where_something_is_lacking_there_is_none(sheet: Callable[[str], Sheet]) -> None:
    shown = sheet("taxed start")
    unknown = replace(shown, buyer={**shown.buyer, "country": None})
    unregistered = replace(shown, seller={**shown.seller, "vat_id": ""})
    draft = replace(shown, name=None)
    assert lacking(unknown) == ("buyer country",) and lacking(unregistered) == ("seller VAT number",) and lacking(draft) == ("number",)
    assert e_invoice(unknown) is e_invoice(unregistered) is e_invoice(draft) is None


def test_what_people_typed_is_never_taken_for_markup(sheet: Callable[[str], Sheet]) -> None:
    shown = sheet("plain start")
    xml = xml_of(replace(shown, buyer={**shown.buyer, "name": "<script>&]]>"}))
    assert broken_rules(xml) == [] and "<script>&]]>" in said(xml, "Name")


def test_a_vat_number_is_written_as_the_standard_wants_it() -> None:
    assert vat_number("123 4567-89", "GB") == "GB123456789" and vat_number("de 129.273.398", "DE") == "DE129273398"
