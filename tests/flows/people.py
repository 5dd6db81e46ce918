"""Payers and a vendor as they behave with browsers that run no scripts: they press, wait, reload, press twice, and leave."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from core.risk.proof import Question
from tests.browser import Form, Page
from tests.core.risk.test_proof import solve
from tests.flows.stack import fetch

PATIENCE = 45.0  # seconds a person keeps trying one step before we call it broken
APPROVED, ASKS_BANK, REFUNDS_LATER = "4242424242424242", "4000002760003184", "4000000000007726"
# Declined, each in its own way. One card that is declined again and again by many people would be held, and rightly.
DECLINED = (
    "4000000000000002", "4000000000009995", "4000000000009987", "4000000000009979", "4000000000000069", "4000000000000127", "4000000000000119",
    "4000000000006975",
)  # fmt: skip
TITLES = {
    "Paid:": "paid", "Refunded:": "refunded", "Not paid:": "failed", "Checking with": "checking", "Being processed": "checking", "Please wait": "locked", "Not finished": "challenge", "Pay:": "pay", "Cancelled:": "canceled",
    "This page has expired": "expired",
}  # fmt: skip


def proven(page: Page) -> tuple[Form, str]:
    """The form of a page that asks for work, and the answer to its question."""
    (asked,) = (form for form in page.all("form") if "data-proof" in form.attrs)
    form = page.form(asked.attrs["action"])
    return form, solve(Question(form.values["proof"], asked.attrs["data-challenge"], int(asked.attrs["data-bits"]), 0))


class GaveUp(Exception):
    """A step did not work for longer than anybody waits."""


class Surprise(Exception):
    """An answer nobody should get: neither a page of this step nor 'try again'."""


@dataclass
class Sighting:
    """What a payer was told, between these two instants."""

    began: float
    ended: float
    kind: str


@dataclass
class Diary:
    """What one payer did and was told."""

    email: str
    habit: str
    page_url: str = ""
    gave_good_card_at: float | None = None  # the first instant at which money may have moved
    charged_at: float | None = None  # the processor's own page has said so
    told: list[Sighting] = field(default_factory=list)
    trouble: str = ""

    @property
    def last(self) -> str:
        return self.told[-1].kind if self.told else ""


@dataclass
class Waits:
    """How long steps took, retries included, over all people."""

    seconds: list[float] = field(default_factory=list)
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, tries: int) -> None:
        with self.lock:
            self.seconds.append(seconds)
            self.retries += tries - 1


class Answer:
    """An HTTP answer in the shape that the page reader takes."""

    mimetype = "text/html"

    def __init__(self, status: int, text: str) -> None:
        self.status_code, self.text = status, text

    def get_data(self, as_text: bool = True) -> str:
        return self.text


class Visitor:
    """A browser: cookies of its own, an address of its own, and a person in front of it who tries again."""

    def __init__(self, source: str, waits: Waits) -> None:
        self.source, self.waits = source, waits
        self.cookies: dict[tuple[str, str], str] = {}

    def ask(self, method: str, url: str, values: dict[str, str] | None = None) -> tuple[int, str, str]:
        """One request: status, where it leads, text."""
        origin = urlsplit(url).netloc
        headers = {"Cookie": "; ".join(f"{name}={value}" for (host, name), value in self.cookies.items() if host == origin)}
        if values is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, found, text = fetch(method, url, urlencode(values) if values is not None else None, headers=headers, source=self.source)
        for line in found.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[origin, name] = morsel.value
        return status, urljoin(url, found.get("Location", "")), text

    def insist(self, method: str, url: str, values: dict[str, str] | None = None) -> tuple[int, str, str]:
        """The same request until it is answered with anything but 'we are broken just now', as a person reloads."""
        began, tries = time.monotonic(), 0
        while True:
            tries += 1
            try:
                status, onward, text = self.ask(method, url, values)
                if status < 500:
                    self.waits.add(time.monotonic() - began, tries)
                    return status, onward, text
                problem = f"{status}"
            except OSError as error:
                problem = repr(error)
            if time.monotonic() - began > PATIENCE:
                raise GaveUp(f"{method} {urlsplit(url).path[:24]} for {PATIENCE:.0f} s: {problem}")
            time.sleep(0.3)

    def open(self, url: str) -> Page:
        """A page, wherever the address leads."""
        for _ in range(8):
            status, onward, text = self.insist("GET", url)
            if status not in (301, 302, 303):
                return Page(Answer(status, text), url)  # type: ignore[arg-type]
            url = onward
        raise Surprise(f"{url} leads in a circle")

    def send(self, form: Form, *, twice: bool = False, **changes: str) -> tuple[int, str, str]:
        """A form. Pressed twice, the browser shows what came to the second press."""
        values = {**form.values, **changes}
        return self.doubled(lambda: self.insist("POST", form.action, values)) if twice else self.insist("POST", form.action, values)

    @staticmethod
    def doubled(press: Callable[[], tuple[int, str, str]]) -> tuple[int, str, str]:
        with ThreadPoolExecutor(2) as hands:
            first, second = hands.submit(press), hands.submit(press)
            first.result()
            return second.result()


class Payer:
    """Pays one link once, in the manner of `habit`."""

    def __init__(self, visitor: Visitor, diary: Diary, dice: random.Random) -> None:
        self.visitor, self.diary, self.dice = visitor, diary, dice
        self.twice = diary.habit == "double click"

    def pay(self, link: str) -> None:
        """From the link to whatever end this habit has."""
        try:
            self._begin(link)
            self._until_done()
        except (GaveUp, Surprise) as problem:
            self.diary.trouble = f"{type(problem).__name__}: {problem}"

    def look(self) -> str:
        """Reopen the payment's own page and note what it says."""
        return self._read(self.visitor.open, self.diary.page_url)[1]

    def _begin(self, link: str) -> None:
        page = self.visitor.open(link)
        amount = (
            {"amount": f"{self.dice.randrange(200, 9000) / 100:.2f}"} if any(e.attrs.get("name") == "amount" for e in page.elements) else {}
        )
        status, onward, _ = self.visitor.send(page.form(), twice=self.twice, email=self.diary.email, name="Ada Payer", **amount)
        if status != 303 or "/checkout/" not in onward:
            raise Surprise(f"the link's form was answered with {status}")
        self.diary.page_url = onward

    def _until_done(self) -> None:
        until = time.monotonic() + 2 * PATIENCE
        url, tries = self.diary.page_url, 0
        while time.monotonic() < until:
            page, kind = self._read(self.visitor.open, url)
            url = self.diary.page_url
            if kind in ("paid", "refunded", "canceled", "expired"):
                return
            if kind == "checking":
                time.sleep(0.7)
                continue
            if kind == "failed" and self.diary.habit == "gives up":
                return
            tries += 1
            if tries > 12:
                raise Surprise("a dozen tries and no end")
            back = self._try(page)
            if back is None:
                return
            url = back
        raise GaveUp("the payment came to no end")

    def _try(self, page: Page) -> str | None:
        """Press Pay, give a card, and say which address to open next; None for somebody who leaves."""
        form = page.form(urlsplit(self.diary.page_url).path + "/attempts")
        status, onward, text = self.visitor.send(form, twice=self.twice)
        if status == 200 and "data-proof" in text:  # many declines at this vendor: everybody proves that they mean it
            status, onward, _ = self._prove(text)
        if status == 409:  # the processor could not be reached: the page said so, the person looks again
            time.sleep(0.5)
            return self.diary.page_url
        if status != 303:
            raise Surprise(f"the button to pay was answered with {status}")
        if "/c/pay/" not in onward:
            return onward
        status, text = self._open_card_page(onward)
        if self.diary.habit == "leaves before the card":
            return None
        if "This payment is complete" in text:
            return self.diary.page_url + "/return"
        other = self._second_tab(form) if self.diary.habit == "two tabs" else None
        back = self._give_cards(onward)
        if other:
            self._give(other, APPROVED)
        return back

    def _prove(self, text: str) -> tuple[int, str, str]:
        """Work on the question as a browser does, and go on."""
        page = Page(Answer(200, text), self.diary.page_url)  # type: ignore[arg-type]
        form, nonce = proven(page)
        return self.visitor.send(form, nonce=nonce)

    def _second_tab(self, form: Form) -> str | None:
        """The same payment opened beside the first; the address of its card page, when it has one."""
        status, onward, _ = self.visitor.send(form)
        return onward if status == 303 and "/c/pay/" in onward else None

    def _open_card_page(self, url: str) -> tuple[int, str]:
        status, onward, text = self.visitor.insist("GET", url)
        return status, text if status == 200 else onward

    def _give_cards(self, card_page: str) -> str | None:
        habit = self.diary.habit
        if habit in ("declined first", "gives up", "declined, goes back") and self.diary.last != "failed":
            status, _, _ = self._give(card_page, self.dice.choice(DECLINED))
            if status != 402:
                raise Surprise(f"the declined card was answered with {status}")
            if habit != "declined first":
                return self.diary.page_url + "/return"
        self.diary.gave_good_card_at = self.diary.gave_good_card_at or time.monotonic()
        number = {"asks the bank": ASKS_BANK, "leaves the bank": ASKS_BANK, "refund takes long": REFUNDS_LATER}.get(habit, APPROVED)
        status, onward, _ = self._give(card_page, number)
        if status == 303 and "/3ds/" in onward:
            if habit == "leaves the bank":
                self.visitor.insist("GET", onward)
                return None
            status, onward, _ = self.visitor.insist("POST", onward, {"answer": "approve"})
        if status != 303:
            raise Surprise(f"the card page answered {status}")
        self.diary.charged_at = self.diary.charged_at or time.monotonic()
        return None if habit == "closes the browser" else onward

    def _give(self, card_page: str, number: str) -> tuple[int, str, str]:
        values = {"number": number, "expiry": "12/34", "cvc": "123", "name": "Ada Payer"}

        def press() -> tuple[int, str, str]:
            return self.visitor.insist("POST", card_page, values)

        return self.visitor.doubled(press) if self.twice else press()

    def _read(self, open_page: Callable[[str], Page], url: str) -> tuple[Page, str]:
        began = time.monotonic()
        page = open_page(url)
        kind = next((kind for words, kind in TITLES.items() if page.title.startswith(words)), "")
        if not kind:
            raise Surprise(f"{page.status} {page.title!r}")
        self.diary.told.append(Sighting(began, time.monotonic(), kind))
        return page, kind


