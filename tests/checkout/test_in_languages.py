"""A payer's own language: on the pages, in errors that the core says, in the letters that come later, and on the paper."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urljoin

import pytest
from pypdf import PdfReader

from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.models import Message
from core.notifications.papers import newest_paper
from core.payments.start import payment_token, receipt_token
from core.web.words import LANGUAGES
from tests.browser import Browser
from tests.checkout.desk import payments_of
from tests.factories import Shop, again, ask_refund, fresh, link_address, make_link, make_paid, open_payment, tell, tell_refund, unit

# language: what an address is asked for, paid, the receipt's subject, the receipt's heading, the sum as it is written
WORDS = {
    "de": ("Geben Sie Ihre E-Mail-Adresse ein", "Bezahlt", "Ihr Beleg von", "Beleg", "45,00\xa0£"),
    "fr": ("Saisissez votre adresse e-mail", "Payé", "Votre reçu de", "Reçu", "45,00\xa0GBP"),
    "es": ("Escriba su correo electrónico", "Pagado", "Su recibo de", "Recibo", "45,00\xa0GBP"),
    "pl": ("Wpisz adres e-mail", "Zapłacono", "Potwierdzenie od", "Potwierdzenie płatności", "45,00\xa0GBP"),
    "ar": ("أدخل بريدك الإلكتروني", "مدفوع", "إيصالك من", "إيصال", "45.00\xa0GBP"),
    "ja": ("メールアドレスを入力してください", "支払い済み", "からの領収書", "領収書", "£45.00"),
}


def speaks(browser: Browser, wishes: str) -> Browser:
    browser.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = wishes
    return browser


def language_of(page: Any) -> tuple[str, str]:
    html = page.all("html")[0]
    return html.attrs["lang"], html.attrs["dir"]


def letters(shop: Shop, kind: str) -> list[Message]:
    with unit(shop.app):
        return list(db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind=kind))


@pytest.mark.parametrize("code", WORDS)
def test_a_payer_pays_and_is_written_to_in_their_language(shop, new_path, payer, work, code):
    asked, paid, subject, heading, amount = WORDS[code]
    speaks(payer, f"{code},en;q=0.5")
    page = payer.get(new_path())
    assert language_of(page) == (code, "rtl" if code == "ar" else "ltr")
    refused = payer.submit(page.form(), status=422, email="")
    assert any(asked in error for error in refused.errors)
    payer.submit(refused.form(), email="sam@example.com")
    payment = payments_of(shop)[0]
    assert payment.locale == code
    tell(
        shop,
        payment,
        open_payment(shop, payment),
        "succeeded",
        charge="ch_1",
        captured=payment.amount,
        card_brand="visa",
        card_last4="4242",
        occurred_at=now(),
    )
    work()
    (letter,) = letters(shop, "receipt")
    assert subject in letter.subject and f'lang="{code}"' in letter.html
    assert (
        amount in letter.text.replace("\N{LEFT-TO-RIGHT MARK}", "").replace("\N{RIGHT-TO-LEFT MARK}", "")
        and "Reference:" not in letter.text
    )
    shown = payer.get(f"/checkout/{payment_token(shop.vendor, payment)}")
    assert shown.heading == paid
    assert payer.get(f"/receipt/{receipt_token(shop.vendor, payment)}").heading == heading
    with unit(shop.app):
        paper = newest_paper(shop.vendor.id, payment.mode, about=payment.public_id, kind="receipt")
    first = PdfReader(io.BytesIO(paper.pdf)).pages[0]
    if code != "ar":  # what is read back of joined letters is the press's business
        assert heading in first.extract_text()
    if code in ("ar", "ja"):
        fonts = " ".join(str(font.get_object()["/BaseFont"]) for font in first["/Resources"]["/Font"].values())
        assert {"ar": "Noto-Sans-Arabic", "ja": "Droid-Sans-Fallback"}[code] in fonts


def test_a_webhook_that_comes_late_is_answered_in_the_language_the_payer_used(shop, new_path, payer, another_payer, work):
    """The payer has gone; whoever looks at the link meanwhile reads another language."""
    page = speaks(payer, "pl").get(new_path())
    payer.submit(page.form(), email="sam@example.com")
    payment = payments_of(shop)[0]
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "processing")
    speaks(another_payer, "en").get(f"/checkout/{payment_token(shop.vendor, payment)}?lang=en")
    tell(shop, payment, attempt, "declined", charge="ch_2", decline_code="insufficient_funds")
    work()
    assert [letter.locale for letter in letters(shop, "payment_failed")] == ["pl"]
    assert "nie doszła do skutku" in letters(shop, "payment_failed")[0].subject


def test_a_refund_is_told_in_the_language_of_the_payment(shop, work):
    payment = make_paid(shop)
    with unit(shop.app):
        again(payment).locale = "fr"
    tell_refund(shop, ask_refund(shop, fresh(shop, payment), "5.00"), "succeeded")
    work()
    assert "vous sont renvoyés" in letters(shop, "refund_sent")[0].subject


def test_what_the_core_refuses_is_said_in_the_readers_words_and_figures(shop, payer):
    link = make_link(shop, amount=None, minimum_minor=200, maximum_minor=50_000)
    page = speaks(payer, "de").get(link_address(shop, link))
    refused = payer.submit(page.form(), status=422, email="sam@example.com", amount="1,50")
    assert "Der kleinste Betrag ist hier 2,00\N{NO-BREAK SPACE}£." in refused.html
    assert refused.form().values["amount"] == "1,50"
    paid = payer.submit(refused.form(), amount="12,50")
    assert "12,50\N{NO-BREAK SPACE}£" in paid.html
    assert payments_of(shop)[0].amount_minor == 1_250


def test_a_comma_is_no_decimal_mark_to_an_english_reader(shop, payer):
    link = make_link(shop, amount=None)
    page = speaks(payer, "en").get(link_address(shop, link))
    assert payer.submit(page.form(), status=422, email="sam@example.com", amount="12,50").errors == [
        "Write the amount with digits and a point, like 12.50."
    ]


def test_the_selector_is_plain_links_and_the_browser_remembers(shop, new_path, payer):
    path = new_path()
    page = speaks(payer, "de").get(f"{path}?utm_source=window")
    offered = {e.attrs["hreflang"]: e.attrs["href"] for e in page.all("a") if "hreflang" in e.attrs}
    assert set(offered) == set(LANGUAGES) and all("utm_source=window" in href for href in offered.values())
    assert language_of(payer.get(urljoin(path, offered["ja"])))[0] == "ja"
    assert language_of(payer.get(path))[0] == "ja"
    assert language_of(payer.get("/verify"))[0] == "ja"


def test_the_selector_on_an_answer_to_a_form_leads_to_a_page(shop, new_path, payer):
    page = payer.submit(payer.get(new_path()).form(), email="sam@example.com")
    token = payment_token(shop.vendor, payments_of(shop)[0])
    answer = payer.post(
        f"/checkout/{token}/country",
        {"csrf_token": page.form(f"/checkout/{token}/attempts").values["csrf_token"], "country": "XX"},
        status=422,
    )
    german = next(e.attrs["href"] for e in answer.all("a") if e.attrs.get("hreflang") == "de")
    assert german == f"/checkout/{token}?lang=de"
    assert language_of(payer.get(german))[0] == "de"


def test_a_link_in_a_language_is_shown_in_it_until_the_reader_chooses(shop, payer, another_payer):
    path = link_address(shop, make_link(shop, locale="es"))
    assert language_of(speaks(payer, "de").get(path))[0] == "es"
    assert language_of(payer.get(f"{path}?lang=de"))[0] == "de"
    assert language_of(payer.get(path))[0] == "de"
    assert language_of(another_payer.get(f"{path}?locale=fr-CA"))[0] == "fr"


def test_a_language_we_do_not_speak_changes_nothing(new_path, payer):
    page = speaks(payer, "de").get(f"{new_path()}?lang=xx")
    assert language_of(page)[0] == "de" and "lang=xx" not in page.html


def test_errors_before_anything_is_known_are_in_the_browsers_language(payer):
    page = speaks(payer, "ar").get("/pay/no-such-token", status=404)
    assert language_of(page) == ("ar", "rtl") and page.heading == "هذا الرابط غير صالح"
    assert speaks(payer, "ja").get("/verify/nothing", status=404).heading == "ここには何もありません"


def test_the_portal_speaks_english_and_german_only(shop):
    browser = speaks(shop.browser(), "ja,de;q=0.5")
    assert language_of(browser.get("/portal/"))[0] == "de"
    assert language_of(browser.get("/portal/?lang=fr"))[0] == "de"


def test_a_name_keeps_its_direction_among_arabic_words(shop, new_path, payer):
    page = speaks(payer, "ar").get(new_path())
    assert f"\N{FIRST STRONG ISOLATE}{shop.vendor.name}\N{POP DIRECTIONAL ISOLATE}" in page.text
