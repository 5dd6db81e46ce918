"""What nobody should type into a payment form, and what the form says to it: at the field, with nothing lost, never an error of ours."""

from __future__ import annotations

import pytest

TYPED = {"email": "sam@example.com", "name": "Sam Whitlock"}
AMOUNTS = [
    "NaN", "Infinity", "-1", "-0.01", "+5", "1e400", "1e3", "1_000", "1,000", "1,00", "12.345", "12.", ".5", "0x10", "0", "0.00",
    "\uff11\uff12.\uff10\uff10", "\u0665", "\u00bd", "9" * 40, "9" * 5000, "12.00 ", "1 2", "£12", "12 GBP", "12\u200b", "null", "true", "[]", "1\n2",
]  # fmt: skip


@pytest.fixture
def open_form(payer, new_path):
    return payer.get(new_path(amount=None, minimum_minor=200, maximum_minor=50_000)).form()


@pytest.mark.parametrize("typed", [amount for amount in AMOUNTS if amount != "12.00 "], ids=repr)
def test_a_strange_amount_is_refused_at_its_field_and_kept(payer, open_form, typed):
    page = payer.submit(open_form, status=422, amount=typed, **TYPED)
    assert len(page.errors) == 1 and page.error_summary == page.errors
    assert page.form().values["email"] == TYPED["email"]
    assert page.form().values["form_token"] == open_form.values["form_token"]


@pytest.mark.parametrize("field", ["email", "name", "amount", "choice", "form_token"])
@pytest.mark.parametrize("text", ["a\x00b", "\x00", "a\x1bb"], ids=repr)
def test_text_that_cannot_be_stored_is_refused(payer, open_form, field, text):
    page = payer.submit(open_form, status=422, **{"amount": "12.00", **TYPED, field: text})
    assert page.errors or page.error_summary


@pytest.mark.parametrize("field", ["email", "name", "amount", "choice", "form_token", "csrf_token"])
def test_half_characters_are_refused(payer, open_form, field):
    from urllib.parse import urlencode

    values = {**open_form.values, "amount": "12.00", **TYPED, field: "@@"}
    body = urlencode(values).replace("%40%40", "%ED%A0%80")
    answer = payer.client.post(open_form.action, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "email",
    [
        "",
        "sam",
        "sam@",
        "@example.com",
        "sam@example",
        "a b@example.com",
        "sam@exa mple.com",
        "s" * 300 + "@example.com",
        "sam@example.com\r\nBcc: x@example.com",
    ],
)
def test_an_address_that_cannot_get_mail_is_refused_at_its_field(payer, open_form, email):
    page = payer.submit(open_form, status=422, **{"amount": "12.00", **TYPED, "email": email})
    assert len(page.errors) == 1
    assert page.form().values["amount"] == "12.00"


def test_a_name_of_two_lines_or_too_long_is_refused(payer, open_form):
    for name in ("Sam\r\nWhitlock", "S" * 121):
        assert payer.submit(open_form, status=422, amount="12.00", email="sam@example.com", name=name).errors


def test_a_name_is_shown_as_text(payer, open_form):
    page = payer.submit(open_form, status=422, amount="x", email="sam@example.com", name='"><script>alert(1)</script>')
    assert page.form().values["name"] == '"><script>alert(1)</script>'


def test_several_things_wrong_are_said_together_each_at_its_field(payer, open_form):
    page = payer.submit(open_form, status=422, amount="1_000", email="sam@", name="Sam")
    assert len(page.errors) == 2 and len(page.error_summary) == 2
    targets = [e.attrs["href"].lstrip("#") for e in page.all("a") if any("error-summary" in p.attrs.get("class", "") for p in e.parents)]
    assert all(any(e.attrs.get("id") == target for e in page.elements) for target in targets)


def test_a_broken_form_number_is_refused(payer, open_form):
    for token in ("", "short", "x" * 300, "ab cd" * 8, "\u0665" * 20):
        payer.submit(open_form, status=422, amount="12.00", form_token=token, **TYPED)


def test_bodies_of_other_kinds_are_answered_and_do_nothing(payer, open_form):
    for kind, body in [
        ("application/json", b'{"amount": 12}'),
        ("application/json", b"[" * 100_000),
        ("multipart/form-data; boundary=x", b"--x\r\nnot a part"),
        ("multipart/form-data", b"no boundary"),
        ("application/x-www-form-urlencoded", b"%" * 1000),
        ("application/x-www-form-urlencoded", b"a=1&" * 2000),
        ("text/plain", b"\xff\xfe\x00"),
        ("", b"amount=12"),
    ]:
        answer = payer.client.post(open_form.action, data=body, content_type=kind)
        assert 400 <= answer.status_code < 500, kind


def test_a_body_of_ten_megabytes_is_refused(payer, open_form):
    answer = payer.client.post(open_form.action, data={**open_form.values, "name": "x" * 10_000_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_not_offered(payer, open_form, method):
    assert payer.client.open(open_form.action, method=method).status_code in (400, 405)


def test_the_same_field_twice_counts_once(payer, open_form, shop):
    from werkzeug.datastructures import MultiDict

    values = MultiDict({**open_form.values, **TYPED})
    values.setlist("amount", ["12.00", "13.00"])
    answer = payer.client.post(open_form.action, data=values, follow_redirects=True)
    assert answer.status_code == 200 and "£12.00" in answer.text


def test_a_hook_of_a_processor_that_is_not_set_up_tells_a_stranger_nothing(app):
    answer = app.test_client().post("/hooks/stripe/live", data=b"{}")
    assert answer.status_code == 404 and "key" not in answer.text
