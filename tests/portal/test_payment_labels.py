"""Labels and notes of payments: added, found, exported, told in the history, and never shown to a payer."""

from __future__ import annotations

import csv
import io
import secrets
from typing import Any

from core.payments.start import payment_token, receipt_token
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_paid, make_shop, unit


def add(owner: Browser, public_id: str, label: str, **expected: Any) -> Any:
    show = f"/portal/payments/{public_id}"
    return owner.submit(owner.get(show).form(f"{show}/labels"), label=label, **expected)


def exported(owner: Browser, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(owner.client.get(f"/portal/payments.csv?{query}").get_data(as_text=True))))


def test_a_label_is_added_found_exported_and_taken_off(shop: Shop, owner: Browser) -> None:
    paid, plain = make_paid(shop), make_paid(shop)
    page = add(owner, paid.public_id, "  trade   fair ")
    assert "Label added" in page.text and "trade fair" in page.text
    add(owner, paid.public_id, "=VIP")
    for query in ("label=trade fair", "q=label:trade fair"):
        listed = owner.get(f"/portal/payments?{query}")
        assert paid.reference in listed.text and plain.reference not in listed.text
        assert [row["labels"] for row in exported(owner, query)] == ["'=VIP, trade fair"]
    form = next(f for f in page.all("form") if f.attrs["action"].endswith("/labels/remove"))
    gone = owner.submit(page.form(form.attrs["action"]))
    assert "The label is off." in gone.text and "Label taken off" in gone.text
    assert [row["labels"] for row in exported(owner, "label=trade fair")] == []


def test_what_is_no_label_is_refused_at_its_field_and_kept(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    show = f"/portal/payments/{paid.public_id}"
    for wrong in ("", "a,b", "x" * 31):
        page = add(owner, paid.public_id, wrong, status=422)
        assert page.form(f"{show}/labels").values["label"] == wrong
        assert page.error_summary, "it takes the focus: on a phone the field is far down"
    for number in range(10):
        add(owner, paid.public_id, f"label {number}")
    assert "10 labels at most" in add(owner, paid.public_id, "one more", status=422).text


def test_notes_are_searched_and_exported_with_the_payment(shop: Shop, owner: Browser) -> None:
    paid, other = make_paid(shop), make_paid(shop)
    word = secrets.token_hex(4)
    show = f"/portal/payments/{paid.public_id}"
    for text in (f"=Called about {word}", "100% sure"):
        owner.submit(owner.get(show).form(f"{show}/remarks"), remark=text)
    listed = owner.get(f"/portal/payments?q=note:{word.upper()}")
    assert paid.reference in listed.text and other.reference not in listed.text
    (row,) = exported(owner, f"q=note:{word}")
    assert row["notes"] == f"'=Called about {word}\n100% sure"
    assert exported(owner, "q=note:%25") == [row], "a sign of the pattern is a sign"
    assert exported(make_shop(shop.app).browser(), f"q=note:{word}") == []


def test_a_payer_never_reads_them(shop: Shop, owner: Browser, stranger: Browser) -> None:
    paid, word = make_paid(shop), f"Z{secrets.token_hex(4)}"
    add(owner, paid.public_id, word)
    show = f"/portal/payments/{paid.public_id}"
    owner.submit(owner.get(show).form(f"{show}/remarks"), remark=f"note {word}")
    with unit(shop.app):
        paths = [f"/receipt/{receipt_token(shop.vendor, paid)}", f"/checkout/{payment_token(shop.vendor, paid)}"]
    for path in [*paths, *(f"{path}/history" for path in paths)]:
        assert word not in stranger.get(path).html, path


def test_everybody_of_the_team_may_label_and_nobody_else(shop: Shop) -> None:
    paid = make_paid(shop)
    support = make_colleague(shop, "support").browser()
    assert "seen" in add(support, paid.public_id, "seen").text
    make_shop(shop.app).browser().get(f"/portal/payments/{paid.public_id}", status=404)
