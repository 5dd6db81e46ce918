"""The demo's small world: three vendors and the week behind them, every payment really made at the sandbox processor."""

from __future__ import annotations

import json
import random
import secrets
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from core.accounts.branding import Look, change_look
from core.accounts.queries import find_employer, find_user
from core.accounts.sign_up import NewAccount, Registration, sign_up
from core.accounts.staff import add_staff
from core.accounts.vendor_slug import suggestion
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.methods.rules import switch_method
from core.payments.attempt import Attempt, begin_attempt, open_at_provider, record_opening
from core.payments.funnel import add_openings
from core.payments.link import create_link, link_token, pause_link
from core.payments.link_terms import LinkTerms
from core.payments.models import Payment, PaymentLink
from core.payments.origin import Origin
from core.payments.poll import inquire
from core.payments.queries import MOST_ROWS, list_links
from core.payments.refund import request_refund
from core.payments.settle import settle
from core.payments.sharing import Sharing, set_sharing
from core.payments.slug import set_link_slug
from core.payments.start import start_payment
from core.providers.contract import Opening
from workers.runner import drain
from workers.seed_clock import everywhere
from workers.seed_directory import fill_directory
from workers.seed_disputes import fill_disputes
from workers.seed_members import fill_memberships
from workers.seed_orders import fill_orders
from workers.seed_payouts import fill_payouts
from workers.seed_plans import fill_plans
from workers.seed_selling import sell

PASSWORD = "try-the-portal-2026"
STAFF = "staff@portal.example"
CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit")
DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"
PAYERS = (
    "amara",
    "ben",
    "chiara",
    "daniel",
    "elif",
    "farah",
    "george",
    "hana",
    "imran",
    "julia",
    "kofi",
    "lena",
    "marta",
    "noor",
    "oskar",
    "priya",
)


@dataclass(frozen=True)
class Shop:
    """One demo vendor: who it is, how long its money waits, and what it sells (title, amount or None for open, how often)."""

    business: str
    country: str
    currency: str
    email: str
    owner: str
    release_days: int
    offers: tuple[tuple[str, str, str | None, int], ...]
    accent: str = ""
    phone: str = ""


SHOPS = (
    Shop(
        "Harbour Street Bakery", "GB", "GBP", "mo@harbour-bakery.example", "Mo Adeyemi", 2,
        (("Sourdough class, Saturday", "Four hours, apron and a starter to take home.", "65.00", 8),
         ("Celebration cake deposit", "Half now, half on collection.", "24.50", 6),
         ("Tip the night shift", "Thank you!", None, 5)),
    ),
    Shop(
        "Lumen Yoga Studio", "IE", "EUR", "aoife@lumen-yoga.example", "Aoife Byrne", 7,
        (("Ten-class pass", "Valid for six months from the first class.", "120.00", 7), ("Sunrise retreat, one place", "Twelve places in all.", "85.00", 4)),
        accent="#7a3e9d", phone="+353 1 496 0000",
    ),
    Shop(
        "Kobo Ceramics", "JP", "JPY", "ren@kobo-ceramics.example", "Ren Ito", 7,
        (("Hand-thrown tea bowl", "Ash glaze, made to order in three weeks.", "8800", 5), ("Wheel workshop", "Two hours for beginners.", "5500", 5)),
    ),
)  # fmt: skip


def seed() -> str:
    """Make the world once. Answers a sentence; repeating it makes only the vendors that an interrupted first time left out."""
    dice = random.Random(20)  # the same week every time
    with unit_of_work():
        missing = [shop for shop in SHOPS if find_user(shop.email) is None]
    paid = sum(_open_shop(shop, dice) for shop in missing)
    fill_directory()
    fill_plans()
    fill_memberships()
    fill_disputes()
    fill_orders()
    fill_payouts()
    _introduce()
    return f"{paid} payments of {len(missing)} demo vendors." if missing else "The demo world is there already."


