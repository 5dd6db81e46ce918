"""A shop to try links, buttons and embedded forms with, on an origin of its own: one static page with seven blanks in it.

    .venv/bin/python docs/demo-shop/shop.py --portal http://127.0.0.1:8000 --link http://127.0.0.1:8000/pay/... --button ... --amount 12.50

--link is a payment link. --button is what stands as `button` in the form that the portal shows for one of its buttons (on the link's page,
Put it on your website, As a form). --amount and --currency (GBP when nothing is said) are the same form's: another price is refused.
Then name http://localhost:8100 in the portal (Settings, On your website) and open it. docs/how-to/embed.md tells the rest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import urllib.request
from pathlib import Path
from string import Template

from flask import Flask, Response, send_file

HERE = Path(__file__).parent


def integrity_of(script: bytes) -> str:
    """As the portal prints it beside the script's address."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def make_shop(**blanks: str) -> Flask:
    """PORTAL, LINK, BUTTON, AMOUNT, CURRENCY, EMAIL, INTEGRITY, and POLICY: the page's own Content-Security-Policy, if it is to have one."""
    shop = Flask("demo-shop", static_folder=None)
    policy = blanks.pop("POLICY", "")

    @shop.get("/")
    def index() -> Response:
        page = Template((HERE / "index.html").read_text()).substitute({"EMAIL": "", **blanks})
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy} if policy else None)

    @shop.get("/shop.js")
    def script() -> Response:
        return send_file(HERE / "shop.js", mimetype="text/javascript")

    return shop


def main() -> None:
    """Opens the shop on this machine."""
    asked = argparse.ArgumentParser(description="a shop to try payment links with")
    for name in ("portal", "link", "button"):
        asked.add_argument(f"--{name}", required=True)
    asked.add_argument("--amount", default="")
    asked.add_argument("--currency", default="GBP")
    asked.add_argument("--port", type=int, default=8100)
    said = asked.parse_args()
    with urllib.request.urlopen(f"{said.portal}/static/embed/v1.js") as answer:
        integrity = integrity_of(answer.read())
    blanks = {"PORTAL": said.portal, "LINK": said.link, "BUTTON": said.button, "AMOUNT": said.amount, "CURRENCY": said.currency}
    make_shop(**blanks, INTEGRITY=integrity).run("localhost", said.port)


if __name__ == "__main__":
    main()
