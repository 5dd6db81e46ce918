"""A member who is limited to branches: every route of the portal is tried as one, and with numbers of another branch on those they reach."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from core.accounts.models import Membership
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.models import Payment, PaymentLink
from core.payments.send_link import send_link
from core.payments.sharing import Sharing, set_sharing
from core.web.guard import WITHIN_BRANCHES
from portal.within_branches import REACHED
from tests.browser import Browser
from tests.core.directory.stalls import make_branch, make_listing
from tests.factories import Shop, again, ask_refund, fresh, make_colleague, make_link, make_paid, make_shop, unit

if TYPE_CHECKING:
    from flask import Flask

    from core.directory.models import Branch

SECRET = "Cellar door"  # stands only in what belongs to the other branch, to none, or to the whole business


@pytest.fixture(autouse=True)
def unthrottled() -> Any:
    from core.web.throttle import limiter

    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


@dataclass(frozen=True)
class House:
    """A shop with two branches, a payment and a link of each and of none, and somebody limited to the first branch."""

    shop: Shop
    member: Shop
    here: Branch
    there: Branch
    paid: dict[str, Payment]
    links: dict[str, PaymentLink]


def limit(shop: Shop, member: Shop, *branches: Branch) -> None:
    with unit(shop.app):
        row = db.session.get_one(Membership, (shop.vendor.id, member.user.id))
        row.branches = [branch.id for branch in branches]


def link_of(shop: Shop, branch: Branch | None, title: str) -> PaymentLink:
    link = make_link(shop, title=title)
    if branch:
        with unit(shop.app):
            set_sharing(again(link), by=shop.user.public_id, sharing=Sharing(branch=branch.public_id, labels=[title]))
    return fresh(shop, link)


@pytest.fixture
def house(app: Flask) -> House:
    shop = make_shop(app)
    listing = make_listing(shop, publish=False)
    here, there = make_branch(shop, listing, name="Quayside", town="Bristol"), make_branch(shop, listing, name=SECRET, town="Bath")
    links = {"here": link_of(shop, here, "Loaf"), "there": link_of(shop, there, SECRET), "none": link_of(shop, None, f"{SECRET} too")}
    paid = {name: make_paid(shop, link, email=f"{name}-{secrets.token_hex(4)}@example.com") for name, link in links.items()}
    member = make_colleague(shop, "manager")
    limit(shop, member, here)
    return House(shop, member, here, there, paid, links)


def routes(app: Flask, **values: str) -> list[tuple[str, str, str, str]]:
    """(endpoint, access, method, path) of everything that a signed-in person of a vendor's may call."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            access = getattr(app.view_functions[rule.endpoint], "__access__", "public")
            if access in ("public", "key", "user") or access.startswith("staff.") or rule.endpoint == "static":
                continue  # nobody's, the business's software's, an app's, the staff's
            parts = {name: values.get(name, "x") for name in rule.arguments}
            built = rule.build({name: ("svg" if name == "kind" else value) for name, value in parts.items()})
            assert built is not None, rule
            found += [(rule.endpoint, access, method, built[1]) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def token_of(browser: Browser) -> str:
    return str(browser.get("/portal/").form("/sign-out").values["csrf_token"])


def test_every_name_on_the_list_is_a_view_of_the_portal(app: Flask) -> None:
    assert app.extensions[WITHIN_BRANCHES] is REACHED
    assert app.view_functions.keys() >= REACHED
    assert not [name for name in REACHED if getattr(app.view_functions[name], "__access__", "public") == "public"], (
        "the public needs no list"
    )


@pytest.mark.parametrize("role", ["manager", "admin", "accountant", "developer"])
def test_only_what_is_on_the_list_answers_whatever_the_role(house: House, role: str) -> None:
    """Every route there is, read and posted to, with numbers of their own branch and of others: refused, and nothing is changed."""
    member = make_colleague(house.shop, role)
    limit(house.shop, member, house.here)
    browser = member.browser()
    token, opened = token_of(browser), set()
    for name in ("here", "there"):
        number = house.paid[name].public_id
        for endpoint, _access, method, path in routes(house.shop.app, public_id=number, number=number):
            if endpoint in REACHED:
                continue
            for headers in ({}, {"HX-Request": "true"}):
                sent = {"csrf_token": token, "sure": "y"} if method != "GET" else None
                answer = browser.client.open(path, method=method, data=sent, headers=headers)
                assert answer.status_code == 403, (role, endpoint, method, path, answer.status_code)
                assert SECRET.encode() not in answer.data, path
            opened.add(endpoint)
    assert len(opened) > 200, "the walk has seen the portal"


def test_numbers_of_another_branch_or_of_none_are_not_there(house: House) -> None:
    """Whatever on the list takes a number answers to another branch's as to another vendor's, and as to one that never was: 404."""
    browser = house.member.browser()
    token, tried = token_of(browser), set()
    stranger = make_shop(house.shop.app)
    foreign = {"payment": make_paid(stranger).public_id, "link": make_link(stranger).public_id}
    for name in ("there", "none", "foreign"):
        payment, link = (
            (house.paid[name].public_id, house.links[name].public_id) if name != "foreign" else (foreign["payment"], foreign["link"])
        )
        for number in (payment, link):
            for endpoint, _access, method, path in routes(house.shop.app, public_id=number, size="a4"):
                if endpoint not in REACHED or "public_id" not in str(_rule(house.shop.app, endpoint)):
                    continue
                tried.add(endpoint)
                sent = {"csrf_token": token, "step": "look", "amount": "1.00", "reason": "other"} if method != "GET" else None
                for headers in ({}, {"HX-Request": "true"}):
                    answer = browser.client.open(path, method=method, data=sent, headers=headers)
                    assert answer.status_code == 404, (name, endpoint, method, path, answer.status_code)
                    assert SECRET.encode() not in answer.data, path
    assert {
        "portal.payment",
        "portal.refund",
        "portal.link",
        "portal.change_link",
        "portal.send",
        "portal.poster_pdf",
        "portal.qr_svg",
    } <= tried
    for branch, status in ((house.here, 200), (house.there, 404)):
        assert browser.client.get(f"/portal/branches/{branch.public_id}").status_code == status


def _rule(app: Flask, endpoint: str) -> object:
    return next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)


