"""The poster fits one sheet whatever stands on it, says who is paid, and its code is read back as the address."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from core.accounts.models import Vendor
from core.kernel.money import Money
from core.web.pdf import render_pdf
from core.web.poster import poster_html, poster_name

ADDRESS = "https://pay.example.com/pay/" + "W" * 190 + "?ref=poster"
CAPTION = "pay.example.com/pay/adas-bicycles/full-service"


def sheet(
    size: str = "a4", *, name: str = "Ada’s Bicycles", title: str = "Full service", amount: Money | None = None, mode: str = "live",
    email: str = "help@adas.example",
) -> str:  # fmt: skip
    vendor = Vendor(name=name, country="GB", time_zone="Europe/London", support_email=email)
    return poster_html(vendor, title=title, amount=amount, mode=mode, address=ADDRESS, caption=CAPTION, size=size)


def printed(html: str) -> tuple[int, str]:
    pages = PdfReader(io.BytesIO(render_pdf(html).data)).pages
    return len(pages), " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize("size", ["a4", "a6"])
def test_the_longest_words_still_fit_one_sheet(size: str) -> None:
    wide = "Wholesale delivery and installation of " * 4
    pages, text = printed(sheet(size, name=wide[:120], title=wide[:120], amount=Money(99_999_999, "GBP"), mode="test"))
    assert pages == 1 and "£999,999.99" in text and "TEST" in text


def test_a_live_poster_is_not_marked_and_an_open_amount_says_so() -> None:
    _, text = printed(sheet())
    assert "TEST" not in text and "You choose the amount" in text and CAPTION in text.replace("- ", "-") and "Ada’s Bicycles" in text


def test_what_people_typed_is_never_taken_for_markup() -> None:
    html = sheet(name="<b>Bold</b> & Sons", title="</main><script>alert(1)</script>")
    assert "<script>alert" not in html and "<b>Bold" not in html and not render_pdf(html).refused


def test_a_change_of_anything_on_it_is_another_poster() -> None:
    names = {
        poster_name("lnk_x", "a4", sheet(**change)) for change in ({}, {"title": "Other"}, {"amount": Money(100, "GBP")}, {"mode": "test"})
    }  # type: ignore[arg-type]
    assert len(names) == 4 and poster_name("lnk_x", "a4", sheet()) == poster_name("lnk_x", "a4", sheet())


@pytest.mark.parametrize("size", ["a4", "a6"])
def test_addresses_that_people_type_are_broken_at_no_hyphen(size: str) -> None:
    """Whoever types them off the sheet would take it for the printer's."""
    for more in range(9):
        email = f"questions{'s' * more}-and-more@blue-door-bakery.example"
        _, text = printed(sheet(size, email=email, name=f"Blue Door Bakery {'and more ' * more}"))
        assert email in text and CAPTION in text.replace("/ ", "/")
    longest = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    pages, text = printed(sheet(size, email=longest))
    assert pages == 1 and longest in text.replace(" ", "")
