"""Search, saved filters, exports, reasons, notes, notices, choices, receipts and the team."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text

from core.accounts.invite import invitation_token, list_invitations
from core.kernel import clock
from core.kernel.db import db
from core.payments.search_words import read_words, terms_of
from tests.browser import Browser
from tests.factories import (  # fmt: skip
    PASSWORD,
    Shop,
    again,
    ask_refund,
    fresh,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    tell,
    tell_refund,
    unit,
)


def token(browser: Browser) -> str:
    return browser.get("/portal/").form("/sign-out").values["csrf_token"]


# --- search ---


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("7k3f9 qx2ma", "reference", "7K3F9-QX2MA"), ("7K3F9-QX2MO", "reference", "7K3F9-QX2M0"), ("ref:abc", "reference", "ABC"),
        ("4242", "last4", "4242"), ("last4:4242", "last4", "4242"), ("Ada@Example.com", "name", "ada@example.com"), ("hopper", "name", "hopper"),
        ("status:failed", "status", "requires_method"), ("status:paid", "status", "succeeded"), ("status:nonsense", "status", None),
        ("£12.50", "sum", "GBP 12.50"), ("12,50 EUR", "sum", "EUR 12.50"), ("1,234.50", "sum", "GBP 1234.50"), ("amount:1250 jpy", "sum", "JPY 1250"),
        ("status:Faild", "status", "requires_method"), ("State: expired", "status", "expired"), ("declined", "status", "requires_method"),
        ("•••• 4242", "last4", "4242"), ("card: ending in 4242", "last4", "4242"), ("project:roof", "own_column", "('project', 'roof')"),
        ("meta:roof", "any_column", "roof"), ("ref:inv-2041", "theirs", "inv-2041"), ("E-Mail: Ada@Example.com", "name", "ada@example.com"),
        ("Betrag: 12,50", "sum", "GBP 12.50"), ("https://example.com", "own_column", None),
        ("1e3", "sum", None), ("-5", "sum", None), ("pay_0000000000000000000000", "public_id", "pay_0000000000000000000000"),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_generously(typed: str, field: str, value: str | None) -> None:
    read = getattr(read_words(typed, "GBP"), field)
    assert (str(read) if read is not None else None) == value


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("status:failed email: ada@example.com", ["status:failed", "email: ada@example.com"]),
        ("grace hopper status:paid", ["grace hopper", "status:paid"]), ("status:", []), ("  ", []), ("see http://x.test/a", ["see http://x.test/a"]),
        ("note:call back: tomorrow status:paid", ["note:call back: tomorrow", "status:paid"]),
    ],
)  # fmt: skip
def test_several_terms_all_count(typed: str, terms: list[str]) -> None:
    assert terms_of(typed) == terms


def test_terms_narrow_each_other_and_slips_are_forgiven(shop: Shop, owner: Browser) -> None:
    from core.payments.sharing import Sharing, set_sharing

    link = make_link(shop, title="Roof", kind="reusable")
    with unit(shop.app):
        set_sharing(again(link), by=shop.user.public_id, sharing=Sharing(key_values={"project": "roof"}, reference_label="Invoice number"))
    link = fresh(shop, link)
    grace, sam = (
        make_paid(shop, link, email="g@example.com", name="Grace Hopper"),
        make_declined(shop, link, email="s@example.com", name="Sam Whitlock"),
    )
    with unit(shop.app):
        again(sam).payer_reference = "INV-2041"
    for words, found in (
        ("status:paid name:hopper", [grace]), ("status:failed name:hopper", []), ("whitlok", [sam]), ("Roof", [grace, sam]),
        ("meta:ROOF status:paid", [grace]), ("project:roof", [grace, sam]), ("project:cellar", []), ("ref:inv-2041", [sam]), ("inv-2041", [sam]),
        ("4242 status:payed", [grace]),
    ):  # fmt: skip
        page = owner.get(f"/portal/payments?q={quote(words)}")
        assert [one.public_id in page.html for one in (grace, sam)] == [one in found for one in (grace, sam)], words
        everywhere = owner.get(f"/portal/search?q={quote(words)}")
        assert [one.public_id in everywhere.html for one in (grace, sam)] == [one in found for one in (grace, sam)], words


def test_a_payment_is_found_by_whatever_the_customer_reads_out(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount="43.21", title="Rye & seeds", kind="reusable")
    paid, other = (
        make_paid(shop, link, email="grace@example.com", name="Grace Hopper"),
        make_declined(shop, email="x@example.com", name="X Y"),
    )
    for words in (
        paid.reference.replace("-", " ").lower(),
        paid.public_id,
        "grace@example.com",
        "GRACE@",
        "grace",
        "hopper",
        "4242",
        "43.21",
        "£43.21",
    ):
        page = owner.get("/portal/search?q=" + words.replace("£", "%C2%A3").replace(" ", "+"))
        assert paid.reference in page.text and other.reference not in page.text, words
    assert "Rye & seeds" in owner.get("/portal/search?q=RYE").text
    assert "Going live" in owner.get("/portal/search?q=real+money").text and "Nothing fits" in owner.get("/portal/search?q=zzzz").text
    for words in ("%00", "%25", "_", "' OR 1=1 --", "x" * 300, "status:", "%F0%9F%99%82", "id:" + "9" * 200):
        assert owner.get(f"/portal/search?q={words}").status == 200


def test_search_stays_within_the_vendor_the_mode_and_the_role(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = make_shop(app)
    secret = make_paid(theirs, make_link(theirs, title="Their secret"), email="their@example.com", name="Theirs")
    for words in (secret.reference, secret.public_id, "their@example.com", "their", "4242"):
        assert secret.reference not in owner.get(f"/portal/search?q={words}").text.replace(words, "")
    assert "Statements" not in [
        e.text
        for e in make_colleague(shop, "support").browser().get("/portal/search?q=accounting").all("a", href="/portal/statements")
        if e.within("main")
    ]


# --- filters ---


def test_each_filter_narrows_the_list_and_its_file_alike(shop: Shop, owner: Browser) -> None:
    small, large = make_link(shop, amount="5.00", kind="reusable"), make_link(shop, amount="50.00", kind="reusable")
    one, two = make_paid(shop, small, email="one@example.com"), make_paid(shop, large, email="two@example.com")
    for query, there, gone in (
        ("least=10", two, one), ("most=10", one, two), ("least=5&most=5.00", one, two), ("customer=ONE@example.com", one, two),
        (f"link={large.public_id}", two, one), ("q=5.00", one, two),
    ):  # fmt: skip
        text_ = owner.get(f"/portal/payments?{query}").text
        assert there.reference in text_ and gone.reference not in text_, query
        rows = list(csv.DictReader(io.StringIO(owner.client.get(f"/portal/payments.csv?{query}").get_data(as_text=True))))
        assert [row["reference"] for row in rows] == [there.reference], query
    assert (
        one.reference in owner.get("/portal/payments?method=visa").text
        and one.reference not in owner.get("/portal/payments?method=amex").text
    )
    for query in ("least=x", "most=-1", "customer=nobody", "link=lnk_0000000000000000000000", "method=cash", "least=1e9"):
        assert owner.get(f"/portal/payments?{query}").error_summary, query


def test_a_filter_is_saved_shared_found_again_and_removed(shop: Shop, owner: Browser) -> None:
    make_paid(shop)
    other = make_colleague(shop, "support")
    keep = "/portal/payments/filters"
    form = owner.get("/portal/payments?status=succeeded&q=25.00").form(keep)
    assert owner.submit(form, status=422, name="").errors
    page = owner.submit(form, name="Twenty-five", shared="y")
    saved = next(e for e in page.all("a", class_="chip"))
    assert saved.text == "Twenty-five" and "status=succeeded" in saved.attrs["href"] and owner.get(saved.attrs["href"]).status == 200
    assert owner.submit(form, status=422, name="twenty-FIVE").errors, "one name, one filter"
    owner.submit(form, name="Mine alone")
    theirs = other.browser().get("/portal/payments")
    assert [e.text for e in theirs.all("a", class_="chip")] == ["Twenty-five"]
    removals = [e.attrs["action"] for e in theirs.all("form") if e.attrs.get("action", "").endswith("/remove")]
    assert other.browser().post(removals[0], {"csrf_token": token(other.browser())}).status in (400, 403)
    seen = other.browser()
    assert seen.post(removals[0], {"csrf_token": token(seen)}).status == 403
    page = owner.submit(owner.get("/portal/payments").form(removals[0]))
    assert [e.text for e in page.all("a", class_="chip")] == ["Mine alone"]


# --- reasons ---


def test_every_figure_of_a_payment_is_the_sum_of_its_lines(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, paid, "7.77"), "failed", failure_reason="lost")
    ask_refund(shop, paid, "1.01")
    for slug in ("paid", "fee", "refunded", "keep"):
        page = owner.get(f"/portal/payments/{paid.public_id}/why/{slug}")
        assert "The journal lines come to" not in page.text, slug
        value = re.search(r"[−]?£[\d.]+", page.heading)
        assert value and page.all("tr", class_="table-total")[0].text.endswith(value[0]), (slug, page.heading)
    owner.get(f"/portal/payments/{paid.public_id}/why/nothing", status=404)


def test_what_was_taken_walks_by_key_over_exactly_its_payments(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.why.LINES_ON_A_PAGE", 2)
    link = make_link(shop, amount="10.00", kind="reusable")
    paid = [make_paid(shop, link) for _ in range(5)]
    with clock.shifted(timedelta(days=-3)):
        make_paid(shop, link)
    address, seen = next(one for one in owner.get("/portal/").links() if "/why/taken" in one), ""
    assert "Taken £50.00" in owner.get(address).text
    for _ in range(3):
        page = owner.get(address)
        seen += page.text
        address = next((one for one in page.links() if "after=" in one), "")
    assert not address and all(seen.count(one.reference) == 1 for one in paid)


@pytest.mark.parametrize(
    "path",
    ["taken", "taken?since=2026-01-01&until=2025-01-01", "taken?since=2020-01-01&until=2026-01-01", "taken?since=x&until=y", "success?since=2026-02-30&until=2026-03-01",
     "release?day=%00", "taken?since=2026-01-01&until=2026-01-02&currency=XX", "taken?since=2026-01-01&until=2026-01-02&after=x~y"],
)  # fmt: skip
def test_a_reason_that_does_not_exist_is_not_found(owner: Browser, path: str) -> None:
    owner.get(f"/portal/why/{path}", status=404)


def test_statements_are_pages_and_files_of_the_same_sums(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="100.00"))
    month = f"{clock.now():%Y-%m}"
    page = owner.get(f"/portal/statements/{month}")
    assert "So far £98.50" in page.text and "It adds up" in page.text and month in str(owner.get("/portal/statements").links())
    rows = list(csv.DictReader(io.StringIO(owner.client.get(f"/portal/statements/{month}.csv").get_data(as_text=True))))
    assert [row["balance"] for row in rows] == ["0.00", "98.50", "98.50"] and rows[1]["fee"] == "-1.50"
    for bad in ("2026-13", "x", "2199-01", f"{month}?currency=XYZ", f"{month}?after=x"):
        owner.get(f"/portal/statements/{bad}", status=404)


def test_the_home_chart_stands_beside_its_table(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="10.00"))
    make_declined(shop)
    page = owner.get("/portal/")
    assert len(page.all("rect", class_="chart-bar")) == 1 and page.all("svg", class_="chart-drawing")[0].attrs["role"] == "img"
    assert "50.0 %" in page.text and "1 of 2 that ended were paid" in page.text and "Next release £9.85" in page.text
    release = next(one for one in page.links() if "/why/release" in one)
    assert (
        "Becomes available £9.85" in owner.get(release).text
        and "50.0 %" in owner.get(next(o for o in page.links() if "/why/success" in o)).text
    )


# --- one payment ---


def test_the_trail_names_what_the_processor_sent_with_private_things_blacked_out(
    shop: Shop, owner: Browser, work: Callable[[], int]
) -> None:
    from core.providers.inbox import receive_event

    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "declined", charge="ch_x", decline_code="do_not_honor")
    with unit(shop.app):
        cause = db.session.scalar(
            text("SELECT cause FROM payment_events WHERE payment_id = :id AND kind = 'attempt.declined'"), {"id": payment.id}
        )
        raw = '{"client_secret": "pi_1_secret_abc", "email": "a@b.example", "n": "4242 4242 4242 4242", "amount": 2500, "card": {"last4": "4242"}}'
    with shop.app.app_context():
        receive_event(provider=payment.provider, mode="test", event_id=cause, type="charge.failed", raw=raw)
    page = owner.get(f"/portal/payments/{payment.public_id}/events/{cause}")
    assert "2500" in page.text and '"last4": "4242"' in page.text
    assert not any(word in page.html for word in ("secret_abc", "a@b.example", "4242 4242"))
    owner.get(f"/portal/payments/{make_payment(shop).public_id}/events/{cause}", status=404)


def test_a_note_is_kept_for_the_team_and_can_be_put_back(shop: Shop, owner: Browser) -> None:
    address = f"/portal/payments/{make_paid(shop).public_id}"
    assert owner.submit(owner.get(address).form(f"{address}/remarks"), remark="  ", status=422).errors
    page = owner.submit(owner.get(address).form(f"{address}/remarks"), remark="<b>Rang</b> up & asked.\nTwice.")
    assert "<b>Rang</b>" not in page.html and "Twice." in page.text
    strike = next(e.attrs["action"] for e in page.all("form") if "/remarks/rem_" in e.attrs.get("action", ""))
    support = make_colleague(shop, "support").browser()
    assert support.post(strike, {"csrf_token": token(support)}).status == 403
    gone = owner.submit(page.form(strike))
    assert "Twice." not in gone.text
    assert "Twice." in owner.submit(gone.form(strike.replace("/remove", "/restore"))).text


# --- notices and letters ---


def test_news_is_told_once_and_read_by_each_person_for_themselves(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    colleague = make_colleague(shop, "support").browser()
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "failed", failure_reason="lost")
    work()
    assert next(e.text for e in owner.get("/portal/").all("span", class_="bell-count")).startswith("2")
    page = owner.get("/portal/notices?kind=refund_failed")
    opening = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert owner.submit(page.form(opening)).address.endswith(paid.public_id)
    assert next(e.text for e in owner.get("/portal/").all("span", class_="bell-count")).startswith("1")
    owner.submit(owner.get("/portal/notices").form("/portal/notices/read"))
    assert not owner.get("/portal/").all("span", class_="bell-count") and colleague.get("/portal/").all("span", class_="bell-count")
    owner.get("/portal/notices?kind=nonsense", status=404)


def test_each_person_chooses_what_is_shown_and_mailed(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    accountant = make_colleague(shop, "accountant")
    theirs = accountant.browser()
    form = theirs.get("/portal/settings/notifications").form("/portal/settings/notifications")
    form.values.pop("shown_payment_received")
    theirs.submit(form, mailed_payment_received="y")
    business = owner.get("/portal/settings/notifications").form("/portal/settings/notifications/business")
    assert business.values["mailed_payment_received"] == "y", "the business's address is told without choosing"
    business.values.pop("mailed_payment_received")
    owner.submit(business)
    make_paid(shop)
    work()
    with unit(shop.app):
        told = db.session.scalars(
            text("SELECT recipient FROM messages WHERE vendor_id = :v AND kind = 'payment_received'"), {"v": shop.vendor.id}
        ).all()
    assert told == [accountant.user.email]
    assert "Nothing here yet" in theirs.get("/portal/notices").text and "Payment received" in owner.get("/portal/notices").text


def test_unexpected_money_is_news_and_a_task(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    from core.kernel.clock import now

    paid = make_paid(shop)
    tell(shop, paid, None, "succeeded", charge="ch_second", captured=paid.amount, card_brand="visa", card_last4="4242", occurred_at=now())
    work()
    home = owner.get("/portal/")
    assert (
        "£25.00 arrived that was not expected" in home.text and "Money arrived that was not expected" in owner.get("/portal/notices").text
    )
    assert "Unexpected money" in owner.get(f"/portal/payments/{paid.public_id}").text


def test_a_receipt_is_sent_again_to_an_address_put_right(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    make_paid(shop, email="misspelt@example.com")
    work()
    receipt = next(
        one for one in owner.get("/portal/outbox").links() if "/outbox/msg_" in one and "receipt" in owner.get(one).heading.lower()
    )
    address = receipt.removeprefix("http://localhost") + "/again"
    assert owner.submit(owner.get(receipt).form(address), email="nobody", status=422).errors
    page = owner.submit(owner.get(receipt).form(address), email="right@example.com")
    work()
    assert "right@example.com" in owner.get(page.address).text and "misspelt@example.com" in owner.get("/portal/outbox").text
    assert "No message is in this state" in owner.get("/portal/outbox?state=failed").text
    owner.get("/portal/outbox?state=lost", status=404)


def test_receipts_say_what_the_vendor_adds_and_leave_off_what_it_does_not_want(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    from core.payments.start import receipt_token

    form = owner.get("/portal/settings/receipts").form("/portal/settings/receipts")
    form.values.pop("show_payer")
    owner.submit(
        form,
        legal_name="Blue Door <Ltd>",
        postal_address="1 Mill Lane\nYork",
        registration="Co. 0123",
        paragraph="Bring the bag.",
        footer="Thank you.",
    )
    paid = make_paid(shop, name="Ada Payer")
    with unit(shop.app):
        sheet = stranger.client.get(f"/receipt/{receipt_token(shop.vendor, fresh(shop, paid))}").get_data(as_text=True)
    assert all(word in sheet for word in ("Blue Door &lt;Ltd&gt;", "1 Mill Lane", "York", "Co. 0123", "Bring the bag.", "Thank you."))
    assert "Ada Payer" not in sheet and "ada@example.com" not in sheet
    work()
    with unit(shop.app):
        letter = db.session.scalar(text("SELECT text FROM messages WHERE vendor_id = :v AND kind = 'receipt'"), {"v": shop.vendor.id})
    assert "Bring the bag." in letter
    assert owner.submit(owner.get("/portal/settings/receipts").form("/portal/settings/receipts"), footer="x" * 301, status=422).errors


# --- the team ---


def invited(shop: Shop, owner: Browser, email: str, role: str = "support") -> str:
    """The path in the message."""
    owner.submit(owner.get("/portal/team").form("/portal/team/invitations"), email=email, role=role)
    with unit(shop.app):
        return "/invitation/" + invitation_token(shop.vendor, next(one for one in list_invitations(shop.vendor) if one.email == email))


def test_somebody_new_joins_through_the_message_and_the_link_works_once(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    path = invited(shop, owner, f"new-{shop.vendor.public_id.lower()}@example.com", "accountant")
    work()
    assert stranger.submit(stranger.get(path).form(path), name="Ben", password="short", status=422).errors
    home = stranger.submit(stranger.get(path).form(path), name="Ben", password=PASSWORD)
    assert home.heading == "Home" and "Welcome to the team" in home.text and stranger.get("/portal/team", status=200)
    assert Browser(shop.app).get(path, status=404)
    assert "Ben" in owner.get("/portal/team").text


def test_an_invitation_is_renewed_taken_back_and_good_for_its_address_only(app: Flask, shop: Shop, owner: Browser) -> None:
    other = make_shop(app)
    first = invited(shop, owner, other.email)
    again = invited(shop, owner, other.email, "manager")
    assert Browser(app).get(first, status=404) and "sign in" in Browser(app).get(again).text.lower()
    third = make_shop(app).browser()
    assert "another address" in third.get(again).text
    joined = other.browser()
    page = joined.submit(joined.get(again).form(again))
    assert "Welcome" in page.text and shop.vendor.name in page.text
    back = joined.submit(joined.get("/portal/settings").form("/portal/business"))
    assert other.vendor.name in back.text
    assert owner.submit(owner.get("/portal/team").form("/portal/team/invitations"), email=other.email, status=422).errors
    gone = invited(shop, owner, "later@example.com")
    page = owner.get("/portal/team")
    owner.submit(page.form(next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/revoke"))))
    Browser(app).get(gone, status=404)
    with clock.shifted(timedelta(days=7, minutes=5)):
        Browser(app).get(invited_now(shop), status=404)


def invited_now(shop: Shop) -> str:
    from core.accounts.invite import invite

    with clock.shifted(timedelta(days=-8)), unit(shop.app):
        return "/invitation/" + invitation_token(
            shop.vendor, invite(shop.vendor, email="old@example.com", role="support", by=shop.user.public_id)
        )


def test_roles_change_people_leave_and_there_is_always_one_owner(app: Flask, shop: Shop, owner: Browser) -> None:
    other = make_colleague(shop, "support")
    theirs = other.browser()
    theirs.get("/portal/balance", status=403)
    owner.submit(owner.get("/portal/team").form(f"/portal/team/{other.user.public_id}/role"), role="accountant")
    theirs.get("/portal/balance")
    values = {"csrf_token": token(owner), "role": "owner"}
    assert owner.post(f"/portal/team/{other.user.public_id}/role", values).status == 422
    assert owner.post(f"/portal/team/{shop.user.public_id}/role", values | {"role": "support"}).status == 409
    assert owner.post(f"/portal/team/{shop.user.public_id}/remove", values).status == 409
    hand = owner.get("/portal/team").form("/portal/team/owner")
    assert owner.submit(hand, heir=shop.user.public_id, status=422).errors
    owner.submit(hand, heir=other.user.public_id)
    assert owner.post("/portal/team/owner", values | {"heir": other.user.public_id}).status == 403
    page = theirs.get(f"/portal/team/{shop.user.public_id}/remove")
    theirs.submit(page.form(f"/portal/team/{shop.user.public_id}/remove"))
    assert owner.get("/portal/").heading == "Sign in", "who has left sees nothing from that moment on"
