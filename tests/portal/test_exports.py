"""Exports in the portal: short ones at once, long ones asked for, followed, fetched by who may, in the reader's language."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from core.kernel import clock
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Message
from core.payments import long_export
from core.payments.export_models import Export
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_link, make_paid, make_payment, make_shop, out_of_sight, unit
from tests.portal.german import in_german, left_in_english
from tests.portal.test_workbook import sheets_of
from tests.sight import wider_than_screen

LIST = "/portal/exports"
NEW = "/portal/exports/new/payments"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_export, "AT_ONCE", 2)
    monkeypatch.setattr(long_export, "PIECE_ROWS", 2)


@pytest.fixture
def busy(shop: Shop) -> Iterator[Shop]:
    """A shop with more payments than are answered at once; nobody else's work is left."""
    with unit(shop.app):
        out_of_sight()
    for amount in ("5.00", "15.00", "25.00"):
        make_paid(shop, make_link(shop, amount=amount, title=f"=Course for {amount}"))
    yield shop


def rows(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.status_code
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True))))


def ask(browser: Browser, query: str = "") -> None:
    page = browser.get(f"{NEW}?{query}")
    browser.submit(page.form(NEW))


def test_a_short_list_is_a_file_at_once_and_a_long_one_is_asked_for(busy: Shop, owner: Browser, work: Callable[[], int]) -> None:
    assert len(rows(owner.client.get("/portal/payments.csv?least=10"))) == 3
    page = owner.get("/portal/payments.csv?least=4")
    assert page.address.endswith(f"{NEW}?least=4&as=csv") and "3" in page.text
    listed = owner.submit(page.form(NEW))
    assert listed.address.endswith(LIST) and "Waiting" in listed.text and listed.all("div", id="exports")[0].attrs["hx-trigger"]
    work()
    ready = owner.get(LIST)
    assert "Ready" in ready.text and "3 rows" in ready.text and "hx-trigger" not in ready.all("div", id="exports")[0].attrs
    (address,) = [a.attrs["href"] for a in ready.all("a") if a.attrs["href"].startswith("/export/")]
    answer = owner.client.get(address)
    assert re.search(r'payments-test-.*\.csv"', answer.headers["Content-Disposition"])
    told = rows(answer)
    assert told[0][0] == "reference" and len(told) == 4 and all(row[11].startswith("'=Course") for row in told[1:])


def test_the_letter_leads_to_the_file(busy: Shop, owner: Browser, work: Callable[[], int]) -> None:
    ask(owner, "as=xlsx")
    work()
    with unit(busy.app):
        letter = db.session.scalars(select(Message).where(Message.vendor_id == busy.vendor.id, Message.kind == "export_ready")).one()
        assert letter.text and letter.recipient == busy.email
        address = urlsplit(next(word for word in letter.text.split() if "/export/" in word)).path
    (sheet,) = sheets_of(owner.client.get(address).data)
    assert len(sheet) == 4 and ("text", "=Course for 5.00") in sheet[3] and ("figure", "5.00") in sheet[3]


def test_only_whoever_may_export_fetches_it(busy: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]) -> None:
    ask(make_colleague(busy, "manager").browser())
    work()
    listed = owner.get(LIST)
    assert "asked for by" in listed.text
    (address,) = [a.attrs["href"] for a in listed.all("a") if a.attrs["href"].startswith("/export/")]
    assert len(rows(make_colleague(busy, "accountant").browser().client.get(address))) == 4
    make_colleague(busy, "support").browser().get(address, status=403)
    assert "/sign-in" in stranger.client.get(address).headers["Location"]
    make_shop(busy.app).browser().get(address, status=404)
    owner.get(address[:-3] + "xyz", status=404)
    owner.get("/export/nonsense", status=404)
    make_colleague(busy, "support").browser().get(LIST, status=403)


