"""The branding page: colours that are refused with a better one at hand, a logo drawn anew, and the checkout, receipt and letters that show both."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import event

from core.accounts.branding import Look, change_look, find_logo, set_logo
from core.accounts.logo import draw_logo
from core.accounts.queries import find_vendor
from core.kernel.ask import Question
from core.kernel.db import db
from tests.browser import Browser
from tests.factories import Shop, link_address, make_colleague, make_link, make_paid, unit

PAGE = "/portal/settings/branding"


def picture(colour: tuple[int, int, int] = (200, 30, 60)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (300, 100), colour).save(made, "PNG")
    return made.getvalue()


def send(browser: Browser, data: bytes, *, status: int = 303, name: str = "logo.png") -> Any:
    token = browser.get(PAGE).form(f"{PAGE}/logo").values["csrf_token"]
    parts = [("csrf_token", "", "text/plain", token.encode()), ("logo", f'; filename="{name}"', "application/octet-stream", data)]
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{field}"{more}\r\nContent-Type: {kind}\r\n\r\n'.encode() + said + b"\r\n"
        for field, more, kind, said in parts
    )
    answer = browser.client.post(f"{PAGE}/logo", data=body + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == status, answer.text[:300]
    return answer


def now_of(shop: Shop) -> Any:
    with shop.app.app_context():
        return find_vendor(shop.vendor.public_id)


def branded(shop: Shop, accent: str = "#635bff") -> bytes:
    with unit(shop.app):
        change_look(shop.vendor, Look(accent=accent, support_phone="+44 20 7946 0000"), by="usr_x")
        set_logo(shop.vendor, draw_logo(picture()), by="usr_x")
    with shop.app.app_context():
        png = find_logo(find_vendor(shop.vendor.public_id))
    assert png
    return png


# --- colours -----------------------------------------------------------------------------------------------------------------


def test_a_colour_is_kept_and_comes_to_the_checkout_with_the_page(shop: Shop, owner: Browser, stranger: Browser) -> None:
    owner.submit(owner.get(PAGE).form(PAGE), accent="635BFF", support_phone="+44 20 7946 0000")
    assert (now_of(shop).accent, now_of(shop).accent_dark) == ("#635bff", None)
    page = stranger.get(link_address(shop, make_link(shop)))
    style = next(e for e in page.all("style"))
    nonce = re.search(r"style-src 'self' 'nonce-([\w-]+)'", page.response.headers["Content-Security-Policy"])
    assert nonce and style.attrs["nonce"] == nonce[1] and "--brand:#635bff;--on-brand:#ffffff" in page.html
    assert any(e.attrs["href"] == "tel:+442079460000" for e in page.all("a"))


def test_a_vendor_without_a_colour_sends_no_style(shop: Shop, stranger: Browser) -> None:
    page = stranger.get(link_address(shop, make_link(shop)))
    assert len(page.all("style")) == 1 and "--brand:#" not in page.html  # the sheet that every payer's page carries
    assert "nonce" in page.response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("field", "typed", "measured", "offered"),
    [
        ("accent", "#ffd400", "1.31:1", "#a68c06"),
        ("accent", "#e91e63", "4.37:1", "#e41e61"),
        ("accent_dark", "#0a2540", "1.08:1", "#586a7c"),
    ],
)
def test_a_colour_nobody_could_read_is_refused_with_the_ratio_and_the_nearest_one_press_away(
    shop: Shop, owner: Browser, field: str, typed: str, measured: str, offered: str
) -> None:
    page = owner.submit(owner.get(PAGE).form(PAGE), status=422, **{"accent": "#0a5560", field: typed, "support_phone": "+44 20 7946 0000"})
    assert len(page.errors) == 1 and measured in page.errors[0] and offered in page.errors[0]
    assert now_of(shop).accent is None
    form = page.form(PAGE)
    assert (form.values[field], form.values["support_phone"]) == (typed, "+44 20 7946 0000")  # nothing typed is lost
    button = next(e for e in page.all("button") if e.attrs.get("name") == f"use_{field}")
    owner.submit(form, **{f"use_{field}": button.attrs["value"]})
    assert getattr(now_of(shop), field) == offered and now_of(shop).support_phone == "+44 20 7946 0000"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"accent": "blue"}, "like #0a5560"),
        ({"accent": "#0a5560}body{display:none"}, "20 characters"),
        ({"accent": "</style>"}, "like #0a5560"),
        ({"accent": "", "accent_dark": "#ffffff"}, "as well"),
        ({"support_phone": "call me"}, "country code"),
        ({"support_phone": "1-2"}, "country code"),
        ({"accent": "#0a5\x0060"}, "cannot be stored"),
    ],
)
def test_what_is_no_colour_and_no_number_is_said_at_its_field(owner: Browser, changes: dict[str, str], words: str) -> None:
    page = owner.submit(owner.get(PAGE).form(PAGE), status=422, **changes)
    assert any(words in error for error in page.errors), page.errors


def test_a_preview_saves_nothing_and_shows_the_checkout_itself(shop: Shop, owner: Browser) -> None:
    page = owner.submit(owner.get(PAGE).form(PAGE), accent="#635bff", preview="1")
    assert now_of(shop).accent is None and page.form(PAGE).values["accent"] == "#635bff"
    frames = [e.attrs["src"] for e in page.all("iframe")]
    assert len(frames) == 4 and all("accent=%23635bff" in frame for frame in frames)
    for frame, ground in zip(frames[:2], ("#f4f6f5", "#0d1514"), strict=True):
        shown = owner.get(frame)
        assert shown.all("body")[0].attrs.keys() >= {"inert"} and "--brand:#635bff" in shown.html
        assert f"--ground: {ground};" in shown.html.rpartition("--ground: ")[1] + shown.html.rpartition("--ground: ")[2]
        assert "Continue" in shown.text and shop.vendor.name in shown.text
        policy = shown.response.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy and "X-Frame-Options" not in shown.response.headers


def test_the_letter_and_the_receipt_are_shown_in_the_colours_that_are_typed_and_nothing_of_them_can_be_pressed(
    shop: Shop, owner: Browser
) -> None:
    branded(shop, "#0b6b3a")
    page = owner.submit(owner.get(PAGE).form(PAGE), accent="#635bff", preview="1")
    letter, receipt = (owner.client.get(frame) for frame in [e.attrs["src"] for e in page.all("iframe")][2:])
    for shown in (letter, receipt):
        assert "<body inert " in shown.text and "#635bff" in shown.text and "#0b6b3a" not in shown.text
        assert shop.vendor.name in shown.text and "24.00" in shown.text
        policy = shown.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy and "X-Frame-Options" not in shown.headers
    assert ".act a { color: #ffffff" in letter.text, "the words on the button are chosen by themselves"
    assert "#0b6b3a" not in owner.client.get(f"{PAGE}/letter").text, "an empty field is our colour"
    assert now_of(shop).accent == "#0b6b3a", "looking saves nothing"


def test_a_pictures_letter_carries_the_logo_and_an_odd_colour_is_no_way_in(shop: Shop, owner: Browser) -> None:
    branded(shop)
    letter = owner.client.get(f"{PAGE}/letter").text
    assert "data:image/png;base64," in letter and "cid:" not in letter
    for where in ("letter", "receipt"):
        odd = owner.client.get(f"{PAGE}/{where}?accent=%3C/style%3E%3Cscript%3E&accent_dark=%00")
        assert odd.status_code == 200 and "script" not in odd.text


def test_while_typing_the_pictures_and_the_verdict_come_as_a_part(owner: Browser) -> None:
    good = owner.part(f"{PAGE}?accent=%23635bff")
    assert "accent=%23635bff" in good.all("iframe")[0].attrs["src"] and not good.errors
    bad = owner.part(f"{PAGE}?accent=%23ffd400&accent_dark=x&support_phone=%00")
    assert "1.31:1" in bad.text and "accent=" not in bad.all("iframe")[0].attrs["src"]


@pytest.mark.parametrize(
    "query", ["", "scheme=blue", "scheme=light&accent=</style>", "scheme=dark&accent_dark=%00", "scheme=dark&support_phone=%22%3E"]
)
def test_an_odd_address_of_a_preview_is_no_way_in(owner: Browser, query: str) -> None:
    page = owner.get(f"{PAGE}/checkout?{query}", status=None)
    assert page.status == (200 if query.startswith(("scheme=light", "scheme=dark")) else 404)


# --- the logo ----------------------------------------------------------------------------------------------------------------


def test_a_logo_is_drawn_anew_and_served_for_ever_under_its_digest(shop: Shop, owner: Browser, stranger: Browser) -> None:
    send(owner, picture() + b"<script>")
    page = stranger.get(link_address(shop, make_link(shop)))
    source = next(e for e in page.all("img")).attrs["src"]
    answer = stranger.client.get(source)
    assert answer.status_code == 200 and answer.data.startswith(b"\x89PNG") and b"<script>" not in answer.data
    assert answer.headers["Content-Type"] == "image/png" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=31536000" in answer.headers["Cache-Control"] and "immutable" in answer.headers["Cache-Control"]
    assert "sandbox" in answer.headers["Content-Security-Policy"] and "Set-Cookie" not in answer.headers
    send(owner, picture((0, 90, 30)))
    assert stranger.client.get(source).status_code == 404
    owner.submit(owner.get(PAGE).form(f"{PAGE}/logo/remove"))
    assert not stranger.get(link_address(shop, make_link(shop))).all("img")


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"<svg><script>1</script></svg>", "logo.png", "SVG"),
        (b"%PDF", "logo.png", "Only pictures"),
        (b"x" * 600_000, "logo.png", "512 kB"),
        (b"x" * 3_000_000, "photo.jpg", "512 kB"),
        (b"", "", "Choose a picture"),
    ],
)
def test_a_file_that_is_no_logo_is_refused_at_its_field(shop: Shop, owner: Browser, data: bytes, name: str, words: str) -> None:
    assert words in send(owner, data, status=422, name=name).text
    assert now_of(shop).logo_digest is None


def test_more_than_anybody_would_send_is_not_read(owner: Browser) -> None:
    assert send(owner, b"x" * 17_000_000, status=413)


def test_other_forms_still_take_no_more_than_people_type(owner: Browser) -> None:
    token = owner.get(PAGE).form(PAGE).values["csrf_token"]
    assert owner.client.post(PAGE, data={"csrf_token": token, "accent": "x" * 1_100_000}).status_code == 413


@pytest.mark.parametrize(
    "path",
    ["/logo/{vendor}/" + "0" * 32 + ".png", "/logo/vnd_nobody/" + "0" * 32 + ".png", "/logo/{vendor}/%00.png", "/logo/{vendor}/..%2f.png"],
)
def test_an_address_of_no_picture_is_nothing(shop: Shop, stranger: Browser, path: str) -> None:
    assert stranger.client.get(path.format(vendor=shop.vendor.public_id)).status_code == 404


def test_support_may_look_and_not_change(shop: Shop) -> None:
    helper = make_colleague(shop, "support").browser()
    page = helper.get(PAGE)
    assert not [e for e in page.all("button") if e.text == "Save" and "visually-hidden" not in e.attrs.get("class", "")]
    helper.post(PAGE, {"csrf_token": page.form("/sign-out").values["csrf_token"], "accent": "#0a5560"}, status=403)


# --- where it is shown -------------------------------------------------------------------------------------------------------


def test_the_look_costs_the_payers_page_no_further_question(shop: Shop, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    count: list[int] = []
    asks = Question._ask
    monkeypatch.setattr(Question, "_ask", lambda self, given, **how: (count.append(1), asks(self, given, **how))[1])
    with app.app_context():
        engine = db.engine

    def note(*_: Any) -> None:
        count.append(1)

    def asked() -> int:
        address, visitor = link_address(shop, make_link(shop)), Browser(app)
        visitor.get(address)
        count.clear()
        event.listen(engine, "before_cursor_execute", note)
        visitor.get(address)
        event.remove(engine, "before_cursor_execute", note)
        return len(count)

    before = min(asked() for _ in range(3))  # now and then something is read again that is kept for a second
    branded(shop)
    assert min(asked() for _ in range(3)) == before >= 1


def test_the_receipt_on_the_screen_shows_logo_and_colour(shop: Shop, stranger: Browser) -> None:
    branded(shop)
    payment = make_paid(shop)
    from core.payments.start import receipt_token

    with shop.app.app_context():
        address = f"/receipt/{receipt_token(now_of(shop), payment)}"
    page = stranger.get(address)
    assert page.all("img")[0].attrs["src"].startswith(f"/logo/{shop.vendor.public_id}/")
    assert "--brand:#635bff" in page.html and page.all("style")[0].attrs["nonce"] in page.response.headers["Content-Security-Policy"]


def test_the_receipt_on_paper_carries_the_logo_inside(shop: Shop) -> None:
    from pypdf import PdfReader

    from workers.papers import make_receipt

    branded(shop)
    payment = make_paid(shop)
    with shop.app.app_context():
        paper = make_receipt(shop.vendor.id, mode="test", payment=str(payment.id))
        assert paper
        pictures = [image for page in PdfReader(io.BytesIO(paper.pdf)).pages for image in page.images]
    assert len(pictures) == 1
    red = pictures[0].image.convert("RGB").getpixel((5, 5))
    assert red[0] > 180 and red[2] < 90


def test_a_letter_in_the_vendors_name_carries_the_logo_and_one_of_ours_does_not(shop: Shop) -> None:
    from core.notifications.notify import notify
    from workers.messages import _sealed, _write

    png = branded(shop)
    payment = make_paid(shop)
    with unit(shop.app):
        vendor = find_vendor(shop.vendor.public_id)
        kinds = ("receipt", "payment_received")
        by_kind = {kind: notify(vendor, kind, mode="test", to="ada@example.com", payment=payment.public_id) for kind in kinds}
        for kind, carries in (("receipt", True), ("payment_received", False)):
            letter, speaks = _write(vendor, by_kind[kind], enclosed=False, carries_logo=True)
            mail = _sealed(vendor if speaks else None, by_kind[kind], letter, [], png)
            found = [part for part in mail.walk() if part.get_content_type() == "image/png"]
            assert bool(found) == carries == ("#635bff" in letter.html) == speaks
            if carries:
                assert found[0].get_content() == png and found[0]["Content-ID"] == "<vendor-logo>"
                assert found[0].get_content_disposition() == "inline" and mail.get_content_type() == "multipart/alternative"