def test_refunds_and_letters_of_another_branch_cannot_be_called_off(house: House) -> None:
    browser = house.member.browser()
    token = token_of(browser)
    refund = ask_refund(house.shop, house.paid["there"], "1.00")
    assert browser.client.post(f"/portal/refunds/{refund.public_id}/cancel", data={"csrf_token": token}).status_code == 404
    with unit(house.shop.app):
        (sent,) = send_link(
            house.shop.vendor, again(house.links["there"]), sender=house.shop.user, recipients=["a@example.com"], message="", reminders=[],
            form_token="f" * 20,
        )  # fmt: skip
        number = sent.public_id
    assert browser.client.post(f"/portal/sendings/{number}/cancel", data={"csrf_token": token}).status_code == 404


READ = (
    "/portal/", "/portal/payments", "/portal/payments?branch=none", "/portal/payments.csv", "/portal/payments.csv?branch=none",
    "/portal/links", "/portal/links?state=paused", "/portal/links/new", "/portal/search?q=cellar", "/portal/search?q=example.com",
    "/portal/branches", "/portal/settings",
)  # fmt: skip


def test_no_list_no_file_and_no_search_names_what_is_of_another_branch(house: House) -> None:
    browser, paths = house.member.browser(), list(READ)
    paths += [f"/portal/search?q={house.paid[name].reference}" for name in ("there", "none")]
    paths += [f"/portal/search?q={house.paid[name].email}" for name in ("there", "none")]
    paths += [f"/portal/payments?q={house.paid['there'].email}", f"/portal/payments?link={house.links['there'].public_id}"]
    paths += [f"/portal/payments?branch={house.there.public_id}", f"/portal/payments.csv?branch={house.there.public_id}"]
    paths += [f"/portal/payments/{house.paid['here'].public_id}", f"/portal/links/{house.links['here'].public_id}/edit"]
    for path in paths:
        for headers in ({}, {"HX-Request": "true"}):
            answer = browser.client.get(path, headers=headers, follow_redirects=True)
            assert answer.status_code < 500, path
            text = answer.get_data(as_text=True).replace("/search?q=", "")
            text = text.replace(f'value="{path.partition("=")[2]}"', "")  # what was typed stands in its field again
            assert SECRET not in text, path
            for name in ("there", "none"):
                if path.endswith(house.paid[name].email or "-"):
                    continue
                for number in (house.paid[name].public_id, house.paid[name].email or "-"):
                    assert number not in text, (path, number)
    assert house.paid["here"].public_id in browser.get("/portal/payments").html
    file = browser.client.get("/portal/payments.csv").get_data(as_text=True)
    assert house.paid["here"].public_id in file and len(file.strip().splitlines()) == 2, "the heading and the one payment"
    assert browser.client.get("/portal/payments.xlsx").status_code == 200


