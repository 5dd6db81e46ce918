"""Exports: exactly the filtered rows, safe in a spreadsheet, exact to the minor unit, and no larger in memory for being long."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from flask import Flask
from sqlalchemy import CHAR, BigInteger, literal, select, text

from core.kernel.currency import OFFERED
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.sheet import AT_ONCE, SheetBusy, decimal
from core.payments.export import customers_sheet, payments_sheet, refunds_sheet
from core.payments.lists import EVERYTHING, PaymentFilter
from tests.factories import Shop, ask_refund, make_declined, make_link, make_paid, make_payment, make_shop, tell_refund, unit


def rows_of(shop: Shop, narrow: PaymentFilter = EVERYTHING, mode: str = "test") -> list[dict[str, str]]:
    with unit(shop.app):
        whole = b"".join(payments_sheet(shop.vendor, mode, narrow)).decode()
    return list(csv.DictReader(io.StringIO(whole)))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"), ("+1234", "'+1234"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\tcmd", "'\tcmd"), ("\r\n=1", "'\r\n=1"), ("\n=1", "'\n=1"), ("＝1+1", "'＝1+1"), ("＋1", "'＋1"), ("－1", "'－1"), ("＠x", "'＠x"),
        ("Ada, \"the\" Payer\nline", "Ada, \"the\" Payer\nline"), ("Ünï 日本 🙂", "Ünï 日本 🙂"), ("plain", "plain"), ("", ""), ("a=b", "a=b"), ("'=1", "'=1"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(app: Flask, name: str, cell: str) -> None:
    """Put past the forms that would have refused some of them, straight into the row."""
    shop = make_shop(app)
    paid = make_paid(shop)
    with unit(app):
        db.session.execute(
            text(
                "UPDATE payments SET payer_name = :name, description = :name, payer_reference = :name, attribution = :told WHERE id = :id"
            ),
            {"name": name, "id": paid.id, "told": json.dumps({"ref": name, "utm_source": name, "utm_campaign": name})},
        )
    (row,) = rows_of(shop)
    assert {row[column] for column in ("name", "description", "payer_reference", "ref", "utm_source", "utm_campaign")} == {cell}


def test_the_vendors_own_columns_go_along_as_json(app: Flask) -> None:
    shop = make_shop(app)
    plain, kept = make_paid(shop), make_paid(shop)
    with unit(app):
        db.session.execute(text("UPDATE payments SET key_values = :pairs WHERE id = :id"), {"pairs": '{"project": "=roof"}', "id": kept.id})
    rows = {row["number"]: row["own_columns"] for row in rows_of(shop)}
    assert json.loads(rows[kept.public_id]) == {"project": "=roof"} and rows[plain.public_id] == ""


def test_sums_are_exact_decimals_with_the_places_of_their_currency(app: Flask) -> None:
    shop = make_shop(app)
    for amount, code in (("999999.05", "GBP"), ("0.30", "EUR"), ("8800", "JPY"), ("12.345", "KWD")):
        make_paid(shop, make_link(shop, amount=amount, currency=code))
    assert {row["currency"]: row["amount"] for row in rows_of(shop)} == {"GBP": "999999.05", "EUR": "0.30", "JPY": "8800", "KWD": "12.345"}


def test_every_currency_has_its_places(app: Flask) -> None:
    """Also one that is not offered, which is written as nearly all are."""
    codes = [*sorted(OFFERED), "XAU"]
    with unit(app):
        said = {
            code: str(
                db.session.scalar(select(decimal(literal(-1234567, BigInteger), literal(code, CHAR(3)))).select_from(text("(SELECT) x")))
            )
            for code in codes
        }
    assert said == {code: Money(-1234567, code).decimal_text if code in OFFERED else "-12345.67" for code in codes}


def test_a_row_says_what_the_page_says(app: Flask) -> None:
    shop = make_shop(app)
    paid = make_paid(shop, make_link(shop, amount="100.00"))
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    (row,) = rows_of(shop)
    assert (row["paid"], row["refunded"], row["fee"], row["kept"]) == ("100.00", "10.00", "1.35", "88.65")
    assert row["started_at"].endswith("Z") and row["started_at"][:10] == f"{paid.created_at:%Y-%m-%d}" and len(row["started_at"]) == 20
    assert row["card_last4"] == "4242" and row["reference"] == paid.reference


def test_the_sheet_holds_the_filtered_rows_of_this_vendor_and_this_world_only(app: Flask) -> None:
    shop, theirs = make_shop(app), make_shop(app)
    make_paid(theirs)
    paid, declined = make_paid(shop), make_declined(shop)
    assert [row["reference"] for row in rows_of(shop)] == [declined.reference, paid.reference]
    assert [row["reference"] for row in rows_of(shop, PaymentFilter(status="succeeded"))] == [paid.reference]
    assert rows_of(shop, mode="live") == []
    with unit(app):
        refund = ask_refund(shop, paid, "1.00")
        for sheet in (refunds_sheet(shop.vendor, "test"), customers_sheet(shop.vendor, "test")):
            assert len(list(csv.reader(io.StringIO(b"".join(sheet).decode())))) == 2
        assert refund.public_id.encode() in b"".join(refunds_sheet(shop.vendor, "test", status="requested"))


def test_too_many_at_once_are_asked_to_wait_and_a_reader_who_leaves_gives_the_place_back(app: Flask) -> None:
    shop = make_shop(app)
    make_payment(shop)
    with unit(app):
        under_way = [payments_sheet(shop.vendor, "test", EVERYTHING) for _ in range(AT_ONCE)]
        with pytest.raises(SheetBusy):
            payments_sheet(shop.vendor, "test", EVERYTHING)
        under_way[0].close()  # type: ignore[attr-defined]
        payments_sheet(shop.vendor, "test", EVERYTHING).close()  # type: ignore[attr-defined]
        for sheet in under_way:
            assert b"reference" in b"".join(sheet) or sheet is under_way[0]


MANY = """INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
  'public_id', 'pay_' || n || 'x' || left(p.public_id, 20), 'reference', left('B' || n, 20), 'token_id', 't' || n || left(p.token_id, 20),
  'form_token', 'f' || n || left(p.form_token, 40)))).* FROM payments p, generate_series(1, 20000) n WHERE p.id = :id"""


def test_twenty_thousand_rows_leave_in_small_pieces(app: Flask) -> None:
    shop = make_shop(app)
    paid = make_paid(shop)
    with unit(app):
        db.session.execute(text(MANY), {"id": paid.id})
    with unit(app):
        tracemalloc.start()
        lines, largest = 0, 0
        for piece in payments_sheet(shop.vendor, "test", EVERYTHING):
            lines += piece.count(b"\n")
            largest = max(largest, len(piece))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert lines == 20_002 and largest < 100_000, "a title, the twenty thousand and the one they were made from"
    assert peak < 2_000_000, f"{peak:,} bytes at once"
