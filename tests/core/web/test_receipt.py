"""The receipt says what was paid and given back, on screen and on paper alike, and nothing in it is ever taken for markup."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pypdf import PdfReader

from core.accounts.models import Vendor
from core.kernel.money import Money
from core.payments.cart import Goods, Rate, Reduction, price_cart
from core.web.pdf import render_pdf
from core.web.receipt import receipt_html

AT = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
ADDRESS = "https://pay.example.com/receipt/WyJrMSIsInJlY2VpcHQi.c2lnbmF0dXJl"


@dataclass(frozen=True)
class Paid:
    mode: str = "live"
    reference: str = "7K3F9-QX2MA"
    description: str = "Full service, Dawes Galaxy"
    payer_name: str = "Grace Hopper"
    payer_reference: str = ""
    reference_label: str = ""
    email: str = "grace@example.com"
    card_brand: str | None = "visa"
    card_last4: str | None = "4242"
    captured_at: datetime = AT
    captured: Money = field(default_factory=lambda: Money(12550, "GBP"))


@dataclass(frozen=True)
class Back:
    amount: Money
    state: str = "succeeded"
    settled_at: datetime | None = AT + timedelta(days=3)
    reason: str = "other"


def vendor(name: str = "Ada’s Bicycles") -> Vendor:
    return Vendor(name=name, country="GB", time_zone="Europe/London", support_email="help@adas.example")


def page(payment: Paid | None = None, *refunds: Back, name: str = "Ada’s Bicycles", pdf_address: str = "") -> str:
    return receipt_html(vendor(name), payment or Paid(), refunds, address=ADDRESS, pdf_address=pdf_address)


def printed(html: str) -> str:
    reader = PdfReader(io.BytesIO(render_pdf(html).data))
    return re.sub(r"\s+", " ", " ".join(p.extract_text() for p in reader.pages))


def test_the_payers_own_reference_stands_on_it_under_the_vendors_word() -> None:
    paper = printed(page(replace(Paid(), payer_reference="INV-2041", reference_label="Invoice number")))
    assert "Invoice number INV-2041" in paper
    assert "Invoice number" not in printed(page())


def test_the_paper_says_who_was_paid_what_by_whom_when_and_how() -> None:
    paper = printed(page())
    for word in ("Ada’s Bicycles", "help@adas.example", "7K3F9-QX2MA", "£125.50", "Visa ending in 4242", "21 November 2026, 14:03 GMT",
                 "Full service, Dawes Galaxy", "Grace Hopper", "Paid"):  # fmt: skip
        assert word in paper, word
    assert "TEST" not in paper and "Refund" not in paper.replace("any refund", "")


def test_the_paper_says_how_it_can_be_checked() -> None:
    html = page()
    assert f'href="{ADDRESS}"' in html and "<svg" in html
    links = [
        note.get_object()["/A"]["/URI"]
        for note in PdfReader(io.BytesIO(render_pdf(html).data)).pages[0]["/Annots"]
        if "/A" in note.get_object()
    ]
    assert ADDRESS in links


def test_practice_cannot_be_mistaken_for_money() -> None:
    paper = printed(page(replace(Paid(), mode="test")))
    assert "TEST MODE" in paper and "no proof of payment" in paper


def test_confirmed_refunds_are_on_it_and_others_are_not() -> None:
    paper = printed(page(None, Back(Money(2000, "GBP")), Back(Money(500, "GBP"), "pending", None), Back(Money(700, "GBP"), "failed")))
    assert "Partly refunded" in paper and "−£20.00" in paper and "£105.50" in paper
    assert "£5.00" not in paper and "£7.00" not in paper


def test_why_it_was_given_back_stands_on_it_in_the_payers_words_and_nothing_where_there_are_none() -> None:
    paper = printed(page(None, Back(Money(2000, "GBP"), reason="requested_by_customer"), Back(Money(300, "GBP"), reason="duplicate")))
    assert "· At your request −£20.00" in paper and "· Paid twice −£3.00" in paper
    other = printed(page(None, Back(Money(2000, "GBP")), Back(Money(300, "GBP"), reason="a word of some processor")))
    assert "·" not in other.split("Refunds")[1].split("Kept by")[0] and "processor" not in other.split("Refunds")[1].split("Kept by")[0]


def test_a_payment_given_back_in_whole_is_called_refunded() -> None:
    paper = printed(page(None, Back(Money(2000, "GBP")), Back(Money(10550, "GBP"), settled_at=AT + timedelta(days=9))))
    assert "Refunded" in paper and "£0.00" in paper and "As of 30 November 2026" in paper


def test_the_button_is_for_the_screen_only() -> None:
    html = page(pdf_address="/receipt/x.pdf")
    assert "Download as PDF" in html and "Download" not in printed(html)


def test_what_people_typed_is_never_taken_for_markup() -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7777*7}}{% raw %}"
    html = page(replace(Paid(), description=hostile, payer_name=hostile, email=hostile), name=hostile)
    assert "<script" not in html and "<img" not in html and "54439" not in html
    assert "alert(1)" in printed(html)
    assert render_pdf(html).refused == []


def test_names_in_other_alphabets_are_printed() -> None:
    paper = printed(page(replace(Paid(), payer_name="Žluťoučký Ελλάδα Київ"), name="شكراً שלום"))
    assert "Žluťoučký Ελλάδα Київ" in paper and "שלום" in paper


def test_the_page_carries_no_style_or_script_of_its_own() -> None:
    html = page(pdf_address="/receipt/x.pdf")
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", html)


def test_the_same_payment_gives_the_same_paper() -> None:
    assert render_pdf(page(None, Back(Money(2000, "GBP")))).data == render_pdf(page(None, Back(Money(2000, "GBP")))).data


# --- what was bought --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    company: str = ""
    tax_id: str = ""
    billing: dict[str, str] | None = None


def test_a_receipt_says_what_was_bought_and_how_it_makes_the_total() -> None:
    vat, food = Rate("txr_1", "VAT", 2_000, False), Rate("txr_2", "Food", 700, True)
    goods = [Goods("Loaf", Money(450, "GBP"), 2, food), Goods("Tea towel", Money(1_000, "GBP"), 1, vat)]
    cart = price_cart(goods, "GBP", reduction=Reduction("SPRING", bps=1_000), tip=Money(150, "GBP"))
    paid = Paid(captured=cart.total)
    paper = printed(receipt_html(vendor(), paid, [], address=ADDRESS, cart=cart))
    for words in (
        "2 × Loaf (£4.50 each) £9.00",
        "Tea towel £10.00",
        "Discount SPRING −£1.90",
        "Tip £1.50",
        "VAT 20% on £9.00 £1.80",
        "Total £20.40",
    ):
        assert words in paper, words
    assert "of which Food 7%, on £7.57 £0.53" in paper


def test_a_receipt_is_made_out_to_the_business_that_said_so() -> None:
    told = Told("Bread & <b>Co", "DE136695976", {"line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"})
    html = receipt_html(vendor(), Paid(), [], address=ADDRESS, said=told)
    assert "Bread &amp; &lt;b&gt;Co" in html
    paper = printed(html)
    for words in ("Made out to", "1 High Street", "LS1 1AA Leeds", "United Kingdom", "VAT or tax number DE136695976"):
        assert words in paper, words
    assert "Made out to" not in receipt_html(vendor(), Paid(), [], address=ADDRESS, said=Told())