def test_a_file_whose_days_are_over_says_so(busy: Shop, owner: Browser, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    ask(owner)
    work()
    (address,) = [a.attrs["href"] for a in owner.get(LIST).all("a") if a.attrs["href"].startswith("/export/")]
    with unit(busy.app):
        gone = update(Export).where(Export.vendor_id == busy.vendor.id).values(expires_at=clock.now() - timedelta(days=1))
        db.session.execute(gone)
    assert "gone now" in owner.get(address, status=409).text
    page = owner.get(LIST)
    assert "Expired" in page.text and not [a for a in page.all("a") if a.attrs["href"].startswith("/export/")]


def test_a_failed_one_says_why_and_progress_is_shown(busy: Shop, owner: Browser) -> None:
    for _ in range(2):
        ask(owner)
    with unit(busy.app):
        one, two = db.session.scalars(select(Export).where(Export.vendor_id == busy.vendor.id).order_by(Export.id))
        one.state, one.failure_reason = "failed", "could_not_be_written"
        two.state, two.done_rows, two.total_rows = "running", 1200, 6000
    page = owner.get(LIST)
    assert "1,200 of 6,000 rows" in page.text and "could not be written" in page.text
    assert page.all("progress")[0].attrs["value"] == "1200"
    part = owner.client.get(LIST, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert part.lstrip().startswith('<div id="exports"')


def test_what_cannot_be_asked_for_is_said_plainly(busy: Shop, owner: Browser) -> None:
    owner.get("/portal/exports/new/secrets", status=404)
    owner.get(f"{NEW}?as=exe", status=404)
    assert owner.get(f"{NEW}?least=x").error_summary, "filters that cannot be read are shown on the list"
    page = owner.get(NEW)
    for _ in range(3):
        ask(owner)
    refused = owner.submit(page.form(NEW), status=422)
    assert "being written already" in refused.text


def test_nothing_there_teaches(shop: Shop, owner: Browser) -> None:
    assert "No long exports yet" in owner.get(LIST).text


def test_headings_are_in_the_readers_language_and_figures_stay_figures(busy: Shop, owner: Browser, work: Callable[[], int]) -> None:
    german = in_german(busy.browser())
    head, first = rows(german.client.get("/portal/payments.csv?least=20"))
    assert head[:3] == ["Referenz", "Nummer", "Status"] and "Betrag" in head and first[head.index("Betrag")] == "25.00"
    (sheet,) = sheets_of(german.client.get("/portal/payments.xlsx?least=20").data)
    assert sheet[1][head.index("Betrag")] == ("figure", "25.00")
    assert left_in_english(german.get(NEW)) == []
    ask(german)
    work()
    page = german.get(LIST)
    assert left_in_english(page) == []
    (address,) = [a.attrs["href"] for a in page.all("a") if a.attrs["href"].startswith("/export/")]
    assert rows(owner.client.get(address))[0] == head, "in the language it was asked for in"


def test_followed_in_a_browser_without_leaving_the_page(busy: Shop, visitor: Any, work: Callable[[], int]) -> None:
    page = visitor(phone=True)
    page.context.add_cookies([{"name": "seat", "value": busy.secret, "url": visitor.address}])
    page.goto("/portal/payments")
    page.get_by_role("link", name="Export these as CSV").click()
    page.get_by_role("button", name="Write the file").click()
    page.get_by_text("Waiting", exact=True).wait_for()
    work()
    page.get_by_text("Ready", exact=True).wait_for()  # by itself
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert not wider_than_screen(page)


def test_verify_knows_the_address_of_a_file(busy: Shop, owner: Browser, work: Callable[[], int]) -> None:
    make_payment(busy)
    ask(owner)
    work()
    (address,) = [a.attrs["href"] for a in owner.get(LIST).all("a") if a.attrs["href"].startswith("/export/")]
    page = owner.submit(owner.get("/verify").form("/verify"), what=settings().public_url + address)
    assert page.heading == "Genuine" and "the address of an exported file" in page.text
