"""A member's language: chosen in the portal, met again on another device, and the one their letters are written in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from core.accounts.models import User, Vendor
from core.kernel.db import db
from core.kernel.money import Money
from core.notifications.models import Message
from core.notifications.notices import SHOWN
from core.notifications.team import Choice, choose, readers_of
from core.payments.models import PaymentLink
from core.providers.camt import read_camt
from core.providers.statement import StatementRefused
from core.web.reader import Reader, written_for
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_paid, unit
from tests.portal.german import in_german


def language_of(shop: Shop) -> str:
    with shop.app.app_context():
        return db.session.scalars(select(User.language).where(User.id == shop.user.id)).one()


def test_it_is_chosen_by_the_link_in_the_portal_and_met_again_elsewhere(shop: Shop, owner: Browser) -> None:
    assert language_of(shop) == "" and "Payments" in owner.get("/portal/payments").heading
    (link,) = [a.attrs["href"] for a in owner.get("/portal/payments").all("a", hreflang="de")][:1]
    assert owner.get(f"/portal/payments{link}").heading == "Zahlungen" and language_of(shop) == "de"
    assert shop.browser().get("/portal/payments").heading == "Zahlungen", "another browser, which asks for no language"
    owner.get("/portal/payments?lang=fr")
    assert language_of(shop) == "de", "the portal speaks no French"
    owner.get("/portal/payments?lang=en")
    assert language_of(shop) == "en"


def test_the_browsers_own_wish_is_no_choice(shop: Shop) -> None:
    assert in_german(shop.browser()).get("/portal/payments").heading == "Zahlungen" and language_of(shop) == ""


def test_news_goes_out_in_the_language_of_whoever_reads_it(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    colleague = make_colleague(shop, "accountant")
    owner.get("/portal/?lang=de")
    with unit(shop.app):
        choose(shop.vendor, "test", colleague.user.public_id, {"payment_received": Choice(mailed=True)})
        assert readers_of(shop.vendor, "test", "payment_received") == [(shop.email, "de"), (colleague.email, "en")]
    make_paid(shop)
    work()
    with unit(shop.app):
        mine = select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "payment_received")
        subjects = {letter.recipient: letter.subject for letter in db.session.scalars(mine)}
    assert "bezahlt" in (subjects[shop.email] or "").lower() or "erhalten" in (subjects[shop.email] or "").lower(), subjects
    assert subjects[colleague.email] != subjects[shop.email]


def test_the_business_own_address_reads_as_its_owner_and_each_address_is_written_to_once(shop: Shop) -> None:
    with unit(shop.app):
        db.session.execute(update(User).where(User.id == shop.user.id).values(language="de"))
        vendor = db.session.merge(shop.vendor)
        vendor.support_email = "shop@example.org"
        choose(vendor, "test", shop.user.public_id, {kind: Choice(mailed=True) for kind in SHOWN})
    with unit(shop.app):
        assert readers_of(db.session.get_one(Vendor, shop.vendor.id), "test", "refund_failed") == [
            ("shop@example.org", "de"),
            (shop.email, "de"),
        ]


@pytest.mark.parametrize(("typed", "minor"), [("12,50", 1_250), ("1.234,50", 123_450), ("1,234.50", 123_450), ("12.50", 1_250)])
def test_an_amount_is_typed_as_in_german(shop: Shop, owner: Browser, typed: str, minor: int) -> None:
    owner.get("/portal/?lang=de")
    owner.submit(owner.get("/portal/links/new").form(), title="Kurs", currency="GBP", amount=typed)
    with shop.app.app_context():
        assert db.session.scalars(select(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id)).one().amount == Money(minor, "GBP")


def test_what_could_be_two_amounts_is_refused_and_an_edited_link_shows_the_comma(shop: Shop, owner: Browser) -> None:
    owner.get("/portal/?lang=de")
    page = owner.submit(owner.get("/portal/links/new").form(), status=422, title="Kurs", currency="GBP", amount="1.234")
    assert page.form().values["amount"] == "1.234" and any("1234,00" in error for error in page.errors), page.errors
    owner.submit(page.form(), amount="1234,00")
    with shop.app.app_context():
        link = db.session.scalars(select(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id)).one()
    edit = owner.get(f"/portal/links/{link.public_id}/edit")
    assert edit.form().values["amount"] == "1234,00"
    owner.submit(edit.form())


def test_a_statement_that_is_refused_is_refused_in_german() -> None:
    with pytest.raises(StatementRefused) as refused:
        read_camt(b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.99'/>")
    assert refused.value.message.startswith("Line 1: This is not a CAMT.053 statement of version")
    assert written_for(Reader("de"), refused.value.message).startswith("Zeile 1: Das ist kein Kontoauszug CAMT.053")


def test_the_title_of_a_page_with_an_error_is_german(shop: Shop, owner: Browser) -> None:
    owner.get("/portal/?lang=de")
    form = owner.get("/portal/settings/branding").form("/portal/settings/branding")
    assert owner.submit(form, status=422, accent="nonsense").title.startswith("Fehler: ")
