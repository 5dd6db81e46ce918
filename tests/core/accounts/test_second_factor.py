"""Two-step sign-in: a device counts once confirmed, every code opens once, whatever is tried at the same moment, and no secret is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from core.accounts.factor_models import RecoveryCode, SecondFactor
from core.accounts.models import User
from core.accounts.one_time_codes import WrongCode, codes_left, find_factor, secret_of, step_at, use_code
from core.accounts.second_factor import (
    MustStay,
    begin_enrolment,
    confirm_enrolment,
    find_enrolment,
    renew_recovery_codes,
    switch_off,
    take_off_member,
)
from core.accounts.security import change_security
from core.accounts.sessions import find_seat
from core.kernel import audit
from core.kernel.clock import frozen, now
from core.kernel.config import BadSecrets, ensure_secrets, settings
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from tests.factories import Shop, make_colleague, make_shop, unit
from tests.second_step import Device, set_up

ROUNDS, AT_ONCE = 40, 20

HERE = "this browser"


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def spend(shop: Shop, code: str) -> str | None:
    """Which kind it was, or None when it was refused."""
    with unit(shop.app):
        try:
            return use_code(db.session.get_one(User, shop.user.id), code)
        except WrongCode:
            return None


def by_hand(secret: str, step: int) -> str:
    """RFC 6238, written down once more."""
    mac = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF) % 1_000_000).zfill(6)


def test_a_code_is_what_the_standard_says_and_opens_once(shop: Shop) -> None:
    device = set_up(shop.app, shop.user)
    with frozen(now()):
        code = by_hand(device.secret, step_at(now()))
        assert [spend(shop, code), spend(shop, code)] == ["app", None]
        assert spend(shop, f" {device.code(ahead=1)[:3]} {device.code(ahead=1)[3:]} ") == "app", "blanks are dropped"
        assert spend(shop, code) is None, "an earlier code is over as soon as a later one was used"


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_half_a_minute_and_no_more(shop: Shop, steps: int, opens: bool) -> None:
    device = set_up(shop.app, shop.user)
    later = now() + timedelta(minutes=10)
    with frozen(later):
        assert (spend(shop, device.code(ahead=steps)) == "app") == opens


@pytest.mark.parametrize("typed", ["", "0", "000000", "1234567", "١٢٣٤٥٦", "abc def", "a" * 16, "\x00" * 6, "é" * 16, "-" * 40])
def test_what_is_no_code_is_refused(shop: Shop, typed: str) -> None:
    device = set_up(shop.app, shop.user)
    if typed != device.code():
        assert spend(shop, typed) is None


def test_a_device_counts_for_nothing_before_it_has_shown_a_code(shop: Shop) -> None:
    with unit(shop.app):
        user = db.session.get_one(User, shop.user.id)
        made = begin_enrolment(user, session=HERE)
        assert find_enrolment(user, session=HERE) == made, "a page read twice shows the same code"
        assert find_enrolment(user, session="another browser") is None, "a secret is shown to nobody but who asked for it"
        assert user.second_factor_at is None and find_factor(user) is None
        with pytest.raises(WrongCode):
            confirm_enrolment(
                user, "000000" if by_hand(made.secret, step_at(now())) != "000000" else "000001", session=HERE, by=user.public_id
            )
        with pytest.raises(WrongCode):
            confirm_enrolment(user, by_hand(made.secret, step_at(now())), session="another browser", by=user.public_id)
        assert "otpauth://totp/" in made.address and made.secret in made.address and user.email.replace("@", "%40") in made.address
    assert spend(shop, by_hand(made.secret, step_at(now()))) is None
    with frozen(now() + timedelta(hours=2)), unit(shop.app):
        assert find_enrolment(db.session.get_one(User, shop.user.id), session=HERE) is None, "a code nobody confirmed is not shown for ever"


def test_whoever_begins_anew_shares_no_secret_with_who_looked_before(shop: Shop) -> None:
    """A thief with a browser of theirs opens the page and waits: what the owner sets up later is another secret."""
    with unit(shop.app):
        user = db.session.get_one(User, shop.user.id)
        seen = begin_enrolment(user, session="the thief's")
        mine = begin_enrolment(user, session=HERE)
        assert mine.secret != seen.secret and find_enrolment(user, session="the thief's") is None


def test_the_code_that_confirmed_a_device_does_not_also_sign_in(shop: Shop) -> None:
    with frozen(now()):
        with unit(shop.app):
            user = db.session.get_one(User, shop.user.id)
            code = by_hand(begin_enrolment(user, session=HERE).secret, step_at(now()))
            confirm_enrolment(user, code, session=HERE, by=user.public_id)
        assert spend(shop, code) is None


def test_recovery_codes_open_once_each_in_any_spelling_and_new_ones_void_them(shop: Shop) -> None:
    device = set_up(shop.app, shop.user)
    assert len(set(device.paper)) == 10
    assert spend(shop, device.paper[0]) == "recovery" and spend(shop, device.paper[0]) is None
    assert spend(shop, device.paper[1].replace("-", " ").upper()) == "recovery"
    with unit(shop.app):
        user = db.session.get_one(User, shop.user.id)
        assert codes_left(user) == 8
        fresh = renew_recovery_codes(user, by=user.public_id)
        assert codes_left(user) == 10
    assert spend(shop, device.paper[2]) is None and spend(shop, fresh[0]) == "recovery"


def test_a_code_is_one_persons_own(shop: Shop, app: Flask) -> None:
    mine, other = set_up(app, shop.user), make_shop(app)
    theirs = set_up(app, other.user)
    assert spend(other, mine.paper[0]) is None
    if mine.code() not in (theirs.code(ahead=-1), theirs.code(), theirs.code(ahead=1)):
        assert spend(other, mine.code()) is None


def test_moving_to_another_device_ends_the_first_one_only_when_the_second_works(shop: Shop) -> None:
    first = set_up(shop.app, shop.user)
    with unit(shop.app):
        begin_enrolment(db.session.get_one(User, shop.user.id), session=HERE)
    assert spend(shop, first.code()) == "app", "it counts until the new one is confirmed"
    second = set_up(shop.app, shop.user)
    assert second.secret != first.secret
    assert spend(shop, first.code(ahead=1)) is None and spend(shop, second.code(ahead=1)) == "app"
    assert spend(shop, first.paper[0]) is None


# --- what the database holds -------------------------------------------------------------------------------------------------------


def test_the_database_holds_neither_the_secret_nor_a_code(shop: Shop) -> None:
    device = set_up(shop.app, shop.user)
    raw = base64.b32decode(device.secret)
    with unit(shop.app):
        rows = (
            db.session.execute(text("SELECT f::text FROM second_factors f UNION ALL SELECT c::text FROM recovery_codes c")).scalars().all()
        )
    kept = "\n".join(rows)
    assert raw.hex() not in kept and device.secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in device.paper)


def test_another_key_gives_another_secret_and_an_older_key_goes_on_to_open(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    device = set_up(shop.app, shop.user)
    ring = settings().secrets["factor_keys"]
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}, *ring])
    assert spend(shop, device.code()) == "app" and spend(shop, device.paper[0]) == "recovery"
    second = set_up(shop.app, shop.user)
    with unit(shop.app):
        factor = find_factor(db.session.get_one(User, shop.user.id))
        assert factor and factor.key_id == "f2" and secret_of(factor) == second.secret
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "m" * 48}])
    with unit(shop.app):
        factor = find_factor(db.session.get_one(User, shop.user.id))
        assert factor and secret_of(factor) != second.secret


def test_a_file_of_secrets_from_before_gets_its_key_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    kept = ensure_secrets(path)
    del kept["factor_keys"]
    path.write_text(json.dumps(kept))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_secrets(path)["factor_keys"][0]["key"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 8 and len(set(found)) == 1 and len(found[0]) >= 32
    assert path.stat().st_mode & 0o077 == 0 and json.loads(path.read_text())["signing_keys"] == kept["signing_keys"]
    path.write_text(json.dumps({**kept, "factor_keys": []}))
    with pytest.raises(BadSecrets):
        ensure_secrets(path)


# --- taking it off -----------------------------------------------------------------------------------------------------------------


def test_it_is_not_switched_off_where_a_business_asks_for_it(shop: Shop) -> None:
    set_up(shop.app, shop.user)
    with unit(shop.app):
        user = db.session.get_one(User, shop.user.id)
        change_security(shop.vendor, required=True, limit=Money.of("500", "GBP"), by=user)
    with unit(shop.app), pytest.raises(MustStay):
        switch_off(db.session.get_one(User, shop.user.id), by="x")


def test_switched_off_nothing_of_it_is_left_and_every_browser_is_signed_out(shop: Shop) -> None:
    set_up(shop.app, shop.user)
    with unit(shop.app):
        switch_off(db.session.get_one(User, shop.user.id), by=shop.user.public_id)
    with unit(shop.app):
        assert find_seat(shop.secret) is None
        left = [db.session.query(kind).filter_by(user_id=shop.user.id).count() for kind in (SecondFactor, RecoveryCode)]
        written = [entry.action for entry in db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id)]
    assert left == [0, 0] and {"second_factor.on", "second_factor.off"} <= set(written)


def test_an_owner_lets_a_member_in_again_but_not_somebody_of_two_businesses(shop: Shop, app: Flask) -> None:
    colleague, alone = make_colleague(shop, "support"), make_colleague(shop, "manager")
    with unit(app):  # the factory's person owns a shop of their own too; this one does not
        db.session.execute(
            text("DELETE FROM memberships WHERE user_id = :u AND vendor_id <> :v"), {"u": alone.user.id, "v": shop.vendor.id}
        )
    for person in (colleague, alone):
        set_up(app, person.user)
    with unit(app), pytest.raises(Conflict, match="another business"):
        take_off_member(shop.vendor, colleague.user.public_id, by=shop.user, reason="She told me in the shop")
    with unit(app), pytest.raises(Refusal, match="few words"):
        take_off_member(shop.vendor, alone.user.public_id, by=shop.user, reason="lost")
    with unit(app):
        assert take_off_member(shop.vendor, alone.user.public_id, by=shop.user, reason="He told me in the shop").second_factor_at is None
    with unit(app):
        entry = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id, action="second_factor.taken_off").one()
    assert entry.detail == {"reason": "He told me in the shop"} and entry.actor == shop.user.public_id


# --- at the same moment ------------------------------------------------------------------------------------------------------------


def at_once(act: Callable[[], str | None]) -> list[str | None]:
    """What came of the same act, begun by twenty threads together."""
    found: list[str | None] = []
    ready = threading.Barrier(AT_ONCE)

    def run() -> None:
        ready.wait(30)
        found.append(act())

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == AT_ONCE
    return found


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_twenty_who_use_one_code_at_once_exactly_one_is_let_in(shop: Shop, kind: str) -> None:
    device: Device = set_up(shop.app, shop.user)
    for number in range(ROUNDS):
        if kind == "recovery" and number and number % 10 == 0:
            device = set_up(shop.app, shop.user)
        at = now() + timedelta(minutes=number + 1)
        code = device.code(at=at) if kind == "app" else device.paper[number % 10]

        def act(at: datetime = at, code: str = code) -> str | None:
            with frozen(at):
                return spend(shop, code)

        let_in = [one for one in at_once(act) if one]
        assert let_in == [kind], f"round {number}: {len(let_in)} were let in"
