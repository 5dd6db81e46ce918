"""The reference inside the portal: everything stands in it, and its examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from html import unescape
from pathlib import Path

import playwright
import pytest
from flask import Flask

from portal.api.codes import codes
from portal.api.endpoint import ENDPOINTS, TAGS
from portal.api.examples import VARIABLE, endpoints_of
from tests.browser import Browser, Element
from tests.factories import Shop
from tests.portal.caller import Caller

NODE = Path(playwright.__file__).parent / "driver/node"  # which comes with the browser tests
RUN = {"curl": ["sh", "-c"], "python": [sys.executable, "-c"], "node": [str(NODE), "--input-type=module", "-e"]}


def test_every_endpoint_and_every_code_stands_in_the_reference(owner: Browser) -> None:
    index = owner.get("/portal/api")
    ids = {one.attrs.get("id") for one in index.elements}
    assert {f"error-{one.code}" for one in codes()} <= ids and "error-rate_limited" in ids and "error-scope_missing" in ids
    seen = set()
    for resource, words in TAGS.items():
        page = owner.get(f"/portal/api/{resource}")
        here = {one.attrs.get("id") for one in page.elements}
        assert {one.name for one in endpoints_of(words)} <= here
        seen |= {one.name for one in endpoints_of(words)}
    assert seen == {one.name for one in ENDPOINTS}
    owner.get("/portal/api/nothing", status=404)


def test_the_readers_own_test_key_is_named_and_never_told(shop: Shop, owner: Browser) -> None:
    caller = Caller(shop)
    page = owner.get("/portal/api/payments").html
    assert f"portal_sk_test_…{caller.secret[-4:]}" in page and caller.secret not in page


@pytest.mark.parametrize("language", ["curl", "python", "node"])
def test_examples_run_as_they_stand(app: Flask, shop: Shop, owner: Browser, live_server: str, language: str) -> None:
    """Those that need no id of something that has to be there first: asking for a payment, making a link, reading lists."""
    caller = Caller(shop)
    environment = {**os.environ, VARIABLE: caller.secret, "no_proxy": "127.0.0.1,localhost"}
    ran = 0
    for resource, wanted in (("payments", ("ask", "all_payments")), ("payment-links", ("make_link",)), ("balance", ("wallet",))):
        page = owner.get(f"/portal/api/{resource}")
        for name in wanted:
            told = [one for one in page.all("pre") if one.attrs.get("data-example") == language and within(one, name)]
            text = unescape("".join(told[0].words))
            done = subprocess.run([*RUN[language], text], env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0 and "object" in done.stdout and "problem" not in done.stdout, done.stdout + done.stderr
            ran += 1
    assert ran == 4
    assert len(caller.get("/api/v1/payments").get_json()["data"]) == 1 and len(caller.get("/api/v1/payment-links").get_json()["data"]) == 1


def within(element: Element, name: str) -> bool:
    return any(parent.attrs.get("id") == name for parent in element.parents)