def test_a_list_cannot_be_begun_after_a_payment_of_another_branch(house: House) -> None:
    browser = house.member.browser()
    for path in (f"/portal/payments?after={house.paid['there'].public_id}", f"/portal/links?after={house.links['there'].public_id}"):
        assert browser.client.get(path).status_code == 404


def test_many_at_once_reach_only_those_of_their_branch(house: House) -> None:
    """Ticked, or all that fit: what belongs to others is neither refunded nor exported."""
    browser = house.member.browser()
    token = token_of(browser)
    everything = ",".join(paid.public_id for paid in house.paid.values())
    ticked = {"csrf_token": token, "payments": everything}
    file = browser.client.post("/portal/payments/bulk", data={**ticked, "act": "export"}).get_data(as_text=True)
    assert house.paid["here"].public_id in file and len(file.strip().splitlines()) == 2
    for scope in ({}, {"scope": "all"}):
        look = browser.client.post("/portal/payments/bulk", data={**ticked, **scope, "act": "refund"}).get_data(as_text=True)
        assert house.paid["here"].public_id in look
        assert house.paid["there"].public_id not in look and house.paid["none"].public_id not in look
    others = f"{house.paid['there'].public_id},{house.paid['none'].public_id}"
    wish = {"csrf_token": token, "reason": "other", "form_token": "t" * 20}
    for numbers, total in ((others, "£50.00"), (everything, "£75.00"), (others, "")):
        browser.client.post("/portal/payments/bulk/refunds", data={**wish, "payments": numbers, "total": total})
    assert [fresh(house.shop, paid).refunding_minor for paid in house.paid.values()] == [0, 0, 0]
    browser.client.post("/portal/payments/bulk/refunds", data={**wish, "payments": everything, "total": "£25.00"})
    assert [fresh(house.shop, house.paid[name]).refunding_minor for name in ("there", "none")] == [0, 0]
    for act in ("archive", "receipt", "unarchive"):
        assert browser.client.post("/portal/payments/bulk", data={**ticked, "act": act}).status_code == 403
    answer = browser.client.post(
        "/portal/links/bulk", data={"csrf_token": token, "act": "expire", "sure": "y", "links": house.links["there"].public_id}
    )
    assert answer.status_code == 404 and fresh(house.shop, house.links["there"]).state == "active"


def test_a_link_they_make_or_change_is_one_of_their_branch(house: House) -> None:
    browser = house.member.browser()
    form = browser.get("/portal/links/new").form("/portal/links/new")
    filled = {"title": "Bun", "amount": "3.00"}
    assert form.values["branch"] == house.here.public_id
    for branch in ("", house.there.public_id, "none", "x"):
        assert browser.submit(form, status=422, branch=branch, **filled)
    left_out = {name: value for name, value in {**form.values, **filled}.items() if name != "branch"}
    assert browser.client.post("/portal/links/new", data=left_out).status_code == 422
    made = browser.submit(form, **filled)
    assert "Quayside" in made.text
    edit = f"/portal/links/{house.links['here'].public_id}/edit"
    form = browser.get(edit).form(edit)
    for branch in ("", house.there.public_id):
        assert browser.submit(form, status=422, branch=branch)
    assert fresh(house.shop, house.links["here"]).branch_id == house.here.id
    with house.shop.app.app_context():
        mine = db.session.query(PaymentLink).filter_by(vendor_id=house.shop.vendor.id, title="Bun").all()
        assert [link.branch_id for link in mine] == [house.here.id]


def test_a_refund_of_their_branch_goes_out_and_says_nothing_of_the_balance(house: House) -> None:
    browser = house.member.browser()
    path = f"/portal/payments/{house.paid['here'].public_id}"
    form = browser.get(path).form(f"{path}/refunds")
    look = browser.submit(form, amount="5.00", step="look")
    assert "Pending afterwards" not in look.text and "Available afterwards" not in look.text
    assert "The refund is asked for" in browser.submit(look.form(f"{path}/refunds")).text
    assert fresh(house.shop, house.paid["here"]).refunding_minor == 500
    looking = make_colleague(house.shop, "viewer")
    limit(house.shop, looking, house.here)
    assert looking.browser().client.post(f"{path}/refunds", data={"csrf_token": token_of(looking.browser())}).status_code in (400, 403)


