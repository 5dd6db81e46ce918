"""Form fields read strictly and say at the field what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.datastructures import MultiDict
from wtforms.validators import InputRequired

from core.kernel.currency import exponent
from core.kernel.errors import NotFound, Refusal
from core.kernel.money import Money
from core.web import languages
from core.web.day_fields import DayField, MomentField, day_begins
from core.web.fields import (
    AddressField,
    CountField,
    CurrencyField,
    Form,
    FormTokenField,
    LineField,
    MoneyField,
    ParagraphField,
    SecretField,
    spelled,
    written_like,
)
from core.web.words import LANGUAGES


class Sample(Form):
    class Meta:
        csrf = False

    title = LineField("Title", most=20, required="Say what it is for.")
    words = ParagraphField("Words", most=50)
    email = AddressField("E-mail")
    currency = CurrencyField()
    amount = MoneyField("Amount", required="Enter an amount.")
    count = CountField("Count", most=12)
    at = MomentField("At")
    on = DayField("On")
    password = SecretField("Password", [InputRequired("Choose a password.")])
    form_token = FormTokenField()


GOOD = {
    "title": "Bread", "words": "", "email": "ada@example.com", "currency": "GBP", "amount": "12.50", "count": "3",
    "at": "2026-11-21T14:30", "on": "2026-11-21", "password": " exactly  so ", "form_token": "abcdefghijklmnop_-12",
}  # fmt: skip


@pytest.fixture
def request_app() -> Iterator[Flask]:
    app = Flask("forms")
    app.secret_key = "for this test only"
    languages.install(app)
    yield app


def read(app: Flask, **changes: Any) -> Sample:
    data = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    with app.test_request_context("/", method="POST", data=data):
        g.time_zone = "Europe/London"
        form = Sample()
        form.good = form.validate()  # type: ignore[attr-defined]
        return form


def test_what_is_well_typed_is_read(request_app: Flask) -> None:
    form = read(request_app)
    assert form.good, form.errors
    assert form.amount.data == Money(1250, "GBP")
    assert form.at.data == datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
    assert form.password.data == " exactly  so "


HOSTILE_AMOUNTS = [
    "", " ", "NaN", "nan", "Infinity", "-inf", "-1", "+1", "1e400", "1e3", "1_000", "1,000", "1 000", "0x10", "１２.００", "٥", "१२", "12.345", "12.",
    ".5", "1.2.3", "£5", "5 GBP", "9" * 13, "9" * 5000, "0", "0.00", "1\u00a0", "\u200b5", "5\u0000", "½", "²", "1\n2", "True", "None", "12.5０",
]  # fmt: skip


@pytest.mark.parametrize("typed", HOSTILE_AMOUNTS)
def test_an_amount_that_is_not_one_is_refused_at_its_field_and_kept(request_app: Flask, typed: str) -> None:
    form = read(request_app, amount=typed)
    assert not form.good
    assert list(form.errors) == ["amount"]
    assert form.amount._value() == typed


@pytest.mark.parametrize(
    ("code", "typed", "minor"), [("JPY", "1250", 1250), ("KWD", "1.234", 1234), ("GBP", "12.5", 1250), ("GBP", " 7 ", 700)]
)
def test_an_amount_has_the_decimals_of_its_currency(request_app: Flask, code: str, typed: str, minor: int) -> None:
    form = read(request_app, currency=code, amount=typed)
    assert form.amount.data == Money(minor, code)


@pytest.mark.parametrize(("code", "typed"), [("JPY", "12.50"), ("KWD", "1.2345"), ("GBP", "1.999")])
def test_too_many_decimals_are_never_rounded(request_app: Flask, code: str, typed: str) -> None:
    assert "amount" in read(request_app, currency=code, amount=typed).errors


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["JPY", "KRW", "UGX", "ISK", "GBP", "EUR", "USD", "KWD", "BHD", "TND"])
def test_the_example_that_is_shown_can_be_typed_as_it_stands(request_app: Flask, language: str, code: str) -> None:
    class Asking(Form):
        class Meta:
            csrf = False

        amount = MoneyField("Amount", currency=code)

    def answer(typed: str) -> Asking:
        form = Asking(MultiDict({"amount": typed}))
        form.validate()
        return form

    with request_app.test_request_context(f"/?lang={language}"):
        refused = [form for form in map(answer, ("x", "1.2.3", "12.34567", "12,34567", "1.234", "1,234")) if form.errors]
        shown = {written_like(code), *(form.amount.errors[0] for form in refused)}
        examples = {example for text in shown for example in re.findall(r"[0-9]+(?:[.,][0-9]+)*", text) if len(example) > 1}
        assert len(shown) > 1
        for example in examples:
            assert answer(example).amount.data, (example, answer(example).errors)
        hint = next(one for one in examples if one in written_like(code))
        assert answer(hint).amount.data == Money.of({0: "1250"}.get(exponent(code), "12.50"), code)
        assert answer(spelled(Money.of("1", code))).amount.data == Money.of("1", code)


@pytest.mark.parametrize("code", ["", "XXX", "gbp", "GBPX", "BTC", "£", "\x00", "GBP\n"])
def test_an_unknown_currency_is_refused_at_the_currency(request_app: Flask, code: str) -> None:
    form = read(request_app, currency=code)
    assert "currency" in form.errors and "amount" not in form.errors


@pytest.mark.parametrize("bad", ["a\x00b", "a\x1bb", "a\ud800b", "a\x7fb"])
@pytest.mark.parametrize("field", ["title", "words", "email", "password"])
def test_text_that_cannot_be_stored_is_refused_at_its_field(request_app: Flask, field: str, bad: str) -> None:
    with request_app.test_request_context("/", method="POST"):
        form = Sample(MultiDict({**GOOD, field: bad}))
        assert not form.validate()
        assert list(form.errors) == [field]


@pytest.mark.parametrize("turning", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
@pytest.mark.parametrize("field", ["title", "words"])
def test_a_sign_that_makes_a_text_read_backwards_is_refused_at_its_field(request_app: Flask, field: str, turning: str) -> None:
    with request_app.test_request_context("/", method="POST"):
        form = Sample(MultiDict({**GOOD, field: f"Invoice {turning}fdp.exe"}))
        assert not form.validate() and "turns the direction" in form.errors[field][0]
        assert list(form.errors) == [field]


@pytest.mark.parametrize("name", ["مخبز الباب الأزرق", "מאפיית הדלת הכחולה", "می\u200cخواهم", "Ada 👩\u200d🍳", "\u200fABC\u200e", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_names_from_right_to_left_and_joined_signs_are_taken(request_app: Flask, name: str) -> None:
    with request_app.test_request_context("/", method="POST"):
        form = Sample(MultiDict({**GOOD, "title": name}))
        assert form.validate() and form.title.data == name


@pytest.mark.parametrize("around", ["\u2068%s\u2069", "\u202a%s\u202c", " \u2066%s\u2069 ", "\u202e%s"])
def test_what_was_copied_out_of_a_letter_or_an_address_book_is_taken_without_the_signs_around_it(request_app: Flask, around: str) -> None:
    with request_app.test_request_context("/", method="POST"):
        form = Sample(MultiDict({**GOOD, "title": around % "+49 30 1234"}))
        assert form.validate() and form.title.data == "+49 30 1234" and "\u202a" not in str(form.title())


def test_a_password_is_taken_as_it_was_chosen(request_app: Flask) -> None:
    with request_app.test_request_context("/", method="POST"):
        assert Sample(MultiDict({**GOOD, "password": "correct \u202ehorse"})).validate()


@pytest.mark.parametrize("typed", ["0", "13", "-1", "1.5", "१", "1e1", "x", "9" * 40, " 1 2"])
def test_a_count_takes_whole_numbers_within_its_bounds(request_app: Flask, typed: str) -> None:
    assert list(read(request_app, count=typed).errors) == ["count"]


def test_a_count_with_noughts_before_it_is_read_whole(request_app: Flask) -> None:
    assert read(request_app, count="0" * 20 + "7").count.data == 7


@pytest.mark.parametrize(
    "typed",
    ["yesterday", "2026-13-01T00:00", "2026-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59", "2026-11-21T25:00", "٢٠٢٦-11-21T10:00"],
)
def test_a_moment_that_does_not_exist_is_refused(request_app: Flask, typed: str) -> None:
    assert list(read(request_app, at=typed).errors) == ["at"]


def test_the_hour_that_spring_skips_is_refused(request_app: Flask) -> None:
    assert "does not exist" in read(request_app, at="2026-03-29T01:30").errors["at"][0]


def test_a_day_begins_where_the_vendor_is_and_may_have_25_hours(request_app: Flask) -> None:
    with request_app.test_request_context("/?on=2026-10-25"):
        g.time_zone = "Europe/London"
        form = Sample(MultiDict(GOOD | {"on": "2026-10-25"}))
        form.validate()
        assert form.on.data and form.on.next_day
        assert (form.on.next_day - form.on.data).total_seconds() == 25 * 3600


@pytest.mark.parametrize(
    ("place", "typed", "begins"),
    [
        ("America/Santiago", "2026-09-06", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("Atlantic/Azores", "2026-03-29", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Africa/Cairo", "2026-04-24", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("America/Havana", "2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC)),  # which has two midnights
    ],
)
def test_a_day_without_a_midnight_begins_when_the_clocks_reach_it(request_app: Flask, place: str, typed: str, begins: datetime) -> None:
    with request_app.test_request_context("/"):
        g.time_zone = place
        form = Sample(MultiDict(GOOD | {"on": typed}))
        form.validate()
        assert not form.on.errors
        assert (form.on.data, form.on.day) == (begins, date.fromisoformat(typed))
        assert day_begins(form.on.day) == begins


def test_a_day_that_a_place_left_out_is_refused(request_app: Flask) -> None:
    with request_app.test_request_context("/"):
        g.time_zone = "Pacific/Apia"
        form = Sample(MultiDict(GOOD | {"on": "2011-12-30"}))
        form.validate()
        assert "on" in form.errors


@pytest.mark.parametrize(
    "typed", ["ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a@b.c\r\nBcc: x@y.z", "x" * 400 + "@example.com"]
)
def test_an_address_that_is_none_is_refused(request_app: Flask, typed: str) -> None:
    assert list(read(request_app, email=typed).errors) == ["email"]


@pytest.mark.parametrize("typed", ["", "short", "with blanks in it all over", "<script>alert(1)</script>", "a" * 65])
def test_a_broken_form_number_is_refused(request_app: Flask, typed: str) -> None:
    assert "form_token" in read(request_app, form_token=typed).errors


def test_a_refusal_becomes_an_error_at_its_field(request_app: Flask) -> None:
    form = read(request_app)
    with form.refusals():
        raise Refusal("Too much.", field="amount")
    assert form.amount.errors == ["Too much."] and form.status == 422


def test_a_refusal_without_a_field_stands_above_the_form(request_app: Flask) -> None:
    form = read(request_app)
    with form.refusals():
        raise Refusal("Not now.")
    assert form.form_errors == ["Not now."] and form.status == 422


def test_what_is_not_about_the_form_goes_on(request_app: Flask) -> None:
    with pytest.raises(NotFound), read(request_app).refusals():
        raise NotFound
