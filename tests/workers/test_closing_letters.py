"""The letters of a closing: the first leads back as long as there is a way back, the last one needs nobody to be signed in."""

from __future__ import annotations

import pytest
from flask import Flask

from core.accounts.models import User, Vendor
from core.closing.close import ask_to_close, take_back
from core.closing.models import Closing
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Message
from core.notifications.notify import notify
from tests.factories import Shop, make_shop, unit
from workers.messages import send_message


@pytest.fixture
def closing(app: Flask) -> tuple[Shop, Closing]:
    shop = make_shop(app)
    with unit(app):
        vendor, owner = db.session.get_one(Vendor, shop.vendor.id), db.session.get_one(User, shop.user.id)
        owner.language = "de"
        return shop, ask_to_close(vendor, owner, name=vendor.name, expects="")


def sent(shop: Shop, kind: str) -> Message:
    with unit(shop.app):
        message = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind=kind).one()
    with shop.app.app_context():
        send_message(message.vendor_id, mode=message.mode, message=str(message.id))
    with unit(shop.app):
        return db.session.get_one(Message, (message.vendor_id, message.mode, message.id))


def test_the_first_is_in_the_owners_language_and_leads_back(app: Flask, closing: tuple[Shop, Closing]) -> None:
    shop, _row = closing
    message = sent(shop, "closing_asked")
    assert message.state == "kept" and message.recipient == shop.email
    assert "wird geschlossen" in (message.subject or "") and f"{settings().public_url}/closing/" in (message.text or "")


def test_nobody_is_led_back_once_it_was_taken_back(app: Flask, closing: tuple[Shop, Closing]) -> None:
    shop, row = closing
    with unit(app):
        take_back(db.session.get_one(Vendor, shop.vendor.id), row, by=shop.user.public_id)
    message = sent(shop, "closing_asked")
    assert (message.state, message.last_error) == ("overtaken", "the closing is taken_back by now")


def test_the_last_one_says_what_is_kept(app: Flask, closing: tuple[Shop, Closing]) -> None:
    shop, row = closing
    with unit(app):
        notify(shop.vendor, "closing_done", mode=row.mode, to=shop.email, locale="de", closing=row.public_id)
    message = sent(shop, "closing_done")
    assert message.state == "kept" and "aufbewahrt" in (message.text or "") and f"{settings().public_url}/verify" in (message.html or "")
