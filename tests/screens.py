"""Takes the pictures of docs/screens: every state of the checkout and the portal's main pages, on a telephone and a desk, in light and dark.

`./run screens` runs this file; it is no part of the suite. The checkout's states are made as the tests make them, the portal's pages
show the demo's week.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from core.accounts.queries import find_employer, find_membership, find_user
from core.accounts.sessions import begin_session
from core.kernel.db import unit_of_work
from core.web.throttle import limiter
from tests.billing_pages import membership_pages, plan_pages, staff_pages
from tests.factories import Shop, make_shop
from tests.member_pages import member_states
from tests.places import desk_states, directory_states, guarded_states, portal_states
from tests.portal.admin.people import make_staff
from tests.world import OPEN_PAGES, State, brand, checkout_states, portal_paths
from workers.seed import SHOPS, seed

FOLDER = Path(__file__).resolve().parents[1] / "docs/screens"
DEVICES, SCHEMES = ("phone", "desk"), ("light", "dark")
TWO_OF_FOUR = (("phone", "light"), ("desk", "dark"))
TALLEST = {"phone": 1500, "desk": 1150}
QUALITY = 36  # of WebP: words stay sharp, and the whole folder of some six hundred below sixteen megabytes
# Of the pages of plans and memberships those that say most; every one of them is tried in tests/portal/test_billing_pages.py.
BILLING = {
    "member-join": "A plan that can be joined", "member-join-trial": "A plan that begins with free days", "member-card": "A card is to be saved",
    "member-active": "A membership that runs", "member-cancelling": "What cancelling means", "member-plans": "The other plans, and what each costs",
    "member-invoice": "An invoice of it", "member-past-due": "A payment was declined", "member-ended": "A membership that has ended",
    "member-mine": "All of somebody’s memberships and payments",
    "portal-member": "Portal: one member", "portal-member-past-due": "Portal: a member whose payment is open",
    "portal-plan": "Portal: a plan that runs", "portal-plan-change": "Portal: what a smaller plan would change", "portal-plan-over": "Portal: more products than the plan holds",
    "portal-plan-past-due": "Portal: an invoice could not be charged", "portal-plan-suspended": "Portal: a plan that was not paid",
    "portal-plan-hibernating": "Portal: a plan that hibernates", "portal-plan-choose": "Portal: the plans there are",
    "portal-plan-simulator": "Portal: the plan simulator", "portal-plan-clock": "Portal: the time machine", "portal-invoices": "Portal: the vendor’s invoices",
    "staff-plans": "Staff: price lists", "staff-plans-new": "Staff: a new price list", "staff-house": "Staff: who sells the plans",
    "staff-subscriptions": "Staff: subscriptions", "staff-subscription": "Staff: one subscription", "staff-invoices": "Staff: invoices",
}  # fmt: skip


@pytest.fixture(autouse=True)
def unthrottled() -> Any:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


def take(page: Page, name: str, device: str, scheme: str) -> None:
    """One picture of the whole page, as far as somebody would scroll: on a screen so tall that what stays in sight stands where it does."""
    wide = page.viewport_size or {"width": 1280, "height": 900}
    tall = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": wide["width"], "height": max(wide["height"], min(tall, TALLEST[device]))})
    page.evaluate("document.fonts.ready")
    if page.locator("iframe").count():
        page.wait_for_load_state("networkidle")
    drawn = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    page.set_viewport_size(wide)
    drawn = drawn.crop((0, 0, drawn.width, min(drawn.height, TALLEST[device])))
    drawn.save(FOLDER / f"{name}-{device}-{scheme}.webp", "WEBP", quality=QUALITY, method=6)


@pytest.mark.parametrize(("device", "scheme"), list(product(DEVICES, SCHEMES)))
def test_checkout(app: Any, visitor: Callable[..., Page], device: str, scheme: str) -> None:
    shop, branded, guarded = (make_shop(app, business=SHOPS[0].business) for _ in range(3))
    brand(branded)
    page = visitor(phone=device == "phone", color_scheme=scheme)
    look(page, "checkout", [*checkout_states(shop), *branded_states(branded)], device, scheme)
    page.route("**/js/proof.js*", lambda route: route.abort())
    look(page, "checkout", guarded_states(guarded), device, scheme)


def look(page: Page, what: str, states: list[State], device: str, scheme: str) -> None:
    for state in states:
        page.goto(state.path)
        if state.act:
            state.act(page)
        take(page, f"{what}-{state.name}", device, scheme)


def branded_states(shop: Shop) -> list[State]:
    shown = ("link", "pay-fields", "paid", "receipt")
    return [
        State(f"branded-{s.name}", f"{s.words}, with the vendor’s colour and logo", s.path, s.act)
        for s in checkout_states(shop)
        if s.name in shown
    ]


@pytest.fixture
def bakery(app: Any) -> Shop:
    """The demo's first vendor with its week, and its owner signed in."""
    with app.app_context():
        seed()
    with app.app_context(), unit_of_work():
        owner = find_user(SHOPS[0].email)
        assert owner
        membership, vendor = find_membership(owner), find_employer(owner)
        assert membership and vendor
        _, secret = begin_session(owner, membership)
    return Shop(app, vendor, owner, membership, secret)


