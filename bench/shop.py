"""A vendor with a payment link, and a payer who goes the whole way through our pages and the sandbox's card page over HTTP."""

from __future__ import annotations

import http.client
import itertools
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import psycopg
from flask import Flask

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.accounts.sign_up import Registration, sign_up
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.payments.link import create_link, link_token
from core.payments.link_terms import LinkTerms
from core.payments.start import payment_token, start_payment

HIDDEN = re.compile(r'name="(csrf_token|form_token|shown)"[^>]*value="([^"]+)"')
CARD = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123", "name": "Ada Payer"}


@dataclass(frozen=True)
class Shop:
    """One vendor and the address of one of its links."""

    app: Flask
    vendor: Vendor
    link_id: str
    link_token: str

    def card_page(self) -> str:
        """The path of a payment that has just been started."""
        from core.payments.queries import get_link

        with self.app.app_context(), unit_of_work():
            vendor = get_vendor(self.vendor.id)
            link = get_link(vendor, "test", self.link_id)
            payment = start_payment(
                vendor, link, amount=Money(2500, "GBP"), email="ada@example.com", name="Ada", form_token=secrets.token_urlsafe(18)
            )
            return f"/checkout/{payment_token(vendor, payment)}"


def open_shop(app: Flask) -> Shop:
    """Signed up through the product's own acts, with one reusable link of a fixed amount."""
    with app.app_context(), unit_of_work():
        made = sign_up(
            Registration("Benchmark Bakery", "GB", "GBP", f"owner-{secrets.token_hex(6)}@example.com", "plain-Bread-and-42-rolls")
        )
        if made is None:
            raise RuntimeError("the address is taken")
        terms = LinkTerms(title="Sourdough class", description="Four hours, apron included.", currency="GBP", amount_minor=2500)
        link = create_link(made.vendor, mode="test", by=made.user.public_id, terms=terms)
        return Shop(app, made.vendor, link.public_id, link_token(made.vendor, link))


class Payer:
    """A browser without scripts: it keeps cookies, fills in forms and follows redirects, at our address and the processor's."""

    people = itertools.count(1)

    def __init__(self, port: int) -> None:
        self.port = port
        self.number = 0
        self.lines: dict[str, http.client.HTTPConnection] = {}
        self.cookies: dict[str, str] = {}
        self.requests = 0

    def ask(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where to go next, and the page."""
        parts = urlsplit(url)
        host = parts.netloc or f"127.0.0.1:{self.port}"
        line = self.lines.setdefault(host, http.client.HTTPConnection(host, timeout=30, source_address=(self.home, 0)))
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line.request(
            method, parts.path + (f"?{parts.query}" if parts.query else ""), urlencode(form) if form is not None else None, headers
        )
        answer = line.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.requests += host.endswith(f":{self.port}")
        if answer.status >= 400:
            raise RuntimeError(f"{method} {url} answered {answer.status}: {text[:300]}")
        return answer.status, answer.headers.get("Location", ""), text

    @property
    def home(self) -> str:
        """An address of this machine that nobody else has."""
        return f"127.{self.number >> 16 & 127}.{self.number >> 8 & 255}.{1 + self.number % 254}"

    def pay(self, shop_path: str) -> str:
        """The whole way; answers the payment's own address."""
        self.number = next(self.people)  # another person each time: somebody who pays forty times within minutes is asked to prove it
        self.cookies.clear()
        self.close()  # a line kept since the last payment may have been closed at the other end
        _, _, page = self.ask("GET", shop_path)
        _, checkout, _ = self.ask(
            "POST", shop_path, {**dict(HIDDEN.findall(page)), "email": f"ada{self.number}@example.com", "name": "Ada Payer"}
        )
        _, _, page = self.ask("GET", checkout)
        _, card_page, _ = self.ask(
            "POST", f"{checkout}/attempts", {"csrf_token": dict(HIDDEN.findall(page))["csrf_token"], "surface": "hosted"}
        )
        _, back, _ = self.ask("POST", card_page, CARD)
        _, checkout, _ = self.ask("GET", back)
        _, _, page = self.ask("GET", checkout)
        if "Paid" not in page and "paid" not in page:
            raise RuntimeError("the payment did not end on the page that says paid")
        return checkout

    def close(self) -> None:
        for line in self.lines.values():
            line.close()
        self.lines.clear()


def wait_for(connection: psycopg.Connection, question: str, wanted: int, patience: float = 120) -> float:
    """Ask until the count is reached; answers the moment. A count that is never reached is an error, not a figure."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found = int(connection.execute(question).fetchone()[0])
        at = time.monotonic()
        if found >= wanted:
            return at
        time.sleep(0.02)
    raise RuntimeError(f"waited {patience:.0f} s in vain: {question} gave {found}, not {wanted}")
