"""Edits of what the public reads wait for the staff; reports are closed together; strikes stand until they are forgiven; reasons are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import User
from core.directory.edits import (
    EditChanged,
    Piece,
    approve_edit,
    ask_for_changes,
    changes_of,
    compare,
    count_waiting,
    list_waiting,
    reject_edit,
    save_listing,
    take_back_edit,
)
from core.directory.listings import ListingTerms, edit_listing, publish_listing, unpublish_listing
from core.directory.models import Listing, ListingEdit
from core.directory.moderate import restore_listing, withdraw_listing
from core.directory.reasons import archive_reason, find_reason, list_reasons, write_reason
from core.directory.reports import MOST_OPEN, close_reports, list_reported, open_reports, report_listing
from core.directory.search import Wish, search
from core.directory.strikes import count_strikes, forgive_strike, give_strike, list_strikes
from core.directory.waiting import find_open_edit
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from tests.core.directory.stalls import live_shop, make_listing, unheard
from tests.factories import Shop, again, fresh, make_shop, unit

WHY = "The picture shows another business. Send one of your own."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def terms(title: str, **more: str) -> ListingTerms:
    return ListingTerms(**{"title": title, "category": "bakery", "summary": "Slow bread, baked at night."} | more)


def save(shop: Shop, listing: Listing, title: str, **more: str) -> ListingEdit | None:
    with unit(shop.app):
        return save_listing(again(listing), by=shop.user.public_id, terms=terms(title, **more))


def waiting(shop: Shop, listing: Listing, title: str, **more: str) -> ListingEdit:
    edit = save(shop, listing, title, **more)
    assert edit is not None and edit.state == "waiting"
    return edit


def public(shop: Shop, words: str) -> list[str]:
    with unit(shop.app):
        return [hit.card["title"] for hit in search(Wish(words=words), at=now()).hits]


def test_what_the_public_reads_stays_until_an_edit_is_approved(shop: Shop) -> None:
    before, after = unheard(), unheard()
    listing = make_listing(shop, title=before)
    edit = waiting(shop, listing, after)
    assert fresh(shop, listing).title == before and public(shop, before) == [before] and public(shop, after) == []
    with unit(shop.app):
        approve_edit(again(edit), by="stf_x", seen=edit.asked_at)
    assert fresh(shop, listing).title == after and public(shop, before) == [] and public(shop, after) == [after]
    with unit(shop.app):
        assert find_open_edit(again(listing)) is None
        with pytest.raises(EditChanged):
            reject_edit(again(edit), by="stf_y", reason=WHY, seen=edit.asked_at)


def test_drafts_and_test_listings_change_at_once(app: Flask, shop: Shop) -> None:
    for listing in (make_listing(shop, publish=False), make_listing(practice := make_shop(app))):
        owner = practice if listing.mode == "test" else shop
        assert save(owner, listing, "Red Door") is None and fresh(owner, listing).title == "Red Door"


def test_there_is_one_edit_however_often_it_is_saved_and_none_when_nothing_changes(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    first, second = waiting(shop, listing, "Red Door"), waiting(shop, listing, "Green Door")
    assert first.id == second.id and fresh(shop, second).terms["title"] == "Green Door"
    assert save(shop, listing, "Blue Door") is None  # as it is shown: it is taken back
    assert fresh(shop, second).state == "taken_back"
    assert save(shop, listing, "Blue Door") is None
    with unit(shop.app):
        assert db.session.query(ListingEdit).filter_by(listing_id=listing.id).count() == 1


def test_nobody_decides_about_words_they_have_not_read(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    read = waiting(shop, listing, "Red Door")
    with shifted(timedelta(minutes=1)):
        later = waiting(shop, listing, "Buy pills here")
    for act in (approve_edit, lambda edit, **how: ask_for_changes(edit, reason=WHY, **how)):
        with unit(shop.app), pytest.raises(EditChanged):
            act(again(later), by="stf_x", seen=read.asked_at)
    assert fresh(shop, listing).title == "Blue Door" and fresh(shop, later).state == "waiting"


def test_changes_are_asked_for_with_a_reason_and_the_words_are_kept(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    edit = waiting(shop, listing, "Red Door")
    with unit(shop.app), pytest.raises(Refusal) as refused:
        ask_for_changes(again(edit), by="stf_x", reason="no", seen=edit.asked_at)
    assert refused.value.field == "reason"
    with unit(shop.app):
        ask_for_changes(again(edit), by="stf_x", reason=WHY, seen=edit.asked_at)
        kept = find_open_edit(again(listing))
        assert kept and (kept.state, kept.reason, kept.terms["title"]) == ("changes_asked", WHY, "Red Door")
    mended = waiting(shop, listing, "Red Door Bakery")
    assert mended.id == edit.id and mended.reason == ""


def test_a_rejected_edit_may_be_held_against_its_vendor(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    for strike, stands in ((False, 0), (True, 1)):
        edit = waiting(shop, listing, "Red Door")
        with unit(shop.app):
            reject_edit(again(edit), by="stf_x", reason=WHY, seen=edit.asked_at, strike=strike)
            assert count_strikes(shop.vendor.id, "live") == stands
    assert fresh(shop, listing).title == "Blue Door" and fresh(shop, edit).state == "rejected"


def test_who_takes_a_listing_out_does_not_go_around_the_staff(shop: Shop) -> None:
    """Unpublished, reworded and published again: the staff read it before the public does."""
    listing = make_listing(shop, title="Blue Door")
    edit = waiting(shop, listing, "Red Door")
    with unit(shop.app):
        unpublish_listing(again(listing), by=shop.user.public_id)
    assert fresh(shop, listing).title == "Red Door" and fresh(shop, edit).state == "taken_back"  # nothing typed is lost
    with unit(shop.app):
        held = publish_listing(again(listing), by=db.session.get_one(User, shop.user.id))
        assert held.state == "draft" and held.review_asked_at is not None
        restore_listing(held, by="stf_x")
    assert fresh(shop, listing).state == "published" and not fresh(shop, listing).reworded
    with unit(shop.app):
        unpublish_listing(again(listing), by=shop.user.public_id)
        assert publish_listing(again(listing), by=db.session.get_one(User, shop.user.id)).state == "published"  # as it was: at once
        unpublish_listing(again(listing), by=shop.user.public_id)
        edit_listing(again(listing), by=shop.user.public_id, terms=terms("Green Door"))
        assert publish_listing(again(listing), by=db.session.get_one(User, shop.user.id)).state == "draft"
        assert unpublish_listing(again(listing), by=shop.user.public_id).review_asked_at is None


def test_an_edit_becomes_the_words_of_a_listing_that_is_taken_out(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    waiting(shop, listing, "Red Door")
    with unit(shop.app):
        withdraw_listing(again(listing), by="stf_x", reason=WHY, strike=True)
        assert count_strikes(shop.vendor.id, "live") == 1
    assert fresh(shop, listing).title == "Red Door" and fresh(shop, listing).state == "withdrawn"


def test_while_a_strike_stands_the_staff_read_first(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    with unit(shop.app):
        strike = give_strike(again(listing), by="stf_x", reason=WHY)
    second = make_listing(shop, title="Second Door")
    assert second.state == "draft" and second.review_asked_at is not None
    with unit(shop.app):
        assert forgive_strike(again(strike), by="stf_y") and not forgive_strike(again(strike), by="stf_y")
        assert count_strikes(shop.vendor.id, "live") == 0 and [one.reason for one in list_strikes(shop.vendor.id, "live")] == [WHY]
    assert make_listing(shop, title="Third Door").state == "published"


def test_an_edit_can_be_taken_back_until_it_is_decided(shop: Shop) -> None:
    edit = waiting(shop, make_listing(shop, title="Blue Door"), "Red Door")
    with unit(shop.app):
        assert take_back_edit(again(edit), by="x") and not take_back_edit(again(edit), by="x")
        with pytest.raises(EditChanged):
            approve_edit(again(edit), by="stf_x", seen=edit.asked_at)


def test_the_queue_begins_with_whoever_waits_longest(shop: Shop) -> None:
    made = []
    for n in range(3):
        with shifted(timedelta(seconds=n)):
            made.append(waiting(shop, make_listing(shop, title=f"Door {n}"), "Red Door").public_id)
    with unit(shop.app):
        seen: list[str] = []
        page = list_waiting(limit=2)
        while True:
            seen += [edit.public_id for edit in page.rows]
            if page.next is None:
                break
            page = list_waiting(after=page.next, limit=2)
        assert [one for one in seen if one in made] == made and len(seen) == len(set(seen))
        assert count_waiting(most=2) == 2


def test_a_comparison_holds_both_texts_whole(shop: Shop) -> None:
    before, after = "Bread  baked at night,\nsold at dawn.", "Cake baked at night,\nsold all day."
    pieces = compare(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after
    assert Piece("same", "baked") in [Piece(piece.kind, "baked") for piece in pieces if "baked" in piece.text]
    assert {piece.kind for piece in pieces} == {"same", "gone", "new"}
    assert [piece.kind for piece in compare("a " * 2_500, "b " * 2_500)] == ["gone", "new"]  # too long to compare
    listing = make_listing(shop, title="Blue Door")
    edit = waiting(shop, listing, "Blue Door", phone="+44 117 496 0000")
    with unit(shop.app):
        assert [(one.name, one.before, one.after) for one in changes_of(again(listing), again(edit))] == [("phone", "", "+44 117 496 0000")]


def test_reports_are_read_by_the_staff_and_closed_together(shop: Shop) -> None:
    listing, quiet = make_listing(shop), make_listing(shop)
    with unit(shop.app):
        for kind, words in (("closed", ""), ("misleading", "  It is   a garage ")):
            assert report_listing(again(listing), kind=kind, words=words)
        assert [row.words for row in open_reports(again(listing))] == ["It is a garage", ""]
        assert [(one.listing.id, one.count) for one in list_reported() if one.listing.vendor_id == shop.vendor.id] == [(listing.id, 2)]
        assert close_reports(again(listing), by="stf_x", outcome="kept") == 2
        assert close_reports(again(listing), by="stf_x", outcome="kept") == 0 and open_reports(again(listing)) == []
        assert close_reports(again(quiet), by="stf_x", outcome="acted") == 0


@pytest.mark.parametrize(
    ("kind", "words", "field"), [("", "", "kind"), ("rude", "", "kind"), ("other", " ", "words"), ("spam", "x" * 501, "words")]
)
def test_a_report_that_says_nothing_is_refused_at_its_field(shop: Shop, kind: str, words: str, field: str) -> None:
    with unit(shop.app), pytest.raises(Refusal) as refused:
        report_listing(again(make_listing(shop)), kind=kind, words=words)
    assert refused.value.field == field


def test_one_listing_is_not_reported_without_end(shop: Shop) -> None:
    listing = make_listing(shop)
    with unit(shop.app):
        made = [report_listing(again(listing), kind="spam", words="") for _ in range(MOST_OPEN + 1)]
        assert made[-1] is None and len(open_reports(again(listing))) == MOST_OPEN


def test_reasons_are_kept_mended_and_put_away(app: Flask) -> None:
    name = unheard()
    with unit(app):
        row = write_reason(by="stf_x", name=f" {name}  one ", words=WHY)
        assert row.name == f"{name} one" and row in list_reasons()
        for how, field in (
            ({"name": " ", "words": WHY}, "name"),
            ({"name": name, "words": "no"}, "words"),
            ({"name": f"{name} ONE", "words": WHY}, "name"),
        ):
            with pytest.raises(Refusal) as refused:
                write_reason(by="stf_x", **how)
            assert refused.value.field == field
        write_reason(by="stf_y", name=f"{name} one", words=f"{WHY} Thank you.", instead=row)
        found = find_reason(row.public_id)
        assert found and found.words.endswith("Thank you.")
        assert archive_reason(row, by="stf_x") and not archive_reason(row, by="stf_x")
        assert find_reason(row.public_id) is None and find_reason("rsn_nothing") is None


def test_only_what_waits_can_be_let_in(shop: Shop) -> None:
    for listing in (make_listing(shop), make_listing(shop, publish=False)):
        with unit(shop.app), pytest.raises(Conflict):
            restore_listing(again(listing), by="stf_x")
