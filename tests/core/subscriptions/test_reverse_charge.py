"""P-15, EC-97: a VAT number is asked about, the answer is kept, a period waits for it no longer than 72 hours, and documents say reverse charge."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from lxml import etree
from stdnum.at import uid

from core.accounts.billing_details import change_details
from core.accounts.house import HOUSE, house, write_details
from core.accounts.models import BusinessDetails, VatCheck, Vendor
from core.accounts.vat_checks import INVALID, VALID, WAITING, plan_checks, standing_of
from core.billing.models import BillingDocument
from core.billing.reissue import CannotReissue
from core.billing.store import catch_up, let_go_on
from core.billing.tax import REVERSE
from core.billing.wishes import ChooseTier
from core.kernel.clock import frozen
from core.kernel.db import db
from core.subscriptions.e_invoice import REVERSE_CHARGE, e_invoice, lacking
from core.subscriptions.follow import follow
from core.subscriptions.reissued import check_own, issue_own_anew, plan_of
from core.subscriptions.sheet import sheet_of
from tests.core.billing.kept import at
from tests.core.subscriptions.kinds import broken_rules, key
from tests.core.subscriptions.plans import Life, publish
from tests.factories import Shop, make_shop, unit
from workers.vat import check_vat_id

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
DETAILS = {"legal_name": "Blaue Tür GmbH", "street": "Gasse 1", "postcode": "1010", "city": "Wien", "registration": ""}


@pytest.fixture(scope="module", autouse=True)
def german_house(app: Flask) -> Iterator[None]:
    """For these stories the house is in Berlin and charges VAT."""
    publish(app)
    with unit(app):
        row, was = house(), db.session.get(BusinessDetails, HOUSE)
        before = (row.country, was and (was.legal_name, was.street, was.postcode, was.city, was.registration, was.vat_id, was.tax_bps))
        row.country = "DE"
        write_details(
            HOUSE, legal_name="Haus GmbH", street="Allee 1", postcode="10117", city="Berlin", registration="HRB 1", vat_id="DE136695976", tax_bps=1900,
        )  # fmt: skip
    yield
    with unit(app):
        house().country = before[0]
        db.session.delete(db.session.get_one(BusinessDetails, HOUSE))
        db.session.flush()
        if before[1]:
            names = ("legal_name", "street", "postcode", "city", "registration", "vat_id", "tax_bps")
            write_details(HOUSE, **dict(zip(names, before[1], strict=True)))


def registry_says(environment: dict[str, str], number: str, answer: str) -> None:
    request = urllib.request.Request(
        f"{environment['SANDBOX_URL']}/_sandbox/vies/numbers/{number}", data=json.dumps({"answer": answer}).encode(), method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def shop(app: Flask) -> Shop:
    made = make_shop(app, business="Blaue Tür")
    with unit(app):
        db.session.get_one(Vendor, made.vendor.id).country = "AT"
    return made


@pytest.fixture
def number() -> str:
    """One that nobody else asks about, its check digit right."""
    digits = f"{secrets.randbelow(10**7):07d}"
    return f"ATU{digits}{uid.calc_check_digit(digits)}"


def say_number(shop: Shop, number: str, *, when: datetime | None = None) -> None:
    with frozen(when or at(date(2026, 10, 31))), unit(shop.app):
        change_details(db.session.get_one(Vendor, shop.vendor.id), by=shop.user.public_id, vat_id=number, **DETAILS)


def checks(shop: Shop) -> list[VatCheck]:
    with unit(shop.app):
        return list(db.session.query(VatCheck).filter_by(vendor_id=shop.vendor.id).order_by(VatCheck.id).populate_existing())


def ask(shop: Shop, *, when: datetime | None = None) -> str:
    """The worker asks about the newest; answers how the number stands then."""
    with shop.app.app_context(), frozen(when or at(date(2026, 10, 31))):
        check_vat_id(shop.vendor.id, check=str(checks(shop)[-1].id))
    with unit(shop.app):
        return standing_of(db.session.get_one(Vendor, shop.vendor.id)).state


def test_a_number_is_proved_and_the_answer_is_kept_as_evidence(shop: Shop, number: str) -> None:
    say_number(shop, number)
    assert ask(shop) == VALID
    (check,) = checks(shop)
    assert (check.vat_id, check.requester, check.tries, check.next_at) == (number, "DE136695976", 1, None)
    assert check.consultation.startswith("WAPI") and check.answered_at is not None and check.name
    say_number(shop, number)
    assert len(checks(shop)) == 1, "saved again, nobody is asked again"
    with frozen(check.answered_at + timedelta(days=31)), unit(shop.app):
        plan_checks()
    assert [one.state for one in checks(shop)] == ["valid", "asked"], "it may have been struck off since"


def test_a_number_the_registry_does_not_know_pays_the_standard_rate(shop: Shop, environment: dict[str, str], number: str) -> None:
    registry_says(environment, number, "invalid")
    say_number(shop, number)
    assert ask(shop) == INVALID and checks(shop)[0].consultation == ""
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    assert [payment.captured_minor for payment in life.payments()] == [357]


def test_documents_of_reverse_charge_pass_the_rules_and_name_both_numbers(shop: Shop, number: str) -> None:
    say_number(shop, number)
    ask(shop)
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    life.wish(date(2026, 11, 16), ChooseTier("starter", now=True))
    assert life.state().tax_bps == REVERSE and [payment.captured_minor for payment in life.payments()] == [300]
    for document in life.documents():
        with unit(shop.app):
            sheet = sheet_of(db.session.get_one(BillingDocument, key(document)))
        xml = e_invoice(sheet)
        assert xml is not None, lacking(sheet)
        assert broken_rules(xml) == []
        text = etree.tostring(etree.fromstring(xml)).decode()
        assert text.count(">AE<") == len(sheet.lines) + 1 and "VATEX-EU-AE" in text and number in text and "DE136695976" in text
        assert REVERSE_CHARGE in text


def test_ec_97_a_period_waits_72_hours_for_the_registry_and_is_then_invoiced_with_vat(
    shop: Shop, environment: dict[str, str], number: str
) -> None:
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 29))
    registry_says(environment, number, "down")
    said_at = at(date(2026, 11, 30), 12)
    say_number(shop, number, when=said_at)
    assert ask(shop, when=said_at) == WAITING
    check = checks(shop)[0]
    assert check.problem == "MS_UNAVAILABLE" and check.next_at is not None and check.next_at > said_at
    documents = len(life.documents())
    for hours in (13, 36, 71):
        with frozen(said_at + timedelta(hours=hours)), unit(shop.app):
            catch_up(life.row)
            follow(life.row)
        assert len(life.documents()) == documents and life.kept().due_at == said_at + timedelta(hours=72)
    with frozen(said_at + timedelta(hours=72, minutes=1)), unit(shop.app):
        catch_up(life.row)
        follow(life.row)
    (renewal,) = life.documents()[documents:]
    assert (renewal.on_day, renewal.gross_minor, renewal.tax_minor) == (DECEMBER, 357, 57)


def test_what_waits_goes_on_as_soon_as_the_registry_has_answered(shop: Shop, environment: dict[str, str], number: str) -> None:
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    registry_says(environment, number, "down")
    said_at, later = at(date(2026, 11, 30), 12), at(DECEMBER, 6)
    say_number(shop, number, when=said_at)
    ask(shop, when=said_at)
    with frozen(at(DECEMBER, 1)), unit(shop.app):
        catch_up(life.row)
    assert life.kept().due_at == said_at + timedelta(hours=72)
    registry_says(environment, number, "valid")
    assert ask(shop, when=later) == VALID
    due_at = life.kept().due_at
    assert due_at is not None and due_at <= later
    with frozen(later), unit(shop.app):
        catch_up(life.row)
        follow(life.row)
        let_go_on(shop.vendor.public_id)
    renewal = life.documents()[-1]
    assert (renewal.on_day, renewal.gross_minor, renewal.tax_minor) == (DECEMBER, 300, 0) and life.state().tax_bps == REVERSE


def test_who_acts_meanwhile_is_not_kept_waiting(shop: Shop, environment: dict[str, str], number: str) -> None:
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    registry_says(environment, number, "down")
    say_number(shop, number, when=at(date(2026, 11, 30), 12))
    life.wish(DECEMBER, ChooseTier("starter"))
    assert life.state().today == DECEMBER and life.documents()[-1].tax_minor == 57


def test_ec_96_a_number_proved_after_the_invoice_gives_its_tax_back_on_request(shop: Shop, number: str) -> None:
    life = Life(shop.app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    when = at(date(2026, 11, 5))
    say_number(shop, number, when=when)
    with frozen(when), unit(shop.app), pytest.raises(CannotReissue, match="has not answered yet"):
        check_own(plan_of(life.documents()[0]), life.documents()[0])
    assert ask(shop, when=when) == VALID
    with frozen(when), unit(shop.app):
        first = life.documents()[0]
        issue_own_anew(plan_of(first), first, expects=check_own(plan_of(first), first).expects, by=shop.user.public_id)
    first, note, new = life.documents()
    assert [one.gross_minor for one in (first, note, new)] == [357, -357, 300] and new.buyer["vat_id"] == number
    assert life.state().balance.minor == life.account("customer_credit") == 57 and life.state().tax_bps == REVERSE
    for document in (note, new):
        with unit(shop.app):
            sheet = sheet_of(document)
            assert not lacking(sheet)
            xml = e_invoice(sheet)
        assert broken_rules(xml) == [] and ((REVERSE_CHARGE.encode() in xml) == (document is new))
