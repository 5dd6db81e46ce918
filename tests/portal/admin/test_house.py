"""Who the house is: written down by staff, said by name where it is missing, and its currency fixed once somebody subscribes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import pytest
from flask import Flask

from core.accounts.change_house import HouseCurrencyIsFixed, HouseWish, change_house
from core.accounts.house import HOUSE, find_details, house, what_invoices_lack, write_details
from core.accounts.models import BusinessDetails
from core.billing.store import Beginning, begin_subscription
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.errors import Refusal
from tests.browser import Browser, Page
from tests.factories import make_shop, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

PATH = "/staff/house"
FILLED = {
    "name": "The Town Directory", "support_email": "plans@town.example.com", "time_zone": "Europe/London", "legal_name": "Town Directory Ltd",
    "street": "1 Market Square", "postcode": "YO1 8SR", "city": "York", "country": "GB", "registration": "01234567", "vat": "yes",
    "vat_id": "gb 980 7806 84", "rate": "20",
}  # fmt: skip


@pytest.fixture(autouse=True)
def as_it_was(app: Flask) -> Iterator[None]:
    """Other tests know the house as it was set up."""
    names = ("name", "support_email", "country", "currency", "time_zone")
    with unit(app):
        before = {name: getattr(house(), name) for name in names}
    yield
    with unit(app):
        for name, value in before.items():
            setattr(house(), name, value)
        if (details := db.session.get(BusinessDetails, HOUSE)) is not None:
            db.session.delete(details)


@pytest.fixture
def staff(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def fill(staff: Browser, *, status: int = 200, **changes: str) -> Page:
    return staff.submit(staff.get(PATH).form(), status=status, **{**FILLED, **changes})


def subscribe(app: Flask, mode: str) -> None:
    shop = make_shop(app)
    with unit(app):
        begin_subscription(house(), mode, subscriber=shop.vendor.public_id, wish=Beginning("pro", "Europe/London"), by="usr_test")


def test_the_house_is_written_down_once_and_read_everywhere(app: Flask, staff: Browser) -> None:
    page = staff.get(PATH)
    assert page.heading == "The house" and any("the name by law" in notice for notice in page.notices) and problems_of_html(page.html) == []
    page = fill(staff)
    assert page.notices == ["Saved. Documents that exist keep what they say."] and page.form().values["vat_id"] == "GB980780684"
    with unit(app):
        details = find_details(HOUSE)
        assert details and (details.legal_name, details.city, details.vat_id, details.tax_bps) == (
            "Town Directory Ltd",
            "York",
            "GB980780684",
            2000,
        )
        assert (house().name, house().support_email) == ("The Town Directory", "plans@town.example.com")
        assert what_invoices_lack(house(), details) == []
        entry = db.session.query(AuditEntry).filter_by(vendor_id=HOUSE, action="house.changed").order_by(AuditEntry.id.desc()).first()
        assert entry and entry.detail["changes"]["city"] == [None, "York"] and entry.actor.startswith("stf_")


def test_saving_the_same_again_changes_nothing(app: Flask, staff: Browser) -> None:
    def entries() -> int:
        with unit(app):
            return db.session.query(AuditEntry).filter_by(vendor_id=HOUSE, action="house.changed").count()

    fill(staff)
    before = entries()
    staff.submit(staff.get(PATH).form())
    assert entries() == before


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": ""}, "Enter the name vendors know the house by."),
        ({"support_email": "plans"}, "Enter an e-mail address like name@example.com."),
        ({"legal_name": ""}, "Enter the name as the register has it."),
        ({"street": "x" * 121}, "Use 120 characters at most."),
        ({"postcode": ""}, "Enter the postcode."),
        ({"country": "QQ"}, "Choose one from the list."),
        ({"time_zone": "Europe/Atlantis"}, "Choose one from the list."),
        ({"vat_id": "GB980780685"}, "This is not how a tax number of that country is written. Check it, letter by letter."),
        ({"vat_id": "980780684"}, "Begin with the two letters of the country, like DE136695976."),
        ({"vat_id": ""}, "Enter the VAT number, or choose that there is none."),
        ({"rate": ""}, "Enter the rate, like 20."),
        ({"rate": "51"}, "At most 50 %."),
        ({"vat": "no"}, "Who is not registered has neither a number nor a rate: clear it, or choose registered."),
        ({"vat": "perhaps"}, "Choose one of these."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(app: Flask, staff: Browser, typed: dict[str, str], told: str) -> None:
    page = fill(staff, status=422, **typed)
    assert told in page.errors
    if not set(typed) & {"country", "time_zone", "vat"}:
        assert page.form().values[next(iter(typed))] == next(iter(typed.values()))
    with unit(app):
        assert find_details(HOUSE) is None


def test_who_is_not_registered_has_no_rate(app: Flask, staff: Browser) -> None:
    fill(staff, vat="no", vat_id="", rate="")
    with unit(app):
        details = find_details(HOUSE)
        assert details and (details.vat_id, details.tax_bps) == ("", None) and what_invoices_lack(house(), details) == []


def test_what_is_missing_is_a_task_while_plans_are_sold(app: Flask, staff: Browser) -> None:
    subscribe(app, "live")
    home = staff.get("/staff/")
    assert "Who the house is" in home.text and "the name by law, the street, the postcode, the town" in home.text
    assert "Who the house is" not in make_staff(app, "reviewer").browser().get("/staff/").text  # who could not mend it
    fill(staff)
    assert "Who the house is" not in staff.get("/staff/").text


def test_the_number_is_missed_of_who_is_registered(app: Flask) -> None:
    with unit(app):
        write_details(HOUSE, legal_name="T", street="S", postcode="P", city="C", tax_bps=2000)
        assert what_invoices_lack(house(), find_details(HOUSE)) == ["support_email", "vat_id"]


def test_the_currency_is_fixed_once_somebody_subscribes(app: Flask, staff: Browser) -> None:
    subscribe(app, "test")
    page = staff.get(PATH)
    assert "currency" not in page.form().values and "GBP. Somebody has subscribed, so it cannot change." in page.text
    staff.submit(page.form(), status=200, **{**FILLED, "currency": "EUR"})
    with unit(app):
        assert house().currency == "GBP"
        wish = HouseWish("T", "t@example.com", "GB", "EUR", "UTC", "T", "S", "P", "C", "", "", None)
        with pytest.raises(HouseCurrencyIsFixed):
            change_house(wish, currency_is_fixed=True, by="stf_one")
        assert change_house(wish, currency_is_fixed=False, by="stf_one").currency == "EUR"
        for wrong in ({"country": "QQ"}, {"time_zone": "Europe/Atlantis"}):
            with pytest.raises(Refusal) as refused:
                change_house(HouseWish(**{**asdict(wish), **wrong}), currency_is_fixed=False, by="stf_one")
            assert refused.value.field == next(iter(wrong))


def test_a_reviewer_reads_who_the_house_is_and_changes_nothing(app: Flask, staff: Browser) -> None:
    fill(staff)
    reviewer = make_staff(app, "reviewer").browser()
    page = reviewer.get(PATH)
    assert "Town Directory Ltd" in page.text and "20%" in page.text and problems_of_html(page.html) == []
    token = page.form("/staff/sign-out").values["csrf_token"]
    reviewer.post(PATH, {"csrf_token": token, **FILLED}, status=403)
