"""Hostile text in every field that is shown again: on pages, receipts, letters and paper it stays text."""

from __future__ import annotations

import io

import pytest

from core.accounts.change_business import change_business
from core.kernel.db import db
from core.notifications.models import Message
from core.notifications.papers import newest_paper
from core.payments.link import pause_link
from core.payments.refund import request_refund
from core.payments.start import payment_token, receipt_token
from tests.factories import fresh, link_address, make_link, make_paid, make_payment, make_shop, unit

MARK = "{{7*7}}${7*7}<%=7*7%>"
HOSTILE = (
    f"'\"><script>document.title='owned'</script>{MARK}",
    "<img src=x onerror=document.title='owned'><svg/onload=document.title='owned'>",
    "javascript:document.title='owned'//--></style></title></textarea>",
    "<base href=//evil.example><meta http-equiv=refresh content=0;url=//evil.example>",
    "<iframe src=//evil.example></iframe><form action=//evil.example><link rel=attachment href=file:///etc/passwd>",
    "=cmd|'/c calc'!A1 \u202eKCART\u2028Bcc: x@evil.example =?utf-8?q?=0ABcc:_x@evil.example?=",
)


def scene(app, words):
    """A shop in which these words stand wherever a person may write some."""
    shop = make_shop(app, business=words[:119])
    with unit(app):
        vendor = change_business(shop.vendor, by="usr_x", name=words[:119], support_email=shop.email, time_zone="Europe/London")
        vendor.support_email = shop.email
    link = make_link(shop, title=words[:119], description=" ".join(HOSTILE))
    paid = make_paid(shop, link, name=words[:119], email="sam@example.com")
    with unit(app):
        request_refund(
            shop.vendor, db.session.get_one(type(paid), (paid.vendor_id, paid.mode, paid.id)), amount=paid.captured, reason="other",
            by=shop.user.public_id, form_token="x" * 22, note_text=words,
        )  # fmt: skip
    paused = make_link(shop, title=words[:119], description=words)
    with unit(app):
        pause_link(paused, by="usr_x", message=words)
    return shop, link, paid, paused


def addresses(app, shop, link, paid, paused):
    with app.app_context():
        checkout = [f"/checkout/{payment_token(shop.vendor, payment)}" for payment in (make_payment(shop, link, name="n"), paid)]
        receipt = f"/receipt/{receipt_token(shop.vendor, paid)}"
    own = [f"/portal/links/{link.public_id}", f"/portal/links/{link.public_id}/edit", f"/portal/links/{paused.public_id}"]
    own += [
        "/portal/",
        "/portal/links",
        f"/portal/payments/{paid.public_id}",
        "/portal/payments",
        "/portal/balance",
        "/portal/balance/pending",
    ]
    return [link_address(shop, link), link_address(shop, paused), *checkout, receipt], [*own, "/portal/settings", "/portal/outbox"]


@pytest.mark.parametrize("words", [HOSTILE[0], HOSTILE[1], HOSTILE[4]], ids=["scripts", "pictures", "frames"])
def test_no_page_runs_or_loads_what_somebody_typed(app, visitor, work, words):
    """In a browser with scripts: nothing runs, nothing is asked of another host, and the content policy has nothing to stop."""
    shop, link, paid, paused = scene(app, words)
    work()
    page = visitor()
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url) if "evil" in request.url else None)
    page.on("dialog", lambda dialog: elsewhere.append(dialog.message))
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": visitor.address}])
    payers, own = addresses(app, shop, link, paid, paused)
    with app.app_context():
        found = db.select(Message.public_id).where(Message.vendor_id == shop.vendor.id, Message.mode == "test")
        own += [f"/portal/outbox/{one}" for one in db.session.scalars(found)]
    for path in (*payers, *own):
        answer = page.goto(path)
        assert answer and answer.status == 200, path
        text = page.content()
        assert page.title() != "owned", path
        assert page.locator("script:not([src^='/static/'])").count() == 0, path
        assert page.locator("iframe:not([data-frame]), base, meta[http-equiv=refresh]").count() == 0, path
        assert "${49}" not in text and "<%=7" not in text, path
    assert not elsewhere


def test_no_letter_carries_more_than_text(app, work):
    for words in (HOSTILE[0], HOSTILE[4], HOSTILE[5]):
        shop, _link, _paid, _paused = scene(app, words)
        work()
        with app.app_context():
            letters = list(db.session.scalars(db.select(Message).where(Message.vendor_id == shop.vendor.id, Message.mode == "test")))
        assert {letter.state for letter in letters} == {"kept"} and len(letters) >= 2, [(one.kind, one.last_error) for one in letters]
        for letter in letters:
            lowered = letter.html.lower()
            assert not any(tag in lowered for tag in ("<script", "<img src=x", "<svg/", "<iframe", "<base", "<form action=//")), letter.kind
            assert len((letter.subject or "").splitlines()) == 1 and "\u202e" not in letter.subject


def test_paper_neither_reads_files_nor_asks_anybody(app, work):
    from pypdf import PdfReader

    for words in HOSTILE[4:5]:
        shop, _link, paid, _paused = scene(app, words)
        work()
        with app.app_context():
            paper = newest_paper(shop.vendor.id, "test", about=paid.public_id, kind="receipt")
        assert paper is not None
        document = PdfReader(io.BytesIO(paper.pdf))
        text = "".join(page.extract_text() for page in document.pages)
        assert "root:" not in text and not document.attachments
        assert b"/JavaScript" not in paper.pdf and b"/Launch" not in paper.pdf
        assert fresh(shop, paid).state == "succeeded"