def _open_shop(shop: Shop, dice: random.Random) -> int:
    """One vendor with its links and its week; answers how many visits there were."""
    began = now() - timedelta(days=8)
    with frozen(began), unit_of_work():
        account = sign_up(Registration(shop.business, shop.country, shop.currency, shop.email, PASSWORD, shop.owner))
        if account is None:
            raise RuntimeError(f"{shop.email} is taken")
        account.user.email_verified_at = began
        account.vendor.release_days = shop.release_days
        if shop.accent:
            change_look(account.vendor, Look(accent=shop.accent, support_phone=shop.phone), by=account.user.public_id)
        for method in ("wallet", "bank_redirect", "qr", "bank_transfer"):
            switch_method(account.vendor, "test", method, on=True, by=account.user.public_id)
    links = []
    for title, text, amount, _ in shop.offers:
        with frozen(began + timedelta(hours=1)), unit_of_work():
            links.append(create_link(account.vendor, mode="test", by=account.user.public_id, terms=_terms(shop, title, text, amount)))
    visits = [link for link, offer in zip(links, shop.offers, strict=True) for _ in range(offer[3])]
    dice.shuffle(visits)
    moments = sorted(now() - timedelta(minutes=dice.randrange(45, 7 * 24 * 60)) for _ in visits)
    for n, (at, link) in enumerate(zip(moments, visits, strict=True)):
        _one_payment(account, link, at, dice, n)
    with frozen(began + timedelta(hours=2)), unit_of_work():
        _share(account, links)
    with unit_of_work():
        add_openings(Counter(_looks(account, moments, visits)))
    with frozen(now() - timedelta(hours=3)), unit_of_work():
        old = create_link(
            account.vendor, mode="test", by=account.user.public_id, terms=_terms(shop, "Last season's offer", "", shop.offers[0][2])
        )
        pause_link(old, by=account.user.public_id, message="This offer is over. Have a look at our new classes.")
        if shop is SHOPS[0]:
            sell(account)
    return len(moments)


def _share(account: NewAccount, links: list[PaymentLink]) -> None:
    """Readable addresses and a label, so that there is something to see and to filter by."""
    for link in links:
        set_link_slug(account.vendor, link, by=account.user.public_id, text=suggestion(link.title))
        set_sharing(
            link,
            by=account.user.public_id,
            sharing=Sharing(labels=["classes" if any(word in link.title for word in ("class", "orkshop", "retreat")) else "counter"]),
        )


def _looks(
    account: NewAccount, moments: list[datetime], visits: list[PaymentLink]
) -> Iterator[tuple[uuid.UUID, str, uuid.UUID, date, str]]:
    """Who looked: everybody who came to pay, and about as many again who did not."""
    zone = ZoneInfo(account.vendor.time_zone)
    for n, (at, link) in enumerate(zip(moments, visits, strict=True)):
        for _ in range(1 + n % 3):
            yield account.vendor.id, "test", link.id, at.astimezone(zone).date(), "poster" if n % 4 == 1 else "other"


def _terms(shop: Shop, title: str, text: str, amount: str | None) -> LinkTerms:
    if amount is None:
        low, high, some = (
            Money.of("1.00", shop.currency),
            Money.of("200.00", shop.currency),
            [Money.of(a, shop.currency).minor for a in ("3", "5", "10")],
        )
        return LinkTerms(
            title=title, currency=shop.currency, description=text, minimum_minor=low.minor, maximum_minor=high.minor, suggestions_minor=some
        )
    places = 12 if "place" in title else None
    return LinkTerms(
        title=title, currency=shop.currency, description=text, amount_minor=Money.of(amount, shop.currency).minor, max_payments=places
    )