def _bounced(shop: Shop, link: PaymentLink) -> None:
    """A letter with the link that came back, so that its page has something to say of it."""
    with unit(shop.app):
        (sent,) = send_link(
            shop.vendor, again(link), sender=shop.user, recipients=["a@example.com"], message="", reminders=[], form_token="b" * 20
        )
        letter = db.session.get_one(Message, (sent.vendor_id, sent.mode, sent.message_id))
        letter.state, letter.last_error = "bounced", "550 no such mailbox"


def test_every_link_on_their_pages_leads_somewhere_they_may_go(house: House) -> None:
    _bounced(house.shop, house.links["here"])
    browser = house.member.browser()
    here = (f"/portal/payments/{house.paid['here'].public_id}", f"/portal/links/{house.links['here'].public_id}")
    seen, dead = set(), []
    for path in (
        *READ,
        *here,
        f"{here[1]}/send",
        f"{here[1]}/poster",
        f"{here[1]}/edit",
        f"/portal/branches/{house.here.public_id}",
        "/portal/two-step",
    ):
        if ".csv" in path:
            continue
        page = browser.get(path)
        for element in page.all("a"):
            target = element.attrs.get("href") or ""
            if target.startswith("/portal") and target not in seen:
                seen.add(target)
                if browser.client.get(target).status_code == 403:
                    dead.append((path, target))
        for element in page.all("form"):
            action = (element.attrs.get("action") or "").partition("?")[0]
            if action.startswith("/portal") and (element.attrs.get("method") or "get").lower() == "post":
                endpoint, _ = house.shop.app.url_map.bind("localhost").match(action, method="POST")
                if endpoint not in REACHED:
                    dead.append((path, action))
    assert dead == []


def test_a_branch_put_away_a_limit_to_nothing_and_the_other_world_show_nothing(house: House) -> None:
    from core.directory.branches import archive_branch
    from core.directory.models import Listing

    browser = house.member.browser()
    with unit(house.shop.app):
        db.session.get_one(Membership, (house.shop.vendor.id, house.member.user.id)).branches = []
    _shows_nothing(browser, house)
    limit(house.shop, house.member, house.here)
    assert house.paid["here"].public_id in browser.get("/portal/payments").html
    with unit(house.shop.app):
        listing = db.session.get_one(Listing, (house.shop.vendor.id, house.shop.mode, house.here.listing_id))
        archive_branch(listing, again(house.here), by=house.shop.user.public_id)
    _shows_nothing(browser, house)


def _shows_nothing(browser: Browser, house: House) -> None:
    for path in ("/portal/", "/portal/payments", "/portal/payments.csv", "/portal/links", "/portal/branches", "/portal/search?q=25.00"):
        html = browser.get(path).html
        assert not [one for one in (*house.paid.values(), *house.links.values()) if one.public_id in html], path
    assert browser.client.get(f"/portal/payments/{house.paid['here'].public_id}").status_code == 404
    assert browser.client.get(f"/portal/links/{house.links['here'].public_id}").status_code == 404


def test_the_next_request_of_somebody_else_is_not_limited(house: House) -> None:
    """The limit is of one request: the same thread serves the owner, a payer and the API afterwards."""
    limited, owner = house.member.browser(), house.shop.browser()
    for _ in range(2):
        assert house.paid["there"].public_id not in limited.get("/portal/payments").html
        assert house.paid["there"].public_id in owner.get("/portal/payments").html
        limited.client.get("/portal/balance")
        assert SECRET in owner.get("/portal/links").text


def test_a_saved_filter_that_others_share_is_not_shown(house: House) -> None:
    from core.accounts.saved_filters import save_filter

    with unit(house.shop.app):
        save_filter(
            house.shop.vendor, house.shop.mode, list="payments", name=SECRET, query=f"branch={house.there.public_id}", by=house.shop.user.public_id,
            shared=True,
        )  # fmt: skip
    assert SECRET in house.shop.browser().get("/portal/payments").text
    assert SECRET not in house.member.browser().get("/portal/payments").text
