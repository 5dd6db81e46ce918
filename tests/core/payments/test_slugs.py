"""Readable addresses: one owner each, former ones that lead on, withdrawn ones that open nothing, and nobody in another's name."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import pytest

from core.accounts.vendor_slug import BadSlug, claim_slug, ensure_slug, find_by_slug, slug_of, suggestion
from core.kernel.db import db
from core.kernel.signing import TokenRefused
from core.payments.archive import archive_link
from core.payments.link import expire_link, pause_link, replace_address, resume_link
from core.payments.models import PaymentLink
from core.payments.slug import link_slug, open_readable, set_link_slug
from tests.core.payments.conftest import AtOnce, another_shop
from tests.factories import Shop, again, make_link, unit

ROUNDS = 40


def name(shop: Shop, link: PaymentLink, text: str) -> str | None:
    with unit(shop.app):
        return set_link_slug(shop.vendor, again(link), by=shop.user.public_id, text=text)


def name_in_unit(shop: Shop, link: PaymentLink, text: str) -> str | None:
    return set_link_slug(shop.vendor, again(link), by="usr_x", text=text)


def mine(shop: Shop) -> str:
    with unit(shop.app):
        return ensure_slug(shop.vendor, by=shop.user.public_id)


def opened(shop: Shop, slug: str, *, mode: str = "test", vendor: str | None = None) -> tuple[str, tuple[str, str]]:
    with unit(shop.app):
        _, link, present = open_readable(mode, vendor or mine(shop), slug)
        return link.public_id, present


def closed(shop: Shop, slug: str, **more: Any) -> str:
    with pytest.raises(TokenRefused) as no:
        opened(shop, slug, **more)
    return no.value.reason


def test_a_link_is_found_by_its_name_however_it_is_capitalised(shop: Shop) -> None:
    link = make_link(shop)
    assert name(shop, link, " Summer Course_2 ") == "summer-course-2"
    assert opened(shop, "SUMMER-course-2", vendor=mine(shop).upper()) == (link.public_id, (mine(shop), "summer-course-2"))


@pytest.mark.parametrize("text", ["ab", "-abc", "abc-", "a" * 61, "naïve", "a/b", "a.b", "a%2fb", "日本語", "a\0bc", "..", "abc?x=1"])
def test_what_is_no_name_is_refused_at_its_field(shop: Shop, text: str) -> None:
    with pytest.raises(BadSlug) as no:
        name(shop, make_link(shop), text)
    assert no.value.field == "slug"


def test_a_former_name_leads_to_the_new_one_and_can_be_taken_up_again(shop: Shop) -> None:
    link = make_link(shop)
    for text in ("one", "two", "three", "one"):
        name(shop, link, text)
    for text in ("one", "two", "three"):
        assert opened(shop, text) == (link.public_id, (mine(shop), "one"))
    with unit(shop.app):
        assert link_slug(again(link)) == "one"


def test_a_name_taken_away_opens_nothing_and_no_other_link_gets_it(shop: Shop) -> None:
    link, other = make_link(shop), make_link(shop)
    name(shop, link, "autumn")
    assert name(shop, link, "") is None
    assert closed(shop, "autumn") == "closed"
    with pytest.raises(BadSlug, match="Another of your links"):
        name(shop, other, "autumn")


def test_only_an_active_link_is_found_by_its_name(shop: Shop) -> None:
    link = make_link(shop)
    name(shop, link, "winter")
    for act, reason in ((pause_link, "closed"), (resume_link, None), (archive_link, "closed")):
        with unit(shop.app):
            act(again(link), by="usr_x")
        assert (closed(shop, "winter") if reason else opened(shop, "winter")[0]) == (reason or link.public_id)
    ended = make_link(shop)
    name(shop, ended, "ended")
    with unit(shop.app):
        expire_link(again(ended), by="usr_x")
    assert closed(shop, "ended") == "closed"


def test_replacing_the_address_withdraws_every_name_for_good(shop: Shop) -> None:
    link = make_link(shop)
    name(shop, link, "first")
    name(shop, link, "second")
    with unit(shop.app):
        replace_address(again(link), by="usr_x")
    assert closed(shop, "first") == closed(shop, "second") == "revoked"
    with pytest.raises(BadSlug, match="withdrawn"):
        name(shop, link, "second")
    name(shop, link, "third")
    assert opened(shop, "third")[0] == link.public_id
    assert closed(shop, "second") == "revoked"


def test_names_do_not_meet_across_vendors_or_between_test_and_live(shop: Shop, first_shop: Shop) -> None:
    other = another_shop(first_shop)
    ours, theirs = make_link(shop), make_link(other)
    name(shop, ours, "spring")
    name(other, theirs, "spring")
    assert mine(shop) != mine(other)
    assert opened(shop, "spring")[0] == ours.public_id
    assert opened(shop, "spring", vendor=mine(other))[0] == theirs.public_id
    assert closed(shop, "spring", mode="live") == "unknown"
    assert closed(shop, "spring", vendor="nobody-at-all") == "unknown"


def test_two_links_reaching_for_one_name_at_once_never_both_get_it(shop: Shop, at_once: AtOnce) -> None:
    mine(shop)
    for round_ in range(ROUNDS):
        links, text = [make_link(shop), make_link(shop)], f"round-{round_}"
        answers = at_once(*(partial(name_in_unit, shop, link, text) for link in links))
        assert sorted(type(answer).__name__ for answer in answers) == ["BadSlug", "str"], answers


# --- the vendor's own part -----------------------------------------------------------------------------------------------


def claim(shop: Shop, text: str) -> str:
    with unit(shop.app):
        return claim_slug(shop.vendor, by=shop.user.public_id, text=text)


def test_a_vendors_former_name_leads_on_and_stays_theirs(shop: Shop, first_shop: Shop) -> None:
    first, second = (f"door-{secrets.token_hex(4)}" for _ in range(2))
    claim(shop, first)
    claim(shop, second)
    with unit(shop.app):
        vendor, present = find_by_slug(first) or (None, None)
        assert vendor is not None and vendor.id == shop.vendor.id and present == second
    for taken in (first, second):
        with pytest.raises(BadSlug, match="taken"):
            claim(another_shop(first_shop), taken)
    assert claim(shop, first) == first
    with unit(shop.app):
        assert slug_of(shop.vendor) == first


@pytest.mark.parametrize("text", ["test", "LIVE", "api", "sign-in", "a", "x" * 41, "blüte"])
def test_a_word_of_the_house_or_no_word_at_all_is_refused(shop: Shop, text: str) -> None:
    with pytest.raises(BadSlug) as no:
        claim(shop, text)
    assert no.value.field == "slug"


@pytest.mark.parametrize(
    ("business", "slug"),
    [
        ("Blue Door Bäckerei 🥐", "blue-door-backerei"),
        ("日本", "shop"),
        ("  --  ", "shop"),
        ("A" * 90, "a" * 31),
        ("O'Neill & Söhne", "o-neill-sohne"),
    ],
)
def test_the_first_name_is_made_from_the_businesss_own(business: str, slug: str) -> None:
    assert suggestion(business) == slug


def test_vendors_reaching_for_one_name_at_once_never_both_get_it(first_shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS // 2):
        text, shops = f"race-{secrets.token_hex(5)}", [another_shop(first_shop), another_shop(first_shop)]
        answers = at_once(*(partial(claim_slug, shop.vendor, by="usr_x", text=text) for shop in shops))
        assert sorted(type(answer).__name__ for answer in answers) == ["BadSlug", "str"], answers


def test_the_first_readable_addresses_of_many_at_once_give_a_vendor_one_name(first_shop: Shop, at_once: AtOnce) -> None:
    for _ in range(10):
        shop = another_shop(first_shop)
        links = [make_link(shop), make_link(shop), make_link(shop)]
        answers = at_once(*(partial(name_in_unit, shop, link, f"link-{n}") for n, link in enumerate(links)))
        assert answers == ["link-0", "link-1", "link-2"]
        with unit(shop.app):
            db.session.refresh(db.session.merge(shop.vendor))
            assert slug_of(shop.vendor)
