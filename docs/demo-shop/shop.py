"""A shop to try links, buttons, embedded forms and the API with, on an origin of its own: one static page with blanks in it, and a small server.

    export PORTAL_KEY=portal_sk_test_...          # Settings, API keys: a secret key of test mode
    export PORTAL_WEBHOOK_SECRET=whsec_...        # Settings, Webhooks, New webhook: http://localhost:8100/webhooks
    .venv/bin/python docs/demo-shop/shop.py --portal http://127.0.0.1:8000 --link http://127.0.0.1:8000/pay/... --button ... --amount 12.50

--link is a payment link. --button is what stands as `button` in the form that the portal shows for one of its buttons (on the link's page,
Put it on your website, As a form). --amount and --currency (GBP when nothing is said) are the same form's: another price is refused.
Then name http://localhost:8100 in the portal (Settings, On your website) and open it. Without a key the shop sells by link, button and
form only; without the webhook's secret it refuses what comes there. docs/how-to/embed.md and docs/how-to/api.md tell the rest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, redirect, request, send_file
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as Answer

HERE = Path(__file__).parent
REALM = "demo-shop"  # the name by which the portal's lists tell this site from others
TOLERANCE = 300  # seconds that a signed delivery may be old, or early
PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{0}</title><h1>{0}</h1>{1}'
)


class Refused(Exception):
    """The portal said no; the message is what it said a person can do about it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Portal:
    """The portal's API, asked by the shop's own server: the key never stands in a page."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.key = address, key

    def ask(self, method: str, path: str, body: Any = None, *, once: str = "") -> dict[str, Any]:
        """One call. `once` is the name of what is wished, so that asking again after a lost answer does nothing twice. Raises Refused."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"} | ({"Idempotency-Key": once} if once else {})
        data = json.dumps(body).encode() if body is not None else None
        call = urllib.request.Request(f"{self.address}/api/v1{path}", data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(call, timeout=20) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refusal:
            raise Refused(_detail(refusal.read()), refusal.code) from None
        except (OSError, ValueError):  # nobody there, or something else than the portal answers
            raise Refused("The payment portal does not answer. Press once more: nothing is done twice.", 502) from None


def _detail(problem: bytes) -> str:
    """What a refusal says to people."""
    try:
        return str(json.loads(problem)["detail"])
    except (ValueError, KeyError, TypeError):
        return "The payment portal refused without saying why."


def is_genuine(secret: str, headers: Any, body: bytes) -> bool:
    """Whether these very bytes were signed with our webhook's secret, a few minutes ago at most (Standard Webhooks)."""
    number, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (secret and number and at.isascii() and at.isdigit() and len(at) < 13 and abs(time.time() - int(at)) <= TOLERANCE):
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{number}.{at}.".encode() + body, hashlib.sha256))
    # While the secret is rolled the old one and the new one both sign: one that fits is enough.
    return any(hmac.compare_digest(b"v1," + expected, one.encode()) for one in headers.get("webhook-signature", "").split())


def integrity_of(script: bytes) -> str:
    """As the portal prints it beside the script's address."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def make_shop(**blanks: str) -> Flask:
    """PORTAL, LINK, BUTTON, AMOUNT, CURRENCY, EMAIL, INTEGRITY; POLICY: the page's own Content-Security-Policy, if it is to have one; KEY and
    WEBHOOK_SECRET for the server alone."""
    shop = Flask("demo-shop", static_folder=None)
    shop.config["MAX_CONTENT_LENGTH"] = 64_000
    policy, secret = blanks.pop("POLICY", ""), blanks.pop("WEBHOOK_SECRET", "")
    portal = Portal(blanks["PORTAL"], blanks.pop("KEY", ""))
    heard: dict[str, tuple[int, str]] = {}  # of each payment the newest that the webhook told: its place in the order, and how it stands

    @shop.get("/")
    def index() -> Response:
        # Each page that is shown is one order: pressed twice, or sent again after a lost answer, it stays one.
        filled = {"EMAIL": "", "ORDER": secrets.token_hex(8), **blanks}
        page = Template((HERE / "index.html").read_text()).substitute(filled)
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy} if policy else None)

    @shop.get("/shop.js")
    def script() -> Response:
        return send_file(HERE / "shop.js", mimetype="text/javascript")

    @shop.post("/orders")
    def order() -> Answer:
        """What it costs is the server's to say; the browser says who pays."""
        if not portal.key:
            return _page("This shop has no key", "Start it with PORTAL_KEY in its environment.", status=503)
        number = request.form.get("order", "")
        wish = {
            "amount": blanks["AMOUNT"], "currency": blanks["CURRENCY"], "description": "A basket of rye bread", "realm": REALM,
            "payer": {"email": request.form.get("email", "")}, "metadata": {"order": number},
            "success_url": f"{request.host_url}orders/{{PAYMENT}}", "cancel_url": request.host_url,
        }  # fmt: skip
        try:
            made = portal.ask("POST", "/payments", wish, once=f"order-{number}")
            return redirect(made["page"] or f"/orders/{made['id']}", 303)  # no page any more: it is paid
        except Refused as no:
            return _page("The order was not taken", str(no), status=no.status)

    @shop.get("/orders/<payment>")
    def come_back(payment: str) -> Answer:
        """Whoever comes back may say anything: whether money came, the portal is asked."""
        try:
            found = portal.ask("GET", f"/payments/{quote(payment, safe='')}")
        except Refused as no:
            return _page("This order is not known", str(no), status=no.status)
        if found.get("realm") != REALM:
            return _page("This order is not known", "It was made somewhere else.", status=404)
        told = heard.get(payment, (0, "nothing yet"))[1]
        title = "Paid, thank you" if found["status"] in ("succeeded", "marked_paid") else "Not paid yet"
        return _page(title, f"Order {found['metadata']['order']} is {found['status']}. The webhook has heard: {told}.")

    @shop.post("/webhooks")
    def listen() -> tuple[str, int]:
        """The same truth without anybody's browser. Events may come twice and in another order: the newest of each payment counts."""
        body = request.get_data()
        if not is_genuine(secret, request.headers, body):
            return "This was not signed with our secret.", 400
        event = json.loads(body)
        thing = event["data"]["object"]
        if event["type"].startswith("payment.") and event["sequence"] > heard.get(thing["id"], (0, ""))[0]:
            heard[thing["id"]] = (event["sequence"], thing["status"])
        return "", 204

    return shop


def _page(title: str, text: str, *, status: int = 200) -> Response:
    more = Markup("<p>{0}</p><p><a href='/'>To the shop</a></p>").format(text)
    return Response(PAGE.format(escape(title), more), status, mimetype="text/html")


def main() -> None:
    """Opens the shop on this machine."""
    asked = argparse.ArgumentParser(description="a shop to try payment links with")
    for name in ("portal", "link", "button"):
        asked.add_argument(f"--{name}", required=True)
    asked.add_argument("--amount", required=True)
    asked.add_argument("--currency", default="GBP")
    asked.add_argument("--port", type=int, default=8100)
    said = asked.parse_args()
    with urllib.request.urlopen(f"{said.portal}/static/embed/v1.js") as answer:
        integrity = integrity_of(answer.read())
    blanks = {"PORTAL": said.portal, "LINK": said.link, "BUTTON": said.button, "AMOUNT": said.amount, "CURRENCY": said.currency}
    secret = {"KEY": os.environ.get("PORTAL_KEY", ""), "WEBHOOK_SECRET": os.environ.get("PORTAL_WEBHOOK_SECRET", "")}
    make_shop(**blanks, **secret, INTEGRITY=integrity).run("localhost", said.port)


if __name__ == "__main__":
    main()