class Seller:
    """A vendor at work: signs up, makes links, looks payments up and gives money back."""

    def __init__(self, address: str, name: str, waits: Waits) -> None:
        self.address, self.visitor = address, Visitor("127.0.5.1", waits)
        self.business, self.email = name, f"{name.split()[0].lower()}@shop.example"
        self.asked: dict[str, str] = {}  # payer's e-mail -> the amount we were told is on its way back

    def settle_in(self) -> None:
        """Sign up and sign in."""
        form = self.visitor.open(f"{self.address}/sign-up").form()
        person = {"email": self.email, "password": "sunny-Harbour-42"}
        status, _, text = self.visitor.send(form, business=self.business, country="GB", currency="GBP", **person)
        assert status == 200, text
        status, onward, text = self.visitor.send(self.visitor.open(f"{self.address}/sign-in").form(), **person)
        assert status == 303, text
        self.visitor.open(onward)

    def make_link(self, **terms: str) -> str:
        """A reusable link; answers the address payers open."""
        form = self.visitor.open(f"{self.address}/portal/links/new").form()
        status, onward, text = self.visitor.send(form, kind="reusable", currency="GBP", **terms)
        assert status == 303, text
        page = self.visitor.open(onward)
        return next(e.attrs["value"] for e in page.all("input") if "/pay/" in e.attrs.get("value", ""))

    def refund(self, email: str, share: int, *, twice: bool) -> None:
        """Give one payer all (share 1) or a part back. What the page says afterwards is kept."""
        listed = self.visitor.open(f"{self.address}/portal/payments?{urlencode({'q': email})}")
        found = [e.attrs["href"] for e in listed.all("a") if "/portal/payments/pay_" in e.attrs.get("href", "")]
        if len(found) != 1:
            raise Surprise(f"the vendor finds {len(found)} payments of {email}")
        page = self.visitor.open(urljoin(self.address, found[0]))
        form = page.form(urlsplit(urljoin(self.address, found[0])).path + "/refunds")
        pence = int(form.values["amount"].replace(".", "").replace(",", "")) // share
        amount = f"{pence / 100:.2f}"
        status, onward, _ = self.visitor.send(form, twice=twice, amount=amount)
        if status != 303:
            raise Surprise(f"the refund was answered with {status}")
        self.visitor.open(onward)
        self.asked[email] = amount
