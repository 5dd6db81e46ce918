"""Where one is signed in: each device can be signed out by itself, from any of the others or from itself, and by nobody else."""

from __future__ import annotations

from datetime import timedelta

from core.accounts.models import UserSession
from core.accounts.sessions import handle_of, hash_secret
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_shop, unit

HERE = "/portal/settings"


def signed_in(shop: Shop) -> Browser:
    other = Browser(shop.app)
    other.submit(other.get("/sign-in").form(), email=shop.email, password=PASSWORD)
    return other


def ends(page: Page) -> list[str]:
    return [form.attrs["action"] for form in page.all("form") if "/settings/devices/" in form.attrs.get("action", "")]


def own_handle(shop: Shop) -> str:
    with unit(shop.app):
        return handle_of(db.session.get_one(UserSession, hash_secret(shop.secret)))


def test_one_device_is_signed_out_and_the_others_stay(shop: Shop, owner: Browser) -> None:
    lost, kept = signed_in(shop), signed_in(shop)
    mine = own_handle(shop)
    page = owner.get(HERE)
    assert len(ends(page)) == 3
    with unit(shop.app):
        rows = db.session.query(UserSession).filter_by(user_id=shop.user.id).order_by(UserSession.created_at).all()
        handles = [handle_of(row) for row in rows if handle_of(row) != mine]
        assert all(row.id not in page.html for row in rows), "what is kept of a secret never leaves"
    done = owner.submit(page.form(f"{HERE}/devices/{handles[0]}/end"))
    assert "That device is signed out." in done.text and len(ends(done)) == 2
    assert lost.get(HERE).heading == "Sign in" and kept.get(HERE).heading == "Settings"
    with unit(shop.app):
        entry = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="session.ended").one()
        assert entry.actor == shop.user.public_id
    assert "signed out already" in owner.submit(page.form(f"{HERE}/devices/{handles[0]}/end"), status=404).text


def test_the_device_one_sits_at_is_signed_out_like_any_other(shop: Shop, owner: Browser) -> None:
    page = owner.submit(owner.get(HERE).form(f"{HERE}/devices/{own_handle(shop)}/end"))
    assert page.heading == "Sign in" and "You are signed out." in page.text
    assert owner.get(HERE).heading == "Sign in"


def test_nobody_signs_another_person_out(shop: Shop, owner: Browser) -> None:
    other = make_shop(shop.app)
    form = owner.get(HERE).form(f"{HERE}/devices/{own_handle(shop)}/end")
    form.action = form.action.replace(own_handle(shop), own_handle(other))
    owner.submit(form, status=404)
    assert other.browser().get(HERE).heading == "Settings"


def test_a_device_that_was_idle_for_too_long_is_not_listed(shop: Shop, owner: Browser) -> None:
    signed_in(shop)
    with frozen(now() + timedelta(hours=11)):
        owner.get(HERE)
    with frozen(now() + timedelta(hours=13)):
        assert len(ends(owner.get(HERE))) == 1
