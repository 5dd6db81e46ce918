"""A business is let into live mode by the staff: asked back, let in or refused with words it reads; nobody goes live before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.go_live import NotLetIn, go_live
from core.accounts.queries import get_vendor
from core.admission.apply import (
    MOST_FILES,
    AlreadySent,
    Facts,
    PaperStays,
    add_paper,
    find_last,
    list_papers,
    notes_of,
    remove_paper,
    send_application,
)
from core.admission.decide import approve, ask_back, list_waiting, refuse
from core.admission.models import AdmissionFile
from core.admission.review import count_to_look_at_up_to, list_to_look_at, review_paper, tell_of_ending_papers
from core.kernel.checked_file import BadFile, Checked
from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.notifications.models import Message, Notice
from tests.factories import Shop, make_shop, unit

FACTS = Facts("Blue Door Bakery Ltd", "Mill Lane 1", "N1 1AA", "London", "01234567", "Ada Bell", "https://www.bluedoor.example", "Bread.")
PAPER = Checked(b"%PDF-1.7 drawn anew", "application/pdf", 1)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def no_demo(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEMO", "0")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def send(shop: Shop, facts: Facts = FACTS, **more: str) -> None:
    with unit(shop.app):
        send_application(shop.vendor, facts, by=shop.user.public_id, **more)


def test_nobody_goes_live_before_the_staff_have_said_yes(app: Flask, shop: Shop, no_demo: None) -> None:
    with unit(app), pytest.raises(NotLetIn):
        go_live(shop.vendor, by=shop.user)
    send(shop)
    with unit(app):
        row = find_last(shop.vendor)
        assert row
        approve(shop.vendor, row, by="stf_one", seen=row.sent_at)
    with unit(app):
        assert go_live(shop.vendor, by=shop.user).live_enabled


def test_in_the_demo_nobody_is_asked(app: Flask, shop: Shop) -> None:
    assert settings().demo
    with unit(app):
        assert go_live(shop.vendor, by=shop.user).live_enabled


def test_a_question_comes_back_answered_and_the_words_of_both_stay(app: Flask, shop: Shop) -> None:
    send(shop)
    with unit(app):
        row = find_last(shop.vendor)
        assert row
        ask_back(shop.vendor, row, text="Whose is the website?", by="stf_one")
    with pytest.raises(Refusal) as refused:
        send(shop)
    assert refused.value.field == "answer"
    send(shop, replace(FACTS, website="https://bakery.example"), answer="Ours, under its new name.")
    with unit(app):
        row = find_last(shop.vendor)
        assert row and (row.state, row.website) == ("sent", "https://bakery.example")
        steps = [(note.kind, note.text) for note in notes_of(shop.vendor, row)]
        assert steps == [("sent", ""), ("asked", "Whose is the website?"), ("answered", "Ours, under its new name.")]
        assert any(found.id == row.id for _, found in list_waiting(limit=10_000))


def test_what_is_sent_is_not_changed_under_the_staffs_eyes(app: Flask, shop: Shop) -> None:
    with unit(app):
        kept = add_paper(shop.vendor, "register", "entry.pdf", PAPER, by=shop.user.public_id)
    send(shop)
    with pytest.raises(AlreadySent):
        send(shop)
    with unit(app), pytest.raises(AlreadySent):
        remove_paper(shop.vendor, kept.public_id, by=shop.user.public_id)


def test_after_a_no_another_one_can_be_sent_and_decided(app: Flask, shop: Shop) -> None:
    send(shop)
    with unit(app):
        first = find_last(shop.vendor)
        assert first
        refuse(shop.vendor, first, text="The register knows nobody of that name.", by="stf_one")
    with unit(app), pytest.raises(Conflict):
        approve(shop.vendor, first, by="stf_two", seen=first.sent_at)
    send(shop)
    with unit(app):
        second = find_last(shop.vendor)
        assert second and second.id != first.id and second.state == "sent"
        assert get_vendor(shop.vendor.id).approved_at is None
        approve(shop.vendor, second, by="stf_two", seen=second.sent_at)
    with unit(app):
        assert get_vendor(shop.vendor.id).approved_at is not None


def test_each_decision_is_told_to_the_owner_by_letter(app: Flask, shop: Shop) -> None:
    send(shop)
    with unit(app):
        row = find_last(shop.vendor)
        assert row
        for _ in range(2):  # pressed twice
            refuse(shop.vendor, row, text="The register knows nobody of that name.", by="stf_one")
        mine = select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "application_news")
        assert [letter.recipient for letter in db.session.scalars(mine)] == [shop.user.email]


@pytest.mark.parametrize(
    ("field", "value"),
    [("legal_name", " "), ("owner_name", ""), ("website", "bluedoor"), ("website", "ftp://bluedoor.example"), ("sells", ""),
     ("website", "https://a b.example"), ("sells", "x" * 2001)],
)  # fmt: skip
def test_what_is_missing_is_said_at_its_field(app: Flask, shop: Shop, field: str, value: str) -> None:
    with pytest.raises(Refusal) as refused:
        send(shop, replace(FACTS, **{field: value}))
    assert refused.value.field == field


def test_a_question_or_a_no_without_words_is_refused(app: Flask, shop: Shop) -> None:
    send(shop)
    for act in (ask_back, refuse):
        with unit(app), pytest.raises(Refusal) as refused:
            row = find_last(shop.vendor)
            assert row
            act(shop.vendor, row, text=" no ", by="stf_one")
        assert refused.value.field == "text"


def test_papers_have_a_bound(app: Flask, shop: Shop) -> None:
    for _ in range(MOST_FILES):
        with unit(app):
            add_paper(shop.vendor, "other", "paper.pdf", PAPER, by=shop.user.public_id)
    with unit(app), pytest.raises(BadFile):
        add_paper(shop.vendor, "other", "paper.pdf", PAPER, by=shop.user.public_id)
    with unit(app):
        assert len(list_papers(shop.vendor)) == MOST_FILES


def added(shop: Shop, kind: str = "person") -> AdmissionFile:
    with unit(shop.app):
        return add_paper(shop.vendor, kind, "paper.pdf", PAPER, by=shop.user.public_id)


def judged(shop: Shop, paper: AdmissionFile, verdict: str, reason: str = "", days: int | None = None) -> AdmissionFile:
    with unit(shop.app):
        last = now().date() + timedelta(days=days) if days is not None else None
        return review_paper(shop.vendor, db.session.merge(paper), verdict, reason=reason, expires_on=last, by="stf_one")


def let_in(shop: Shop) -> None:
    send(shop)
    with unit(shop.app):
        row = find_last(shop.vendor)
        assert row
        approve(shop.vendor, row, by="stf_one", seen=row.sent_at)


def news(shop: Shop, about: str) -> int:
    with unit(shop.app):
        return len(list(db.session.scalars(select(Notice.mode).where(Notice.vendor_id == shop.vendor.id, Notice.about == about))))


def to_look_at(shop: Shop) -> list[str]:
    with unit(shop.app):
        assert count_to_look_at_up_to(10_000) == len(list_to_look_at(limit=10_000)), "the first page counts what the list shows"
        return [paper.public_id for vendor, _, paper in list_to_look_at(limit=10_000) if vendor.id == shop.vendor.id]


def test_a_paper_is_not_accepted_with_a_reason_and_that_is_told(app: Flask, shop: Shop) -> None:
    paper = added(shop)
    with pytest.raises(Refusal) as refused:
        judged(shop, paper, "refused", "no")
    assert refused.value.field == "reason"
    done = judged(shop, paper, "refused", "The name cannot be read.")
    assert (done.review, done.review_reason, done.reviewed_by) == ("refused", "The name cannot be read.", "stf_one")
    assert news(shop, paper.public_id) == 2, "in both modes, as other news of an application"
    with unit(app):
        remove_paper(shop.vendor, paper.public_id, by=shop.user.public_id)
        assert list_papers(shop.vendor) == [], "what was not accepted can be taken away"


def test_what_the_staff_decided_by_is_not_taken_away(app: Flask, shop: Shop) -> None:
    accepted, other = added(shop), added(shop, "other")
    judged(shop, accepted, "accepted")
    with unit(app), pytest.raises(PaperStays):
        remove_paper(shop.vendor, accepted.public_id, by=shop.user.public_id)
    let_in(shop)
    with unit(app), pytest.raises(PaperStays):
        remove_paper(shop.vendor, other.public_id, by=shop.user.public_id)
    later = added(shop)
    assert to_look_at(shop) == [later.public_id], "what is added once they are let in comes before the staff"
    with unit(app):
        remove_paper(shop.vendor, later.public_id, by=shop.user.public_id)
        assert {paper.public_id for paper in list_papers(shop.vendor)} == {accepted.public_id, other.public_id}


def test_the_last_day_of_a_paper_is_told_a_month_before_and_once(app: Flask, shop: Shop) -> None:
    paper = added(shop)
    with pytest.raises(Refusal) as refused:
        judged(shop, paper, "accepted", days=-1)
    assert refused.value.field == "expires_on"
    let_in(shop)
    judged(shop, paper, "accepted", days=40)
    with unit(app):
        tell_of_ending_papers(1000)
    assert news(shop, paper.public_id) == 0 and to_look_at(shop) == []
    with shifted(timedelta(days=11)):
        for _ in range(2):
            with unit(app):
                tell_of_ending_papers(1000)
        assert news(shop, paper.public_id) == 2 and to_look_at(shop) == [paper.public_id]
        newer = added(shop)
        judged(shop, newer, "accepted", days=400)
        assert to_look_at(shop) == [], "a newer one of the kind has taken its place"
