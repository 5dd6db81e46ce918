"""While the database is away: a page says so, and leads back to where whoever asks can see what became of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from core.kernel.sheet import SheetBusy
from core.web.refusals import answer

HERE = "http://localhost"
UNSURE = "What you sent may have arrived."


@pytest.mark.parametrize(
    ("method", "path", "referer", "back"),
    [
        ("GET", "/receipt/x?a=1", "", "/receipt/x?a=1"),
        ("HEAD", "/receipt/x", "", "/receipt/x"),
        ("GET", "/a%3Fb", "", "/a%3Fb"),
        ("GET", "/%09/evil.example/", "", "/%09/evil.example/"),
        ("GET", "/%5C/evil.example/", "", "/%5C/evil.example/"),
        ("POST", "/portal/links/new", f"{HERE}/portal/links/new", "/portal/links/new"),
        ("POST", "/portal/links/new", f"{HERE}//evil.example/", None),
        ("POST", "/portal/links/new", "http://[", "/portal/links/new"),
        ("POST", "/pay/x", "", "/pay/x"),  # a payer's browser does not say from which page it comes
        ("POST", "/checkout/x/attempts", "", "/checkout/x"),
        ("POST", "/checkout/x/attempts", "http://elsewhere.example/checkout/x", "/checkout/x"),
        ("POST", "/portal/nowhere/at-all", "", None),
    ],
)
def test_it_leads_back_to_a_page_of_ours_and_to_no_other(app: Flask, method: str, path: str, referer: str, back: str | None) -> None:
    with app.test_request_context(path, method=method, base_url=HERE, headers={"Referer": referer} if referer else None):
        told = answer(503).get_data(as_text=True)
    assert ("Open the page again" in told) is (back is not None) and (back is None or f'href="{back}"' in told)
    assert 'href="//evil.example' not in told and "elsewhere.example" not in told


@pytest.mark.parametrize(("method", "unsure"), [("GET", False), ("HEAD", False), ("POST", True)])
def test_only_who_sent_something_is_told_that_it_may_have_arrived(app: Flask, method: str, unsure: bool) -> None:
    with app.test_request_context("/pay/x", method=method, base_url=HERE):
        told: Any = app.handle_user_exception(OperationalError("SELECT 1", {}, Exception("the server is away")))
    assert told.status_code == 503 and told.headers["Retry-After"] == "3" and (UNSURE in told.get_data(as_text=True)) is unsure


def test_what_was_refused_for_want_of_a_place_did_not_arrive(app: Flask) -> None:
    with app.test_request_context("/portal/payments/chosen", method="POST", base_url=HERE):
        told: Any = app.handle_user_exception(SheetBusy("Several exports are being written."))
    assert told.status_code == 503 and UNSURE not in told.get_data(as_text=True)
