"""What a link is filed under and copied with: labels, columns, the archive, a copy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import now
from core.kernel.errors import Refusal
from core.payments.archive import archive_link, clone_link, unarchive_link
from core.payments.link import LinkClosed, link_state, pause_link
from core.payments.lists import PaymentFilter, list_payments
from core.payments.models import PaymentLink
from core.payments.queries import labels_by_link, list_links
from core.payments.reference import BadPattern
from core.payments.sharing import Sharing, add_label, labels_of, remove_label, set_sharing
from core.payments.slug import link_slug, set_link_slug
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, again, fresh, make_link, make_paid, make_payment, unit


def share(shop: Shop, link: PaymentLink, **wishes: Any) -> PaymentLink:
    with unit(shop.app):
        return set_sharing(again(link), by="usr_x", sharing=Sharing(**wishes))


def labels(shop: Shop, link: PaymentLink) -> list[str]:
    with unit(shop.app):
        return labels_of(again(link))


def found(shop: Shop, **filters: Any) -> set[str]:
    with unit(shop.app):
        return {link.public_id for link in list_links(shop.vendor, "test", **filters).rows}


def test_labels_are_kept_once_each_and_by_the_alphabet(shop: Shop) -> None:
    link = make_link(shop)
    share(shop, link, labels=[" b ", "a", "b", "", "  two   words "])
    assert labels(shop, link) == ["a", "b", "two words"]
    share(shop, link, labels=["c", "a"])
    assert labels(shop, link) == ["a", "c"]


def test_one_label_is_added_and_taken_off(shop: Shop) -> None:
    link = make_link(shop)
    with unit(shop.app):
        assert add_label(again(link), by="usr_x", label="vip") and not add_label(again(link), by="usr_x", label=" vip ")
    with unit(shop.app):
        assert remove_label(again(link), by="usr_x", label="vip") and not remove_label(again(link), by="usr_x", label="vip")
    assert labels(shop, link) == []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("labels", {"labels": [f"label {n}" for n in range(11)]}),
        ("labels", {"labels": ["x" * 31]}),
        ("key_values", {"key_values": {f"k{n}": "v" for n in range(16)}}),
        ("key_values", {"key_values": {"1a": "v"}}),
        ("key_values", {"key_values": {"a b": "v"}}),
        ("key_values", {"key_values": {"a": ""}}),
        ("key_values", {"key_values": {"a": "x" * 201}}),
        ("key_values", {"key_values": {"=cmd": "v"}}),
        ("reference_label", {"reference_pattern": "a"}),
        ("reference_label", {"reference_required": True}),
        ("reference_hint", {"reference_label": "Number", "reference_pattern": r"\d"}),
        ("reference_pattern", {"reference_label": "Number", "reference_pattern": "(a+)+", "reference_hint": "x"}),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(shop: Shop, field: str, wrong: dict[str, Any]) -> None:
    link = make_link(shop)
    with pytest.raises(Refusal) as no:
        share(shop, link, **wrong)
    assert no.value.field == field
    if field == "reference_pattern":
        assert isinstance(no.value, BadPattern)


def test_fifteen_columns_go_onto_each_payment_as_they_were_then(shop: Shop) -> None:
    link, pairs = make_link(shop), {f"key{n}": f"value {n}" for n in range(15)}
    share(shop, link, key_values=pairs)
    first = make_payment(shop, fresh(shop, link))
    share(shop, link, key_values={"other": "now"})
    second = make_payment(shop, fresh(shop, link))
    assert fresh(shop, first).key_values == pairs and fresh(shop, second).key_values == {"other": "now"}


def test_links_are_found_by_label_amount_and_archive_within_ones_own(shop: Shop, first_shop: Shop) -> None:
    fixed, open_ = make_link(shop), make_link(shop, amount=None)
    asked = make_link(shop, amount=None, kind="request", total_minor=10_000)
    away, theirs = make_link(shop), make_link(another_shop(first_shop))
    share(shop, fixed, labels=["vip"])
    share(shop, theirs, labels=["vip"])
    with unit(shop.app):
        archive_link(again(away), by="usr_x")
    assert found(shop, label="vip") == {fixed.public_id}
    assert found(shop, amount_kind="open") == {open_.public_id}
    assert found(shop, amount_kind="request") == {asked.public_id}
    assert found(shop) == {fixed.public_id, open_.public_id, asked.public_id}
    assert found(shop, state="archived") == {away.public_id}
    with unit(shop.app):
        assert labels_by_link(shop.vendor, "test", [again(fixed), again(open_)]) == {fixed.id: ["vip"], open_.id: []}


def test_an_archived_link_takes_no_payments_and_comes_back_as_it_was(shop: Shop) -> None:
    link = make_link(shop)
    with unit(shop.app):
        pause_link(again(link), by="usr_x", message="Soon.")
        assert archive_link(again(link), by="usr_x") and not archive_link(again(link), by="usr_x")
        assert link_state(again(link)) == "archived"
    with pytest.raises(LinkClosed):
        make_payment(shop, fresh(shop, link))
    with unit(shop.app):
        assert unarchive_link(again(link), by="usr_x") and not unarchive_link(again(link), by="usr_x")
    assert (fresh(shop, link).state, fresh(shop, link).paused_message) == ("paused", "Soon.")


def test_a_copy_has_the_terms_and_none_of_the_history(shop: Shop) -> None:
    link = make_link(
        shop, title="Roof " * 23, description="Tiles.", amount=None, kind="request", total_minor=30_000, minimum_minor=1_000,
        expires_at=now() + timedelta(days=9), due_on=(now() + timedelta(days=5)).date(), hours_after_opening=5,
    )  # fmt: skip
    make_paid(shop, link, amount="100.00")
    share(shop, link, labels=["b", "a"], key_values={"k": "v"}, reference_label="Number", reference_required=True)
    with unit(shop.app):
        set_link_slug(shop.vendor, again(link), by="usr_x", text="the-roof")
        pause_link(again(link), by="usr_x", message="Wait.")
    with unit(shop.app):
        twin = clone_link(again(link), by="usr_y")
    twin = fresh(shop, twin)
    link = fresh(shop, link)
    same = (
        "description",
        "currency",
        "kind",
        "total_minor",
        "minimum_minor",
        "hours_after_opening",
        "key_values",
        "reference_label",
        "reference_required",
    )
    assert [getattr(twin, name) for name in same] == [getattr(link, name) for name in same]
    assert twin.title.endswith(" (copy)") and len(twin.title) <= 120
    assert (twin.state, twin.paused_message, twin.expires_at, twin.due_on, twin.first_opened_at, twin.created_by) == (
        "active",
        "",
        None,
        None,
        None,
        "usr_y",
    )
    assert twin.public_id != link.public_id and twin.token_id != link.token_id
    with unit(shop.app):
        assert labels_of(twin) == ["a", "b"] and link_slug(twin) is None
        assert list_payments(shop.vendor, "test", PaymentFilter(link=twin)).rows == [] and link_state(twin) == "open"


def test_payments_are_found_by_the_payers_reference(shop: Shop, first_shop: Shop) -> None:
    from core.kernel.money import Money
    from core.payments.origin import Origin
    from core.payments.start import start_payment

    other = another_shop(first_shop)
    made = {}
    for owner in (shop, other):
        link = make_link(owner)
        share(owner, link, reference_label="Invoice number")
        with unit(owner.app):
            made[owner.vendor.id] = start_payment(
                owner.vendor, again(link), amount=Money(2_500, "GBP"), email="a@b.example", name="", form_token="t" * 20, origin=Origin(payer_reference="INV-7")
            ).public_id  # fmt: skip
    with unit(shop.app):
        for text in ("INV-7", "inv-7"):
            assert [p.public_id for p in list_payments(shop.vendor, "test", PaymentFilter(text=text)).rows] == [made[shop.vendor.id]]
        assert list_payments(shop.vendor, "test", PaymentFilter(text="INV-8")).rows == []
