"""While the database is away: a page says so, and leads back to where whoever asks can see what became of it."""

from __future__ import annotations

import pytest
from flask import Flask

from core.web.refusals import answer

HERE = "http://localhost"


@pytest.mark.parametrize(
    ("method", "path", "referer", "back"),
    [
        ("GET", "/receipt/x?a=1", "", "/receipt/x?a=1"),
        ("POST", "/checkout/x/attempts", f"{HERE}/checkout/x", "/checkout/x"),
        ("POST", "/checkout/x/attempts", "http://elsewhere.example/checkout/x", None),
        ("POST", "/checkout/x/attempts", "http://[", None),
        ("POST", "/checkout/x/attempts", f"{HERE}//evil.example/", None),
    ],
)
def test_it_leads_back_to_a_page_of_ours_and_to_no_other(app: Flask, method: str, path: str, referer: str, back: str | None) -> None:
    with app.test_request_context(path, method=method, base_url=HERE, headers={"Referer": referer}):
        told = answer(503).get_data(as_text=True)
    assert ("Open the page again" in told) is (back is not None) and (back is None or f'href="{back}"' in told)
    assert "evil.example" not in told and "elsewhere.example" not in told
    assert ("What you sent may have arrived" in told) is (method == "POST")
