"""The statement of a month on paper: printed by a worker once the month is over, the same for ever, and it says what the page says."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from pypdf import PdfReader

from core.accounts.models import Vendor
from core.kernel.clock import now, shifted
from core.kernel.money import Money
from core.ledger.months import bounds, next_month, previous_month
from core.web.pdf import render_pdf
from core.web.statement_paper import MOST_LINES, statement_html
from portal.balance import KINDS
from tests.browser import Browser
from tests.factories import Shop, ask_refund, make_colleague, make_link, make_paid, make_shop, tell_refund
from workers.papers import make_statement

Work = Callable[[], int]
LAST = previous_month(now().date().replace(day=1))
INSIDE = datetime(LAST.year, LAST.month, 14, 12, tzinfo=UTC) - now()  # from now to the middle of the month before


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def squeezed(text: str) -> str:
    """Without blanks: the press may break a line within a name."""
    return re.sub(r"\s", "", text)


@pytest.fixture
def month(shop: Shop) -> str:
    """A month with two payments and a refund."""
    with shifted(INSIDE):
        make_paid(shop, make_link(shop, amount="100.00"))
    with shifted(INSIDE + timedelta(days=1)):
        paid = make_paid(shop, make_link(shop, amount="50.00"))
        tell_refund(shop, ask_refund(shop, paid, "20.00"), "succeeded")
    return f"{LAST:%Y-%m}"


def printed(owner: Browser, month: str, work: Work, currency: str = "GBP") -> bytes:
    page = owner.get(f"/portal/statements/{month}?currency={currency}")
    waiting = owner.submit(page.form(f"/portal/statements/{month}/paper"))
    assert "is being printed" in waiting.text and "refresh" in waiting.html
    work()
    ready = owner.get(f"/portal/statements/{month}?currency={currency}&waiting=yes")
    assert "is being printed" not in ready.text
    (href,) = [e.attrs["href"] for e in ready.all("a") if e.text == "Open the PDF"]
    answer = owner.client.get(href)
    assert answer.content_type == "application/pdf" and answer.status_code == 200
    return bytes(answer.data)


def test_the_paper_says_what_the_page_says(shop: Shop, owner: Browser, month: str, work: Work) -> None:
    page, text = owner.get(f"/portal/statements/{month}"), words(printed(owner, month, work))
    for cell in (e.text for e in page.all("td") if e.within("main")):
        if re.search(r"\d", cell) and not re.search(r"…|\d\d:\d\d|^Opening", cell):
            assert squeezed(cell) in squeezed(text), cell
    assert shop.vendor.name in text and "TEST MODE" in text and "It adds up" in text
    closing = page.all("tr", class_="table-total")[0].text.rsplit(" ", 1)[-1]
    assert text.count(closing) >= 3, "at the top, as the closing, and as the balance after the last line"


def test_every_line_names_its_payment_and_the_balance_after_it(shop: Shop, owner: Browser, month: str, work: Work) -> None:
    text = words(printed(owner, month, work))
    assert all(balance in text for balance in ("£98.50", "£147.75", "£128.05")), (
        "after each payment, and after the refund with its share of the fee"
    )
    for reference in re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", text):
        assert reference in owner.get(f"/portal/search?q={reference}").text
    assert len(set(re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", text))) == 2


def test_it_is_printed_once_and_stays_the_same(shop: Shop, owner: Browser, month: str, work: Work) -> None:
    first = printed(owner, month, work)
    with shop.app.app_context():
        again = make_statement(shop.vendor.id, mode="test", month=month, currency="GBP", locale="en")
    assert again is not None and again.version == 1
    make_paid(shop)  # this month's business is not that month's
    assert owner.client.get(f"/portal/statements/{month}.pdf").data == first
    assert not [e for e in owner.get(f"/portal/statements/{month}").all("form") if e.attrs.get("action", "").endswith("/paper")]


def test_a_month_that_still_runs_has_no_paper(shop: Shop, owner: Browser, work: Work) -> None:
    make_paid(shop)
    month = f"{now():%Y-%m}"
    page = owner.get(f"/portal/statements/{month}")
    assert "When the month is over" in page.text
    token = owner.get("/portal/").form("/sign-out").values["csrf_token"]
    assert "not over yet" in owner.post(f"/portal/statements/{month}/paper", {"csrf_token": token}, status=409).text
    with shop.app.app_context():
        assert make_statement(shop.vendor.id, mode="test", month=month, currency="GBP", locale="en") is None
    owner.get(f"/portal/statements/{month}.pdf", status=404)


def test_each_currency_and_each_language_has_a_paper_of_its_own(shop: Shop, owner: Browser, month: str, work: Work) -> None:
    with shifted(INSIDE):
        make_paid(shop, make_link(shop, amount="700", currency="JPY"))
    pounds, yen = printed(owner, month, work), printed(owner, month, work, "JPY")
    assert "JPY" not in re.findall(r"\w+", words(pounds)) and "£" not in words(yen) and "700" in words(yen)
    german = owner.client.get(f"/portal/statements/{month}.pdf?lang=de")
    assert german.status_code == 404, "nobody has asked for it"


def test_nobody_else_reads_it(shop: Shop, owner: Browser, month: str, work: Work) -> None:
    printed(owner, month, work)
    stranger = make_shop(shop.app).browser()
    stranger.get(f"/portal/statements/{month}.pdf", status=404)
    support = make_colleague(shop, "support").browser()
    support.get(f"/portal/statements/{month}.pdf", status=403)
    token = support.get("/portal/").form("/sign-out").values["csrf_token"]
    support.post(f"/portal/statements/{month}/paper", {"csrf_token": token}, status=403)


@pytest.mark.parametrize("month", ["2026-13", "x", "2999-01", "%00", "2026-1"])
def test_a_month_that_is_none_is_not_found(owner: Browser, month: str) -> None:
    owner.get(f"/portal/statements/{month}.pdf", status=404)


# --- the sheet itself ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    kind: str
    gross: Money
    fee: Money
    count: int = 1
    about: str = "pay_x"
    effective_at: datetime = datetime(2026, 10, 14, 12, tzinfo=UTC)

    @property
    def net(self) -> Money:
        return self.gross + self.fee


OPENING = Money(1000, "GBP")


@dataclass(frozen=True)
class Drawn:
    totals: list[Part]
    opening: Money = OPENING
    currency: str = "GBP"
    until: datetime = datetime(2026, 11, 1, tzinfo=UTC)

    @property
    def moved(self) -> Money:
        total = Money(0, "GBP")
        for part in self.totals:
            total = total + part.net
        return total

    @property
    def closing(self) -> Money:
        return self.opening + self.moved


def sheet(parts: list[Part], lines: list[Part] | None, *, name: str = "Ada’s Bicycles", locale: str = "en", mode: str = "live") -> str:
    vendor = Vendor(name=name, country="GB", time_zone="Europe/London", support_email="help@adas.example")
    return statement_html(
        vendor, Drawn(parts), lines, first=date(2026, 10, 1), mode=mode, references={"pay_x": "7K3F9-QX2MA"}, locale=locale
    )


def some(count: int) -> list[Part]:
    return [Part("capture", Money(12_345_600 + n, "GBP"), Money(-185_184, "GBP")) for n in range(count)]


def test_the_paper_calls_things_what_the_portal_calls_them() -> None:
    parts = [Part(kind, Money(1, "GBP"), Money(0, "GBP")) for kind in KINDS]
    html = sheet(parts, [])
    for kind, name in KINDS.items():
        assert f">{name}</th>" in html, kind


def test_as_many_lines_as_a_paper_holds_are_printed_in_time_and_memory() -> None:
    lines = some(MOST_LINES)
    printed_ = render_pdf(sheet(lines[:3], lines), seconds=120)
    assert printed_.pages > 10 and not printed_.refused
    last = PdfReader(io.BytesIO(printed_.data)).pages[-1].extract_text()
    assert "Balance" in last, "the head of the table stands on every page"


def test_more_lines_than_that_are_counted_and_the_file_named() -> None:
    text = words(render_pdf(sheet([Part("capture", Money(5, "GBP"), Money(0, "GBP"), count=4321)], None)).data)
    assert "4,321 lines, too many for paper" in text and "CSV" in text


def test_what_people_typed_is_never_taken_for_markup() -> None:
    html = sheet(some(1), some(1), name="<script>alert(1)</script>")
    assert "<script>alert" not in html and not render_pdf(html).refused


def test_a_live_statement_is_not_marked() -> None:
    assert "TEST" not in sheet(some(1), some(1)) and "TEST MODE" in sheet(some(1), some(1), mode="test")


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_months_follow_each_other_without_a_gap(zone: str) -> None:
    first = date(2026, 1, 1)
    for _ in range(24):
        assert bounds(first, zone)[1] == bounds(next_month(first), zone)[0] and previous_month(next_month(first)) == first
        first = next_month(first)