@pytest.mark.parametrize(("device", "scheme"), list(product(DEVICES, SCHEMES)))
def test_portal(bakery: Shop, live_server: str, visitor: Callable[..., Page], device: str, scheme: str) -> None:
    page = visitor(phone=device == "phone", color_scheme=scheme)
    look(page, "front", [State(name, "", path) for name, path in OPEN_PAGES.items()], device, scheme)
    look(page, "front", directory_states(bakery.app), device, scheme)
    page.context.add_cookies([{"name": "seat", "value": bakery.secret, "url": live_server}])
    look(page, "portal", [State(name, "", path) for name, path in portal_paths(bakery).items()], device, scheme)
    states = portal_states(bakery)
    look(page, "portal", states if (device, scheme) in TWO_OF_FOUR else states[:2], device, scheme)  # what opens from a page is seen twice


@pytest.mark.parametrize(("device", "scheme"), TWO_OF_FOUR)
def test_staff(bakery: Shop, live_server: str, visitor: Callable[..., Page], device: str, scheme: str) -> None:
    page = visitor(phone=device == "phone", color_scheme=scheme)
    look(page, "staff", [State("sign-in", "", "/staff/sign-in")], device, scheme)
    colleague = make_staff(bakery.app)
    page.context.add_cookies([{"name": "staff", "value": colleague.secret, "url": live_server}])
    look(page, "staff", desk_states(bakery), device, scheme)


@pytest.mark.parametrize(("device", "scheme"), TWO_OF_FOUR)
def test_billing(app: Any, live_server: str, visitor: Callable[..., Page], device: str, scheme: str) -> None:
    """Plans and memberships: as members, vendors and the staff see them."""
    page = visitor(phone=device == "phone", color_scheme=scheme)

    def pick(what: str, states: list[State]) -> None:
        look(page, what, [state for state in states if f"{what}-{state.name}" in BILLING], device, scheme)

    pick("member", member_states(app))
    for shop, state in [*plan_pages(app), *membership_pages(app)]:
        page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
        pick("portal", [state])
    page.context.add_cookies([{"name": "staff", "value": make_staff(app).secret, "url": live_server}])
    pick("staff", staff_pages(app))


def test_index(app: Any, bakery: Shop) -> None:
    """The table of all of them, and what they weigh."""
    shop, other, guarded = make_shop(app), make_shop(app), make_shop(app)
    words = {f"checkout-{s.name}": s.words for s in (*checkout_states(shop), *branded_states(other), *guarded_states(guarded))}
    words |= {f"portal-{name}": f"Portal: {name.replace('-', ' ')}" for name in portal_paths(shop)}
    words |= {f"portal-{s.name}": s.words for s in portal_states(bakery)}
    words |= {f"front-{name}": f"Front: {name.replace('-', ' ')}" for name in OPEN_PAGES}
    words |= {f"front-{s.name}": s.words for s in directory_states(app)}
    words |= {"staff-sign-in": "Staff: sign in"} | {f"staff-{s.name}": s.words for s in desk_states(bakery)}
    words |= BILLING
    for old in FOLDER.glob("*.webp"):
        if old.name.rsplit("-", 2)[0] not in words:
            old.unlink()
    head = [
        "# What it looks like",
        "",
        "Every state of the checkout, the public directory, the portal's and the staff's pages, the plans and memberships, on a telephone (390 points wide) and a desk (1280),",
    ]
    head += [
        "in light and in dark; the staff's, and what opens from a page of the portal, on two of the four. Made by `./run screens`; look at them after a change of a template or a style.",
        "",
    ]
    lines = ["| page | telephone | | desk | |", "|---|---|---|---|---|"]
    for name, said in words.items():
        shown = [
            f'<img src="{name}-{d}-{s}.webp" width="{120 if d == "phone" else 300}" alt="{said}, {d}, {s}">'
            if (FOLDER / f"{name}-{d}-{s}.webp").exists()
            else ""
            for d, s in product(DEVICES, SCHEMES)
        ]
        lines.append(f"| {said} | " + " | ".join(shown) + " |")
    (FOLDER / "README.md").write_text("\n".join([*head, *lines]) + "\n")
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 16_000_000