def _one_payment(account: NewAccount, link: PaymentLink, at: datetime, dice: random.Random, n: int) -> None:
    """One visit: most pay, some are declined first, one leaves, and a few get their money back."""
    payer = f"{dice.choice(PAYERS)}.{dice.randrange(10, 99)}@mail.example"
    amount = link.amount or Money(dice.choice((300, 500, 500, 1000, 1250)), link.currency)
    with frozen(at), unit_of_work():
        payment = start_payment(
            account.vendor, link, amount=amount, email=payer, name=payer.split(".")[0].title(), form_token=secrets.token_urlsafe(18),
            origin=Origin(attribution={"ref": "poster"} if n % 4 == 1 else {}),
        )  # fmt: skip
        attempt = begin_attempt(account.vendor, payment, surface="fields")
    with everywhere(at):
        opening = open_at_provider(account.vendor, payment, attempt, return_url=settings().public_url, cancel_url=settings().public_url)
    with frozen(at), unit_of_work():
        record_opening(account.vendor, attempt, opening)
    if n % 6 == 3:
        _try_card(account, payment, attempt, opening, DECLINED, at + timedelta(seconds=40))
    if n % 11 != 7:
        _try_card(account, payment, attempt, opening, dice.choice(CARDS), at + timedelta(seconds=95))
        if n % 5 == 2:
            _refund(account, payment, at + timedelta(hours=2), whole=n % 2 == 0)


def _try_card(account: NewAccount, payment: Payment, attempt: Attempt, opening: Opening, card: str, at: datetime) -> None:
    with everywhere(at):
        _confirm(opening.provider_reference, card)
        outcome = inquire(payment, attempt)
        with unit_of_work():
            settle(account.vendor, payment, attempt, outcome, cause="return")
        for queue in ("money", "messages"):
            drain(queue)


def _refund(account: NewAccount, payment: Payment, at: datetime, *, whole: bool) -> None:
    at = min(at, now() - timedelta(minutes=5))
    with everywhere(at):
        with unit_of_work():
            amount = payment.refundable if whole else payment.refundable.share(4000)
            request_refund(
                account.vendor,
                payment,
                amount=amount,
                reason="requested_by_customer",
                by=account.user.public_id,
                form_token=secrets.token_urlsafe(18),
            )
        for queue in ("money", "messages"):
            drain(queue)


def _confirm(intent: str, card: str) -> None:
    """Pay as the card page would: the sandbox's own API with one of its published test cards. A decline answers 402."""
    form = urllib.parse.urlencode({"payment_method": card, "return_url": settings().public_url}).encode()
    request = urllib.request.Request(
        f"{settings().sandbox_url}/v1/payment_intents/{intent}/confirm",
        form,
        {"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        if refused.code != 402:
            raise RuntimeError(f"the sandbox answered {refused.code}: {refused.read()[:300]!r}") from refused


def _employ(path: Path) -> dict[str, str]:
    """Somebody of the staff. They see every vendor, so their password is this installation's own and stands on no page."""
    try:
        kept: dict[str, str] = json.loads(path.read_text())["staff"]
    except (OSError, ValueError, KeyError):
        kept = {}
    with unit_of_work():
        if not kept or find_user(kept["email"]) is None:
            kept = {"email": STAFF, "password": secrets.token_urlsafe(15)}
            add_staff(kept["email"], role="superuser", password=kept["password"])
    return kept


def _introduce() -> None:
    """Write down how to get in: read by the start page and by the command that started everything."""
    path = settings().var / "demo.json"
    with unit_of_work():
        owner = find_user(SHOPS[0].email)
        vendor = find_employer(owner) if owner else None
        links = list_links(vendor, "test", limit=MOST_ROWS).rows if vendor else []
        token = link_token(vendor, links[-1]) if vendor and links else None
    kept = {
        "sign_ins": [{"email": s.email, "password": PASSWORD, "note": s.business} for s in SHOPS],
        "staff": _employ(path),
        "payment_link": f"{settings().public_url}/pay/{token}" if token else None,
        "card": "4242 4242 4242 4242",
    }
    path.write_text(json.dumps(kept, indent=1))
    path.chmod(0o600)
