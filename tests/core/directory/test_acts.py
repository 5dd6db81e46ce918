"""Listings, branches and products: what may be done to them, what is refused, and that the counts are exact whoever acts at once."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from core.accounts.models import User
from core.directory.branches import BranchTerms, archive_branch, check_branch, edit_branch, read_degrees, spell_degrees
from core.directory.entry_models import Entry, Place
from core.directory.index import address_of
from core.directory.listings import (
    BadListing,
    ListingTerms,
    Withdrawn,
    archive_listing,
    check_website,
    create_listing,
    edit_listing,
    publish_listing,
    unarchive_listing,
    unpublish_listing,
)
from core.directory.models import Listing
from core.directory.moderate import ask_for_review, restore_listing, withdraw_listing
from core.directory.products import archive_product, edit_product, publish_product, unarchive_product, unpublish_product
from core.directory.public import open_listing
from core.directory.queries import get_listing, list_listings
from core.directory.standing import find_standing, lock_standing, pulse, recount, set_visible
from core.kernel.db import db, unit_of_work
from core.kernel.errors import Conflict, NotFound, Refusal
from tests.core.directory.stalls import live_shop, make_branch, make_listing, make_product
from tests.factories import Shop, again, make_shop, unit

REASON = "The picture shows another business. Send one of your own."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def owner(shop: Shop) -> User:
    return db.session.get_one(User, shop.user.id)


def entries(shop: Shop) -> tuple[int, int]:
    with unit(shop.app):
        return tuple(db.session.query(kind).filter_by(vendor_id=shop.vendor.id).count() for kind in (Entry, Place))  # type: ignore[return-value]


def is_public(shop: Shop, listing: Listing) -> bool:
    with unit(shop.app):
        try:
            return open_listing(address_of(again(listing))).listing.id == listing.id
        except NotFound:
            return False


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": " "}, "title"), ({"category": "weapons"}, "category"), ({"summary": "x" * 201}, "summary"), ({"email": "mo at home"}, "email"),
        ({"phone": "call me"}, "phone"), ({"website": "javascript:alert(1)"}, "website"), ({"website": "https://a b.example"}, "website"),
    ],
)  # fmt: skip
def test_a_listing_that_could_not_be_shown_is_refused_at_its_field(shop: Shop, wrong: dict[str, str], field: str) -> None:
    terms = {"title": "Blue Door", "category": "bakery"} | wrong
    with unit(shop.app), pytest.raises(Refusal) as refused:
        create_listing(shop.vendor, mode="live", by="usr_x", terms=ListingTerms(**terms))
    assert refused.value.field == field


def test_an_address_without_its_beginning_gets_one() -> None:
    assert check_website(" www.example.com/bread ") == "https://www.example.com/bread"


def test_a_draft_is_seen_by_nobody_and_a_published_one_by_everybody(shop: Shop) -> None:
    listing = make_listing(shop, publish=False)
    assert not is_public(shop, listing) and entries(shop) == (0, 0)
    with unit(shop.app):
        publish_listing(again(listing), by=owner(shop))
        publish_listing(again(listing), by=owner(shop))  # twice is once
    assert is_public(shop, listing) and entries(shop) == (1, 0)
    with unit(shop.app):
        unpublish_listing(again(listing), by="usr_x")
    assert not is_public(shop, listing) and entries(shop) == (0, 0)


def test_a_listing_that_says_nothing_is_not_published(shop: Shop) -> None:
    listing = make_listing(shop, publish=False, summary="")
    with unit(shop.app), pytest.raises(BadListing) as refused:
        publish_listing(again(listing), by=owner(shop))
    assert refused.value.field == "summary"


def test_nobody_publishes_before_they_can_be_reached(app: Flask) -> None:
    shop = make_shop(app, verified=False)
    listing = make_listing(shop, publish=False)
    with unit(app), pytest.raises(Refusal, match="Confirm"):
        publish_listing(again(listing), by=owner(shop))


def test_a_test_listing_is_never_public(app: Flask) -> None:
    shop = make_shop(app)
    listing = make_listing(shop)
    make_branch(shop, listing)
    assert listing.mode == "test" and not is_public(shop, listing) and entries(shop) == (0, 0)


def test_its_address_stays_when_it_is_called_otherwise(shop: Shop) -> None:
    listing = make_listing(shop, title="Crêperie Zoë")
    before = address_of(listing)
    assert before == f"creperie-zoe-{listing.handle}"
    with unit(shop.app):
        edit_listing(again(listing), by="usr_x", terms=ListingTerms("Zoë’s", "cafe", summary="Pancakes"))
        assert open_listing(before).listing.title == "Zoë’s"


def test_the_staff_take_a_listing_out_and_let_it_back_in(shop: Shop) -> None:
    listing = make_listing(shop)
    with unit(shop.app):
        withdraw_listing(again(listing), by="stf_x", reason=REASON)
    assert not is_public(shop, listing)
    with unit(shop.app):
        with pytest.raises(Withdrawn):
            publish_listing(again(listing), by=owner(shop))
        edit_listing(again(listing), by="usr_x", terms=ListingTerms("Blue Door", "bakery", summary="Our own picture now"))
        unpublish_listing(again(listing), by="usr_x")
        assert again(listing).state == "withdrawn"
        assert ask_for_review(again(listing), by="usr_x").review_asked_at
    with unit(shop.app):
        restore_listing(again(listing), by="stf_x")
        assert again(listing).reason == "" and again(listing).review_asked_at is None
    assert is_public(shop, listing)


@pytest.mark.parametrize("reason", ["", "no", "x" * 501])
def test_the_staff_say_why(shop: Shop, reason: str) -> None:
    listing = make_listing(shop)
    with unit(shop.app), pytest.raises(Refusal) as refused:
        withdraw_listing(again(listing), by="stf_x", reason=reason)
    assert refused.value.field == "reason"


def test_a_draft_cannot_be_taken_out(shop: Shop) -> None:
    listing = make_listing(shop, publish=False)
    with unit(shop.app), pytest.raises(Conflict):
        withdraw_listing(again(listing), by="stf_x", reason=REASON)


def test_a_hidden_vendor_is_gone_at_once_and_back_as_it_was(shop: Shop) -> None:
    shown, draft = make_listing(shop), make_listing(shop, publish=False)
    make_branch(shop, shown)
    for visible in (False, True):
        with unit(shop.app):
            before = pulse()
            set_visible(shop.vendor, "live", visible=visible, reason="" if visible else "suspended", by="system")
            assert pulse() > before
        assert is_public(shop, shown) is visible and entries(shop) == ((1, 1) if visible else (0, 0))
    assert not is_public(shop, draft)


def test_what_is_published_while_a_vendor_is_hidden_stays_hidden(shop: Shop) -> None:
    with unit(shop.app):
        set_visible(shop.vendor, "live", visible=False, reason="hibernating", by="system")
    listing = make_listing(shop)
    assert not is_public(shop, listing) and entries(shop) == (0, 0)
    with unit(shop.app):
        set_visible(shop.vendor, "live", visible=True, reason="", by="system")
    assert is_public(shop, listing)


def counts(shop: Shop) -> tuple[int, int]:
    """As the standing says, which must be as they are."""
    with unit(shop.app):
        standing = find_standing(shop.vendor.id, shop.mode)
        assert standing
        said = standing.published_products, standing.branches
        assert said == recount(shop.vendor.id, shop.mode)
        return said


def test_the_counts_follow_every_act(shop: Shop) -> None:
    listing = make_listing(shop, publish=False)
    branch, draft = make_branch(shop, listing), make_product(shop, listing, publish=False)
    shown = make_product(shop, listing)
    assert counts(shop) == (1, 1)
    steps = [
        (lambda: publish_product(again(listing), again(draft), by="x"), (2, 1)),
        (lambda: archive_product(again(listing), again(shown), by="x"), (1, 1)),
        (lambda: archive_product(again(listing), again(shown), by="x"), (1, 1)),
        (lambda: unarchive_product(again(listing), again(shown), by="x"), (2, 1)),
        (lambda: archive_listing(again(listing), by="x"), (0, 0)),
        (lambda: unarchive_listing(again(listing), by="x"), (2, 1)),
        (lambda: archive_branch(again(listing), again(branch), by="x"), (2, 0)),
        (lambda: unpublish_product(again(listing), again(draft), by="x"), (1, 0)),
    ]
    for act, wanted in steps:
        with unit(shop.app):
            act()
        assert counts(shop) == wanted


def test_the_counts_are_exact_when_many_publish_at_once(shop: Shop) -> None:
    listing = make_listing(shop)
    products = [make_product(shop, listing, name=f"Loaf {n}", publish=False) for n in range(6)]

    def press(product: object) -> None:
        with shop.app.app_context():
            for act in (publish_product, unpublish_product, publish_product):
                with unit_of_work():
                    act(again(listing), again(product), by="x")
            db.session.remove()

    threads = [threading.Thread(target=press, args=(product,)) for product in products]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert counts(shop) == (6, 0)


def test_a_limit_checked_under_the_lock_holds(shop: Shop) -> None:
    """How a later rule reads the count: two who would both be the last one cannot both be."""
    listing = make_listing(shop)
    products = [make_product(shop, listing, name=f"Loaf {n}", publish=False) for n in range(5)]
    refused: list[int] = []

    def press(n: int) -> None:
        with shop.app.app_context():
            with unit_of_work():
                if lock_standing(shop.vendor.id, shop.mode).published_products >= 2:
                    refused.append(n)
                else:
                    publish_product(again(listing), again(products[n]), by="x")
            db.session.remove()

    threads = [threading.Thread(target=press, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert counts(shop)[0] == 2 and len(refused) == 3


def test_attributes_follow_the_listings_category(shop: Shop) -> None:
    listing = make_listing(shop)
    loaf = make_product(shop, listing, attributes={"flour": "rye", "vegan": "yes", "weight": "800"})
    assert loaf.attributes == {"flour": "rye", "vegan": "yes", "weight": "800"}
    with unit(shop.app), pytest.raises(Refusal) as refused:
        from core.directory.products import ProductTerms

        edit_product(again(listing), again(loaf), by="x", terms=ProductTerms("Rye", "GBP", attributes={"weight": "a lot"}))
    assert refused.value.field == "attr_weight"


@pytest.mark.parametrize(("typed", "kept"), [("51.4545", 51_454_500), ("-2,5879", -2_587_900), ("0", 0), ("", None), ("-90", -90_000_000)])
def test_degrees_are_read_and_spelt(typed: str, kept: int | None) -> None:
    assert read_degrees(typed, 90, field="lat") == kept
    assert spell_degrees(kept) == typed.replace(",", ".")


@pytest.mark.parametrize("typed", ["91", "north", "51.45.45", "1e1", "--5", "90.000001"])
def test_what_is_no_degree_is_refused(typed: str) -> None:
    with pytest.raises(BadListing):
        read_degrees(typed, 90, field="lat")


@pytest.mark.parametrize(
    ("wrong", "field"), [({"name": ""}, "name"), ({"town": " "}, "town"), ({"country": "XX"}, "country"), ({"time_zone": "Mars"}, "time_zone"), ({"lat_e6": 5}, "lon")]
)  # fmt: skip
def test_a_branch_is_checked_field_by_field(wrong: dict[str, object], field: str) -> None:
    good: dict[str, object] = {"name": "Quay", "town": "Bristol", "country": "GB", "time_zone": "Europe/London"}
    with pytest.raises(Refusal) as refused:
        check_branch(BranchTerms(**(good | wrong)))  # type: ignore[arg-type]
    assert refused.value.field == field


def test_two_branches_of_one_name_have_two_addresses(shop: Shop) -> None:
    listing = make_listing(shop)
    one, two = make_branch(shop, listing), make_branch(shop, listing)
    assert (one.slug, two.slug) == ("bristol-high-street", "bristol-high-street-2")
    with unit(shop.app):
        edit_branch(again(listing), again(two), by="x", terms=BranchTerms("Quay", "Bath", "GB", "Europe/London"))
        assert again(two).slug == "bristol-high-street-2"


def test_nobody_finds_another_vendors_listing(shop: Shop, app: Flask) -> None:
    listing, other = make_listing(shop), live_shop(app)
    with unit(app):
        with pytest.raises(NotFound):
            get_listing(other.vendor, "live", listing.public_id)
        with pytest.raises(NotFound):
            get_listing(shop.vendor, "test", listing.public_id)
        assert list_listings(other.vendor, "live").rows == []


def test_the_list_goes_on_by_key(shop: Shop) -> None:
    made = [make_listing(shop, title=f"Stall {n}", publish=False).public_id for n in range(5)]
    seen: list[str] = []
    with unit(shop.app):
        after = None
        while True:
            found = list_listings(shop.vendor, "live", after=after, limit=2)
            seen += [row.public_id for row in found.rows]
            after = found.next
            if not after:
                break
    assert seen == made[::-1]
